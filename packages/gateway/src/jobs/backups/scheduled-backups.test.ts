/** Two nodes on one registry, with files on a real disk, and the check by the program itself. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import type { BackupConfig } from '../../config/config.ts';
import { systemContext } from '../../control/actor.ts';
import type { ControlContext, ControlDependencies } from '../../control/context.ts';
import { listBackups } from '../../control/backup/list-backups.ts';
import { takeBackup } from '../../control/backup/take-backup.ts';
import { bounds } from '../../kernel/bounds.ts';
import { createScheduledBackups, type ScheduledBackups } from './scheduled-backups.ts';

const hourMs = 3_600_000;
let control: TestControl;
let folder = '';
let plan: BackupConfig | null = null;

beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-backups-'));
  plan = { folder: join(folder, 'made'), everyMs: 24 * hourMs, keepMs: 72 * hourMs, ledger: 'none' };
  const { registry, organizationId } = control.context();
  const runs = await registry.backupRuns.list(organizationId, { before: null, limit: 100 });
  await registry.transaction(async ({ backupRuns }) => {
    for (const { id } of runs) await backupRuns.delete(id);
  });
});

function dependencies(): ControlDependencies {
  const { config } = control.dependencies;
  return { ...control.dependencies, config: { ...config, backup: plan } };
}
const context = (): ControlContext => systemContext(dependencies());
const node = (): ScheduledBackups => createScheduledBackups({ plan: () => plan, clock: control.clock, context });
const files = (): string[] => (plan !== null && existsSync(plan.folder) ? readdirSync(plan.folder).toSorted() : []);
const runs = async () => (await listBackups(context(), { before: null, limit: 10 })).runs;
const healthOf = async (backups: ScheduledBackups) => Promise.all(backups.probes().map(async (probe) => probe.check()));

test('one backup a period is taken, by one of two nodes, checked and for its owner alone; old ones go, the last one stays', async () => {
  const [one, other] = [node(), node()];
  await Promise.all([one.look(), other.look()]);
  expect(await runs()).toMatchObject([{ state: 'done', auditOk: true, node: control.dependencies.audit.node, reason: null }]);
  const [first = ''] = files();
  expect(files()).toHaveLength(1);
  expect(statSync(join(plan?.folder ?? '', first))).toMatchObject({ mode: 0o100600, size: (await runs())[0]?.bytes });
  await Promise.all([one.look(), other.look()]);
  expect(files()).toEqual([first]);
  expect(await healthOf(other)).toMatchObject([{ state: 'ok' }]);

  writeFileSync(join(plan?.folder ?? '', 'mine.zip'), '');
  control.clock.advance(24 * hourMs);
  await other.look();
  expect(files()).toHaveLength(3);
  control.clock.advance(60 * hourMs);
  await one.look();
  expect(files()).not.toContain(first);
  expect([files().length, (await runs()).length]).toEqual([3, 2]);
  control.clock.advance(1000 * hourMs);
  plan = plan && { ...plan, everyMs: 10_000 * hourMs };
  await one.look();
  expect([files().length, (await runs()).length]).toEqual([2, 1]);
  rmSync(folder, { recursive: true });
});

test('one that fails is in the list, in the audit and in health, leaves nothing behind, and is tried again later', async () => {
  writeFileSync(plan?.folder ?? '', 'a file where the folder should be');
  const one = node();
  await one.look();
  expect(await runs()).toMatchObject([{ state: 'failed', reason: expect.stringMatching(/cannot be written to \(E/) as string }]);
  expect(await healthOf(one)).toMatchObject([{ state: 'degraded', reason: expect.stringContaining('failed') as string }]);
  const { registry, organizationId } = context();
  const query = { fromMs: null, toMs: null, actorKind: null, actorId: null, objectKind: null, objectId: null, text: null, withoutSystem: false, after: null };
  const events = await registry.audit.list(organizationId, { ...query, actions: ['backup.failed'], result: 'failed', limit: 1 });
  expect(events).toMatchObject([{ actorKind: 'system', objectId: (await runs())[0]?.id }]);
  rmSync(plan?.folder ?? '');
  await one.look();
  expect(await runs()).toHaveLength(1);
  control.clock.advance(bounds.backupRetryMs + 1);
  await one.look();
  expect(await runs()).toMatchObject([{ state: 'done' }, { state: 'failed' }]);
  expect(await healthOf(one)).toMatchObject([{ state: 'ok' }]);
  rmSync(folder, { recursive: true });
});

test('one whose node was killed is given up when its time is over, and its half file is removed', async () => {
  const { registry, organizationId } = context();
  const run = { id: 'bkp_dead', organizationId, node: 'dead', ledger: 'none', path: '/x', startedAtMs: control.clock.nowMs() };
  const never = { doneSinceMs: control.clock.nowMs(), failedSinceMs: control.clock.nowMs() };
  const begin = (holdMs: number): Promise<boolean> =>
    registry.transaction(({ backupRuns }) => backupRuns.begin({ ...run, id: `${run.id}${holdMs}` }, { ...never, holdMs }));
  expect(await begin(60_000)).toBe(true);
  const one = node();
  await one.look();
  expect(await runs()).toMatchObject([{ state: 'running', node: 'dead' }]);
  // The database's clock goes on while this one stands: its time is over at once.
  await registry.transaction(({ backupRuns }) => backupRuns.hold('bkp_dead60000', -1));
  expect(await runs()).toMatchObject([{ state: 'failed', reason: expect.stringContaining('ended') as string }]);
  await one.look();
  expect(await runs()).toMatchObject([{ state: 'done' }, { state: 'failed', node: 'dead' }]);
  const half = join(plan?.folder ?? '', 'gateway-2026-06-01T000000Z-bkp_dead.backup.zip.part');
  writeFileSync(half, 'half');
  control.clock.advance(24 * hourMs);
  await one.look();
  expect([existsSync(half), files().length]).toEqual([false, 2]);
  rmSync(folder, { recursive: true });
});

test('a gateway that stops ends the one under way without a trace; a backup that nobody reads is none under way', async () => {
  const unread = await takeBackup(context(), { ledger: 'none', from: null, to: null });
  const one = node();
  const looking = one.look();
  await one.stop();
  await looking;
  expect([await runs(), files()]).toEqual([[], []]);
  await unread.return(undefined);
  rmSync(folder, { recursive: true });
});

test('where none is wanted nothing is looked at', async () => {
  plan = null;
  const one = node();
  await one.look();
  expect([one.status(), one.probes(), files()]).toEqual([null, [], []]);
});
