import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { tokenColumns } from '../../bodies/payload-row.ts';
import { ByteWriter } from '../../record/byte-writer.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../../record/call-record.ts';
import { intentColumns, outcomeColumns } from '../../record/call-row.ts';
import type { Journal } from '../../record/journal.ts';
import { countedRow } from '../../../../../test/support/counted-rows.ts';
import { until } from '../../../../../test/support/poll.ts';
import { createTap, type Tap } from '../tap.ts';
import { createLiveFeed, type LiveFeed } from './live-feed.ts';
import { LatencySketch } from './latency-sketch.ts';
import type { LiveEvent, LiveStream } from './live-stream.ts';

const shape = { intent: intentColumns, outcome: outcomeColumns };
let nowMs = 0;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
let tap: Tap;
let feed: LiveFeed;
let calls = 0;

beforeEach(() => {
  nowMs = 0;
  calls = 0;
  tap = createTap(silentLog);
  feed = createLiveFeed({ tap, clock });
});
afterEach(() => feed.end(null));

/** Passes calls by the tap, as the drain does. */
function pass(count: number, organizationId = 'org_1'): void {
  for (let index = 0; index < count; index++) {
    const writers = { intent: new ByteWriter(512), outcome: new ByteWriter(512) };
    let kind: 'intent' | 'outcome' = 'intent';
    const journal = { begin: (begun: 'intent' | 'outcome') => writers[(kind = begun)], end: () => void kind } as unknown as Journal;
    const record = new CallRecord(++calls, performance.now());
    record.traceHex = calls.toString(16).padStart(32, '0');
    record.spanHex = calls.toString(16).padStart(16, '0');
    record.method = 'tools/call';
    record.name = `tool-${calls}`;
    record.status = calls % 5 === 0 ? 'error' : 'success';
    record.stop = 'reply';
    record.costNano = calls;
    const principal = principalBlock({ organizationId, keyId: 'key_1', keyPrefix: '', userId: '', teamId: '', projectId: '', agent: '', environment: '' });
    writeIntent(journal, record, principal, serverBlock('node', 'search', 'USD'), performance.timeOrigin);
    writeOutcome(journal, record, performance.now());
    const { intent, outcome } = writers;
    tap.pass(shape, intent.bytes, 0, intent.length, outcome.bytes, 0, outcome.length);
  }
}

function open(more: Partial<Parameters<LiveFeed['open']>[0]> = {}): LiveStream {
  return feed.open({
    holder: 'key_1',
    organizationId: 'org_1',
    fits: () => true,
    rateMax: 10_000,
    shows: { calls: true, metrics: false },
    after: null,
    ...more,
  });
}

/** Reads what comes until `enough`; the reader then waits for no more. */
async function read(stream: LiveStream, enough: (events: readonly LiveEvent[]) => boolean): Promise<LiveEvent[]> {
  const events: LiveEvent[] = [];
  while (!enough(events)) {
    const event = await stream.next();
    if (event === null) break;
    events.push(event);
  }
  return events;
}

const callsOf = (events: readonly LiveEvent[]): string[] => events.flatMap((event) => (event.type === 'call' ? [event.call.tool] : []));
const names = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `tool-${from + index}`);

describe('a live stream', () => {
  test('has every call of its organization that fits, once and in order, and none of another', async () => {
    const all = open();
    const errors = open({ fits: ({ status }) => status === 'error' });
    pass(20);
    pass(5, 'org_2');
    pass(10);
    expect(callsOf(await read(all, (events) => callsOf(events).length === 30))).toEqual([...names(1, 20), ...names(26, 35)]);
    expect(callsOf(await read(errors, (events) => callsOf(events).length === 6))).toEqual([5, 10, 15, 20, 30, 35].map((number) => `tool-${number}`));
  });

  test('goes on after the last call that its reader saw: nothing lost, nothing twice', async () => {
    const first = open();
    pass(10);
    const seen = await read(first, (events) => callsOf(events).length === 7);
    first.close();
    const last = seen.at(-1);
    pass(10);
    const again = open({ after: last?.type === 'call' ? last.id : null });
    pass(5);
    const rest = await read(again, (events) => callsOf(events).length === 18);
    expect(rest[0]).toEqual({ type: 'open', replayed: 13 });
    expect([...callsOf(seen), ...callsOf(rest)]).toEqual(names(1, 25));
  });

  test('names the gap where it cannot: calls too long ago, or of another process', async () => {
    const first = open();
    pass(1);
    const [, call] = await read(first, (events) => callsOf(events).length === 1);
    pass(bounds.liveReplayMax + 10);
    const again = open({ after: call?.type === 'call' ? call.id : null });
    const rest = await read(again, (events) => callsOf(events).length === bounds.liveReplayMax);
    expect(rest.slice(0, 2)).toEqual([
      { type: 'gap', missed: 10, reason: 'too_old' },
      { type: 'open', replayed: bounds.liveReplayMax },
    ]);
    expect(callsOf(rest)[0]).toBe('tool-12');
    expect((await read(open({ after: 'deadbeef-5' }), (events) => events.length === 2))[0]).toEqual({ type: 'gap', missed: null, reason: 'restarted' });
  });

  test('above its rate shows an even choice, and says of how many', async () => {
    const stream = open({ rateMax: 10 });
    pass(100);
    const shown = callsOf(await read(stream, (events) => callsOf(events).length === 10)).map((name) => Number(name.slice(5)));
    expect(shown).toEqual(Array.from({ length: 10 }, (_, index) => index * 10 + 1));
    const [sampled] = await read(stream, (events) => events.length === 1);
    expect(sampled).toEqual({ type: 'sampled', shown: 10, of: 100 });
    // The next second is another.
    pass(4);
    expect(callsOf(await read(stream, (events) => callsOf(events).length === 4))).toEqual(names(101, 104));
  });

  /** Tokens of the call of this number are counted: nine more nano-dollars. */
  const count = (...numbers: number[]): void => {
    const rows = numbers.map((number) => {
      const spanHex = number.toString(16).padStart(16, '0');
      return countedRow({ organizationId: 'org_1', spanHex, server: 'search', tool: `tool-${number}`, input: 2, output: 7, costNano: 9 });
    });
    tap.passCounted(tokenColumns, rows);
  };
  const said = (events: readonly LiveEvent[]): string[] =>
    events.flatMap((event) => (event.type === 'call' || event.type === 'counted' ? [`${event.type} ${event.call.tool} ${event.call.cost_text}`] : []));

  test('says again what a call cost when its tokens are counted: of those that it showed, also to a reader that comes back', async () => {
    const all = open();
    const few = open({ rateMax: 1 });
    pass(2);
    const seen = await read(all, (events) => said(events).length === 2);
    expect(said(await read(few, (events) => said(events).length === 1))).toEqual(['call tool-1 0.000000001']);
    all.close();
    count(2, 1);
    expect(said(await read(few, (events) => said(events).length === 1))).toEqual(['counted tool-1 0.00000001']);
    const last = seen.at(-1);
    const again = open({ after: last?.type === 'call' ? last.id : null });
    const rest = await read(again, (events) => said(events).length === 2);
    expect(said(rest)).toEqual(['counted tool-1 0.00000001', 'counted tool-2 0.000000011']);
    const counted = rest.at(-1);
    expect(counted?.type === 'counted' && [counted.call.input_tokens, counted.call.output_tokens, counted.call.tokens_source]).toEqual([2, 7, 'counted']);
  });

  test('asks for a cost that a call has with its tokens, whichever of the two comes first', async () => {
    const dear = open({ fits: ({ measures }) => measures.cost >= 10n });
    pass(2);
    count(1, 2, 3);
    pass(1);
    expect(said(await read(dear, (events) => said(events).length === 3))).toEqual([
      'call tool-1 0.00000001',
      'call tool-2 0.000000011',
      'call tool-3 0.000000012',
    ]);
  });

  test('whose reader is slow costs bounded memory, and says what was lost', async () => {
    const stream = open();
    pass(bounds.liveQueueMax + 500);
    await until(() => stream.dropped > 0);
    const events = await read(stream, (read) => read.some(({ type }) => type === 'dropped'));
    expect(callsOf(events)).toHaveLength(bounds.liveQueueMax - 1);
    expect(events.at(-1)).toEqual({ type: 'dropped', count: 501, total: 501 });
    expect(feed.figures()).toEqual({ streams: 1, dropped: 501 });
    pass(1);
    expect(callsOf(await read(stream, (read) => callsOf(read).length === 1))).toEqual([`tool-${bounds.liveQueueMax + 501}`]);
  });

  test('gives a sign of life every 15 seconds', async () => {
    const stream = open();
    await stream.next();
    const next = stream.next();
    nowMs = bounds.liveHeartbeatMs;
    expect(await next).toEqual({ type: 'heartbeat', dropped: 0 });
  });

  test('of a key that is good no more ends, and shows nothing further; those of others go on', async () => {
    const stream = open();
    const other = open({ holder: 'key_2' });
    pass(3);
    await until(() => feed.figures().streams === 2);
    feed.end('key_1');
    expect((await read(stream, () => false)).at(-1)).toEqual({ type: 'end', reason: 'unauthorized' });
    pass(1);
    expect(callsOf(await read(other, (events) => callsOf(events).length === 4))).toEqual(names(1, 4));
  });

  test('with metrics counts all calls of a second that fit, shown or not', async () => {
    const stream = open({ fits: ({ tool }) => tool !== 'tool-3', rateMax: 2, shows: { calls: false, metrics: true } });
    const both = open({ rateMax: 2, shows: { calls: true, metrics: true } });
    pass(10);
    const counted = (events: readonly LiveEvent[]): LiveEvent[] => events.filter((event) => event.type === 'metrics' && event.summary.total.calls > 0);
    const [first, ...others] = await read(stream, (events) => counted(events).length === 1);
    expect(first).toEqual({ type: 'open', replayed: 0 });
    expect(others.at(-1)).toMatchObject({
      summary: { total: { calls: 9, outcomes: { success: 7, error: 2 } }, servers: [{ server: 'search', calls: 9 }] },
      agents: 1,
    });
    const seen = await read(both, (events) => counted(events).length === 1);
    expect(callsOf(seen)).toHaveLength(2);
    expect(counted(seen)).toMatchObject([{ summary: { total: { calls: 10 } } }]);
  });

  test('is one of few', () => {
    for (let index = 0; index < bounds.liveStreamsPerHolderMax; index++) open();
    expect(() => open()).toThrow(expect.objectContaining({ code: 'too_many_streams' }));
    open({ holder: 'key_2' });
  });

  test('with nobody watching for a while nothing is decoded', async () => {
    const stream = open();
    stream.close();
    expect(tap.isOpen).toBe(true);
    await until(() => {
      nowMs += bounds.liveLingerMs;
      return !tap.isOpen;
    });
  });
});

describe('the seconds that just ended', () => {
  const anyKind = (): boolean => true;

  test('are known once somebody has asked, by organization and kind, and each call counts once', async () => {
    expect(feed.recent('org_1', anyKind)).toBeNull();
    pass(10);
    pass(3, 'org_2');
    const recent = await until(() => feed.recent('org_1', anyKind), { what: 'a first second' });
    expect(recent).toMatchObject({ total: { calls: 10, outcomes: { success: 8, error: 2 } } });
    // However many seconds a busy machine let pass.
    expect(recent.history).toHaveLength(recent.seconds);
    expect(recent.history.filter(({ calls: counted }) => counted > 0)).toMatchObject([{ calls: 10, errors: 2 }]);
    expect(recent.tools).toHaveLength(10);
    pass(5);
    await until(() => feed.recent('org_1', anyKind)?.total.calls === 15);
    expect(feed.recent('org_1', ({ status }) => status === 'error')?.total).toMatchObject({ calls: 3 });
    expect(feed.recent('org_3', anyKind)?.total).toEqual({ calls: 0, outcomes: {}, latencyUs: null });
  });

  test('cost bounded memory, whatever names callers make up, and lose no call', async () => {
    feed.recent('org_1', anyKind);
    pass(bounds.meterCellsMax * 2);
    const recent = await until(() => feed.recent('org_1', anyKind)?.total.calls === bounds.meterCellsMax * 2 && feed.recent('org_1', anyKind));
    expect(recent.tools).toHaveLength(bounds.meterGroupsMax);
    expect(recent.servers).toMatchObject([{ server: 'search', calls: bounds.meterCellsMax * 2 }]);
  });
});

test('a sketch of latencies is within a hundredth of each quantile, also put together of parts', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 200 }), fc.constantFrom(0.5, 0.95, 0.99), (us, level) => {
      const [even, odd] = [new LatencySketch(), new LatencySketch()];
      for (const [index, one] of us.entries()) (index % 2 === 0 ? even : odd).add(one);
      even.merge(odd);
      const exact = us.toSorted((a, b) => a - b)[Math.floor(level * (us.length - 1))] ?? 0;
      expect(Math.abs((even.quantile(level) ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.01 + 1e-6);
    }),
  );
});
