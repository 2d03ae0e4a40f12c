import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { CacheRules, Server } from '../snapshot/compile-snapshot.ts';
import { requestText } from './request-text.ts';
import { createResultCache, type CacheAnswer, type CacheEvent, type CacheQuestion, type ResultCache } from './result-cache.ts';

interface Bench {
  readonly cache: ResultCache;
  readonly server: Server;
  nowMs: number;
  readonly watching: ((event: CacheEvent) => void)[];
  configure(server: Server): void;
}

const open: Bench[] = [];
afterEach(() => {
  for (const { cache } of open.splice(0)) cache.close();
});

const rules: CacheRules = { lists: true, resources: true, tools: new Map([['lookup', 60_000]]), ttlMs: 0, public: false };

function serverOf(more: Partial<CacheRules> = {}, data: object = {}): Server {
  const block = new Uint8Array();
  const price = { perCall: 0, perTokenInput: 0, perTokenOutput: 0, perSecond: 0, by: 'default' as const, version: 0 };
  return {
    data: { name: 's', ...data } as Server['data'],
    organizations: null,
    block,
    price,
    toolPrices: new Map(),
    reportedCostMax: null,
    transforms: null,
    cache: { ...rules, ...more },
    bodies: null,
  };
}

function bench(more: Partial<CacheRules> = {}): Bench {
  let server = serverOf(more);
  const watching: ((event: CacheEvent) => void)[] = [];
  const clock: Clock = { nowMs: () => made.nowMs, monotonicMs: () => made.nowMs };
  const cache = createResultCache({
    clock,
    current: () => server,
    watch(_, onEvent) {
      watching.push(onEvent);
      return () => void watching.splice(watching.indexOf(onEvent), 1);
    },
  });
  const made = { cache, server, nowMs: 1_000, watching, configure: (next: Server) => void (server = next) };
  open.push(made);
  return made;
}

const questionOf = ({ server }: Pick<Bench, 'server'>, more: Partial<CacheQuestion> = {}): CacheQuestion => ({
  server,
  principalId: 'key_a',
  organizationId: 'org_a',
  method: 'tools/list',
  name: '',
  depends: [],
  ...more,
});
const list = (more: object = {}): Buffer => Buffer.from(JSON.stringify({ resultType: 'complete', tools: [], ttlMs: 10_000, cacheScope: 'private', ...more }));

async function ask(from: Bench, more: Partial<CacheQuestion> = {}): Promise<CacheAnswer | null> {
  return from.cache.ask(questionOf(from, more));
}

/** Asks, and answers where the cache does not know; the answer that the caller gets. */
async function get(from: Bench, result: Buffer, more: Partial<CacheQuestion> = {}): Promise<string> {
  const found = await ask(from, more);
  if (found?.kind === 'hit') return found.result.toString();
  found?.flight.end(result);
  return `asked: ${result.toString()}`;
}

describe('what is kept', () => {
  test.each<[string, object, Partial<CacheQuestion>, boolean]>([
    ['a list with ttlMs', {}, {}, true],
    ['a list without time', { ttlMs: 0 }, {}, false],
    ['a list that says nothing', { ttlMs: undefined }, {}, false],
    ['ttlMs that is no number', { ttlMs: '10' }, {}, false],
    ['a request for input', { resultType: 'input_required' }, { method: 'resources/read', name: 'a:b' }, false],
    ['a task', { resultType: 'task' }, { method: 'tools/call', name: 'lookup' }, false],
    ['the result of a tool that is named', { ttlMs: undefined }, { method: 'tools/call', name: 'lookup' }, true],
    ['the result of another tool', {}, { method: 'tools/call', name: 'send' }, false],
    ['an error of a tool', { isError: true }, { method: 'tools/call', name: 'lookup' }, false],
    ['a prompt', {}, { method: 'prompts/get', name: 'p' }, false],
    ['more than the bound', { text: 'x'.repeat(bounds.cacheEntryBytesMax) }, {}, false],
  ])('%s', async (_, more, question, kept) => {
    const one = bench();
    await get(one, list(more), question);
    expect((await ask(one, question))?.kind === 'hit').toBe(kept);
  });

  test('lists of a server that says nothing, for as long as the configuration says', async () => {
    const one = bench({ ttlMs: 5_000 });
    await get(one, list({ ttlMs: undefined }));
    one.nowMs += 4_999;
    expect((await ask(one))?.kind).toBe('hit');
    one.nowMs += 1;
    expect((await ask(one))?.kind).toBe('miss');
  });

  test('with what is left of its time, every other byte as it was', async () => {
    const one = bench();
    await get(one, Buffer.from('{"n":12345678901234567890, "ttlMs" : 10000,"tools":[1.0]}'));
    one.nowMs += 4_000;
    expect(await get(one, list())).toBe('{"n":12345678901234567890, "ttlMs" : 6000,"tools":[1.0]}');
  });

  test('within bounds of bytes, what was used last longest', async () => {
    const one = bench();
    const big = list({ text: 'x'.repeat(bounds.cacheEntryBytesMax - 200) });
    for (let index = 0; index < 70; index++) {
      await get(one, big, { depends: [String(index)] });
      expect((await ask(one, { depends: ['0'] }))?.kind).toBe('hit');
    }
    const kept = await Promise.all(Array.from({ length: 70 }, async (_, index) => (await ask(one, { depends: [String(index)] }))?.kind === 'hit'));
    expect([kept[0], kept[1], kept[69]]).toEqual([true, false, true]);
    expect(kept.filter(Boolean).length * bounds.cacheEntryBytesMax).toBeLessThanOrEqual(bounds.cacheBytesMax + bounds.cacheEntryBytesMax);
  });
});

describe('whose answer it is', () => {
  test('M26: no principal ever gets what another was answered, whatever they ask and in whatever order', async () => {
    const principal = fc.constantFrom('a', 'b', 'ab', '');
    const part = fc.constantFrom('', 'x', '","', '\n');
    const step = fc.record({
      principal,
      method: fc.constantFrom('tools/list', 'resources/read', 'tools/call'),
      depends: fc.array(part, { maxLength: 2 }),
      scope: fc.constantFrom('public', 'private'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const one = bench();
        for (const { principal: principalId, method, depends, scope } of steps) {
          const name = method === 'tools/call' ? 'lookup' : '';
          const own = JSON.stringify([principalId, method, depends]);
          const answer = await get(one, list({ own, cacheScope: scope }), { principalId, method, name, depends });
          expect((JSON.parse(answer.replace('asked: ', '')) as { own: string }).own).toBe(own);
        }
      }),
    );
  });

  test('M26: what the server calls public is for all where the configuration agrees, and nothing else is', async () => {
    const one = bench({ public: true });
    await get(one, list({ cacheScope: 'public' }));
    expect((await ask(one, { principalId: 'key_b' }))?.kind).toBe('hit');
    await get(one, list(), { method: 'prompts/list' });
    expect((await ask(one, { principalId: 'key_b', method: 'prompts/list' }))?.kind).toBe('miss');
    const closed = bench();
    await get(closed, list({ cacheScope: 'public' }));
    expect((await ask(closed, { principalId: 'key_b' }))?.kind).toBe('miss');
  });
});

describe('one flight for the same question', () => {
  test('a hundred callers at once ask the server once', async () => {
    const one = bench();
    const first = await ask(one);
    const others = Promise.all(Array.from({ length: 100 }, () => ask(one)));
    if (first?.kind === 'miss') first.flight.end(list());
    expect((await others).map((found) => found?.kind === 'hit' && found.shared)).toEqual(Array.from({ length: 100 }, () => true));
  });

  test('next to one that cannot be kept all ask for themselves, at once', async () => {
    const one = bench();
    const first = await ask(one);
    const others = Promise.all([ask(one), ask(one), ask(one)]);
    if (first?.kind === 'miss') first.flight.end(list({ ttlMs: 0 }));
    expect((await others).map((found) => found?.kind)).toEqual(['miss', 'miss', 'miss']);
    expect([one.cache.ask(questionOf(one)), one.cache.ask(questionOf(one))]).toEqual([
      expect.objectContaining({ kind: 'miss' }),
      expect.objectContaining({ kind: 'miss' }),
    ]);
  });

  test('where the first leaves, one of the others asks', async () => {
    const one = bench();
    const first = await ask(one);
    const second = ask(one);
    const third = ask(one);
    if (first?.kind === 'miss') first.flight.end(null, true);
    const found = await second;
    expect(found?.kind).toBe('miss');
    if (found?.kind === 'miss') found.flight.end(list());
    expect(await third).toMatchObject({ kind: 'hit', shared: true });
  });
});

describe('what has changed', () => {
  test.each<[CacheEvent, string, string, boolean]>([
    [{ kind: 'list', group: 'tools' }, 'tools/list', '', false],
    [{ kind: 'list', group: 'tools' }, 'tools/call', 'lookup', false],
    [{ kind: 'list', group: 'tools' }, 'prompts/list', '', true],
    [{ kind: 'list', group: 'prompts' }, 'prompts/list', '', false],
    [{ kind: 'list', group: 'resources' }, 'resources/templates/list', '', false],
    [{ kind: 'list', group: 'resources' }, 'resources/read', 'a:b', false],
    [{ kind: 'resource', uri: 'a:b' }, 'resources/read', 'a:b', false],
    [{ kind: 'resource', uri: 'a:c' }, 'resources/read', 'a:b', true],
  ])('%o and %s %s', async (event, method, name, kept) => {
    const one = bench();
    await get(one, list(), { method, name });
    one.cache.changed(one.server, event);
    expect((await ask(one, { method, name }))?.kind === 'hit').toBe(kept);
  });

  test('is heard of while lists are kept, and an answer that was under way is not kept', async () => {
    const one = bench();
    expect(one.watching).toEqual([]);
    const late = await ask(one, { depends: ['late'] });
    await get(one, list());
    expect(one.watching.length).toBe(1);
    one.watching[0]?.({ kind: 'list', group: 'tools' });
    if (late?.kind === 'miss') late.flight.end(list());
    expect([(await ask(one))?.kind, (await ask(one, { depends: ['late'] }))?.kind]).toEqual(['miss', 'miss']);
  });

  test('a server that is configured in another way has nothing kept, one that stays the same keeps it', async () => {
    const one = bench();
    await get(one, list());
    const same = serverOf();
    one.configure(same);
    one.cache.reconfigured();
    expect(one.cache.ask(questionOf(one))).toBe(null);
    expect(one.cache.ask(questionOf({ server: same }))).toMatchObject({ kind: 'hit' });
    const other = serverOf({}, { origin: 'http://elsewhere' });
    one.configure(other);
    one.cache.reconfigured();
    expect(one.watching).toEqual([]);
    expect(one.cache.ask(questionOf({ server: other }))).toMatchObject({ kind: 'miss' });
  });
});

test('requests are the same where only white space and what has no effect differ', () => {
  const text = (json: string): string | null => requestText(Buffer.from(json));
  const same = text('{"name":"t","arguments":{"a":"x  y","n":1.0}}');
  expect(same).not.toBe(null);
  expect(text('{ "name" : "t" ,"arguments":{ "a":"x  y",\n"n":1.0}, "_meta":{"progressToken":1,"io.modelcontextprotocol/clientInfo":{"name":"c"}}}')).toBe(
    same,
  );
  for (const other of ['{"a":"x y","n":1.0}', '{"a":"x  y","n":1}', '{"a":"x  y","n":1.0,"b":null}'])
    expect(text(`{"name":"t","arguments":${other}}`)).not.toBe(same);
  expect(text('{"name":"t","arguments":{"a":"x  y","n":1.0},"_meta":{"com.example/locale":"de"}}')).not.toBe(same);
  for (const member of ['inputResponses', 'requestState', 'task']) expect(text(`{"name":"t","${member}":{}}`)).toBe(null);
});
