/** D15: a used gateway, its backup, and gateways that are made of it; what is damaged is refused. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackup } from '../../packages/gateway/src/backup/open-backup.ts';
import { clickHouseName, startClickHouse, type TestClickHouse } from '../support/clickhouse.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { startPostgres, type TemporaryPostgres } from '../support/postgres.ts';
import { post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { describeWith } from '../support/requires.ts';
import {
  gatewayEnvironment,
  removeGatewayFolders,
  runGateway,
  startGateway,
  temporaryFolder,
  type CommandResult,
  type RunningGateway,
} from '../support/start-gateway.ts';

let upstream: RecordingUpstream;
let used: RunningGateway;
/** Of a key that is good, and of one that was revoked. */
let good = '';
let revoked = '';
let publicKeys = '';
const folder = temporaryFolder();
const whole = join(folder, 'whole.zip');
const costs = join(folder, 'costs.zip');
const calls = 4;
const begun = new Date().toISOString();

const config = (): Record<string, unknown> => ({
  workers: 1,
  servers: [{ name: 'paid', url: upstream.url }],
  pricing: { currency: 'USD', default: { per_call: 0.0123 } },
});

async function call(gateway: RunningGateway, trace: string, key = good): Promise<number> {
  const { body, headers } = toolCall('echo', { text: `say ${trace}` });
  return (await post(`${gateway.mcp}/paid`, body, { key, headers: { ...headers, 'x-trace-id': trace } })).status;
}

/** What people see of the calls that were made before the backup: traces with their spans and bodies. */
async function traces(gateway: RunningGateway): Promise<unknown> {
  const { traces: list } = (await read(gateway, `/v1/traces?start_time=${begun}&end_time=${new Date().toISOString()}&limit=50`)) as {
    traces: { id: string; start_time: string }[];
  };
  const first = list.toSorted((a, b) => a.start_time.localeCompare(b.start_time)).slice(0, calls);
  return Promise.all(
    first.map(async ({ id }) => {
      const { trace } = (await read(gateway, `/v1/traces/${id}`)) as { trace: { spans: { id: string }[] } };
      const bodies = trace.spans.map((span) => read(gateway, `/v1/traces/${id}/spans/${span.id}/response`));
      return { trace, bodies: await Promise.all(bodies) };
    }),
  );
}

/** With the first key of the gateway that was backed up: it may read everything, and a restored gateway knows it. */
async function read(gateway: RunningGateway, path: string): Promise<unknown> {
  const answer = await post(`${gateway.url}${path}`, undefined, { key: used.apiKey });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
  return answer.text.startsWith('{') ? JSON.parse(answer.text) : answer.text;
}

async function asked(gateway: RunningGateway, ...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await gateway.cli(...args, '-o', 'json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

interface Costs {
  readonly total_calls: number;
  readonly total_cost: number;
}
async function costsOf(gateway: RunningGateway): Promise<Costs> {
  const today = new Date().toISOString().slice(0, 10);
  return ((await read(gateway, `/v1/costs/summary?start_date=2026-01-01&end_date=${today}`)) as { summary: Costs }).summary;
}

/** Until the ledger is open there is nothing to read. */
const opened = (gateway: RunningGateway, ...args: string[]): Promise<CommandResult> =>
  until(
    async () => {
      const result = await gateway.cli(...args);
      return result.code === 5 ? null : result;
    },
    { timeoutMs: 120_000, everyMs: 200, what: 'the ledger to be open' },
  );

function restore(file: string, name: string, ...more: string[]): Promise<CommandResult> {
  return restoreWith({}, file, name, ...more);
}

function restoreWith(env: Readonly<Record<string, string>>, file: string, name: string, ...more: string[]): Promise<CommandResult> {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  return runGateway(['restore', file, '--state', join(at, 'state'), ...more], { env: gatewayEnvironment(env), cwd: at, timeoutMs: 400_000 });
}

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  used = await startGateway({ config: config(), readyTimeoutMs: 240_000 });
  const made = (await Promise.all(['good', 'bad'].map((name) => asked(used, 'keys', 'create', '--name', name, '--team', 'red')))) as {
    id: string;
    secret: string;
  }[];
  [good = '', revoked = ''] = made.map(({ secret }) => secret);
  for (let number = 0; number < calls; number += 1) expect(await call(used, `before-${number}`)).toBe(200);
  expect(await call(used, 'by-the-bad-one', revoked)).toBe(200);
  await asked(used, 'keys', 'revoke', made[1]?.id ?? '');
  await until(async () => (await ledgerRows(used.stateFolder, "SELECT 1 FROM payloads WHERE kind = 'response'")).length > calls, {
    timeoutMs: 120_000,
    what: 'the bodies in the ledger',
  });
  publicKeys = join(folder, 'keys.json');
  writeFileSync(publicKeys, (await used.cli('audit', 'keys', '-o', 'json')).stdout);
  for (const [file, scope] of [
    [whole, 'all'],
    [costs, 'costs'],
  ] as const)
    expect(await used.cli('backup', file, '--ledger', scope)).toMatchObject({ code: 0, stdout: expect.stringContaining('the audit is whole') });
}, 600_000);
afterAll(async () => {
  await used?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

test('a backup is readable by its owner alone, checks against the public keys of the gateway, and holds no secret', async () => {
  expect(statSync(whole).mode & 0o777).toBe(0o600);
  expect(await runGateway(['backup', 'verify', whole, '--key', publicKeys])).toMatchObject({ code: 0 });
  expect(await runGateway(['backup', 'verify', whole, '--key', '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='])).toMatchObject({ code: 6 });
  const file = await openBackup(whole);
  const secrets = readdirSync(join(used.stateFolder, 'secrets')).map((name) => readFileSync(join(used.stateFolder, 'secrets', name), 'utf8').trim());
  for (const part of file.manifest.parts) {
    const text = (await file.read(part)).toString('latin1');
    for (const secret of [good, revoked, used.apiKey ?? good, ...secrets]) expect([part.name, text.includes(secret)]).toEqual([part.name, false]);
  }
  file.close();
});

test('a damaged backup is refused with the place, and nothing is made of it', async () => {
  const bytes = readFileSync(whole);
  const file = await openBackup(whole);
  const { name } = file.parts('registry/api_keys/')[0] ?? { name: '' };
  file.close();
  // Behind the local header of the part lie its packed bytes.
  const at = bytes.indexOf(name) + name.length + 24;
  const damages = {
    changed: [Buffer.concat([bytes.subarray(0, at), Buffer.from([(bytes[at] ?? 0) ^ 0x10]), bytes.subarray(at + 1)]), name],
    cut: [bytes.subarray(0, bytes.length - 1000), 'it was cut'],
    other: [Buffer.from('no backup at all'), 'it was cut, or is none'],
  } as const;
  for (const [kind, [content, place]] of Object.entries(damages)) {
    const path = join(folder, `${kind}.zip`);
    writeFileSync(path, content);
    const refused = await restore(path, kind);
    expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining(place)]);
    expect(readdirSync(join(folder, kind))).toEqual([]);
  }
});

describe('restored with its ledger', () => {
  let again: RunningGateway;
  let restored: CommandResult;
  beforeAll(async () => {
    restored = await restore(whole, 'again', '--key', publicKeys);
    again = await startGateway({ config: config(), stateFolder: join(folder, 'again', 'state'), readyTimeoutMs: 240_000 });
  }, 600_000);
  afterAll(async () => {
    await again?.stop();
  });

  test('D15: the audit and the chains of calls are whole, also with what the new gateway adds', async () => {
    expect([restored.code, restored.stderr]).toEqual([0, expect.any(String)]);
    expect(existsSync(join(folder, 'again', 'gateway.yaml'))).toBe(true);
    expect(await opened(again, 'audit', 'verify')).toMatchObject({ code: 0 });
    expect(await asked(again, 'audit', 'list', '--action', 'backup.*')).toMatchObject({
      events: [{ action: 'backup.restored', detail: { ledger: 'all', findings: 0, left_out: [] } }, { action: 'backup.taken' }],
    });
  });

  test('the same traces with the same bodies, and the same costs', async () => {
    expect(await traces(again)).toEqual(await traces(used));
    expect(await costsOf(again)).toEqual(await costsOf(used));
  });

  test('D15: the same keys work, and revoked keys stay revoked', async () => {
    expect([await call(again, 'after'), await call(again, 'after', used.apiKey ?? ''), await call(again, 'after', revoked)]).toEqual([200, 200, 401]);
    expect(((await read(again, '/v1/auth/keys?team_id=red')) as { keys: unknown[] }).keys.length).toBe(2);
    const found = await until(async () => (await ledgerRows(again.stateFolder, "SELECT 1 FROM calls WHERE client_trace_id = 'after'")).length === 2, {
      timeoutMs: 60_000,
      what: 'the calls after the restore',
    });
    expect(found).toBe(true);
    expect(await again.cli('audit', 'verify')).toMatchObject({ code: 0 });
  });

  test('what is there already is refused, and moved aside only where that is asked for', async () => {
    const running = await restore(whole, 'again');
    expect([running.code, running.stderr]).toEqual([1, expect.stringContaining('in use')]);
    await again.stop();
    const refused = await restore(whole, 'again');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--replace')]);
    expect(await restore(costs, 'again', '--replace', '-o', 'json')).toMatchObject({ code: 0, stdout: expect.stringContaining('registry.replaced-') });
  }, 600_000);
});

describeWith('postgres', `moved to PostgreSQL and ${clickHouseName}, and back`, () => {
  let postgres: TemporaryPostgres;
  let clickHouse: TestClickHouse;
  let moved: RunningGateway;
  const onServers = (): Record<string, string> => ({ DATABASE_URL: postgres.url, CLICKHOUSE_URL: clickHouse.url });
  beforeAll(async () => {
    [postgres, clickHouse] = await Promise.all([startPostgres(), startClickHouse()]);
    const made = await restoreWith(onServers(), whole, 'servers', '--key', publicKeys);
    expect([made.code, made.stderr]).toEqual([0, expect.any(String)]);
    moved = await startGateway({ config: config(), env: onServers(), stateFolder: join(folder, 'servers', 'state'), readyTimeoutMs: 240_000 });
  }, 600_000);
  afterAll(async () => {
    await moved?.stop();
    await Promise.all([postgres?.stop(), clickHouse?.stop()]);
  });

  test('the audit is whole, traces, bodies and costs are the same, keys work and revoked ones do not', async () => {
    expect(await opened(moved, 'audit', 'verify')).toMatchObject({ code: 0 });
    expect(await traces(moved)).toEqual(await traces(used));
    expect(await costsOf(moved)).toEqual(await costsOf(used));
    expect([await call(moved, 'on servers'), await call(moved, 'on servers', revoked)]).toEqual([200, 401]);
    await until(async () => (await costsOf(moved)).total_calls === (await costsOf(used)).total_calls + 1, { timeoutMs: 60_000, what: 'the call on servers' });
  });

  test('a backup of servers is whole and fills embedded stores; servers that are in use, or hold something, take none', async () => {
    const file = join(folder, 'servers.zip');
    const { file: written, ...taken } = (await asked(moved, 'backup', file, '--ledger', 'all')) as { file: string; keys: number; calls: number };
    expect({ written, ...taken }).toMatchObject({ written: file, audit_ok: true, keys: 3, calls: (await costsOf(moved)).total_calls });
    expect(await restoreWith(onServers(), file, 'second')).toMatchObject({ code: 1, stderr: expect.stringContaining('stop every node first') });
    expect(await moved.stop()).toBe(0);
    expect(await restoreWith(onServers(), file, 'second')).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') });
    const back = await restore(file, 'back', '-o', 'json');
    expect([back.code, back.stderr]).toEqual([0, expect.any(String)]);
    expect(JSON.parse(back.stdout)).toMatchObject({ ...taken, moved_aside: [] });
  }, 600_000);
});

test('restored with costs alone: what days have cost goes on with what the new gateway adds, and the audit says which calls are not there', async () => {
  const before = await costsOf(used);
  const made = await restore(costs, 'sums');
  expect([made.code, made.stderr]).toEqual([0, expect.any(String)]);
  const nightly = join(folder, 'nightly');
  const scheduled = { ...config(), backup: { folder: nightly } };
  const sums = await startGateway({ config: scheduled, stateFolder: join(folder, 'sums', 'state'), readyTimeoutMs: 240_000 });
  try {
    const verified = await opened(sums, 'audit', 'verify');
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining(`${calls + 1} calls left out by a restore`)]);
    expect(await costsOf(sums)).toEqual(before);
    expect(await call(sums, 'after')).toBe(200);
    await until(async () => (await costsOf(sums)).total_calls === before.total_calls + 1, { timeoutMs: 60_000, what: 'the sum of both' });
    expect((await costsOf(sums)).total_cost).toBeCloseTo(before.total_cost + 0.0123, 9);
    // It takes backups by itself, and has begun with one.
    const listed = await until(
      async () => {
        const list = (await asked(sums, 'backup', 'list')) as { backups: { state: string; file: string; audit_ok: boolean; ledger: string }[] };
        return list.backups[0] === undefined || list.backups[0].state === 'running' ? null : list;
      },
      { timeoutMs: 120_000, everyMs: 500, what: 'a backup by schedule' },
    );
    expect(listed).toMatchObject({ backups: [{ state: 'done', audit_ok: true, ledger: 'costs' }], schedule: { folder: nightly, every: '1d', keep: '30d' } });
    expect(readdirSync(nightly).map((name) => join(nightly, name))).toEqual([listed.backups[0]?.file]);
    expect(await read(sums, '/v1/health')).toMatchObject({ dependencies: { backup: { state: 'ok' } } });
    expect(await read(sums, '/metrics')).toMatch(/^gatewayops_backup_bytes [1-9]/m);
  } finally {
    await sums.stop();
  }
}, 900_000);
