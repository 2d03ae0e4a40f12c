import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { startDoor, type TestDoor, testKey } from '../support/start-door.ts';

let upstream: RecordingUpstream;
let door: TestDoor;
/** The door allows its own origin. */
let origin: string;

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ name: 'one', origin: `http://127.0.0.1:${upstream.port}` }] });
  origin = door.url;
});
afterAll(async () => {
  await door?.stop();
  await upstream?.stop();
});

function preflight(from: string, asked: string, path = '/mcp/one') {
  const headers = { origin: from, 'access-control-request-method': 'POST', 'access-control-request-headers': asked };
  return post(`${door.url}${path}`, undefined, { method: 'OPTIONS', headers });
}

const { body, headers } = toolCall('echo', {});

describe('a browser of an allowed origin', () => {
  test('may send what MCP needs and nothing else, and no cookie', async () => {
    const answer = await preflight(origin, 'Authorization, Content-Type, If-Match, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Param-City, X-Forwarded-For');
    expect(answer.status).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization, content-type, if-match, mcp-session-id, mcp-protocol-version, mcp-param-city',
      vary: 'Origin',
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    expect((await preflight(origin, 'authorization', '/v1/mcp/one/tools/call')).status).toBe(204);
  });

  test('may read the reply, its session, its trace and why it was refused', async () => {
    for (const [key, status] of [
      [testKey, 200],
      [null, 401],
    ] as const) {
      const answer = await post(`${door.url}/mcp/one`, body, { key, headers: { ...headers, origin } });
      expect(answer.status).toBe(status);
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      for (const name of ['Mcp-Session-Id', 'WWW-Authenticate', 'X-Trace-ID', 'Retry-After', 'ETag'])
        expect(answer.headers['access-control-expose-headers']?.split(', ')).toContain(name);
    }
  });
});

test('one of another origin is refused and may read nothing', async () => {
  const before = upstream.hits;
  for (const answer of [
    await preflight('https://evil.example', 'authorization'),
    await post(`${door.url}/mcp/one`, body, { key: testKey, headers: { ...headers, origin: 'https://evil.example' } }),
    await post(`${door.url}/mcp/one`, body, { key: testKey, headers: { ...headers, origin: 'null' } }),
  ]) {
    expect(answer.status).toBe(403);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  }
  expect(upstream.hits).toBe(before);
});

test('who sends no Origin is told nothing of it', async () => {
  const answer = await post(`${door.url}/mcp/one`, body, { key: testKey, headers });
  expect(answer.status).toBe(200);
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control') || name === 'vary')).toEqual([]);
});
