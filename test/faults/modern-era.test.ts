/** Group M of the catalogue for 2026-07-28: mirror headers, claims, versions; the era of each request, decided by its body. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  callTool,
  expectRefusal,
  legacyBody,
  legacyVersion,
  mirrors,
  modernBody,
  modernVersion,
  post,
  postBytes,
  postHeaders,
  rpcCode,
} from '../support/calls.ts';
import { openRaw, requestBytes, sendRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { event, json, stream } from '../support/replies.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({ servers: [{ origin }], principal: { actions: ['tools.list', 'tools.call', 'resources.read'] } });
  await callTool(door);
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

const tool = modernBody('tools/call', { name: 'echo', arguments: {} });
const sentinel = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;

async function refused(reply: RawReply, code: number, status = 400): Promise<Record<string, unknown>> {
  const body = await expectRefusal(door, reply, status, upstream, hits);
  expect(rpcCode(body)).toBe(code);
  return body;
}

describe('M1: headers that do not mirror the body', () => {
  const good = mirrors('tools/call', 'echo');
  const wrong: Record<string, Record<string, string>> = {
    'no version': { ...good, 'MCP-Protocol-Version': '' },
    'another version': { ...good, 'MCP-Protocol-Version': legacyVersion },
    'no method': { ...good, 'Mcp-Method': '' },
    'another method': { ...good, 'Mcp-Method': 'tools/list' },
    'the method in capitals': { ...good, 'Mcp-Method': 'TOOLS/CALL' },
    'no name': { ...good, 'Mcp-Name': '' },
    'another name': { ...good, 'Mcp-Name': 'other' },
    'the name in capitals': { ...good, 'Mcp-Name': 'ECHO' },
    'a name with more': { ...good, 'Mcp-Name': 'echo, other' },
  };
  test.each(Object.entries(wrong))('%s', async (_, headers) => void (await refused(await post(door, tool, headers), -32020)));

  test('optional white space around a value is no difference', async () => {
    expect((await post(door, tool, { ...good, 'Mcp-Name': '  echo\t', 'Mcp-Method': ' tools/call ' })).status).toBe(200);
  });

  test('Mcp-Param-* pass as they are, and what they say is left to the server that knows the schema', async () => {
    await callTool(door, 'echo', { region: 'us' }, { 'Mcp-Param-Region': 'us', 'mcp-param-odd': sentinel('ü') });
    expect(upstream.requests.at(-1)?.header('mcp-param-region')).toEqual(['us']);
    expect(upstream.requests.at(-1)?.header('mcp-param-odd')).toEqual([sentinel('ü')]);
    upstream.next(json({ jsonrpc: '2.0', id: 1, error: { code: -32020, message: 'Mcp-Param-Region' } }, { status: 400 }));
    const reply = await callTool(door, 'echo', { region: 'us' }, { 'Mcp-Param-Region': 'eu' });
    expect([reply.status, rpcCode(JSON.parse(reply.body.toString()) as Record<string, unknown>)]).toEqual([400, -32020]);
  });
});

describe('M2: the Base64 form of a name', () => {
  test.each(['ünïcode 工具', ' leading', 'trailing ', '', '=?base64?literal?=', 'plain'])('%j is decoded, then compared', async (name) => {
    const body = modernBody('tools/call', { name, arguments: {} });
    expect((await post(door, body, { ...mirrors('tools/call', sentinel(name)) })).status).toBe(200);
    hits = upstream.hits;
    await refused(await post(door, body, mirrors('tools/call', sentinel(`${name}x`))), -32020);
  });

  test.each(['=?base64?%%%?=', '=?base64?YQ?=', '=?base64?gICA?=', '=?base64?YWI=YQ==?='])('%s is broken', async (value) => {
    await refused(await post(door, modernBody('tools/call', { name: 'a' }), mirrors('tools/call', value)), -32020);
    await refused(await post(door, modernBody('tools/call', { name: value }), mirrors('tools/call', value)), -32020);
  });

  test('markers in another letter case or without an end are literal text', async () => {
    for (const name of ['=?BASE64?YQ==?=', '=?base64?YQ==', '=?Base64?!?=']) {
      expect((await callTool(door, name)).status).toBe(200);
      hits = upstream.hits;
      await refused(await post(door, modernBody('tools/call', { name: 'a' }), mirrors('tools/call', name)), -32020);
    }
  });
});

test('M3: policy reads the body, so a header that names something allowed opens nothing', async () => {
  const prompt = modernBody('prompts/get', { name: 'p' });
  await refused(await post(door, prompt, mirrors('tools/list')), -32020);
  await refused(await post(door, prompt, mirrors('prompts/get', 'p')), -31403, 403);
  await refused(await post(door, tool, mirrors('prompts/get', 'echo')), -32020);
});

describe('M5 and M6: claims', () => {
  test.each(['1999-01-01', '2099-01-01', '2026-07-29', '2025-11-25', 'DRAFT-2026', 'x'.repeat(10_000)])(
    'M5: version %.20s is not served, and the answer names those that are',
    async (version) => {
      const body = tool.replace(modernVersion, version);
      expect(await refused(await post(door, body, { ...mirrors('tools/call', 'echo'), 'MCP-Protocol-Version': version }), -32022)).toMatchObject({
        error: { data: { supported: [modernVersion], requested: version.slice(0, 40) } },
      });
    },
  );

  test('M5: a legacy request with a version that never was', async () => {
    for (const version of ['1999-01-01', '2025-11-26', 'x'])
      await refused(await post(door, legacyBody('tools/list'), { 'MCP-Protocol-Version': version }), -32022);
    await expectRefusal(door, await post(door, legacyBody('tools/list'), { 'MCP-Protocol-Version': 'x'.repeat(20_000) }), 431, upstream, hits);
  });

  test('M6: claims that are missing or of the wrong type', async () => {
    const drop = (key: string, value?: unknown): string => {
      const body = JSON.parse(tool) as { params: { _meta: Record<string, unknown> } };
      if (value === undefined) delete body.params._meta[`io.modelcontextprotocol/${key}`];
      else body.params._meta[`io.modelcontextprotocol/${key}`] = value;
      return JSON.stringify(body);
    };
    for (const body of [
      drop('protocolVersion'),
      drop('clientCapabilities'),
      drop('protocolVersion', 20260728),
      drop('clientCapabilities', []),
      drop('clientCapabilities', 'all'),
      '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
      legacyBody('tools/list'),
    ]) {
      await refused(await post(door, body, mirrors('tools/call', 'echo')), -32602);
    }
  });
});

test('M7: a session id and Last-Event-ID mean nothing in the modern era, and no session is made', async () => {
  upstream.next(json({ jsonrpc: '2.0', id: 1, result: {} }, { headers: { 'Mcp-Session-Id': 'upstream-session' } }));
  const reply = await callTool(door, 'echo', {}, { 'Mcp-Session-Id': 'forged', 'Last-Event-ID': 'forged' });
  expect([reply.status, reply.header('mcp-session-id')]).toEqual([200, null]);
  expect([upstream.requests.at(-1)?.header('mcp-session-id'), upstream.requests.at(-1)?.header('last-event-id')]).toEqual([[], []]);
});

test('M7: event ids of a modern stream pass unchanged, as every other byte', async () => {
  const text = event({ jsonrpc: '2.0', id: 1, result: {} }, { id: '7', event: 'message' });
  upstream.next(stream([text]));
  expect((await callTool(door)).body.toString()).toBe(text);
});

test('M8: the era is that of each request, never of its connection', async () => {
  await refused(
    await post(door, legacyBody('initialize', { protocolVersion: '2025-11-25', capabilities: {} }), { 'MCP-Protocol-Version': modernVersion }),
    -32020,
  );
  await refused(await post(door, modernBody('initialize'), { 'MCP-Protocol-Version': legacyVersion, 'Mcp-Method': 'initialize' }), -32020);
  const connection = await openRaw(door.port);
  const bodies: [string, Record<string, string>][] = [
    [tool, mirrors('tools/call', 'echo')],
    [legacyBody('tools/list'), { 'MCP-Protocol-Version': legacyVersion }],
    [legacyBody('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: {} }), {}],
    [legacyBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo')],
    [tool, mirrors('tools/call', 'echo')],
  ];
  for (const [body, headers] of bodies) connection.write(postBytes(door, '/mcp/s1', body, headers));
  await connection.reply(5);
  expect(connection.replies().map((reply) => reply.status)).toEqual([200, 200, 200, 400, 200]);
  connection.destroy();
});

test('M10: every request is authenticated, not only the first of its connection', async () => {
  const connection = await openRaw(door.port);
  for (const authorization of [`Bearer ${testKey}`, '', 'Bearer gwo_test_other', `Bearer ${testKey}`]) {
    connection.write(postBytes(door, '/mcp/s1', tool, { ...mirrors('tools/call', 'echo'), Authorization: authorization }));
  }
  await connection.reply(4);
  expect(connection.replies().map((reply) => reply.status)).toEqual([200, 401, 401, 200]);
  expect(connection.replies()[1]?.header('www-authenticate')).toBe('Bearer realm="gatewayops"');
  connection.destroy();
});

test('M25: an event that is larger than the bound ends the stream, which is never shown as whole', async () => {
  upstream.next(
    stream([
      event({ jsonrpc: '2.0', method: 'notifications/message' }),
      ...Array.from({ length: 19 }, () => `data: ${'x'.repeat(1024 * 1024)}\n`),
      '\n',
      event({ jsonrpc: '2.0', id: 1, result: {} }),
    ]),
  );
  const reply = await callTool(door);
  expect([reply.status, reply.complete]).toEqual([200, false]);
  expect(reply.body.toString()).not.toContain('"id":1,"result"');
});

test('a GET of a modern client finds nothing', async () => {
  const reply = await sendRaw(
    door.port,
    requestBytes('GET /mcp/s1 HTTP/1.1', postHeaders(door, { 'MCP-Protocol-Version': modernVersion, 'Content-Type': '' })),
  );
  await expectRefusal(door, reply, 405, upstream, hits);
});
