/** A call that says nothing for long: alive as long as its server says that it is, cut by the time limit where it does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mirrors, modernBody, post } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { event, idText, json, scriptsEras, stream, type StreamStep } from '../support/replies.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

const timeoutMs = 1_000;
/** In all four times what a silent server is given. */
const signs = 20;
const pauseMs = 200;

let upstream: RecordingUpstream;
let door: TestDoor;

/** `lively` sends a comment now and then, `mute` nothing behind the first. */
beforeAll(async () => {
  upstream = await startRecordingUpstream(
    scriptsEras((request, socket) => {
      const { method, params } = JSON.parse(request.body.toString()) as { method: string; params: { name?: string } };
      if (method === 'tools/call') {
        const alive: StreamStep[] = Array.from({ length: signs }, () => [{ waitMs: pauseMs }, ': alive\n\n']).flat();
        const response = event(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":{"resultType":"complete","content":[]}}`);
        return params.name === 'lively' ? stream([': begun\n\n', ...alive, response])(request, socket) : stream([': begun\n\n'], 'open')(request, socket);
      }
      const tools = ['lively', 'mute'].map((name) => ({ name, inputSchema: { type: 'object' } }));
      const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, tools, ttlMs: 60_000, cacheScope: 'public' };
      return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${JSON.stringify(result)}}`)(request, socket);
    }),
  );
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}`, timeoutMs }], endpoints: [plainEndpointData(['s1'])] });
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

describe.each([
  ['/mcp/s1', ''],
  ['/mcp', 's1__'],
])('at %s a call of which nothing is heard but comments', (path, prefix) => {
  const call = async (name: string): Promise<string> =>
    (await post(door, modernBody('tools/call', { name: prefix + name, arguments: {} }), mirrors('tools/call', prefix + name), path)).body.toString();

  test('goes on for many times the limit and ends with its result', async () => {
    const startedAt = performance.now();
    expect(await call('lively')).toContain('"resultType":"complete"');
    expect(performance.now() - startedAt).toBeGreaterThan(2 * timeoutMs);
  });

  test('is cut by the limit where they stop, and the server is told', async () => {
    expect(await call('mute')).toContain('mcp_timeout');
    await until(() => upstream.requests.at(-1)?.abandoned);
  });
});
