import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import { systemClock } from '../kernel/clock.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { HealthCheckData } from '../snapshot/upstream-data.ts';
import { createHealthChecks, type HealthChecks } from './health-checks.ts';
import { reachOf } from './reach.ts';
import type { ServerOrder } from '../snapshot/server-order.ts';
import { createTargetOrders } from './target-orders.ts';

let upstream: RecordingUpstream;
let checks: HealthChecks;
let changes: string[];
beforeEach(async () => {
  upstream = await startRecordingUpstream();
  changes = [];
  checks = createHealthChecks({
    clock: systemClock,
    version: '2026-07-28',
    onChange: (server, target, finding) => void changes.push(`${server} ${target} ${finding.healthy} ${finding.reason ?? ''}`.trim()),
  });
});
afterEach(async () => {
  await checks.close();
  await upstream.stop();
});

const often: HealthCheckData = { intervalMs: 10, timeoutMs: 200, ask: { method: 'ping' }, failuresMin: 3, successesMin: 2 };

function server(more: Partial<HealthCheckData> = {}): ServerData {
  const plain: ServerData = {
    name: 's1',
    path: '/mcp/s1',
    auth: 'apiKey',
    transport: 'http',
    origin: `http://127.0.0.1:${upstream.port}`,
    upstreamPath: '/mcp',
    socketPath: null,
    timeoutMs: 5_000,
    connectionsMax: 10,
    credential: { header: 'authorization', value: 'Bearer own' },
    price: { perCallNano: '0', perTokenInputNano: '0', perTokenOutputNano: '0', by: 'default' },
    toolPrices: {},
  };
  return { ...plain, upstream: { ...reachOf(plain), health: { ...often, ...more } } };
}

describe('a target', () => {
  test('is well at its first answer, down after so many bad ones in a row, and well again after so many good ones', async () => {
    checks.watch([server()]);
    await until(() => changes.length === 1);
    upstream.reply = replies.json({}, { status: 503 });
    await until(() => changes.length === 2);
    expect(checks.finding('s1', 'main')).toMatchObject({ healthy: false, reason: 'it answered HTTP 503' });
    upstream.reply = replies.defaultReply;
    await until(() => changes.length === 3);
    expect(changes).toEqual(['s1 main true', 's1 main false it answered HTTP 503', 's1 main true']);
  });

  test.each([
    ['refuses the question', replies.json({ error: {} }, { status: 400 })],
    ['does not know the method', replies.json({ error: {} }, { status: 404 })],
  ])('that %s is there', async (_, reply) => {
    upstream.reply = replies.scriptsEras(reply);
    checks.watch([server({ ask: { method: 'server/discover' } })]);
    await until(() => changes.length === 1);
    expect(changes).toEqual(['s1 main true']);
    expect(upstream.requests[0]?.header('mcp-method')).toEqual(['server/discover']);
    expect(upstream.requests[0]?.header('mcp-session-id')).toEqual([]);
    expect(upstream.requests[0]?.header('authorization')).toEqual(['Bearer own']);
  });

  test('that says nothing is down', async () => {
    upstream.reply = replies.silence;
    checks.watch([server({ timeoutMs: 50 })]);
    await until(() => changes.length === 1);
    expect(changes[0]).toMatch(/^s1 main false /);
  });

  test('that is asked by a path must answer 2xx', async () => {
    upstream.reply = replies.empty(404);
    checks.watch([server({ ask: { path: '/healthy?deep=1' } })]);
    await until(() => changes.length === 1);
    expect([changes[0], upstream.requests[0]?.method, upstream.requests[0]?.path]).toEqual(['s1 main false it answered HTTP 404', 'GET', '/healthy?deep=1']);
  });

  test('that is no longer configured is not asked any more, and one that stays is not asked anew', async () => {
    const one = server();
    checks.watch([one]);
    await until(() => changes.length === 1);
    checks.watch([{ ...one }]);
    expect(checks.finding('s1', 'main')?.healthy).toBe(true);
    checks.watch([]);
    await until(() => upstream.openConnections === 0);
    expect(checks.finding('s1', 'main')).toBeNull();
  });
});

test('what is asked of a target stands beside what checks say, and holds for as long as its configuration is the one it was asked for', async () => {
  const orders = createTargetOrders(checks);
  const one = server();
  const ask = (targets: ServerOrder['targets']): void => orders.ask([{ server: 's1', routing: null, targets, changedAtMs: 1, changedBy: 'key_1' }]);
  orders.serve([one]);
  expect(orders.all()).toEqual([]);
  ask({ main: { weight: { asked: 3, configured: 1 }, draining: true }, gone: { weight: null, draining: true } });
  expect(orders.all()).toMatchObject([{ server: 's1', target: 'main', weight: 3, draining: true }]);
  await until(() => orders.all()[0]?.healthy === true);
  ask({ main: { weight: { asked: 3, configured: 2 }, draining: false } });
  expect(orders.all()).toEqual([{ server: 's1', target: 'main', weight: null, draining: false, healthy: true }]);
  ask({ main: { weight: null, draining: true } });
  orders.serve([]);
  expect(orders.all()).toEqual([]);
});
