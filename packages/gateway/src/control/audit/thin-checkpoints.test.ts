import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { auditEvent } from './audit-event.ts';
import { thinCheckpoints } from './thin-checkpoints.ts';
import { verifyAudit } from './verify-audit.ts';

let control: TestControl;
beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

const hourMs = 3_600_000;

async function times(): Promise<string[]> {
  const page = await control.dependencies.registry.audit.checkpoints(control.context().organizationId, { after: null, limit: 100 });
  return page.map(({ atMs }) => new Date(atMs).toISOString().slice(0, 13));
}

test('of days long over the last checkpoint stays, and the audit is as whole as before; the younger ones stay all', async () => {
  const { registry, audit } = control.dependencies;
  for (let round = 0; round < 9; round++) {
    await registry.transaction((writes) => writes.audit.insert(auditEvent(control.context(), 'thing.changed', 'thing_1', { round })));
    await audit.checkpoint();
    control.clock.advance(8 * hourMs);
  }
  expect(await times()).toHaveLength(9);
  expect(await thinCheckpoints(control.context())).toBe(0);
  // The third day is not over for long enough.
  control.clock.advance(7 * 24 * hourMs);
  expect(await thinCheckpoints(control.context())).toBe(4);
  expect(await times()).toEqual(['2026-06-01T16', '2026-06-02T16', '2026-06-03T00', '2026-06-03T08', '2026-06-03T16']);
  expect(await verifyAudit(control.context(), 'none')).toMatchObject({ ok: true, checkpoints: 5 });
  expect(await thinCheckpoints(control.context())).toBe(0);
});
