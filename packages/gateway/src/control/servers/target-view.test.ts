import { expect, test } from 'vitest';
import type { HttpServerConfig, UpstreamConfig } from '../../config/config.ts';
import type { TargetReport } from '../../snapshot/upstream-data.ts';
import { listsOf, stateOfServer, targetViews, type TargetView } from './target-view.ts';

const upstream: UpstreamConfig = {
  targets: [
    { name: 'blue', url: 'https://u:p@blue.example/mcp?token=x', weight: 2 },
    { name: 'green', url: 'https://green.example/mcp', weight: 1 },
    { name: 'next', url: 'https://next.example/mcp', weight: 1 },
  ],
  balance: 'round-robin',
  active: null,
  canary: { target: 'next', sharePercent: 5, header: null, principals: [] },
  connectTimeoutMs: 1,
  firstByteTimeoutMs: null,
  idleTimeoutMs: null,
  totalTimeoutMs: null,
  keepAliveMs: 1,
  queueMax: 1,
  retry: { triesMax: 1, budgetPercent: 0 },
  breaker: null,
  health: null,
  tls: null,
};
const server = (more: Partial<UpstreamConfig> = {}): HttpServerConfig => ({
  name: 'search',
  transport: 'http',
  url: 'https://blue.example/mcp',
  credential: null,
  timeoutMs: 1,
  connectionsMax: 1,
  upstream: { ...upstream, ...more },
});
const report = (target: string, more: Partial<TargetReport> = {}): TargetReport => ({
  server: 'search',
  target,
  breaker: 'closed',
  calls: 0,
  failures: 0,
  retries: 0,
  inFlight: 0,
  lastFailure: '',
  lastFailureAtMs: 0,
  ...more,
});
const asConfigured = { active: null, canary: { target: 'next', sharePercent: 5, header: null, principals: [] } };
const unasked = { orders: () => [], finding: () => null, asked: () => null, routing: () => asConfigured };
const unknown = { state: 'unknown', reason: null } as const;

test('figures are those of all workers, and an address shows nothing that may be a secret', () => {
  const [blue, green, next] = targetViews(
    server(),
    [
      report('blue', { calls: 5, failures: 1, retries: 2, inFlight: 1, lastFailure: 'upstream_reset', lastFailureAtMs: 7 }),
      report('blue', { calls: 7 }),
      report('green', { server: 'other', calls: 9 }),
    ],
    unasked,
  );
  expect(blue).toEqual({
    name: 'blue',
    address: 'https://blue.example/mcp',
    role: null,
    state: 'ready',
    reason: null,
    weight: 2,
    calls: 12,
    failures: 1,
    retries: 2,
    inFlight: 1,
    lastFailureAtMs: 7,
    checkedAtMs: null,
  });
  expect([green?.calls, green?.state, next?.role]).toEqual([0, 'unknown', 'canary']);
});

test('an open breaker at one worker is failing, a failed check is down, and what was asked for beats both', () => {
  const reports = [report('blue', { breaker: 'open', lastFailure: 'HTTP 503' }), report('blue', { calls: 1 })];
  const finding = (_: string, target: string) => (target === 'green' ? { healthy: false, reason: 'it answered HTTP 500', checkedAtMs: 9 } : null);
  const orders = () => [{ server: 'search', target: 'next', weight: 0, draining: true, healthy: null }];
  expect(targetViews(server(), reports, { ...unasked, orders, finding }).map(({ state, reason, weight }) => [state, reason, weight])).toEqual([
    ['failing', 'its last failure was HTTP 503', 2],
    ['down', 'it answered HTTP 500', 1],
    ['draining', null, 0],
  ]);
});

test('blue-green: who is active and who stands by', () => {
  expect(targetViews(server(), [], unasked, { active: 'green', canary: null }).map(({ role }) => role)).toEqual(['standby', 'active', 'standby']);
});

test('blue-green: who stands by takes the calls of an active one that takes none, and it shows', () => {
  const [blue, green] = targetViews(server(), [report('green', { calls: 1 })], unasked, { active: 'blue', canary: null });
  if (blue === undefined || green === undefined) throw new Error('no targets');
  expect(stateOfServer(unknown, [{ ...blue, state: 'draining' }, green], [])).toEqual({ state: 'degraded', reason: 'blue is draining' });
  expect(stateOfServer(unknown, [{ ...blue, state: 'down' }, green], []).state).toBe('failed');
});

test.each<[string, readonly TargetView['state'][], string]>([
  ['all well', ['ready', 'ready'], 'ready'],
  ['one well, one not asked yet', ['ready', 'unknown'], 'ready'],
  ['none asked yet', ['unknown', 'unknown'], 'unknown'],
  ['one of two away', ['ready', 'down'], 'degraded'],
  ['all away', ['failing', 'down'], 'failed'],
])('a server with %s', (_, states, expected) => {
  const [first] = targetViews(server(), [], unasked);
  if (first === undefined) throw new Error('no target');
  const views = states.map((state, index): TargetView => ({ ...first, name: `t${index}`, state }));
  expect(stateOfServer(unknown, views, []).state).toBe(expected);
  // What is known of a program that the gateway runs says more.
  expect(stateOfServer({ state: 'starting', reason: null }, views, []).state).toBe('starting');
});

test('M15: a server that answers and whose list does not end is degraded, and says which list; trouble with its targets says more', () => {
  const [first] = targetViews(server(), [], unasked);
  if (first === undefined) throw new Error('no target');
  const list = { server: 'search', list: 'tools', ageMs: 1, entries: 3, stale: true, cut: 'cursor_repeats' };
  const of = (state: TargetView['state']) => stateOfServer(unknown, [{ ...first, state }], listsOf(server(), [list, { ...list, server: 'other' }]));
  const degraded = { state: 'degraded', reason: 'its list of tools cannot be read whole: cursor_repeats' };
  expect([of('ready'), of('unknown'), of('down').state]).toEqual([degraded, degraded, 'failed']);
  // Away is not degraded: what it lists stands as it was, and its targets say how it is.
  expect(stateOfServer(unknown, [{ ...first, state: 'ready' }], [{ ...list, cut: null }])).toEqual({ state: 'ready', reason: null });
  expect(listsOf(server(), [{ ...list, server: 'other' }])).toEqual([]);
});
