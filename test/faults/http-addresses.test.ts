/** Group H of the catalogue: addresses, methods, paths and headers of well-formed requests that must not pass. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { callTool, expectRefusal, mirrors, modernBody, post, postHeaders } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const body = modernBody('tools/list');
const listMirrors = mirrors('tools/list');

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}` }] });
  await callTool(door);
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

const list = (headers: Record<string, string>, sent: string | Buffer = body): Promise<RawReply> => post(door, sent, { ...listMirrors, ...headers });

describe('H3: only the addresses that are served, only the origins that are allowed', () => {
  const paths = ['/mcp/s1', '/mcp/unknown', '/v1/mcp/s1/tools/list', '/v1/traces', '/', '/dashboard.js'];
  test.each(paths)('%s', async (path) => {
    for (const host of [
      'evil.example',
      `evil.example:${door.port}`,
      `127.0.0.1`,
      `127.0.0.1:${door.port + 1}`,
      `127.0.0.1:${door.port}.evil.example`,
      `x@127.0.0.1:${door.port}`,
    ]) {
      await expectRefusal(door, await post(door, body, { ...listMirrors, Host: host }, path), 421, upstream, hits);
    }
    for (const origin of [
      'https://evil.example',
      'null',
      `http://127.0.0.1:${door.port}.evil.example`,
      `https://127.0.0.1:${door.port}`,
      `http://127.0.0.1:${door.port}/`,
    ]) {
      await expectRefusal(door, await post(door, body, { ...listMirrors, Origin: origin }, path), 403, upstream, hits);
    }
  });

  test('the own origin is served, and the host in any letter case', async () => {
    expect((await list({ Origin: `http://127.0.0.1:${door.port}`, Host: `LOCALHOST:${door.port}` })).status).toBe(200);
  });
});

describe('H8: methods', () => {
  test.each(['PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'LOCK'])('%s is not served at MCP addresses, façade and health', async (method) => {
    for (const path of ['/mcp/s1', '/v1/mcp/s1/tools/list', '/healthz', '/readyz']) {
      if (method === 'HEAD' && path.endsWith('z')) continue;
      const connection = await openRaw(door.port);
      connection.write(requestBytes(`${method} ${path} HTTP/1.1`, [...postHeaders(door), 'Content-Length: 0', 'Connection: close']));
      await connection.closed();
      const text = connection.bytes().toString('latin1');
      expect(text).toMatch(/^HTTP\/1\.1 405 /);
      expect(text.toLowerCase()).toMatch(/\r\nallow: [a-z, ]+\r\n/);
      expect(upstream.hits).toBe(hits);
    }
  });

  test('TRACE and CONNECT give 405 anywhere', async () => {
    await expectRefusal(door, await sendRaw(door.port, requestBytes('TRACE /v1/keys HTTP/1.1', postHeaders(door))), 405, upstream, hits);
    await expectRefusal(door, await sendRaw(door.port, requestBytes('CONNECT 127.0.0.1:1 HTTP/1.1', postHeaders(door))), 405, upstream, hits);
  });

  test('GET and DELETE that name 2026-07-28, which has neither, give 405', async () => {
    for (const method of ['GET', 'DELETE']) {
      const reply = await sendRaw(door.port, requestBytes(`${method} /mcp/s1 HTTP/1.1`, postHeaders(door, { 'MCP-Protocol-Version': '2026-07-28' })));
      await expectRefusal(door, reply, 405, upstream, hits);
      expect(reply.header('allow')).toBe('POST');
    }
  });
});

test('H17: only the path as it is written in the configuration is a route', async () => {
  const spellings = [
    '/mcp%2fs1',
    '/mcp/%731',
    '/mcp/s1/',
    '//mcp/s1',
    '/mcp//s1',
    '/./mcp/s1',
    '/mcp/./s1',
    '/mcp/x/../s1',
    '/mcp/s1;x',
    '/mcp/s1%23',
    '/mcp/s1#',
    '/mcp/s1%00',
    '/MCP/s1',
    '/mcp/S1',
    '/mcp/%2573%31',
    '/mcp/s1%20',
    '/mcp/s1/..',
    '/mcp\\s1',
    '/mcp',
    '/v1/mcp/s1//tools/list',
    '/v1/mcp/%73%31/tools/list',
    `http://127.0.0.1:${door.port}/mcp/s1`,
  ];
  for (const path of spellings) {
    const reply = await post(door, body, listMirrors, path);
    // A path of the control plane is answered by the control plane, which this door is without: 503.
    expect([400, 404, 503]).toContain(reply.status);
    await expectRefusal(door, reply, reply.status, upstream, hits);
  }
  expect((await post(door, body, listMirrors, '/mcp/s1?a=/../x')).status).toBe(200);
});

describe('H20 and H21: what a stranger says of itself', () => {
  test('H20: forwarding headers change neither who is recorded nor anything that is sent on', async () => {
    await list({
      'X-Forwarded-For': '203.0.113.77',
      'X-Real-IP': '203.0.113.77',
      Forwarded: 'for=203.0.113.77',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
    });
    await until(async () => (await door.journal()).includes('127.0.0.1'));
    expect((await door.journal()).includes('203.0.113.77')).toBe(false);
    expect(upstream.requests.at(-1)?.raw.toString()).not.toMatch(/203\.0\.113\.77|evil\.example/);
  });

  test('H21: the server sees an allow-list of headers, whatever else was sent or named hop-by-hop', async () => {
    await list({
      Connection: 'authorization, mcp-method, keep-alive',
      'X-Upstream-Authorization': 'a',
      'X-Original-URL': '/admin',
      'X-User-Id': 'root',
      'X-GatewayOps-Peer': '1.2.3.4',
      Cookie: 'a=b',
      'Proxy-Authorization': 'Basic x',
      TE: 'trailers',
      Via: '1.1 x',
      Referer: 'http://x',
    });
    const names = (upstream.requests.at(-1)?.headers ?? []).map(([name]) => name.toLowerCase()).sort();
    expect(names).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'content-length',
      'content-type',
      'host',
      'mcp-method',
      'mcp-protocol-version',
      'traceparent',
    ]);
    expect(upstream.requests.at(-1)?.header('connection')).toEqual(['keep-alive']);
    expect(upstream.requests.at(-1)?.raw.toString()).not.toContain(testKey);
  });
});
