import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { listedServers, type ListedServer, type ListedServers } from '../../../../test/support/listed-servers.ts';
import { until } from '../../../../test/support/poll.ts';
import type { EndpointData } from '../snapshot/endpoint-data.ts';
import type { ServerEvent } from './dialogue.ts';
import type { Route } from './endpoint.ts';

let made: ListedServers | null = null;
afterEach(() => made?.close());

function over(servers: Readonly<Record<string, ListedServer>>, data: Partial<EndpointData> = {}): ListedServers {
  made = listedServers(servers, data);
  return made;
}

const tool = (name: string, more = ''): string => `{"name":${JSON.stringify(name)},"inputSchema":{"type":"object"}${more}}`;
const resource = (uri: string): string => `{"uri":${JSON.stringify(uri)},"name":"x"}`;
const template = (uri: string): string => `{"uriTemplate":${JSON.stringify(uri)},"name":"x"}`;

async function resultText(all: ListedServers, method: string, params: object = {}, more: Parameters<ListedServers['request']>[2] = {}): Promise<string> {
  const answer = await all.request(method, params, more);
  if (answer.kind !== 'answer') throw new Error('a list is answered here');
  return answer.result;
}

interface ListResult {
  readonly tools?: readonly { readonly name: string }[];
  readonly nextCursor?: string;
  readonly ttlMs: number;
  readonly cacheScope: string;
  readonly _meta?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

async function toolsOf(
  all: ListedServers,
  params: object = {},
  more: Parameters<ListedServers['request']>[2] = {},
): Promise<ListResult & { readonly names: string[] }> {
  const result = JSON.parse(await resultText(all, 'tools/list', params, more)) as ListResult;
  return { ...result, names: (result.tools ?? []).map(({ name }) => name) };
}

async function route(all: ListedServers, method: string, params: object, more: Parameters<ListedServers['request']>[2] = {}): Promise<Route> {
  const found = await all.request(method, params, more);
  if (found.kind !== 'route') throw new Error('it is not routed');
  return found;
}

describe('tools', () => {
  test('the tools of all servers stand under names of their own, in the order of the configuration', async () => {
    const all = over({ files: { tools: [[tool('read'), tool('write')]] }, search: { tools: [[tool('read')]] } });
    expect((await toolsOf(all)).names).toEqual(['files__read', 'files__write', 'search__read']);
    const call = await route(all, 'tools/call', { name: 'search__read', arguments: {} });
    expect([call.server.data.name, call.name, call.params]).toEqual(['search', 'read', '{"name":"read","arguments":{}}']);
  });

  test('large integers, unknown members and the form of a tool survive', async () => {
    const raw = '{ "x-own" : 12345678901234567890, "name" : "n", "inputSchema":{"type":"object","properties":{"a":{"default":1.50}}},"_meta":{"k":[1e400]} }';
    const text = await resultText(over({ a: { tools: [[raw]] } }), 'tools/list');
    expect(text).toContain(raw.replace('"n"', '"a__n"'));
  });

  test('a name between characters of any length, escaped or written twice, is replaced and nothing else', async () => {
    const raws = ['{"t":"é😀","name":"\\u0061","z":"é"}', '{"name":"b","x":1,"name":"b"}', '{"name":"ü","t":"ü"}'];
    const text = await resultText(over({ s: { tools: [raws] } }), 'tools/list');
    expect(text).toContain('{"t":"é😀","name":"s__a","z":"é"},{"name":"s__b","x":1,"name":"s__b"},{"name":"s___","t":"ü"}');
  });

  test('arguments reach the server byte for byte', async () => {
    const all = over({ a: { tools: [[tool('n')]] } });
    const params = '{"arguments":{"n":12345678901234567890, "name":"a__n"},"name" : "a__n","_meta":{"progressToken":1}}';
    const call = await all.endpoint.resolve({ ...all.caller(), method: 'tools/call', params, mirrored: ['Mcp-Param-A', '1'] });
    expect(call).toMatchObject({ params: params.replace('"name" : "a__n"', '"name" : "n"'), mirrored: ['Mcp-Param-A', '1'] });
  });

  test('all pages of a server are read, also behind the empty cursor', async () => {
    const pages = [[tool('a')], [tool('b')], [tool('c')]];
    expect((await toolsOf(over({ s: { tools: pages, cursorAfter: (index) => (index === 0 ? '' : null) } }))).names).toEqual(['s__a', 's__b', 's__c']);
  });

  test('of what a server lists twice the first counts, and what has no name is left out', async () => {
    const all = over({
      s: {
        tools: [
          [tool('a', ',"n":1'), tool('b')],
          [tool('a', ',"n":2'), '{"inputSchema":{}}', '7', 'null'],
        ],
      },
    });
    expect((await toolsOf(all)).names).toEqual(['s__a', 's__b']);
    expect(await resultText(all, 'tools/list')).toContain('"n":1');
  });

  test('a catalogue of 5,000 tools is paged by cursors of our own without loss or repetition', async () => {
    const page = (from: number): string[] => Array.from({ length: 500 }, (_, index) => tool(`tool_${from + index}`));
    const all = over({ one: { tools: Array.from({ length: 10 }, (_, index) => page(index * 500)) }, two: { tools: [[tool('tool_1')]] } });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const list = await toolsOf(all, cursor === undefined ? {} : { cursor });
      names.push(...list.names);
      cursor = list.nextCursor;
    } while (cursor !== undefined);
    expect(names).toEqual([...Array.from({ length: 5000 }, (_, index) => `one__tool_${index}`), 'two__tool_1']);
  });

  test('a cursor of another caller, another list, another catalogue or none of ours is refused', async () => {
    const servers = { a: { tools: [[tool('x'), tool('y')]] }, b: { tools: [[tool('z')]] } } satisfies Record<string, ListedServer>;
    const all = over(servers, { pageSize: 1 });
    const { nextCursor = '' } = await toolsOf(all);
    expect((await toolsOf(all, { cursor: nextCursor })).names).toEqual(['a__y']);
    const refused = { code: 'invalid_params' };
    await expect(toolsOf(all, { cursor: nextCursor }, { reach: ['a'] })).rejects.toMatchObject(refused);
    await expect(resultText(all, 'prompts/list', { cursor: nextCursor })).rejects.toMatchObject(refused);
    for (const cursor of ['', 'x', `${nextCursor}A`, 7]) await expect(toolsOf(all, { cursor })).rejects.toMatchObject(refused);
    all.change({ ...servers, a: { tools: [[tool('x'), tool('y2')]] } }, { pageSize: 1, servers: ['a', 'b'] });
    all.watches.find(({ server }) => server === 'a')?.tell({ kind: 'toolsListChanged' });
    await expect(toolsOf(all, { cursor: nextCursor })).rejects.toMatchObject(refused);
  });

  test('what a caller may not reach is not listed, and calling it is like calling what does not exist', async () => {
    const all = over({ a: { tools: [[tool('x')]] }, b: { tools: [[tool('x')]] } }, { prefix: 'on-collision' });
    expect((await toolsOf(all, {}, { reach: ['a'] })).names).toEqual(['x']);
    expect((await toolsOf(all)).names).toEqual(['a__x', 'b__x']);
    for (const name of ['b__x', 'c__x']) {
      await expect(all.request('tools/call', { name }, { reach: ['a'] })).rejects.toMatchObject({ code: 'unknown_tool', message: `Unknown tool: ${name}` });
    }
    await expect(all.request('tools/call', { name: 7 })).rejects.toMatchObject({ code: 'invalid_params' });
  });

  test('never: of a collision the first is served and the list says so', async () => {
    const list = await toolsOf(over({ a: { tools: [[tool('x')]] }, b: { tools: [[tool('x')]] } }, { prefix: 'never' }));
    expect(list.names).toEqual(['x']);
    expect(list._meta?.['io.gatewayops/collisions']).toEqual([{ name: 'x', served: 'a', hidden: ['b'] }]);
  });

  test('a client that takes shorter names gets them, and calls by them', async () => {
    const all = over({ server: { tools: [[tool('x'.repeat(50))]] } }, { clientNameCharsMax: { short: 40 } });
    const face = { ...all.caller().face, info: '{"name":"short","version":"1"}' };
    const [name = ''] = (await toolsOf(all, {}, { face })).names;
    expect(name).toHaveLength(40);
    expect((await route(all, 'tools/call', { name }, { face })).name).toBe('x'.repeat(50));
    expect((await toolsOf(all)).names[0]).toHaveLength(58);
  });

  test('M23: a tool whose header annotations are not valid is not offered', async () => {
    const bad = '{"name":"bad","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}';
    expect((await toolsOf(over({ a: { tools: [[bad, tool('good')]] } }))).names).toEqual(['a__good']);
  });
});

const lists = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceUris: [] };

describe('changes', () => {
  test('those of one moment are told as one, and the next list is the new one', async () => {
    const a: ListedServer = { tools: [[tool('x')]] };
    const all = over({ a, b: { tools: [[tool('y')]] } });
    await toolsOf(all);
    const events: ServerEvent[] = [];
    all.endpoint.watch(all.caller(), { ...lists, promptsListChanged: false }, (event) => events.push(event));
    a.tools = [[tool('x2')]];
    for (const watch of all.watches) watch.tell({ kind: 'toolsListChanged' });
    for (const watch of all.watches) watch.tell({ kind: 'promptsListChanged' });
    await until(() => events.length > 0);
    expect(events).toEqual([{ kind: 'toolsListChanged' }]);
    expect((await toolsOf(all)).names).toEqual(['a__x2', 'b__y']);
  });

  test('whether there is a tool of a server that was never heard is not known: trying again can help; once it was heard, it is', async () => {
    const a: ListedServer = { tools: [[tool('x')]], away: 'stalled' };
    const all = over({ a, b: { tools: [[tool('y')]] } }, { deadlineMs: 50 });
    const unheard = { code: 'upstream_unavailable', message: expect.stringContaining('its list of tools could not be read yet') as string };
    await expect(all.request('tools/call', { name: 'a__x' })).rejects.toMatchObject(unheard);
    await expect(all.request('tools/call', { name: 'b__x' })).rejects.toMatchObject({ code: 'unknown_tool' });
    await expect(all.request('tools/call', { name: 'nowhere__x' })).rejects.toMatchObject({ code: 'unknown_tool' });
    expect((await route(all, 'tools/call', { name: 'b__y' })).name).toBe('y');
  });

  test('another configuration is told, and the new server is followed', async () => {
    const all = over({ a: { tools: [[tool('x')]] } });
    await toolsOf(all);
    const events: ServerEvent[] = [];
    all.endpoint.watch(all.caller(), lists, (event) => events.push(event));
    all.change({ a: { tools: [[tool('x')]] }, c: { tools: [[tool('z')]] } });
    await until(() => events.length >= 3);
    await until(() => all.watches.some(({ server }) => server === 'c'));
    expect((await toolsOf(all)).names).toEqual(['a__x', 'c__z']);
    all.change({ c: { tools: [[tool('z')]] } });
    await expect(all.request('tools/call', { name: 'a__x' })).rejects.toMatchObject({ code: 'unknown_tool' });
    await until(() => all.watches.every(({ server }) => server === 'c'));
  });
});

describe('resources', () => {
  const servers = {
    a: {
      resources: [[resource('file:///same'), resource('file:///a')]],
      templates: [[template('a://{id}')]],
      tools: [[tool('t', ',"_meta":{"ui":{"resourceUri":"ui://view/1"}}')]],
    },
    b: { resources: [[resource('file:///same'), resource('ui://view/1')]], tools: [[tool('t')]] },
  } satisfies Record<string, ListedServer>;

  test('a URI of one server stays, one of two carries its server, and each is read where it is', async () => {
    const all = over(servers);
    const { resources } = JSON.parse(await resultText(all, 'resources/list')) as { resources: { uri: string }[] };
    expect(resources.map(({ uri }) => uri)).toEqual(['file://~a////same', 'file:///a', 'file://~b////same', 'ui://view/1']);
    const read = await route(all, 'resources/read', { uri: 'file://~b////same' });
    expect([read.server.data.name, read.name, read.params]).toEqual(['b', 'file:///same', '{"uri":"file:///same"}']);
    expect(read.rewriteResult('{"contents":[{"uri":"file:///same","text":"file:///same"}]}')).toBe(
      '{"contents":[{"uri":"file://~b////same","text":"file:///same"}]}',
    );
    expect((await route(all, 'resources/read', { uri: 'a://7' })).server.data.name).toBe('a');
    await expect(all.request('resources/read', { uri: 'file:///same' })).rejects.toMatchObject({ code: 'unknown_resource' });
    await expect(all.request('resources/read', { uri: 'file://~b////same' }, { reach: ['a'] })).rejects.toMatchObject({ code: 'unknown_resource' });
  });

  test('links and embedded resources of a result, and a tool’s user interface, lead to the server that names them', async () => {
    const all = over(servers);
    const text = await resultText(all, 'tools/list');
    expect(text).toContain('"resourceUri":"ui://~a///view/1"');
    const call = await route(all, 'tools/call', { name: 'a__t' });
    const result =
      '{"content":[{"type":"resource_link","uri":"file:///same"},{"type":"resource","resource":{"uri":"new://x","n":12345678901234567890}},{"type":"text","text":"\\"uri\\""}]}';
    expect(call.rewriteResult(result)).toBe(result.replace('file:///same', 'file://~a////same').replace('new://x', 'new://~a///x'));
    expect((await route(all, 'resources/read', { uri: 'new://~a///x' })).params).toBe('{"uri":"new://x"}');
  });

  test('with one server every URI stays as it is, also one that is not listed', async () => {
    const all = over({ a: servers.a });
    const read = await route(all, 'resources/read', { uri: 'what://ever' });
    expect(read.params).toBe('{"uri":"what://ever"}');
    expect(read.rewriteResult('{"contents":[{"uri":"what://ever"}]}')).toBe('{"contents":[{"uri":"what://ever"}]}');
  });

  test('a subscription reaches the server by its URI, and its updates the caller by the caller’s', async () => {
    const all = over(servers);
    const events: ServerEvent[] = [];
    const stop = all.endpoint.watch(all.caller(), { ...lists, resourceUris: ['file://~b////same', 'no://such'] }, (event) => events.push(event));
    await until(() => all.watches.some(({ interest }) => interest.resourceUris.length > 0));
    const subscribed = all.watches.filter(({ interest }) => interest.resourceUris.length > 0);
    expect(subscribed.map(({ server, interest }) => [server, interest.resourceUris])).toEqual([['b', ['file:///same']]]);
    subscribed[0]?.tell({
      kind: 'resourceUpdated',
      uri: 'file:///same',
      json: Buffer.from('{"method":"notifications/resources/updated","params":{"uri":"file:///same"}}'),
    });
    stop();
    expect(events).toEqual([
      {
        kind: 'resourceUpdated',
        uri: 'file://~b////same',
        json: Buffer.from('{"method":"notifications/resources/updated","params":{"uri":"file://~b////same"}}'),
      },
    ]);
  });

  test('completion goes to the server of its prompt or template', async () => {
    const all = over({ ...servers, c: { prompts: [['{"name":"p"}']] } });
    const prompt = await route(all, 'completion/complete', { ref: { type: 'ref/prompt', name: 'c__p' }, argument: { name: 'x', value: 'c__p' } });
    expect([prompt.server.data.name, prompt.params]).toEqual(['c', '{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"x","value":"c__p"}}']);
    const uri = await route(all, 'completion/complete', { ref: { type: 'ref/resource', uri: 'a://{id}' }, argument: { name: 'id', value: '' } });
    expect(uri.server.data.name).toBe('a');
  });
});

test('for any two servers: what is listed leads back to the server and the name or URI that it stands for, and a second time it is listed the same', async () => {
  const name = fc.oneof(fc.constantFrom('read', 'b__read', 'page.click', 'page_click', 'x'.repeat(80)), fc.string({ maxLength: 20 }));
  const uri = fc.oneof(fc.constantFrom('file:///a', 'file://~b////a', 'ui://a/b', 'x:'), fc.string({ maxLength: 20 }));
  const server = fc.record({ names: fc.uniqueArray(name, { maxLength: 8 }), uris: fc.uniqueArray(uri, { maxLength: 8 }) });
  await fc.assert(
    fc.asyncProperty(server, server, fc.constantFrom('always', 'on-collision'), fc.integer({ min: 1, max: 5 }), async (one, two, prefix, pageSize) => {
      const both = { a: one, b: two };
      const listed = ({ names, uris }: typeof one): ListedServer => ({ tools: [names.map((key) => tool(key))], resources: [uris.map(resource)] });
      const all = over({ a: listed(one), b: listed(two) }, { prefix, pageSize });
      const seen: string[] = [];
      for (const [method, member, key, call] of [
        ['tools/list', 'tools', 'name', 'tools/call'],
        ['resources/list', 'resources', 'uri', 'resources/read'],
      ] as const) {
        let cursor: string | undefined;
        do {
          const text = await resultText(all, method, cursor === undefined ? {} : { cursor });
          const page = JSON.parse(text) as Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> & { nextCursor?: string };
          for (const entry of page[member] ?? []) {
            const found = await route(all, call, { [key]: entry[key] });
            seen.push(`${member} ${found.server.data.name} ${found.name}`);
            expect(JSON.parse(found.params)).toEqual({ [key]: found.name });
          }
          cursor = page.nextCursor;
        } while (cursor !== undefined);
      }
      const expected = Object.entries(both).flatMap(([owner, { names }]) => names.map((key) => `tools ${owner} ${key}`));
      expected.push(...Object.entries(both).flatMap(([owner, { uris }]) => uris.map((key) => `resources ${owner} ${key}`)));
      expect(seen).toEqual(expected);
      all.close();
    }),
    { numRuns: 40 },
  );
});

describe('what it says of itself', () => {
  test('it can do what one of its servers can, and only what is passed on', async () => {
    const all = over({
      a: { tools: [[]], instructions: 'Use a.', capabilities: { tools: {}, tasks: {}, logging: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } },
      b: { instructions: 'Use b.', capabilities: { resources: { subscribe: true }, completions: {} }, ttlMs: 5_000 },
    });
    const facts = await all.endpoint.facts(all.caller());
    expect(JSON.parse(facts.capabilities)).toEqual({
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
    });
    expect(facts).toMatchObject({ instructions: '# a\n\nUse a.\n\n# b\n\nUse b.', ttlMs: 5_000, cacheScope: 'private' });
  });

  test('M26: a list is public only where everyone sees the same and all servers say so', async () => {
    expect((await toolsOf(over({ a: { tools: [[tool('x')]] } }))).cacheScope).toBe('private');
    expect((await toolsOf(over({ a: { tools: [[tool('x')]] } }, { auth: 'none' }))).cacheScope).toBe('public');
    expect((await toolsOf(over({ a: { tools: [[tool('x')]] }, b: { tools: [[]], cacheScope: 'private' } }, { auth: 'none' }))).cacheScope).toBe('private');
  });

  test('a list is good for as long as the least of its servers says, and no longer where one says nothing', async () => {
    const modern = { tools: [[tool('x')]], ttlMs: 40_000 };
    const { ttlMs } = await toolsOf(over({ a: modern, b: { tools: [[tool('y')]], ttlMs: 50_000 } }));
    expect([ttlMs > 30_000, ttlMs <= 40_000]).toEqual([true, true]);
    const older: ListedServer = { era: 'legacy', tools: [[tool('y')]], ttlMs: 0 };
    const all = over({ a: modern, b: older });
    expect([(await toolsOf(all)).ttlMs, (await toolsOf(all)).ttlMs, older.lists]).toEqual([0, 0, 1]);
  });

  test('a question of a server tells who asks', async () => {
    const call = await route(over({ a: { tools: [[tool('x')]] } }), 'tools/call', { name: 'a__x' });
    const asks =
      '{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"Sure?","n":12345678901234567890}},"m":{"method":"sampling/createMessage","params":{"message":"x"}}},"requestState":"s"}';
    expect(call.rewriteResult(asks)).toBe(asks.replace('"Sure?"', '"[a] Sure?"'));
    expect(call.rewriteAsk({ key: 'k', method: 'elicitation/create', params: '{"message":"Sure?"}' }).params).toBe('{"message":"[a] Sure?"}');
  });

  test('what is not routed is not served', async () => {
    await expect(over({ a: {} }).request('tasks/get', { taskId: 'x' })).rejects.toMatchObject({ code: 'method_not_found' });
  });
});

describe('virtual servers', () => {
  test('only what is selected is there, under the names and descriptions given to it', async () => {
    const all = over(
      { a: { tools: [[tool('read', ',"description":"old"'), tool('write'), tool('drop')]] }, b: { tools: [[tool('read'), tool('query')]] } },
      {
        prefix: 'on-collision',
        tools: [
          { server: 'a', pattern: 'read', rename: 'look', description: 'new' },
          { server: 'a', pattern: 'wr*', rename: null, description: 'added' },
          { server: 'b', pattern: '*', rename: null, description: null },
        ],
      },
    );
    const { tools } = JSON.parse(await resultText(all, 'tools/list')) as { tools: { name: string; description?: string }[] };
    expect(tools.map(({ name, description }) => [name, description])).toEqual([
      ['look', 'new'],
      ['write', 'added'],
      ['read', undefined],
      ['query', undefined],
    ]);
    expect((await route(all, 'tools/call', { name: 'look' })).params).toBe('{"name":"read"}');
    await expect(all.request('tools/call', { name: 'drop' })).rejects.toMatchObject({ code: 'unknown_tool' });
  });

  test('a resource that is not selected is not read, listed or not', async () => {
    const all = over(
      { a: { resources: [[resource('file:///a'), resource('file:///b')]] } },
      { resources: [{ server: null, pattern: 'file:///a*', rename: null, description: null }] },
    );
    expect((await route(all, 'resources/read', { uri: 'file:///abc' })).name).toBe('file:///abc');
    await expect(all.request('resources/read', { uri: 'file:///b' })).rejects.toMatchObject({ code: 'unknown_resource' });
  });

  test('M20: what is selected is where a URI leads, however it is written, and the server gets it as it was', async () => {
    const all = over(
      { a: { resources: [[resource('file:///docs/a')]] } },
      { resources: [{ server: null, pattern: 'file:///docs/*', rename: null, description: null }] },
    );
    const out = ['../etc/passwd', '%2e%2e/etc/passwd', '..%2fetc', '..\\etc', 'a/../../etc', '.%2E/etc', '%2e%2e%5cetc', '..', '..?x', '..#x'];
    for (const path of out) await expect(all.request('resources/read', { uri: `file:///docs/${path}` })).rejects.toMatchObject({ code: 'unknown_resource' });
    for (const path of ['a/../b', './b', '..b', 'a..', '...'])
      expect((await route(all, 'resources/read', { uri: `file:///docs/${path}` })).name).toBe(`file:///docs/${path}`);
  });
});
