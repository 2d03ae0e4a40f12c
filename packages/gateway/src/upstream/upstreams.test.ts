import { createServer, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { TargetData, UpstreamData } from '../snapshot/upstream-data.ts';
import { reachOf } from './reach.ts';
import type { ReplyControl } from './send.ts';
import type { UpstreamCall } from './target-exchange.ts';
import { createUpstreams, type Upstreams } from './upstreams.ts';

let upstreams: Upstreams;
let servers: RecordingUpstream[];
let nowMs: number;
let random: () => number;
beforeEach(async () => {
  nowMs = 1_000_000;
  random = () => 0;
  upstreams = createUpstreams({ nowMs: () => nowMs, monotonicMs: () => nowMs }, () => random());
  servers = await Promise.all([0, 1, 2].map(() => startRecordingUpstream()));
});
afterEach(async () => {
  await upstreams.close();
  await Promise.all(servers.map((server) => server.stop()));
});

const names = ['a', 'b', 'c'] as const;

function target(index: number, more: Partial<TargetData> = {}): TargetData {
  const port = servers[index]?.port ?? 1;
  return { name: names[index] ?? '', origin: `http://127.0.0.1:${port}`, path: '/mcp', socketPath: null, weight: 1, tls: null, ...more };
}

/** A server of the three targets, or of those given. */
function server(more: Partial<UpstreamData> = {}, data: Partial<ServerData> = {}): ServerData {
  const plain: ServerData = {
    name: 's1',
    path: '/mcp/s1',
    auth: 'apiKey',
    transport: 'http',
    origin: `http://127.0.0.1:${servers[0]?.port}`,
    upstreamPath: '/mcp',
    socketPath: null,
    timeoutMs: 5_000,
    connectionsMax: 10,
    credential: null,
    price: { perCallNano: '0', perTokenInputNano: '0', perTokenOutputNano: '0', by: 'default' },
    toolPrices: {},
    ...data,
  };
  return { ...plain, upstream: { ...reachOf(plain), targets: [target(0), target(1), target(2)], ...more } };
}

interface Told {
  /** `200`, or the fault's code. */
  readonly outcome: string;
  readonly control: ReplyControl;
  readonly retryAfter: unknown;
}

const toolCall = { repeatable: false, body: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call"}') };
const list = { repeatable: true, body: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/list"}') };

function begin(to: ServerData, more: Partial<UpstreamCall> = {}): { readonly control: ReplyControl; readonly told: Promise<Told> } {
  const { promise, resolve } = Promise.withResolvers<Told>();
  let status = 0;
  let retryAfter: unknown;
  const call: UpstreamCall = {
    method: 'POST',
    headers: [] as string[],
    pinned: null,
    caller: 'key_1',
    variant: null,
    firstByteMsMax: null,
    longLived: false,
    ...toolCall,
    ...more,
  };
  const control: ReplyControl = upstreams.send(to, call, {
    head: (code) => (status = code),
    data: () => true,
    end: () => resolve({ outcome: String(status), control, retryAfter }),
    failed: (fault) => {
      retryAfter = fault.detail['retryAfter'];
      // It may be told before `send` returns.
      queueMicrotask(() => resolve({ outcome: fault.code, control, retryAfter }));
    },
  });
  return { control, told: promise };
}

const call = (to: ServerData, more: Partial<UpstreamCall> = {}): Promise<Told> => begin(to, more).told;

async function series(count: number, to: ServerData, more: (n: number) => Partial<UpstreamCall> = () => ({})): Promise<Told[]> {
  const all: Told[] = [];
  for (let n = 0; n < count; n++) all.push(await call(to, more(n)));
  return all;
}
const hits = (): number[] => servers.map((one) => one.hits);
const outcomes = (all: readonly Told[]): string[] => [...new Set(all.map(({ outcome }) => outcome))];

describe('balance', () => {
  test('round-robin: each in turn', async () => {
    await series(9, server());
    expect(hits()).toEqual([3, 3, 3]);
  });

  test('weighted: by weight, and evenly spread', async () => {
    const to = server({ balance: 'weighted', targets: [target(0, { weight: 5 }), target(1), target(2)] });
    const took = (await series(14, to)).map(({ control }) => control.target).join('');
    expect(hits()).toEqual([10, 2, 2]);
    expect(took.slice(0, 7)).toBe(took.slice(7));
    expect(took).not.toContain('aaaa'.repeat(2));
  });

  test('least-loaded: whoever has the least under way', async () => {
    const to = server({ balance: 'least-loaded' });
    const [one] = servers;
    if (one) one.reply = replies.silence;
    const held = Array.from({ length: 3 }, () => begin(to));
    // While the other two are under way too, all three are as loaded.
    await Promise.all(held.filter(({ control }) => control.target !== names[0]).map(({ told }) => told));
    await series(6, to);
    await until(() => (servers[0]?.hits ?? 0) > 0);
    expect(servers[0]?.hits).toBe(1);
    for (const { control } of held) control.abort();
  });

  test('sticky: a caller comes to the same target, callers spread, and only those of a lost target move', async () => {
    const to = server({ balance: 'sticky' });
    const callers = Array.from({ length: 60 }, (_, n) => `key_${n}`);
    const place = async (): Promise<string[]> => (await series(callers.length, to, (n) => ({ caller: callers[n] ?? '' }))).map(({ control }) => control.target);
    const first = await place();
    expect(await place()).toEqual(first);
    for (const name of names) expect(first.filter((one) => one === name).length).toBeGreaterThan(8);
    upstreams.obey([{ server: 's1', target: 'b', weight: null, draining: true, healthy: null }]);
    const after = await place();
    expect(after.every((name, n) => name !== 'b' && (first[n] === 'b' || first[n] === name))).toBe(true);
  });

  test('a session goes to its target, whatever the balance; where the target is gone so is the session', async () => {
    const all = await series(5, server(), () => ({ pinned: 'c' }));
    expect([outcomes(all), hits()]).toEqual([['200'], [0, 0, 5]]);
    expect((await call(server(), { pinned: 'gone' })).outcome).toBe('session_not_found');
  });
});

describe('canary and blue-green', () => {
  const canary = { target: 'c', sharePercent: 0, header: null, principals: [] };

  test('a share of the calls', async () => {
    let n = 0;
    random = () => (n++ % 100) / 100;
    await series(200, server({ canary: { ...canary, sharePercent: 5 } }));
    expect(servers[2]?.hits).toBe(10);
    expect(servers[0]?.hits).toBe(95);
  });

  test('with a sticky balance the same callers, at every call', async () => {
    const to = server({ balance: 'sticky', canary: { ...canary, sharePercent: 30 } });
    const place = async (): Promise<string[]> => (await series(100, to, (n) => ({ caller: `key_${n}` }))).map(({ control }) => control.target);
    const first = await place();
    const share = first.filter((name) => name === 'c').length;
    expect(share).toBeGreaterThan(15);
    expect(share).toBeLessThan(45);
    expect(await place()).toEqual(first);
  });

  test('those with the header, and those of the principals; nobody else', async () => {
    const to = server({ canary: { ...canary, header: { name: 'x-canary', value: 'yes' }, principals: ['key_7'] } });
    await call(to, { variant: 'yes' });
    await call(to, { caller: 'key_7' });
    expect(hits()).toEqual([0, 0, 2]);
    await series(6, to, () => ({ variant: 'no' }));
    expect(hits()).toEqual([3, 3, 2]);
  });

  test('blue-green: the active target alone, and one switch moves all', async () => {
    await series(4, server({ active: 'a' }));
    await series(4, server({ active: 'b' }));
    expect(hits()).toEqual([4, 4, 0]);
  });

  test('blue-green: an active target that is told to take no calls hands them to those that stand by, one that fails does not', async () => {
    const to = server({ active: 'a', canary });
    const order = { server: 's1', target: 'a', weight: null, draining: false, healthy: null };
    upstreams.obey([{ ...order, draining: true }]);
    expect(outcomes(await series(4, to))).toEqual(['200']);
    upstreams.obey([{ ...order, weight: 0 }]);
    expect(outcomes(await series(4, to))).toEqual(['200']);
    expect(hits()).toEqual([0, 8, 0]);
    upstreams.obey([{ ...order, healthy: false }]);
    await series(2, to);
    expect(hits()).toEqual([2, 8, 0]);
  });

  test('a canary that is down costs its callers nothing', async () => {
    await servers[2]?.stop();
    const all = await series(4, server({ canary: { ...canary, principals: ['key_1'] } }));
    expect(outcomes(all)).toEqual(['200']);
  });
});

describe('what may be sent again', () => {
  test('a call of which no byte has left goes to another target', async () => {
    await servers[1]?.stop();
    const all = await series(6, server());
    expect(outcomes(all)).toEqual(['200']);
    const retries = all.map(({ control }) => control.retries).reduce((sum, n) => sum + n);
    expect(retries).toBeGreaterThan(0);
    expect(upstreams.reports()).toMatchObject([{ failures: 0 }, { failures: retries, lastFailure: 'upstream_unreachable' }, { failures: 0 }]);
  });

  test('with one target: again after a pause, so many times and no more', async () => {
    await servers[0]?.stop();
    const answer = await call(server({ targets: [target(0)] }));
    expect([answer.outcome, answer.control.retries]).toEqual(['upstream_unreachable', 2]);
    const once = await call(server({ targets: [target(0)], retry: { triesMax: 1, budgetPercent: 10 } }));
    expect(once.control.retries).toBe(0);
  });

  test.each([
    ['a reset', replies.resetBeforeHeaders],
    ['a close', replies.closeBeforeHeaders],
    ['503', replies.json({}, { status: 503 })],
  ])('a list that met %s is asked for elsewhere', async (_, reply) => {
    servers[0]?.next(reply);
    const answer = await call(server(), list);
    expect([answer.outcome, answer.control.retries, hits()[0], answer.control.target === 'a']).toEqual(['200', 1, 1, false]);
  });

  test('U6: whoever waited for a connection in vain has waited enough, unless there is another target', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    // It accepts, and never shakes hands.
    const far = target(0, { name: 'far', origin: `https://127.0.0.1:${(silent.address() as AddressInfo).port}` });
    const alone = await call(server({ targets: [far], connectTimeoutMs: 300 }));
    expect([alone.outcome, alone.control.retries]).toEqual(['upstream_unreachable', 0]);
    const other = await call(server({ targets: [far, target(1)], connectTimeoutMs: 300 }));
    expect([other.outcome, other.control.target]).toEqual(['200', 'b']);
    await new Promise((resolve) => silent.close(resolve));
  });

  test('503 with a time to come back is answered so where there is no other target', async () => {
    servers[0]?.next(replies.json({}, { status: 503, headers: { 'retry-after': '9' } }));
    const answer = await call(server({ targets: [target(0)] }), list);
    expect([answer.outcome, hits()]).toEqual(['503', [1, 0, 0]]);
  });

  test('a reply that has begun is not asked for again', async () => {
    servers[0]?.next(replies.cut(1000, 10, 'reset'));
    const answer = await call(server(), list);
    expect([answer.outcome, hits()]).toEqual(['upstream_reset', [1, 0, 0]]);
  });

  test('U4: whatever happens, a tool call is never at a server twice', async () => {
    const kinds = [
      replies.resetBeforeHeaders,
      replies.closeBeforeHeaders,
      replies.garbage,
      replies.json({}, { status: 502 }),
      replies.json({}, { status: 503 }),
      replies.json({}, { status: 429 }),
      replies.cut(100, 1, 'reset'),
      replies.cut(100, 1, 'end'),
      replies.empty(404),
      replies.defaultReply,
    ];
    const to = server({ breaker: null, retry: { triesMax: 5, budgetPercent: 100 } });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(kinds.length - 1), { minLength: 1, maxLength: 6 }), async (plan) => {
        const before = hits().reduce((sum, n) => sum + n);
        for (const kind of plan) {
          for (const one of servers) one.reply = kinds[kind] ?? replies.defaultReply;
          await call(to);
        }
        expect(hits().reduce((sum, n) => sum + n) - before).toBe(plan.length);
      }),
      { numRuns: 30 },
    );
  });

  test('further tries are a share of the calls', async () => {
    for (const one of servers) one.reply = replies.resetBeforeHeaders;
    const to = server({ breaker: null, retry: { triesMax: 3, budgetPercent: 10 } });
    await series(100, to, () => list);
    const tries = hits().reduce((sum, n) => sum + n) - 100;
    // What was saved before, and a tenth of the calls since.
    expect(tries).toBeGreaterThanOrEqual(18);
    expect(tries).toBeLessThanOrEqual(20);
  });

  test('no try begins when the time of the call is over', async () => {
    servers[0]?.next((request, socket) => {
      nowMs += 5_000;
      return replies.resetBeforeHeaders(request, socket);
    });
    const answer = await call(server(), list);
    expect([answer.outcome, answer.control.retries]).toEqual(['upstream_reset', 0]);
  });

  test('whoever leaves while a try is due is not followed by it', async () => {
    random = () => 1;
    servers[0]?.next(replies.resetBeforeHeaders);
    const { control, told } = begin(server(), list);
    await until(() => control.retries === 1);
    control.abort();
    expect((await told).outcome).toBe('upstream_reset');
    expect((await call(server())).outcome).toBe('200');
    expect(hits().reduce((sum, n) => sum + n)).toBe(2);
    expect(upstreams.reports().every(({ inFlight }) => inFlight === 0)).toBe(true);
  });
});

describe('the breaker', () => {
  const one = (): ServerData => server({ targets: [target(0)], retry: { triesMax: 1, budgetPercent: 0 } });

  test('U3: a target that fails half of its calls is left alone, at once and with the time to come back; then one call looks', async () => {
    const to = one();
    const [first] = servers;
    if (first) first.reply = replies.json({}, { status: 500 });
    expect(outcomes(await series(20, to))).toEqual(['500']);
    const refused = await call(to);
    expect([refused.outcome, refused.retryAfter, hits()[0]]).toEqual(['upstream_unavailable', 10, 20]);
    expect(upstreams.reports()).toMatchObject([{ breaker: 'open', calls: 20, failures: 20, lastFailure: 'HTTP 500' }]);
    nowMs += 10_000;
    if (first) first.reply = replies.after(50, replies.defaultReply);
    const [probe, other] = await Promise.all([call(to), call(to)]);
    expect([probe?.outcome, other?.outcome]).toEqual(['200', 'upstream_unavailable']);
    expect(outcomes(await series(3, to))).toEqual(['200']);
  });

  test('what a server says of a call is not its failure: tool errors, unknown methods, refusals', async () => {
    const [first] = servers;
    for (const reply of [replies.result('no', { isError: true }), replies.json({}, { status: 404 }), replies.json({}, { status: 400 }), replies.empty(401)]) {
      if (first) first.reply = reply;
      await series(20, one());
    }
    expect(upstreams.reports()).toMatchObject([{ breaker: 'closed', failures: 0 }]);
  });

  test('other targets and servers are untouched', async () => {
    const to = server();
    const [first] = servers;
    if (first) first.reply = replies.resetBeforeHeaders;
    await series(90, to);
    expect(upstreams.reports().map(({ breaker }) => breaker)).toEqual(['open', 'closed', 'closed']);
    expect(outcomes(await series(20, to))).toEqual(['200']);
    if (first) first.reply = replies.defaultReply;
    expect((await call(server({ targets: [target(0)] }, { name: 's2' }))).outcome).toBe('200');
  });

  test('what is behind a bridge has none: the bridge refuses by itself, and is back sooner', () => {
    const { upstream: _upstream, ...bare } = one();
    expect([reachOf({ ...bare, socketPath: '/run/bridge' }).breaker, reachOf(bare).breaker === null]).toEqual([null, false]);
  });

  test('streams that end after hours say nothing of now', async () => {
    const to = one();
    const [first] = servers;
    if (first) first.reply = replies.stream(['data: 1\n\n'], 'reset');
    const all = await series(30, to, () => ({ longLived: true, method: 'GET', body: null }));
    expect(outcomes(all)).toEqual(['upstream_reset']);
    expect(upstreams.reports()).toMatchObject([{ breaker: 'closed' }]);
  });

  test('a list that is refused and then cannot be sent counts twice, for it failed twice', async () => {
    const to = server({ targets: [target(0)], retry: { triesMax: 2, budgetPercent: 100 } });
    const [first] = servers;
    if (first) first.reply = replies.json({}, { status: 503 });
    await call(to, list);
    expect(upstreams.reports()).toMatchObject([{ calls: 2, failures: 2 }]);
  });

  test('a flapping target comes back', async () => {
    const to = server();
    const [first] = servers;
    for (let round = 0; round < 3; round++) {
      if (first) first.reply = replies.resetBeforeHeaders;
      await series(70, to);
      expect(upstreams.reports()[0]?.breaker).toBe('open');
      nowMs += 12_000;
      if (first) first.reply = replies.defaultReply;
      const before = first?.hits ?? 0;
      await series(6, to);
      expect([upstreams.reports()[0]?.breaker, (first?.hits ?? 0) - before]).toEqual(['closed', 2]);
    }
  });
});

describe('one of three targets is stalled', () => {
  test('the calls at the others do not wait for it', async () => {
    const to = server({ firstByteTimeoutMs: 60_000 });
    const [first] = servers;
    if (first) first.reply = replies.silence;
    const all = Array.from({ length: 30 }, () => begin(to));
    const done: Told[] = [];
    for (const { told } of all) void told.then((one) => done.push(one));
    await until(() => done.length === 20);
    expect(outcomes(done)).toEqual(['200']);
    for (const { control } of all) control.abort();
    await until(() => done.length === 30);
  });

  test('the total time ends a call that never ends by itself', async () => {
    const [first] = servers;
    if (first) first.reply = replies.stream(['data: 1\n\n'], 'open');
    const answer = await call(server({ targets: [target(0)], totalTimeoutMs: 200 }));
    expect(answer.outcome).toBe('mcp_timeout');
  });
});

describe('orders', () => {
  const order = { server: 's1', weight: null, draining: false, healthy: null };

  test('a target that drains takes no new call; those under way end, its sessions are over and its open streams too', async () => {
    const to = server();
    servers[0]?.next(replies.after(100, replies.defaultReply));
    const underWay = begin(to);
    servers[1]?.next(replies.stream(['data: 1\n\n'], 'open'));
    const stream = begin(to, { pinned: 'b', longLived: true, method: 'GET', body: null });
    await until(() => (servers[0]?.hits ?? 0) + (servers[1]?.hits ?? 0) === 2);
    upstreams.obey([
      { ...order, target: 'a', draining: true },
      { ...order, target: 'b', draining: true },
    ]);
    expect((await underWay.told).outcome).toBe('200');
    expect((await stream.told).outcome).toBe('upstream_reset');
    await series(4, to);
    expect(hits()).toEqual([1, 1, 4]);
    expect((await call(to, { pinned: 'a' })).outcome).toBe('session_not_found');
    expect((await call(to, { pinned: 'a', method: 'DELETE', body: null })).outcome).toBe('405');
    upstreams.obey([]);
    await series(3, to);
    expect(hits()).toEqual([3, 2, 5]);
  });

  test('a weight of none takes no calls, and one that checks find down is used only where there is no other', async () => {
    upstreams.obey([
      { ...order, target: 'a', weight: 0 },
      { ...order, target: 'b', healthy: false },
    ]);
    await series(3, server());
    expect(hits()).toEqual([0, 0, 3]);
    upstreams.obey(names.map((name) => ({ ...order, target: name, healthy: false })));
    await series(3, server());
    expect(hits()).toEqual([1, 1, 4]);
  });
});

describe('a new configuration', () => {
  test('targets that stay keep their connections; those that go close when their calls have ended', async () => {
    const first = server({ targets: [target(0), target(1)] }, { connectionsMax: 1 });
    servers[1]?.next(replies.after(100, replies.defaultReply));
    await call(first);
    const underWay = begin(first);
    await servers[1]?.received(1);
    const second = server({ targets: [target(0, { weight: 3 })] }, { connectionsMax: 1 });
    upstreams.keep([second]);
    expect((await underWay.told).outcome).toBe('200');
    await until(() => servers[1]?.openConnections === 0);
    await series(2, second);
    expect(servers[0]?.connections).toBe(1);
    expect(upstreams.reports().map((one) => one.target)).toEqual(['a']);
  });
});

test('a target that accepts and says nothing of TLS is a fault of TLS, at the first try', async () => {
  const plain = createServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`;
  const answer = await call(server({ targets: [target(0, { origin })] }));
  expect([answer.outcome, answer.control.retries]).toEqual(['upstream_tls', 0]);
  await new Promise((resolve) => plain.close(resolve));
});
