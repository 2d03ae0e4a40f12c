import { afterEach, describe, expect, test, vi } from 'vitest';
import { listedServers, type ListedServer, type ListedServers } from '../../../../test/support/listed-servers.ts';
import { until } from '../../../../test/support/poll.ts';
import { bounds } from '../kernel/bounds.ts';
import type { EndpointData } from '../snapshot/endpoint-data.ts';
import type { ServerEvent } from './dialogue.ts';
import { createKeptLists, type KeptLists } from './kept-lists.ts';

const made: ListedServers[] = [];
afterEach(() => {
  for (const one of made.splice(0)) one.close();
  vi.useRealTimers();
});

function over(servers: Readonly<Record<string, ListedServer>>, data: Partial<EndpointData> = {}, kept?: KeptLists): ListedServers {
  const one = listedServers(servers, data, kept);
  made.push(one);
  return one;
}

const tool = (name: string): string => `{"name":${JSON.stringify(name)},"inputSchema":{"type":"object"}}`;
const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceUris: [] };
/** A supervisor that keeps nothing. */
const forgetful: KeptLists = { note: () => 0, put: () => undefined, find: () => null };

interface Told {
  readonly names: readonly string[];
  readonly nextCursor: string | undefined;
  readonly ttlMs: number;
  readonly unavailable: readonly object[] | undefined;
}

async function toolsOf(all: ListedServers, params: object = {}, capabilities = '{}'): Promise<Told> {
  const caller = all.caller();
  const answer = await all.request('tools/list', params, { face: { ...caller.face, capabilities } });
  if (answer.kind !== 'answer') throw new Error('a list is answered here');
  const { tools, nextCursor, ttlMs, _meta } = JSON.parse(answer.result) as {
    tools: { name: string }[];
    nextCursor?: string;
    ttlMs: number;
    _meta?: Record<string, object[]>;
  };
  return { names: tools.map(({ name }) => name), nextCursor, ttlMs, unavailable: _meta?.['io.gatewayops/unavailable'] };
}

describe('a server that is away', () => {
  test('is named where nothing of it was ever listed; the others are listed, and nobody waits for it again', async () => {
    const all = over({ a: { tools: [[tool('x')]] }, b: { away: 'stalled' } }, { deadlineMs: 30 });
    const list = await toolsOf(all);
    expect(list.names).toEqual(['a__x']);
    expect(list.unavailable).toEqual([{ server: 'b', reason: 'mcp_timeout', stale: false }]);
    expect(list.ttlMs).toBeLessThanOrEqual(1_000);
    expect(await all.request('tools/call', { name: 'a__x' })).toMatchObject({ kind: 'route', name: 'x' });
  });

  test('is waited for once, whoever asks for whatever', async () => {
    const all = over({ a: { tools: [[tool('x')]], prompts: [[]] }, b: { away: 'stalled' } }, { deadlineMs: 1_500 });
    const startedAt = performance.now();
    await all.endpoint.facts(all.caller());
    const onceMs = performance.now() - startedAt;
    await all.endpoint.facts(all.caller());
    expect((await toolsOf(all)).names).toEqual(['a__x']);
    expect((await toolsOf(all, {}, '{"sampling":{}}')).names).toEqual(['a__x']);
    await all.request('prompts/list');
    expect(performance.now() - startedAt).toBeLessThan(2 * onceMs);
  });

  test('keeps its last list, marked; its return is told to who watches', async () => {
    const b: ListedServer = { tools: [[tool('y')]], ttlMs: 0 };
    const all = over({ a: { tools: [[tool('x')]] }, b });
    expect((await toolsOf(all)).names).toEqual(['a__x', 'b__y']);
    b.away = 'unreachable';
    const list = await toolsOf(all);
    expect(list.names).toEqual(['a__x', 'b__y']);
    expect(list.unavailable).toEqual([{ server: 'b', reason: 'upstream_unreachable', stale: true }]);
    const events: ServerEvent[] = [];
    const stop = all.endpoint.watch(all.caller(), lists, (event) => events.push(event));
    b.away = null;
    await until(() => events.some(({ kind }) => kind === 'toolsListChanged'));
    stop();
    expect((await toolsOf(all)).unavailable).toBeUndefined();
  });

  test('keeps it however long nobody asks', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const b: ListedServer = { tools: [[tool('y')]], ttlMs: 0 };
    const all = over({ b }, {}, forgetful);
    await toolsOf(all);
    b.away = 'unreachable';
    await toolsOf(all);
    vi.advanceTimersByTime(48 * 3_600_000);
    expect(await toolsOf(all)).toMatchObject({ names: ['b__y'], unavailable: [{ server: 'b', stale: true }] });
  });

  test('has for callers of a class that never asked what those of another were told, and they can call it', async () => {
    const b: ListedServer = { tools: [[tool('y')]], ttlMs: 0 };
    const all = over({ b });
    await toolsOf(all);
    b.away = 'unreachable';
    const capabilities = '{"elicitation":{}}';
    expect(await toolsOf(all, {}, capabilities)).toMatchObject({ names: ['b__y'], unavailable: [{ server: 'b', stale: true }] });
    const { face } = all.caller();
    expect(await all.request('tools/call', { name: 'b__y' }, { face: { ...face, capabilities: '{"roots":{}}' } })).toMatchObject({ kind: 'route', name: 'y' });
  });

  test('has the same list in every worker, also in one that begins; cursors go on from one to the other', async () => {
    const kept = createKeptLists();
    const b: ListedServer = { tools: [[tool('x'), tool('y')]], ttlMs: 0 };
    const one = over({ b }, { pageSize: 1 }, kept);
    await toolsOf(one);
    b.tools = [[tool('x'), tool('y'), tool('z')]];
    const other = over({ b }, { pageSize: 1 }, kept);
    await toolsOf(other);
    b.away = 'unreachable';
    const begun = over({ b }, { pageSize: 1 }, kept);
    const first = await toolsOf(one);
    expect(first).toMatchObject({ names: ['b__x'], unavailable: [{ server: 'b', stale: true }] });
    const second = await toolsOf(begun, { cursor: first.nextCursor });
    expect(second).toMatchObject({ names: ['b__y'], unavailable: [{ server: 'b', stale: true }] });
    expect((await toolsOf(other, { cursor: second.nextCursor })).names).toEqual(['b__z']);
  });

  test('has nothing for callers whose headers it is sent but what it listed to callers with the same', async () => {
    const b: ListedServer = { tools: [[tool('y')]], ttlMs: 0, passesHeaders: true };
    const all = over({ b });
    const listFor = async (tenant: string): Promise<object> => {
      const answer = await all.request('tools/list', {}, { forwarded: () => ['x-tenant', tenant] });
      return answer.kind === 'answer' ? (JSON.parse(answer.result) as object) : {};
    };
    expect(await listFor('one')).toMatchObject({ tools: [{ name: 'b__y' }] });
    expect(all.requests.at(-1)?.forwarded).toEqual(['x-tenant', 'one']);
    b.away = 'unreachable';
    expect(await listFor('one')).toMatchObject({ tools: [{ name: 'b__y' }] });
    expect(await listFor('other')).toMatchObject({ tools: [], _meta: { 'io.gatewayops/unavailable': [{ server: 'b', stale: false }] } });
  });

  test('has nothing of another server of its name', async () => {
    const kept = createKeptLists();
    const servers = { b: { tools: [[tool('y')]], ttlMs: 0 } as ListedServer };
    const all = over(servers, {}, kept);
    await toolsOf(all);
    servers.b.away = 'unreachable';
    all.moveTo('http://127.0.0.1:2');
    expect(await toolsOf(all)).toMatchObject({ names: [], unavailable: [{ server: 'b', stale: false }] });
  });

  test('all who list at one time wait for one reading', async () => {
    const a: ListedServer = { tools: [[tool('x')]] };
    const all = over({ a });
    await Promise.all(Array.from({ length: 20 }, () => toolsOf(all)));
    expect(a.lists).toBe(1);
  });

  test('a call waits only for the server that its name can belong to', async () => {
    const all = over({ a: { tools: [[tool('x')]] }, b: { away: 'stalled' } }, { deadlineMs: 60_000 });
    expect(await all.request('tools/call', { name: 'a__x' })).toMatchObject({ kind: 'route', name: 'x' });
  });

  test('is counted for what it last said of itself, in every worker', async () => {
    const kept = createKeptLists();
    const b: ListedServer = { tools: [[]], instructions: 'Use b.', capabilities: { tools: {}, completions: {} } };
    const all = over({ a: { prompts: [[]] }, b }, {}, kept);
    const before = await all.endpoint.facts(all.caller());
    expect(JSON.parse(before.capabilities)).toEqual({ tools: { listChanged: true }, prompts: { listChanged: true }, completions: {} });
    b.away = 'unreachable';
    const begun = over({ a: { prompts: [[]] }, b }, {}, kept);
    await until(async () => (await begun.endpoint.facts(begun.caller())).instructions !== null);
    expect(await begun.endpoint.facts(begun.caller())).toMatchObject({ capabilities: before.capabilities, instructions: before.instructions, ttlMs: 0 });
  });

  test('offers lists of every kind, and nothing else, where it never said anything', async () => {
    const all = over({ a: { prompts: [[]] }, b: { away: 'unreachable' } });
    const listChanged = { listChanged: true };
    expect(JSON.parse((await all.endpoint.facts(all.caller())).capabilities)).toEqual({ tools: listChanged, resources: listChanged, prompts: listChanged });
  });
});

describe('M15: a list that does not end', () => {
  const circle = (tools: ListedServer['tools'] = [[tool('a')], [tool('b')]]): ListedServer => ({
    tools,
    ttlMs: 0,
    cursorAfter: (index) => String((index + 1) % (tools?.length ?? 1) || 1),
  });

  test('is read as far as its cursors are new, and is marked as a part, its server as degraded', async () => {
    const all = over({ s: circle() });
    const unavailable = [{ server: 's', reason: 'cursor_repeats', stale: false, degraded: true, partial: true }];
    expect(await toolsOf(all)).toMatchObject({ names: ['s__a', 's__b'], unavailable });
  });

  test('does not take the place of a good one, which stays, marked, in every worker; others are not touched', async () => {
    const kept = createKeptLists();
    const s: ListedServer = { tools: [[tool('good')]], ttlMs: 0 };
    const servers = { s, other: { tools: [[tool('x')]] } };
    const all = over(servers, {}, kept);
    await toolsOf(all);
    Object.assign(s, circle());
    const marked = { names: ['s__good', 'other__x'], unavailable: [{ server: 's', reason: 'cursor_repeats', stale: true, degraded: true }] };
    expect(await toolsOf(all)).toMatchObject(marked);
    expect(await toolsOf(over(servers, {}, kept))).toMatchObject(marked);
  });

  test('is not read again and again, and is whole again when its server mends it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const s = circle();
    const all = over({ s });
    await toolsOf(all);
    const { lists: read } = s;
    for (let time = 0; time < 5; time++) await toolsOf(all);
    expect(s.lists).toBe(read);
    vi.advanceTimersByTime(bounds.catalogueDegradedMs + 1_000);
    delete s.cursorAfter;
    s.tools = [[tool('c')]];
    await vi.waitUntil(async () => (await toolsOf(all)).unavailable === undefined, { timeout: 10_000 });
    expect((await toolsOf(all)).names).toEqual(['s__c']);
  });

  test.each([
    ['pages', { pages: bounds.cataloguePagesMax + 50, each: 1, bytes: 10 }],
    ['tools', { pages: 40, each: 400, bytes: 10 }],
    ['bytes', { pages: 100, each: 1, bytes: 512 * 1024 }],
  ])('ends at so many %s', async (_, { pages, each, bytes }) => {
    const page = (index: number): string[] =>
      Array.from({ length: each }, (__, at) => `{"name":"t${index}_${at}","description":"${'x'.repeat(bytes)}","inputSchema":{"type":"object"}}`);
    const s: ListedServer = { tools: [[tool('good')]], ttlMs: 0 };
    const all = over({ s }, { deadlineMs: 60_000 });
    await toolsOf(all);
    s.tools = Array.from({ length: pages }, (__, index) => page(index));
    s.lists = 0;
    await until(async () => (await toolsOf(all)).unavailable !== undefined);
    expect(await toolsOf(all)).toMatchObject({ names: ['s__good'], unavailable: [{ server: 's', reason: 'too_many_entries', stale: true, degraded: true }] });
    expect(s.lists).toBeLessThan(pages);
  });
});

describe('a server that tells of no changes', () => {
  test('is looked at while somebody listens, who is told of what has changed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const s: ListedServer = { tools: [[tool('x')]], capabilities: { tools: {} }, ttlMs: 3_600_000 };
    const all = over({ s });
    const events: ServerEvent[] = [];
    const stop = all.endpoint.watch(all.caller(), lists, (event) => events.push(event));
    await vi.waitUntil(() => s.lists === 1, { timeout: 10_000 });
    await readAgain();
    expect(events).toEqual([]);
    s.tools = [[tool('y')]];
    await readAgain();
    await vi.waitUntil(() => vi.advanceTimersByTime(bounds.changeBurstMs) && events.length > 0, { timeout: 10_000 });
    expect(events).toEqual([{ kind: 'toolsListChanged' }]);
    stop();
    await expect(readAgain()).rejects.toThrow('Timed out');

    /** The next reading comes within so much time. */
    async function readAgain(): Promise<void> {
      const { lists: before = 0 } = s;
      await new Promise(setImmediate);
      vi.advanceTimersByTime(1.3 * bounds.catalogueWatchedMs);
      await vi.waitUntil(() => s.lists === before + 1, { timeout: 500 });
    }
  });
});
