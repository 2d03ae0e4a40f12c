/** Rules of access on their way through a worker: relayed, over the fronts and the aggregate, over REST. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';
import { membersRule } from '../support/members-rule.ts';
import { journalRows } from '../support/journal-rows.ts';
import { expectHealthy, legacyBody, mirrors, modernBody, post } from '../support/calls.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import type { RawReply } from '../support/raw-client.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { otherKey, startDoor, testKey, type TestDoor } from '../support/start-door.ts';

const rule = (more: Partial<PolicyData>): PolicyData => ({ ...membersRule, subjects: null, ...more });
const policies = [
  membersRule,
  rule({ name: 'no-slow', effect: 'deny', tools: ['slow'] }),
  rule({ name: 'quietly', effect: 'deny', tools: ['tell'], when: 'has(args.loud) && args.loud == true', reason: 'Not so loud.' }),
  rule({ name: 'count-with-care', effect: 'hold', tools: ['numbers'] }),
  rule({ name: 'no-risk', effect: 'deny', tools: ['ask_all', 'tell'], when: 'tool.risk == "high"' }),
  rule({ name: 'no-notes', effect: 'deny', resources: ['test://*'] }),
  rule({ name: 'closed', effect: 'deny', servers: ['closed'] }),
];

let door: TestDoor;
let modern: EraServer;
let legacy: EraServer;

beforeAll(async () => {
  [modern, legacy] = await Promise.all([startEraServer('modern'), startEraServer('legacy')]);
  const lists = { lists: true, resources: true, tools: {}, ttlMs: 60_000, public: true };
  door = await startDoor({
    policies,
    other: { organizationId: 'org_b' },
    others: [{ organizationId: 'org_b', policies: [membersRule] }],
    endpoints: [plainEndpointData(['real', 'old', 'closed', 'shared', 'theirs'])],
    servers: [
      { name: 'real', origin: modern.origin, timeoutMs: 20_000, cache: lists },
      { name: 'old', origin: legacy.origin, timeoutMs: 20_000 },
      { name: 'closed', origin: modern.origin, timeoutMs: 20_000 },
      { name: 'shared', origin: modern.origin, timeoutMs: 20_000, organizations: ['*'], cache: lists },
      { name: 'theirs', origin: modern.origin, timeoutMs: 20_000, organizations: ['org_b'] },
    ],
  });
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await Promise.all([modern.stop(), legacy.stop()]);
});

interface Answer {
  readonly result?: {
    readonly cacheScope?: string;
    readonly tools?: { name: string }[];
    readonly resources?: unknown[];
    readonly isError?: boolean;
    readonly content?: { text: string }[];
  };
  readonly error?: { readonly code: number; readonly message: string };
}

function answerOf({ body }: RawReply): Answer {
  const text = body.toString('utf8');
  const data = text.split('\n').findLast((line) => line.startsWith('data: {') && (line.includes('"result"') || line.includes('"error"')));
  return JSON.parse(data?.slice('data: '.length) ?? text) as Answer;
}

async function ask(path: string, method: string, params: Record<string, unknown> = {}): Promise<Answer> {
  const name = params['name'] ?? params['uri'];
  return answerOf(await post(door, modernBody(method, params), mirrors(method, typeof name === 'string' ? name : undefined), path));
}

// The first is relayed byte for byte, the second spoken to in another era's words, the third made of all servers.
const ways = [
  { way: 'relayed', path: '/mcp/real', prefix: '' },
  { way: 'in the words of another era', path: '/mcp/old', prefix: '' },
  { way: 'behind the aggregate', path: '/mcp', prefix: 'real__' },
];

describe.each(ways)('$way', ({ path, prefix }) => {
  const called = (tool: string, args: unknown = {}): Promise<Answer> => ask(path, 'tools/call', { name: prefix + tool, arguments: args });

  test('lists hold what may be used, twice asked alike', async () => {
    for (let times = 0; times < 2; times++) {
      const { result } = await ask(path, 'tools/list');
      const names = result?.tools?.map(({ name }) => name).filter((name) => name.startsWith(prefix)) ?? [];
      expect(names.toSorted()).toEqual(['numbers', 'tell'].map((name) => prefix + name));
      expect((await ask(path, 'resources/list')).result?.resources).toEqual([]);
      expect([undefined, 'private']).toContain(result?.cacheScope);
    }
  });

  test('a hidden tool answers as one that does not exist', async () => {
    const hidden = await called('slow');
    expect(hidden.error).toMatchObject({ code: -32602, message: expect.stringContaining(`Unknown tool: ${prefix}slow`) as unknown });
    if (prefix !== '') {
      const missing = await called('nothing');
      expect(
        JSON.stringify(missing)
          .replaceAll('nothing', 'slow')
          .replaceAll(/req_\w+/g, ''),
      ).toBe(JSON.stringify(hidden).replaceAll(/req_\w+/g, ''));
    }
    expect((await ask(path, 'resources/read', { uri: prefix === '' ? 'test://note' : 'test://note' })).error?.code).toBe(-32602);
  });

  test('a call that a condition refuses says so to the model, and others go through', async () => {
    const { result } = await called('tell', { loud: true });
    expect(result).toMatchObject({ isError: true });
    expect(result?.content?.[0]?.text).toContain('Not so loud.');
    expect((await called('tell')).result?.content?.[0]?.text).toBe('done');
  });

  test('what its server says of a tool decides, in lists and in calls', async () => {
    expect((await called('ask_all')).error).toMatchObject({ code: -32602, message: expect.stringContaining(`Unknown tool: ${prefix}ask_all`) as unknown });
    expect((await called('tell')).result?.content?.[0]?.text).toBe('done');
  });

  test('what is held says what it waits for', async () => {
    const { result } = await called('numbers');
    expect(result).toMatchObject({ isError: true });
    expect(result?.content?.[0]?.text).toContain('approval');
  });
});

test('a server that a rule closes is not there', async () => {
  const closed = await post(door, modernBody('tools/list'), mirrors('tools/list'), '/mcp/closed');
  const missing = await post(door, modernBody('tools/list'), mirrors('tools/list'), '/mcp/clossd');
  expect(closed.status).toBe(404);
  expect(closed.body.toString().replaceAll(/req_\w+/g, '')).toBe(missing.body.toString().replaceAll(/req_\w+/g, ''));
});

describe('two organizations', () => {
  const as = (secret: string, path: string, method: string): Promise<RawReply> =>
    post(door, modernBody(method), { ...mirrors(method), Authorization: `Bearer ${secret}` }, path);
  const toolsOf = async (secret: string, path: string): Promise<string[]> =>
    answerOf(await as(secret, path, 'tools/list'))
      .result?.tools?.map(({ name }) => name)
      .toSorted() ?? [];
  const plain = ({ status, body }: RawReply): string => `${status} ${body.toString().replaceAll(/req_\w+/g, '')}`;

  test('T1 a server that is not offered to it answers as one that is not there, by every way', async () => {
    for (const [secret, server] of [
      [testKey, 'theirs'],
      [otherKey, 'real'],
    ] as const) {
      expect(plain(await as(secret, `/mcp/${server}`, 'tools/list'))).toBe(plain(await as(secret, '/mcp/nobody', 'tools/list')));
      const rest = (name: string) => post(door, '{}', { Authorization: `Bearer ${secret}` }, `/v1/mcp/${name}/tools/list`);
      expect(plain(await rest(server))).toBe(plain(await rest('nobody')));
      expect((await toolsOf(secret, '/mcp')).filter((name) => name.startsWith(`${server}__`))).toEqual([]);
    }
  });

  test('at a server of both each sees what its own rules say, also of what is kept, and behind the aggregate', async () => {
    for (let times = 0; times < 2; times++) {
      expect(await toolsOf(testKey, '/mcp/shared')).toEqual(['numbers', 'tell']);
      expect(await toolsOf(otherKey, '/mcp/shared')).toEqual(expect.arrayContaining(['ask_all', 'numbers', 'slow', 'tell']));
    }
    expect(await toolsOf(otherKey, '/mcp')).toEqual(expect.arrayContaining(['shared__slow', 'theirs__slow', 'theirs__tell']));
    expect((await toolsOf(testKey, '/mcp')).filter((name) => name.startsWith('shared__'))).toEqual(['shared__numbers', 'shared__tell']);
  });
});

test('the header names what is allowed, the body what is not: the body counts, M3', async () => {
  const reply = await post(door, modernBody('tools/call', { name: 'slow' }), mirrors('tools/call', 'tell'), '/mcp/real');
  expect(reply.status).toBe(400);
  const old = await post(door, legacyBody('tools/call', { name: 'slow' }), { 'Mcp-Name': 'tell' }, '/mcp/real');
  expect(answerOf(old).error?.code).toBe(-32602);
});

test('each message of a batch is decided alone, as if it had come alone', async () => {
  const client = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 't', version: '1' } };
  const opened = await post(door, legacyBody('initialize', client), {}, '/mcp/old');
  const headers = { 'MCP-Protocol-Version': '2025-03-26', 'Mcp-Session-Id': opened.header('mcp-session-id') ?? '' };
  const called = (name: string, id: number, args: unknown = {}): string => legacyBody('tools/call', { name, arguments: args }, id);
  const batch = [called('slow', 1), called('numbers', 2), called('tell', 3, { loud: true }), called('tell', 4), legacyBody('tools/list', {}, 5)];
  const reply = await post(door, `[${batch.join(',')}]`, { ...headers, Accept: 'application/json, text/event-stream' }, '/mcp/old');
  const answers = [...reply.body.toString().matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as Answer & { id: number });
  const byId = new Map(answers.map((answer) => [answer.id, answer]));
  expect([1, 2, 3].map((id) => byId.get(id)?.error?.message)).toEqual([
    expect.stringContaining('Unknown tool: slow'),
    expect.stringContaining('approval'),
    expect.stringContaining('Not so loud.'),
  ]);
  expect(byId.get(4)?.result?.content?.[0]?.text).toBe('done');
  expect(
    byId
      .get(5)
      ?.result?.tools?.map(({ name }) => name)
      .toSorted(),
  ).toEqual(['numbers', 'tell']);
});

describe('over REST', () => {
  const rest = (path: string, body: unknown): Promise<RawReply> => post(door, JSON.stringify(body), {}, path);

  test('hidden is 404, refused and held are 403, and lists are the caller’s own', async () => {
    const tools = JSON.parse((await rest('/v1/mcp/real/tools/list', {})).body.toString()) as { result: { tools: { name: string }[] } };
    expect(tools.result.tools.map(({ name }) => name).toSorted()).toEqual(['numbers', 'tell']);
    expect((await rest('/v1/mcp/real/tools/call', { tool: 'slow', arguments: {} })).status).toBe(404);
    const refused = await rest('/v1/mcp/real/tools/call', { tool: 'tell', arguments: { loud: true } });
    expect([refused.status, refused.body.toString()]).toEqual([403, expect.stringContaining('policy_denied')]);
    expect((await rest('/v1/mcp/real/tools/call', { tool: 'numbers', arguments: {} })).status).toBe(403);
    expect((await rest('/v1/mcp/real/tools/call', { tool: 'tell', arguments: {} })).status).toBe(200);
    expect((await rest('/v1/mcp/closed/tools/list', {})).status).toBe(403);
  });
});

test('the record says of each what access decided and by which policy, also where its caller hears that there is no such thing', async () => {
  const rows = journalRows(await door.journal());
  const said = (ended: (row: (typeof rows)[number]) => boolean): Set<string> =>
    new Set(rows.filter(ended).map(({ status, fault_code, tool, policy }) => [status, fault_code, tool, policy].join(' ')));
  expect([...said(({ stop }) => stop === 'access')]).toEqual(
    expect.arrayContaining([
      'blocked unknown_tool slow no-slow',
      'blocked policy_denied tell quietly',
      'blocked approval_required numbers count-with-care',
      'blocked unknown_tool ask_all no-risk',
      'blocked unknown_resource test://note no-notes',
      'blocked not_found closed closed',
    ]),
  );
  expect([...said(({ status, tool }) => status === 'success' && tool === 'tell')]).toEqual(['success  tell members-may-call-every-server']);
});
