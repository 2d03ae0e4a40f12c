import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { actorOf, startControl, type TestControl } from '../../../../../test/support/control.ts';
import type { HttpServerConfig } from '../../config/config.ts';
import { bounds } from '../../kernel/bounds.ts';
import { routingOf, withOrders, type ServerOrder } from '../../snapshot/server-order.ts';
import { snapshotOfConfig } from '../../snapshot/snapshot-of-config.ts';
import type { UpstreamData } from '../../snapshot/upstream-data.ts';
import { reachOf } from '../../upstream/reach.ts';
import { plainServerData } from '../../../../../test/support/server-data.ts';
import { changeServer, type ServerChange } from './change-server.ts';
import { changeTarget } from './change-target.ts';
import { getServer, type ServerView } from './list-servers.ts';
import { noPrices } from '../../kernel/price-list.ts';

let started: TestControl;
let control: TestControl;
let kept: readonly ServerOrder[] = [];
let configured: Pick<UpstreamData, 'active' | 'canary'> = { active: 'blue', canary: null };
const targets = ['blue', 'green', 'next'].map((name) => ({ name, url: `https://${name}.example/mcp`, weight: 1 }));

function serverOf(): HttpServerConfig {
  const { targets: _bridge, ...reach } = reachOf(plainServerData({}));
  return {
    name: 'deploy',
    transport: 'http',
    url: 'https://blue.example/mcp',
    credential: null,
    timeoutMs: 1_000,
    connectionsMax: 10,
    upstream: { ...reach, ...configured, targets, tls: null },
  };
}

beforeAll(async () => {
  started = await startControl();
});
beforeEach(() => {
  configured = { active: 'blue', canary: null };
  const { registry, config, upstreams } = started.dependencies;
  const list = (): Promise<readonly ServerOrder[]> => registry.serverOrders.list(started.context().organizationId);
  control = started.variant({
    config: { ...config, servers: [serverOf(), ...config.servers] },
    upstreams: {
      ...upstreams,
      asked: (name) => kept.find(({ server }) => server === name) ?? null,
      routing: (name, order) => (name === 'deploy' ? routingOf({ ...configured, targets }, order) : { active: null, canary: null }),
      refresh: async () => void (kept = await list()),
    },
  });
});
afterAll(() => started.end());

const change = (what: ServerChange, dryRun = false): Promise<ServerView> => changeServer(control.context(), 'deploy', what, { dryRun });
const roles = ({ targets: views }: ServerView): string => views.map(({ name, role }) => `${name} ${role}`).join(', ');

test('a switch holds at once, is kept and audited; a look before changes nothing', async () => {
  expect(roles(await change({ active: 'green' }, true))).toBe('blue standby, green active, next standby');
  expect([kept, roles(await getServer(control.context(), 'deploy'))]).toEqual([[], 'blue active, green standby, next standby']);
  const view = await change({ active: 'green' });
  expect([roles(view), view.active, view.order?.changedBy]).toEqual(['blue standby, green active, next standby', 'green', control.context().actor.id]);
  const [event] = await control.dependencies.registry.audit.list(control.context().organizationId, {
    fromMs: null,
    toMs: null,
    actorKind: null,
    actorId: null,
    actions: ['server.switched'],
    objectKind: null,
    objectId: 'deploy',
    result: null,
    text: null,
    withoutSystem: false,
    after: null,
    limit: 10,
  });
  expect(event?.detail).toEqual({ active: 'green', canary: null });
  // As it was configured again: nothing is kept, for nothing is asked any more.
  expect([(await change({ active: null })).order, kept]).toEqual([null, []]);
});

test('a canary is begun, grows member by member, and is one no longer when it becomes the active target', async () => {
  await change({ canary: { target: 'green', sharePercent: 5 } });
  const grown = await change({ canary: { sharePercent: 20, header: { name: 'x-canary', value: 'yes' }, principals: ['key_1'] } });
  expect(grown.canary).toEqual({ target: 'green', sharePercent: 20, header: { name: 'x-canary', value: 'yes' }, principals: ['key_1'] });
  expect((await change({ canary: { header: null, principals: [], sharePercent: 0 } })).canary).toEqual({
    target: 'green',
    sharePercent: 0,
    header: null,
    principals: [],
  });
  expect(roles(await change({ active: 'green' }))).toBe('blue standby, green active, next standby');
  expect(kept[0]?.routing?.canary).toBeNull();
  await change({ active: null, canary: null });
  expect(kept).toEqual([]);
});

test('what was asked of a target stays beside it, and the other way round', async () => {
  await changeTarget(control.context(), 'deploy', 'blue', { draining: true });
  await change({ active: 'green' });
  await changeTarget(control.context(), 'deploy', 'green', { weight: 0 });
  expect(kept).toMatchObject([{ routing: { active: 'green' }, targets: { blue: { draining: true }, green: { weight: { asked: 0 } } } }]);
  await change({ active: null });
  await changeTarget(control.context(), 'deploy', 'blue', { draining: false });
  await changeTarget(control.context(), 'deploy', 'green', { weight: null });
  expect(kept).toEqual([]);
});

test.each<[string, ServerChange, string]>([
  ['a target that is not there', { active: 'red' }, 'there is no target "red": it has blue, green, next'],
  ['a canary that is not there', { canary: { target: 'red', sharePercent: 1 } }, 'there is no target "red"'],
  ['a canary without a target', { canary: { sharePercent: 1 } }, '`canary.target` must name one of the targets'],
  ['a canary that is active', { canary: { target: 'blue', sharePercent: 1 } }, 'blue is the active target'],
  ['both at once', { active: 'green', canary: { target: 'green' } }, 'green is the active target'],
])('%s is refused with its reason, and nothing changes', async (_, what, reason) => {
  for (const dryRun of [true, false]) await expect(change(what, dryRun)).rejects.toThrow(reason);
  expect(kept).toEqual([]);
});

test('a server of one target has nothing to switch, and what is out of reach is not told from what is not there', async () => {
  const name = started.dependencies.config.servers[0]?.name ?? '';
  await expect(changeServer(control.context(), name, { active: 'main' }, { dryRun: false })).rejects.toThrow('this server has one target only');
  for (const [actor, server] of [
    [actorOf(['servers.write'], ['other']), 'deploy'],
    [actorOf(['servers.write']), 'none'],
  ] as const) {
    await expect(changeServer(control.context(actor), server, { active: 'green' }, { dryRun: false })).rejects.toMatchObject({ code: 'unknown_object' });
  }
});

test('an order is over when the configuration says another active target or canary, or no longer has its target', async () => {
  await change({ active: 'green' });
  const [order = null] = kept;
  const by = (upstream: Parameters<typeof routingOf>[0]): string | null => routingOf(upstream, order).active;
  expect(by({ active: 'blue', canary: null, targets })).toBe('green');
  expect(by({ active: 'next', canary: null, targets })).toBe('next');
  expect(by({ active: 'blue', canary: { target: 'next', sharePercent: 1, header: null, principals: [] }, targets })).toBe('blue');
  expect(by({ active: 'blue', canary: null, targets: targets.slice(0, 1) })).toBe('blue');
  await change({ active: null });
});

test('the snapshot of workers is by the orders, and servers without one stay as they are', () => {
  const snapshot = snapshotOfConfig(control.dependencies.config, {
    version: 1,
    prices: { version: 0, list: noPrices },
    organizationId: 'org_default',
    node: 'node_test0000',
    port: 1,
    policies: [],
    opa: null,
    others: [],
    bridgeSocket: () => '/tmp/bridge.sock',
    credential: () => null,
    tls: () => null,
  });
  const routing = { active: 'green', canary: null, configured };
  const ordered = withOrders(snapshot, [{ server: 'deploy', routing, targets: {}, changedAtMs: 1, changedBy: '' }]);
  expect(ordered.servers.find(({ name }) => name === 'deploy')?.upstream).toMatchObject({ active: 'green', connectTimeoutMs: bounds.upstreamConnectTimeoutMs });
  expect(ordered.servers.slice(1).every((server, index) => server === snapshot.servers[index + 1])).toBe(true);
});
