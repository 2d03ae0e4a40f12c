/** Promises 4 and 10 in the small: no call without a record, no credential beyond the door. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  callTool,
  expectHealthy,
  expectRefusal,
  legacyBody,
  legacyVersion,
  mirrors,
  modernBody,
  modernServer,
  post,
  postBytes,
  postHeaders,
} from '../support/calls.ts';
import { findSecrets } from '../support/canary-scan.ts';
import { canFillDisk, setDiskFull } from '../support/full-disk.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, sendRaw } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply, event, json, resetBeforeHeaders, result, stream } from '../support/replies.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const credential = 'gateway-own-credential-0001';

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({ servers: [{ origin, timeoutMs: 1_000, credential: { header: 'authorization', value: `Bearer ${credential}` } }, { origin }] });
  await callTool(door);
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await door.stop();
  await upstream.stop();
});

/** How often the journal on disk names the text now. */
async function recorded(text: string): Promise<number> {
  const bytes = await door.journal();
  let count = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) count++;
  return count;
}

describe('promise 4: no call without a record', () => {
  test('the intent is on disk when the server gets its first byte, on every surface', async () => {
    const seen: number[] = [];
    const outcomes: number[] = [];
    upstream.reply = modernServer(async (request, socket) => {
      const name = /intent-\w+/.exec(request.body.toString())?.[0];
      if (name !== undefined) {
        seen.push(await recorded(name));
        outcomes.push(await recorded('success'));
      }
      await defaultReply(request, socket);
    });
    const before = await recorded('success');
    await callTool(door, 'intent-modern');
    await post(door, legacyBody('tools/call', { name: 'intent-legacy' }), { 'MCP-Protocol-Version': legacyVersion });
    await post(door, `[${legacyBody('tools/call', { name: 'intent-batch' })}]`);
    await post(door, '{"tool":"intent-rest"}', {}, '/v1/mcp/s1/tools/call');
    upstream.reply = modernServer();
    expect(seen).toEqual([1, 1, 1, 1]);
    expect(outcomes).toEqual([before, before + 1, before + 2, before + 3]);
    expect(await recorded('success')).toBe(before + 4);
  });

  test('the outcome is on disk before the last byte of the reply leaves', async () => {
    for (const reply of [result('x'), result('y'.repeat(300_000)), stream([event({ a: 1 }), event({ jsonrpc: '2.0', id: 1, result: {} })])]) {
      const before = await recorded('success');
      upstream.next(reply);
      const connection = await openRaw(door.port);
      connection.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo')));
      await until(() => connection.replies()[0]?.complete, { everyMs: 1 });
      expect(await recorded('success')).toBe(before + 1);
      connection.destroy();
    }
  });

  test('a stream that ends without its response is no success: an error in the modern era, unknown where it may be resumed', async () => {
    const [errors, unknown, successes] = [await recorded('\x05error'), await recorded('\x07unknown'), await recorded('success')];
    const progress = event({ jsonrpc: '2.0', method: 'notifications/progress', params: {} });
    for (const reply of [stream([progress]), stream([': nothing\n\n'])]) {
      upstream.next(reply);
      await callTool(door);
      upstream.next(reply);
      await post(door, legacyBody('tools/call', { name: 'echo' }), { 'MCP-Protocol-Version': legacyVersion });
    }
    expect([await recorded('\x05error'), await recorded('\x07unknown'), await recorded('success')]).toEqual([errors + 2, unknown + 2, successes]);
  });

  test('a failed, a cancelled and a refused call have their outcome too', async () => {
    upstream.next(resetBeforeHeaders);
    await callTool(door, 'outcome-reset');
    expect(await recorded('upstream_reset')).toBe(1);
    upstream.next(after(10_000, defaultReply));
    const cancelled = await recorded('cancelled');
    const connection = await openRaw(door.port);
    connection.write(postBytes(door, '/mcp/s1', modernBody('tools/call', { name: 'echo' }), mirrors('tools/call', 'echo')));
    await upstream.received(hits + 2);
    connection.reset();
    await until(async () => (await recorded('cancelled')) === cancelled + 1);
  });

  test.skipIf(!canFillDisk)('D10: where the intent cannot be written nothing is sent; health of the process stays; it goes on by itself', async () => {
    setDiskFull(true);
    try {
      const refusals = [
        await callTool(door, 'blocked'),
        await post(door, legacyBody('tools/call', { name: 'blocked' }), { 'MCP-Protocol-Version': legacyVersion }),
        await post(door, '{"tool":"blocked"}', {}, '/v1/mcp/s1/tools/call'),
        await sendRaw(door.port, requestBytes('GET /mcp/s1 HTTP/1.1', postHeaders(door, { 'Content-Type': '' }))),
      ];
      for (const reply of refusals) {
        expect(JSON.stringify(await expectRefusal(door, reply, 503, upstream, hits))).toContain('audit_blocked');
        expect(reply.header('retry-after')).toBe('1');
      }
      const batch = await post(door, `[${legacyBody('tools/call', { name: 'blocked' })}]`, { Accept: 'application/json' });
      expect([batch.body.toString().includes('-31503'), upstream.hits]).toEqual([true, hits]);
      expect(door.door.journalBlocked()).toBe(true);
    } finally {
      setDiskFull(false);
    }
    await until(() => !door.door.journalBlocked());
    expect((await callTool(door)).status).toBe(200);
    expect(await recorded('blocked')).toBe(0);
  });

  test('a tool that ran is paid for, also when its result is an error; a call that the server refused or asks more for is not', async () => {
    const priced = async (reply: unknown, status = 200): Promise<number> => {
      const before = await recorded('\x07default');
      upstream.reply = modernServer(json(reply, { status }));
      await callTool(door);
      upstream.reply = modernServer();
      return (await recorded('\x07default')) - before;
    };
    const answer = (rest: object): object => ({ jsonrpc: '2.0', id: 1, ...rest });
    expect(await priced(answer({ result: { resultType: 'complete', content: [] } }))).toBe(1);
    expect(await priced(answer({ result: { resultType: 'complete', content: [], isError: true } }))).toBe(1);
    expect(await priced(answer({ error: { code: -32602, message: 'Unknown tool: echo' } }))).toBe(0);
    expect(await priced(answer({ error: { code: -32020, message: 'no' } }), 400)).toBe(0);
    expect(await priced(answer({ result: { resultType: 'input_required', requestState: 's' } }))).toBe(0);
  });

  test.each([100 * 1024, 5 * 1024 * 1024])(
    'what %i bytes of a reply say at their end, an error and token figures, is recorded, of JSON and of a stream',
    async (size) => {
      const text = '{"isError": false}\n'.repeat(size / 20);
      const answer = (isError: boolean): object => ({
        jsonrpc: '2.0',
        id: 1,
        result: { content: [{ type: 'text', text }], structuredContent: { isError: true }, isError, _meta: { usage: { input_tokens: 7, output_tokens: 8 } } },
      });
      for (const reply of [
        (isError: boolean) => json(answer(isError)),
        (isError: boolean) => stream([event({ method: 'notifications/x' }), event(answer(isError))]),
      ]) {
        const before = [await recorded('\x05error'), await recorded('\x07success'), await recorded('\x08reported')];
        for (const isError of [true, false, true]) {
          upstream.next(reply(isError));
          expect((await callTool(door)).body.length).toBeGreaterThan(size);
        }
        const [errors = 0, successes = 0, reported = 0] = before;
        expect([await recorded('\x05error'), await recorded('\x07success'), await recorded('\x08reported')]).toEqual([errors + 2, successes + 1, reported + 3]);
      }
    },
  );

  test('D5: while the spool is over its bound nothing is sent and refusals do not make it grow', async () => {
    door.setReadiness({ recordBlocked: true, ready: false });
    const size = (await door.journal()).length;
    for (let times = 0; times < 3; times++) {
      expect(JSON.stringify(await expectRefusal(door, await callTool(door), 503, upstream, hits))).toContain('audit_blocked');
      await expectRefusal(door, await post(door, modernBody('tools/call', { name: 'a' }), mirrors('tools/call', 'b')), 400, upstream, hits);
    }
    expect((await door.journal()).length).toBe(size);
    const ready = await sendRaw(door.port, requestBytes('GET /readyz HTTP/1.1', [`Host: 127.0.0.1:${door.port}`]));
    expect([ready.status, JSON.parse(ready.body.toString())]).toMatchObject([503, { status: 'not_ready', recordBlocked: true }]);
    door.setReadiness({ recordBlocked: false, ready: true });
    expect((await callTool(door)).status).toBe(200);
  });
});

test('A25: no credential and no cookie of a caller reaches a server, the journal or the log, in any form', async () => {
  const canaries = {
    key: testKey,
    apiKey: 'canary-x-api-key-7431',
    cookie: 'canary-cookie-session-9912',
    proxy: 'canary-proxy-authorization',
    custom: 'canary-x-auth-token-5521',
    query: 'canary-query-token-7788',
  };
  const headers = {
    'X-API-Key': canaries.apiKey,
    Cookie: `session=${canaries.cookie}`,
    'Proxy-Authorization': `Basic ${Buffer.from(canaries.proxy).toString('base64')}`,
    'X-Auth-Token': canaries.custom,
    'X-Forwarded-Access-Token': canaries.custom,
  };
  upstream.forget();
  const path = `/mcp/s1?token=${canaries.query}`;
  const replies = [
    await post(door, modernBody('tools/call', { name: 'echo' }), { ...mirrors('tools/call', 'echo'), ...headers }, path),
    await post(door, legacyBody('tools/call', { name: 'echo' }), { 'MCP-Protocol-Version': legacyVersion, ...headers }, path),
    await post(door, `[${legacyBody('tools/call', { name: 'echo' })}]`, headers),
    await post(door, '{"tool":"echo"}', headers, '/v1/mcp/s1/tools/call'),
    await sendRaw(door.port, requestBytes('GET /mcp/s1 HTTP/1.1', postHeaders(door, { 'Content-Type': '', ...headers }))),
    await post(door, modernBody('tools/call', { name: 'echo' }), { ...mirrors('tools/call', 'echo'), ...headers }, '/mcp/s2'),
    // Refused, with the credential in the wrong place or form.
    await post(door, '{', headers),
    await post(door, modernBody('tools/call', { name: 'echo' }), { ...mirrors('tools/call', 'other'), ...headers }),
    await post(door, modernBody('tools/list'), {
      ...mirrors('tools/list'),
      ...headers,
      Authorization: `Basic ${Buffer.from(`:${testKey}`).toString('base64')}`,
    }),
  ];
  upstream.next(resetBeforeHeaders);
  replies.push(await callTool(door, 'echo', {}, headers));
  expect(upstream.hits).toBeGreaterThanOrEqual(7);
  const places = [
    { name: 'server', content: upstream.allBytes() },
    { name: 'journal', content: await door.journal() },
    { name: 'log', content: JSON.stringify(door.logged) },
    ...replies.map((reply, index) => ({ name: `reply ${index}`, content: Buffer.concat([Buffer.from(JSON.stringify(reply.headers)), reply.body]) })),
  ];
  expect(findSecrets(places, canaries)).toEqual([]);
  // And the gateway's own credential goes where it belongs and nowhere else.
  expect(findSecrets(places, { credential }).map(({ place }) => place)).toEqual(['server']);
  expect(upstream.requests.at(-2)?.header('authorization').join()).not.toContain(testKey);
  expect(upstream.requests.filter((request) => request.header('authorization').length > 1)).toEqual([]);
});

test("A25: what a server sends of credentials and cookies does not become the client's", async () => {
  upstream.next(
    json(
      { jsonrpc: '2.0', id: 1, result: {} },
      {
        headers: {
          'set-cookie': 'canary=1',
          'www-authenticate': 'Bearer',
          server: 'inner/1.0',
          'x-powered-by': 'inner',
          'access-control-allow-origin': '*',
          location: 'http://inner/',
        },
      },
    ),
  );
  const reply = await callTool(door);
  const names = reply.headers.map(([name]) => name.toLowerCase()).sort();
  expect(names).toEqual(['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'x-request-id', 'x-trace-id']);
  await expectHealthy(door);
});
