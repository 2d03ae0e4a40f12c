import { afterEach, expect, test } from 'vitest';
import { listedServers, type ListedServers } from '../../../../test/support/listed-servers.ts';

let made: ListedServers | null = null;
afterEach(() => made?.close());

const tool = (name: string, description: string, properties = ''): string =>
  `{"name":"${name}","description":"${description}","inputSchema":{"type":"object","properties":{${properties}}},"x":12345678901234567890}`;

function catalogue(): ListedServers {
  made = listedServers(
    {
      mail: { tools: [[tool('sendMessage', 'Sends an electronic letter to people.'), tool('archive', 'Moves old letters away.')]] },
      files: {
        tools: [
          [tool('read_file', 'Reads a document from the disk.', '"path":{"type":"string","x-mcp-header":"Path"}'), tool('list', 'Lists documents in folders.')],
        ],
      },
      secret: { tools: [[tool('read_secret', 'Reads a secret document.')]] },
    },
    { toolExposure: 'search' },
  );
  return made;
}

interface ToolResult {
  readonly structuredContent?: { readonly tools?: readonly { readonly name: string }[]; readonly unavailable?: readonly string[] };
  readonly content: readonly { readonly text: string }[];
  readonly isError?: boolean;
}

async function call(all: ListedServers, name: string, given: object, reach?: readonly string[]): Promise<ToolResult> {
  const found = await all.request('tools/call', { name, arguments: given }, reach === undefined ? {} : { reach });
  if (found.kind !== 'answer') throw new Error('it is answered here');
  return JSON.parse(found.result) as ToolResult;
}

async function namesFor(query: string, reach?: readonly string[]): Promise<string[]> {
  const { structuredContent } = await call(catalogue(), 'search_tools', { query }, reach);
  return (structuredContent?.tools ?? []).map(({ name }) => name);
}

test('the list holds three tools, however many there are', async () => {
  const list = await catalogue().request('tools/list');
  const { tools } = JSON.parse(list.kind === 'answer' ? list.result : '{}') as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual(['search_tools', 'describe_tool', 'call_tool']);
});

test.each([
  ['reading from disks', 'files__read_file'],
  ['send a message', 'mail__sendMessage'],
  ['folder', 'files__list'],
  ['archiving', 'mail__archive'],
  // Every description fits better than the name, yet the name is what was meant.
  ['list', 'files__list'],
  ['please use files__read_file for the secret document', 'files__read_file'],
])('%s finds %s first', async (query, first) => {
  expect((await namesFor(query))[0]).toBe(first);
});

test('what the caller may not reach is not found, described or called', async () => {
  expect(await namesFor('secret', ['mail', 'files'])).toEqual([]);
  expect(await namesFor('secret')).toContain('secret__read_secret');
  const all = catalogue();
  for (const name of ['describe_tool', 'call_tool'])
    await expect(call(all, name, { name: 'secret__read_secret' }, ['mail'])).rejects.toMatchObject({
      code: 'unknown_tool',
      message: 'Unknown tool: secret__read_secret',
    });
});

test('a description is the whole definition under the name by which it is called', async () => {
  const found = await catalogue().request('tools/call', { name: 'describe_tool', arguments: { name: 'files__list' } });
  expect(found.kind === 'answer' && found.result).toContain(
    '"structuredContent":{"tool":{"name":"files__list","description":"Lists documents in folders.","inputSchema":{"type":"object","properties":{}},"x":12345678901234567890}}',
  );
});

test('a call goes to the tool itself with its arguments byte for byte and the headers that it asks for', async () => {
  const all = catalogue();
  const params =
    '{"_meta":{"progressToken":1},"name":"call_tool","arguments":{"arguments":{ "path":"/a", "n":12345678901234567890 },"name":"files__read_file"}}';
  expect(await all.endpoint.resolve({ ...all.caller(), method: 'tools/call', params, mirrored: [] })).toMatchObject({
    kind: 'route',
    server: { data: { name: 'files' } },
    name: 'read_file',
    params: '{"_meta":{"progressToken":1},"name":"read_file","arguments":{ "path":"/a", "n":12345678901234567890 }}',
    mirrored: ['Mcp-Param-Path', '/a'],
  });
  expect(await all.request('tools/call', { name: 'call_tool', arguments: { name: 'files__list' } })).toMatchObject({
    params: '{"name":"list","arguments":{}}',
  });
  expect(await all.request('tools/call', { name: 'files__list' })).toMatchObject({ kind: 'route', name: 'list' });
});

test.each([
  ['search_tools', {}],
  ['search_tools', { query: 'x', limit: 0 }],
  ['describe_tool', { name: 7 }],
  ['call_tool', { name: 'files__list', arguments: 'x' }],
])('%s with %j tells the model what is wrong', async (name, given) => {
  expect(await call(catalogue(), name, given)).toMatchObject({ isError: true });
});

test('servers whose tools are not known are named', async () => {
  made = listedServers({ a: { tools: [[tool('x', 'Does x.')]] }, b: { away: 'unreachable' } }, { toolExposure: 'search' });
  expect((await call(made, 'search_tools', { query: 'does x' })).structuredContent).toEqual({
    tools: [{ name: 'a__x', description: 'Does x.' }],
    unavailable: ['b'],
  });
});
