/** Groups J and R of the catalogue over the wire: what is no JSON, no JSON-RPC or a trap for the next reader. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  callTool,
  expectHealthy,
  expectRefusal,
  legacyBody,
  legacyVersion,
  mirrors,
  modernBody,
  modernMeta,
  post,
  postBytes,
  rpcCode,
} from '../support/calls.ts';
import { openRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const meta = JSON.stringify(modernMeta);

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 20_000 }] });
  await callTool(door);
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

const list = (body: string | Buffer): Promise<RawReply> => post(door, body, mirrors('tools/list'));
const call = (args: string, before = '', after = ''): string =>
  `{"jsonrpc":"2.0",${before}"id":1,"method":"tools/call","params":{"name":"echo","arguments":${args},"_meta":${meta}}${after}}`;
const sendCall = (body: string | Buffer): Promise<RawReply> => post(door, body, mirrors('tools/call', 'echo'));

async function refused(reply: RawReply, code: number): Promise<Record<string, unknown>> {
  const body = await expectRefusal(door, reply, 400, upstream, hits);
  expect([rpcCode(body), reply.body.length < 1_000]).toEqual([code, true]);
  return body;
}

/** The server got exactly these bytes. */
async function passed(body: string): Promise<void> {
  expect((await sendCall(body)).status).toBe(200);
  expect(upstream.requests.at(-1)?.body.equals(Buffer.from(body))).toBe(true);
  hits = upstream.hits;
}

describe('J1: depth', () => {
  test.each([65, 1_000, 100_000])('%i levels are refused before anything is built', async (depth) => {
    await refused(await sendCall(call('['.repeat(depth - 2) + ']'.repeat(depth - 2))), -32600);
    await refused(await sendCall(call('{"a":'.repeat(depth - 2) + '1' + '}'.repeat(depth - 2))), -32600);
    await refused(await list('['.repeat(depth)), -32600);
  });
  test('64 levels pass unchanged', async () => passed(call('['.repeat(62) + ']'.repeat(62))));
});

describe('J2: a key that occurs twice in the envelope, in params or in _meta', () => {
  const twice: Record<string, string> = {
    method: call('{}', '"method":"tools/list",'),
    'method, escaped': call('{}', '"m\\u0065thod":"tools/list",'),
    id: call('{}', '"id":2,'),
    params: call('{}', '', ',"params":{}'),
    'params.name': `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"other","name":"echo","arguments":{},"_meta":${meta}}}`,
    'params.arguments': `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{},"arguments":{"a":1},"_meta":${meta}}}`,
    'params._meta': `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{},"_meta":${meta}}}`,
    'in _meta': call('{}').replace('"_meta":{', '"_meta":{"progressToken":1,"progressToken":2,'),
    'deep in _meta': call('{}').replace('"_meta":{', '"_meta":{"x":{"y":{"z":1,"z":2}},'),
  };
  test.each(Object.entries(twice))('%s', async (_, body) => void (await refused(await sendCall(body), -32600)));
  test('in arguments it is data, and passes unchanged', async () => passed(call('{"a":1,"a":2}')));
});

test('J3: numbers beyond 2^53 pass unchanged, in ids and in arguments', async () => {
  for (const id of ['9007199254740993', '-18446744073709551616', '1e3', '"9007199254740993"', '"\\u00e9\\ud83d\\ude00"']) {
    const body = call('{"n":123456789012345678901234567890,"m":-0.0,"e":1E400,"f":1.10}').replace('"id":1', `"id": ${id}`);
    const reply = await sendCall(body);
    expect(reply.status).toBe(200);
    expect(upstream.requests.at(-1)?.body.toString()).toBe(body);
    expect(reply.body.toString()).toContain(`"id":${id}`);
  }
  // The gateway's own errors repeat the id as it was written.
  const refusal = await post(door, call('{}').replace('"id":1', '"id":9007199254740993'), mirrors('tools/call', 'other'));
  expect(refusal.body.toString()).toContain('"id":9007199254740993,"error"');
});

test('J5: names of the prototype are refused in the envelope and plain data in arguments', async () => {
  for (const key of ['__proto__', 'constructor', 'prototype', '__pr\\u006fto__']) {
    await refused(await sendCall(call('{}', `"${key}":{"polluted":1},`)), -32600);
    await refused(await sendCall(call('{}').replace('"_meta":{', `"_meta":{"${key}":{"polluted":1},`)), -32600);
    await passed(call(`{"${key}":{"polluted":1,"constructor":{"prototype":{"polluted":1}}}}`));
  }
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('J6: lone surrogates, U+0000 and line separators pass as they were sent, and break no line of the log', async () => {
  await passed(call('{"a":"\\ud800 \\u0000 \\u2028 \u2028 \u2029"}'));
  await refused(await sendCall(call('{}').replace('"echo"', '"echo\\u0000\\ud800\u2028"')), -32020);
  expect(JSON.stringify(door.logged).split('\n')).toHaveLength(1);
});

test('J7: large bodies within the limit neither stall the loop nor change', async () => {
  const keys = Array.from({ length: 100_000 }, (_, index) => `"${index}":${index}`).join(',');
  const bodies = [call(`[${'1,'.repeat(1_000_000)}1]`), call(`{${keys}}`), call(`{"s":"${'x'.repeat(4_000_000)}"}`), call(`"${'\\u0041'.repeat(600_000)}"`)];
  for (const body of bodies) {
    let stall = 0;
    let last = performance.now();
    const watch = setInterval(() => {
      stall = Math.max(stall, performance.now() - last);
      last = performance.now();
    }, 5);
    await passed(body).finally(() => clearInterval(watch));
    // Client, gateway and server share this loop and a busy machine: the bench has the exact figure.
    expect(stall).toBeLessThan(2_000);
  }
  await refused(await sendCall(call('{}').replace('"params":{', `"params":{${keys},`)), -32600);
});

test('J9: what is no JSON document', async () => {
  const good = modernBody('tools/list');
  for (const body of [
    '',
    ' ',
    '{',
    good.slice(0, -1),
    good + good,
    `${good},`,
    good.replace('}', ',}'),
    `/* a */${good}`,
    good.replace('"id":1', '"id":NaN'),
    good.replace('"id":1', '"id":01'),
    good.replaceAll('"', "'"),
    `${good}\0`,
    'nul',
    '\u{feff}' + good,
    '"a\nb"',
  ]) {
    await refused(await list(body), -32700);
  }
});

test('R1: a batch is refused in every version but 2025-03-26', async () => {
  const batch = `[${legacyBody('tools/list')}]`;
  for (const version of ['2026-07-28', '2025-11-25', '2025-06-18', '2024-11-05']) {
    await refused(await post(door, batch, { 'MCP-Protocol-Version': version }), -32600);
  }
});

test('R2: `jsonrpc` must be "2.0"', async () => {
  for (const value of ['"1.0"', '2', '2.0', 'null', '"2.0 "', '["2.0"]']) await refused(await list(modernBody('tools/list').replace('"2.0"', value)), -32600);
  await refused(await list(modernBody('tools/list').replace('"jsonrpc":"2.0",', '')), -32600);
});

test('R3: an id that JSON-RPC does not know is refused in a reply without id', async () => {
  for (const id of ['null', '1.5', 'true', '{}', '[]', '[1]', '1e-1']) {
    for (const body of [modernBody('tools/list').replace('"id":1', `"id":${id}`), legacyBody('tools/list').replace('"id":1', `"id":${id}`)]) {
      const reply = await post(door, body, body.includes('_meta') ? mirrors('tools/list') : {});
      expect('id' in (await refused(reply, -32600))).toBe(false);
    }
  }
});

test('R6: a notification gives 202 without a body, a bad one 400', async () => {
  const notification = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
  const reply = await post(door, notification, { 'MCP-Protocol-Version': legacyVersion });
  expect([reply.status, reply.body.length]).toEqual([202, 0]);
  hits = upstream.hits;
  await refused(await post(door, notification.replace('2.0', '3.0')), -32600);
});

test('R7: an unknown method is 404 in the modern era, an answer in the legacy one, and reaches no server in either', async () => {
  for (const method of ['tools/destroy', 'toString', '__proto__', 'TOOLS/LIST', 'tools/list ', 'admin']) {
    const modern = await post(door, modernBody(method), mirrors(method));
    const code = method.endsWith(' ') ? 400 : 404;
    if (code === 404) expect(await expectRefusal(door, modern, 404, upstream, hits)).toMatchObject({ id: 1, error: { code: -32601 } });
    const legacy = await post(door, legacyBody(method, {}, 'x'), { 'MCP-Protocol-Version': legacyVersion });
    expect(await expectRefusal(door, legacy, 200, upstream, hits)).toMatchObject({ id: 'x', error: { code: -32601 } });
  }
});

test('R8: params of the wrong type', async () => {
  for (const params of ['[]', '1', '"a"', 'null', 'true'])
    await refused(await list(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${params}}`), -32602);
  await refused(await list('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":[]}}'), -32602);
  for (const method of ['1', 'null', '""', '{}']) await refused(await list(`{"jsonrpc":"2.0","id":1,"method":${method}}`), -32600);
});

test('R9: a response can be posted in the legacy era only', async () => {
  const answer = '{"jsonrpc":"2.0","id":1,"result":{}}';
  await refused(await post(door, answer, { 'MCP-Protocol-Version': '2026-07-28' }), -32600);
  await refused(await post(door, '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}'), -32600);
  await refused(await post(door, '{"jsonrpc":"2.0","result":{}}'), -32600);
});

test('R10: no error of the gateway has a code that the specification reserves for others', async () => {
  const allowed = new Set([-32700, -32600, -32601, -32602, -32603, -32020, -32021, -32022]);
  const bodies = ['{', '[]', '{}', modernBody('x/y'), modernBody('tools/call'), modernBody('tools/list').replace('2026-07-28', '1999-01-01')];
  for (const body of bodies) {
    for (const headers of [
      mirrors('tools/list'),
      mirrors('x/y'),
      { 'MCP-Protocol-Version': '1999-01-01' },
      { Authorization: '' },
      { 'Content-Type': 'text/plain' },
      { Host: 'evil' },
    ]) {
      const reply = await post(door, body, headers);
      const code = rpcCode(JSON.parse(reply.body.toString()) as Record<string, unknown>);
      if (typeof code === 'number') expect(allowed.has(code) || (code <= -31_000 && code > -32_000)).toBe(true);
    }
  }
  await expectHealthy(door);
});

test('R5: a thousand clients that all use id 1, many of which leave early: each sees its own reply and no other', async () => {
  upstream.reply = async (request, socket) => {
    const nonce = /"nonce":"(\w+)"/.exec(request.body.toString())?.[1] ?? '';
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    const reply = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"${nonce}"}]}}`;
    if (socket.destroyed) return;
    const asEvents = nonce.charCodeAt(0) % 2 === 0;
    const body = asEvents ? `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"nonce":"${nonce}"}}\n\ndata: ${reply}\n\n` : reply;
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${asEvents ? 'text/event-stream' : 'application/json'}\r\ncontent-length: ${body.length}\r\n\r\n`);
    for (let at = 0; at < body.length; at += 50) socket.write(body.slice(at, at + 50));
  };
  let answered = 0;
  const mixed: string[] = [];
  const one = async (number: number): Promise<void> => {
    const nonce = `${String.fromCharCode(97 + (number % 26))}${number}z`;
    const leaves = number % 5 === 0;
    const connection = await openRaw(door.port);
    connection.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo', arguments: { nonce } }), mirrors('tools/call', 'echo')));
    if (leaves) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      connection.reset();
      return;
    }
    const reply = await connection.reply(1, 25_000);
    const seen = [...reply.body.toString().matchAll(/"(?:nonce|text)":"(\w+)"/g)].map(([, text]) => text);
    if (reply.status !== 200 || !reply.complete || seen.length === 0 || seen.some((text) => text !== nonce))
      mixed.push(`${nonce}: ${reply.status} ${seen.join()}`);
    answered++;
    connection.destroy();
  };
  for (let wave = 0; wave < 4; wave++) await Promise.all(Array.from({ length: 250 }, (_, index) => one(wave * 250 + index)));
  expect(mixed).toEqual([]);
  expect(answered).toBe(800);
  await expectHealthy(door);
});
