import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Client } from 'pg';
import { actorOf, startControl, type TestControl } from '../../../../../test/support/control.ts';
import { clientConfig } from '../../store/registry/connections.ts';
import type { ServerOrder } from '../../snapshot/server-order.ts';
import { changeTarget } from './change-target.ts';

let control: TestControl;
let kept: readonly ServerOrder[] = [];
beforeAll(async () => {
  const started = await startControl();
  const { registry } = started.dependencies;
  const { upstreams } = started.dependencies;
  control = started.variant({
    upstreams: { ...upstreams, refresh: async () => void (kept = await registry.serverOrders.list(started.context().organizationId)) },
  });
  const { end } = started;
  control = { ...control, end };
});
beforeEach(() => control.clock.advance(1_000));
afterAll(() => control.end());

const first = (): string => control.dependencies.config.servers[0]?.name ?? '';

async function events(): Promise<unknown[]> {
  const client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  const { rows } = await client.query("select object_id, detail from audit_events where action = 'target.changed' order by sequence");
  await client.end();
  return rows;
}

test('a change of a target is kept for every node, stands in the audit, and can be taken back', async () => {
  await changeTarget(control.context(), first(), 'main', { weight: 3 });
  await changeTarget(control.context(), first(), 'main', { draining: true });
  const [order] = kept;
  expect(order).toEqual({
    server: first(),
    routing: null,
    targets: { main: { weight: { asked: 3, configured: 1 }, draining: true } },
    changedAtMs: control.clock.nowMs(),
    changedBy: control.context().actor.id,
  });
  expect(await events()).toEqual([
    { object_id: `${first()}/main`, detail: { weight: 3 } },
    { object_id: `${first()}/main`, detail: { draining: true } },
  ]);
  await changeTarget(control.context(), first(), 'main', { draining: false, weight: null });
  expect(kept).toEqual([]);
});

test('what is not there, and what is out of reach, is neither changed nor told apart', async () => {
  const before = (await events()).length;
  await expect(changeTarget(control.context(), first(), 'none', { weight: 1 })).rejects.toMatchObject({ code: 'unknown_object' });
  await expect(changeTarget(control.context(), 'none', 'main', { weight: 1 })).rejects.toMatchObject({ code: 'unknown_object' });
  await expect(changeTarget(control.context(actorOf(['servers.write'], ['other'])), first(), 'main', { weight: 1 })).rejects.toMatchObject({
    code: 'unknown_object',
  });
  expect([kept, (await events()).length]).toEqual([[], before]);
});
