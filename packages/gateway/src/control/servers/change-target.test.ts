import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from 'pg';
import { actorOf, startControl, type TestControl } from '../../../../../test/support/control.ts';
import { clientConfig } from '../../store/registry/connections.ts';
import { changeTarget } from './change-target.ts';

let control: TestControl;
const changes: unknown[] = [];
beforeAll(async () => {
  const started = await startControl();
  control = started.variant({
    upstreams: {
      reports: async () => [],
      orders: () => [],
      finding: () => null,
      change: async (server, target, change) => void changes.push([server, target, change]),
    },
  });
  const { end } = started;
  control = { ...control, end };
});
afterAll(() => control.end());

const first = (): string => control.dependencies.config.servers[0]?.name ?? '';

async function events(): Promise<unknown[]> {
  const client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  const { rows } = await client.query("select object_id, detail from audit_events where action = 'target.changed' order by sequence");
  await client.end();
  return rows;
}

test('a change of a target reaches the node, and stands in the audit', async () => {
  await changeTarget(control.context(), first(), 'main', { weight: 3 });
  await changeTarget(control.context(), first(), 'main', { draining: true });
  expect(changes).toEqual([
    [first(), 'main', { weight: 3 }],
    [first(), 'main', { draining: true }],
  ]);
  expect(await events()).toEqual([
    { object_id: `${first()}/main`, detail: { weight: 3 } },
    { object_id: `${first()}/main`, detail: { draining: true } },
  ]);
});

test('what is not there, and what is out of reach, is neither changed nor told apart', async () => {
  const before = [changes.length, (await events()).length];
  await expect(changeTarget(control.context(), first(), 'none', { weight: 1 })).rejects.toMatchObject({ code: 'unknown_object' });
  await expect(changeTarget(control.context(), 'none', 'main', { weight: 1 })).rejects.toMatchObject({ code: 'unknown_object' });
  await expect(changeTarget(control.context(actorOf(['servers.write'], ['other'])), first(), 'main', { weight: 1 })).rejects.toMatchObject({
    code: 'unknown_object',
  });
  expect([changes.length, (await events()).length]).toEqual(before);
});
