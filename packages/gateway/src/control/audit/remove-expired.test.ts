import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { signCheckpoint, type CheckpointBody } from '../../chain/checkpoint.ts';
import type { Clock } from '../../kernel/clock.ts';
import { newCheckpointId } from '../../kernel/id.ts';
import { clientConfig } from '../../store/registry/connections.ts';
import type { ControlContext } from '../context.ts';
import { auditEvent } from './audit-event.ts';
import { removeExpired } from './remove-expired.ts';
import { verifyAudit } from './verify-audit.ts';

let control: TestControl;
const dayMs = 86_400_000;

beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

/** The control plane at another time: the database itself looks at its own clock. */
function at(ms: number): ControlContext {
  const clock: Clock = { nowMs: () => ms, monotonicMs: () => ms };
  return { ...control.context(), clock };
}

async function record(ms: number): Promise<void> {
  await control.dependencies.registry.transaction(({ audit }) => audit.insert(auditEvent(at(ms), 'thing.changed', 'thing', {})));
}

async function sign(ms: number): Promise<number> {
  const { organizationId, audit: desk, registry } = control.context();
  const events = await registry.audit.head(organizationId);
  const body = { organization_id: organizationId, node: desk.node, at: new Date(ms).toISOString(), events, calls: [] };
  await registry.transaction(({ audit }) =>
    audit.insertCheckpoint({ id: newCheckpointId(), organizationId, node: desk.node, atMs: ms, sequence: events.sequence, ...signCheckpoint(body, desk.key) }),
  );
  return events.sequence;
}

function hashOf(body = ''): string {
  return (JSON.parse(body) as CheckpointBody).events.hash;
}

test('what is older than its retention goes as a whole range, its checkpoint stays, and the chain verifies from there; nothing else can be deleted', async () => {
  const now = Date.now();
  const { organizationId, registry } = control.context();
  // The key of the node was introduced at the time of the test's clock: the range begins with it.
  const client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  try {
    await expect(client.query('delete from audit_events')).rejects.toThrow('append-only');
    await client.query('set session_replication_role = replica');
    await client.query('delete from audit_events');
    await client.query('delete from audit_chains');
    await client.query('set session_replication_role = origin');
    for (let index = 0; index < 2; index++) await record(now - 2_557 * dayMs + index);
    const sevenYears = await sign(now - 2_556 * dayMs);
    for (let index = 0; index < 5; index++) await record(now - 400 * dayMs + index);
    const through = await sign(now - 399 * dayMs);
    for (let index = 0; index < 3; index++) await record(now - 10 * dayMs + index);
    await sign(now - 9 * dayMs);
    expect(await removeExpired(at(now), 2555)).toBe(2);
    expect(await verifyAudit(at(now), 'none')).toMatchObject({ ok: true, removedThrough: sevenYears });
    expect(await removeExpired(at(now), 365)).toBe(5);
    expect(await removeExpired(at(now), 365)).toBe(0);
    const verdict = await verifyAudit(at(now), 'none');
    expect(verdict).toMatchObject({ ok: true, removedThrough: through, events: { from: through + 1, records: 5 } });
    const [expired] = await registry.audit.range(organizationId, { after: through + 4, limit: 1 });
    expect(expired).toMatchObject({ action: 'audit.expired', detail: { through } });

    // A removal of what is younger, put there by hand: the database refuses the deletion, and without it the check does.
    const young = await registry.audit.lastCheckpoint(organizationId, control.dependencies.audit.node);
    await client.query('insert into audit_removals values ($1, $2, $3, $4, now())', [organizationId, young?.sequence, hashOf(young?.body), young?.id]);
    await expect(client.query('delete from audit_events where chain_sequence = $1', [through + 1])).rejects.toThrow('append-only');
    await client.query('set session_replication_role = replica');
    await client.query('delete from audit_events where chain_sequence <= $1', [young?.sequence]);
    expect(await verifyAudit(at(now), 'none')).toMatchObject({
      ok: false,
      findings: [{ kind: 'removed', from: 1, text: expect.stringContaining('younger than any retention') }],
    });
  } finally {
    await client.end();
  }
});
