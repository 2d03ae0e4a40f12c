/** Who may not, who has had enough, and whose trace it is: what the answers look like on each surface. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { callTool, expectRefusal, legacyBody, legacyVersion, mirrors, modernBody, modernServer, post, rpcCode } from '../support/calls.ts';
import { requestBytes, sendRaw, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';
import type { PrincipalData } from '../../packages/gateway/src/snapshot/snapshot.ts';

const upstream: RecordingUpstream = await startRecordingUpstream(modernServer());
let door: TestDoor;
afterEach(() => door.stop());
afterAll(() => upstream.stop());

async function open(principal: Partial<PrincipalData>): Promise<number> {
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({ servers: [{ origin }, { origin }], principal });
  return upstream.hits;
}

describe('a key without the action', () => {
  test('tools/call: a tool result that a model can read, with the code in _meta; in both eras', async () => {
    const hits = await open({ actions: ['tools.list'] });
    for (const reply of [await callTool(door), await post(door, legacyBody('tools/call', { name: 'echo' }), { 'MCP-Protocol-Version': legacyVersion })]) {
      const body = await expectRefusal(door, reply, 200, upstream, hits);
      expect(body).toEqual({
        jsonrpc: '2.0',
        id: 1,
        result: {
          resultType: 'complete',
          content: [{ type: 'text', text: expect.stringContaining('tools.call') }],
          isError: true,
          _meta: { 'gatewayops/error': { code: 'forbidden', request_id: reply.header('x-request-id') } },
        },
      });
    }
    expect((await expectRefusal(door, await post(door, '{"tool":"t"}', {}, '/v1/mcp/s1/tools/call'), 403, upstream, hits))['error']).toBe('forbidden');
    expect((await door.journal()).toString('latin1').match(/forbidden/g)).toHaveLength(3);
  });

  test('every other method: 403', async () => {
    const hits = await open({ actions: ['tools.call'] });
    for (const [method, params, name] of [
      ['tools/list', {}, undefined],
      ['resources/read', { uri: 'a' }, 'a'],
      ['prompts/get', { name: 'p' }, 'p'],
      ['subscriptions/listen', {}, undefined],
      ['tasks/get', { taskId: 't' }, 't'],
    ] as const) {
      const body = await expectRefusal(door, await post(door, modernBody(method, params), mirrors(method, name)), 403, upstream, hits);
      expect(body).toMatchObject({ id: 1, error: { code: -31403, data: { code: 'forbidden' } } });
    }
    expect((await post(door, modernBody('server/discover'), mirrors('server/discover'))).status).toBe(200);
  });
});

test("a server out of the key's scope and one that does not exist: 404 in the same bytes, headers included", async () => {
  const hits = await open({ servers: ['s1'], deprecatedUntilMs: Date.now() + 60_000 });
  const shown = new Set<string>();
  for (const path of ['/mcp/s2', '/mcp/unknown', '/mcp/s1x']) {
    for (const body of [modernBody('tools/list'), '{', legacyBody('initialize')]) {
      const reply = await post(door, body, mirrors('tools/list'), path);
      await expectRefusal(door, reply, 404, upstream, hits);
      const headers = reply.headers.filter(([name]) => name !== 'Date').map((pair) => pair.join(': '));
      shown.add([...headers, reply.body.toString()].join('\n').replaceAll(/(?:req|tr)_\w+/g, ''));
    }
  }
  expect(shown.size).toBe(1);
  const journal = (await door.journal()).toString('latin1');
  expect([journal.match(/not_found/g)?.length, journal.match(/blocked/g)?.length, journal.match(/unknown/g)?.length]).toEqual([9, 3, 3]);
  // A key where a server's name belongs is no name.
  await post(door, '{}', { 'X-Trace-ID': 'mine' }, `/mcp/${testKey}`);
  expect((await door.journal()).includes(testKey)).toBe(false);

  expect((await callTool(door)).header('deprecation')).toMatch(/^@\d+$/);
});

test('what is refused before identity leaves no record, but an event with its rule and nothing that it carried', async () => {
  await open({});
  const secret = 'gwo_test_canary0123456789canary0123456789';
  await post(door, modernBody('tools/list'), { ...mirrors('tools/list'), Authorization: `Bearer ${secret}` });
  await post(door, modernBody('tools/list'), { ...mirrors('tools/list'), Host: `${secret}.example` });
  await post(door, modernBody('tools/list'), { ...mirrors('tools/list'), Origin: `https://${secret}.example` });
  await sendRaw(door.port, requestBytes(`GET /mcp/s1 HTTP/1.1`, [`Host: 127.0.0.1:${door.port}`, `Authorization: ${secret}`, `Authorization: ${secret}`]));
  await sendRaw(door.port, `NOT ${secret}\r\n\r\n`);
  const events = door.logged.filter(({ event }) => event === 'request.refused').map(({ fields }) => fields);
  const one = { request_id: expect.stringMatching(/^req_/), peer: '127.0.0.1', bytes: 0 };
  expect(events).toEqual(['unauthorized', 'host_not_allowed', 'origin_not_allowed', 'invalid_request', 'invalid_request'].map((rule) => ({ ...one, rule })));
  expect(JSON.stringify(door.logged)).not.toContain(secret);
  expect((await door.journal()).includes('unauthorized')).toBe(false);
});

describe('the rate limit of S0 F006', () => {
  test('its headers on every answer; its body and Retry-After on the refusal, on both surfaces', async () => {
    const hits = await open({ rateLimit: { limit: 2, windowMs: 60_000, burst: 0 } });
    // The door of this test grants every lease it is asked for: what is granted is used up first.
    const replies: RawReply[] = [];
    for (let times = 0; times < 2; times++) replies.push(await callTool(door));
    for (const reply of replies) {
      expect(reply.status).toBe(200);
      expect([reply.header('x-ratelimit-limit'), Number(reply.header('x-ratelimit-remaining'))]).toEqual(['2', expect.any(Number)]);
      expect(Number(reply.header('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000);
    }
    expect(upstream.requests.slice(hits).filter(({ body }) => body.includes('tools/call'))).toHaveLength(2);
  });

  test('the refusal', async () => {
    const hits = await open({ rateLimit: { limit: 0, windowMs: 60_000, burst: 0 } });
    const rpc = await callTool(door);
    const inError = await expectRefusal(door, rpc, 429, upstream, hits);
    expect(rpcCode(inError)).toBe(-31429);
    const rest = await post(door, '{"tool":"t"}', {}, '/v1/mcp/s1/tools/call');
    const body = await expectRefusal(door, rest, 429, upstream, hits);
    expect(body).toMatchObject({
      error: 'rate_limit_exceeded',
      message: expect.stringMatching(/^Rate limit exceeded\. Retry after \d+ seconds\.$/),
      limit: 0,
      window: '1m',
      reset_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(inError['error']).toMatchObject({ data: { code: 'rate_limit_exceeded', limit: 0, window: '1m' } });
    for (const reply of [rpc, rest]) {
      expect(Number(reply.header('retry-after'))).toBeGreaterThan(0);
      expect([reply.header('x-ratelimit-limit'), reply.header('x-ratelimit-remaining')]).toEqual(['0', '0']);
      expect(Number(reply.header('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000);
    }
  });
});

describe('trace context', () => {
  const traceA = 'a'.repeat(32);
  const traceB = 'b'.repeat(32);
  const traceC = 'c'.repeat(32);
  const parent = (trace: string, flags = '01'): string => `00-${trace}-00f067aa0ba902b7-${flags}`;

  async function sent(
    headers: Record<string, string>,
    meta?: string,
  ): Promise<{ reply: RawReply; trace: string; flags: string; header: string; body: string }> {
    const reply = await post(door, modernBody('tools/call', { name: 'echo', ...(meta === undefined ? {} : { _meta: { traceparent: meta } }) }), {
      ...mirrors('tools/call', 'echo'),
      ...headers,
    });
    expect(reply.status).toBe(200);
    const request = upstream.requests.at(-1);
    const header = request?.header('traceparent')[0] ?? '';
    const [, trace = '', span = '', flags = ''] = header.split('-');
    expect(span).not.toBe('00f067aa0ba902b7');
    return { reply, trace, flags, header, body: request?.body.toString() ?? '' };
  }

  test('X-Trace-ID names the trace, else _meta, else the header, else it is new', async () => {
    await open({});
    expect((await sent({ 'X-Trace-ID': `tr_${traceA}`, traceparent: parent(traceC) }, parent(traceB))).trace).toBe(traceA);
    expect((await sent({ traceparent: parent(traceC) }, parent(traceB))).trace).toBe(traceB);
    expect((await sent({ traceparent: parent(traceC, '00') })).trace).toBe(traceC);
    expect((await sent({ traceparent: parent(traceC, '00') })).flags).toBe('00');
    const [one, other] = [await sent({}), await sent({})];
    expect(one.trace).toMatch(/^[0-9a-f]{32}$/);
    expect(one.trace).not.toBe(other.trace);
    expect(one.reply.header('x-trace-id')).toBe(`tr_${one.trace}`);
  });

  test('a foreign X-Trace-ID comes back as it is, and stands for one trace', async () => {
    await open({});
    const [one, same, other] = [
      await sent({ 'X-Trace-ID': 'order-4711' }),
      await sent({ 'X-Trace-ID': 'order-4711' }),
      await sent({ 'X-Trace-ID': 'order-4712' }),
    ];
    expect(one.reply.header('x-trace-id')).toBe('order-4711');
    expect([one.trace === same.trace, one.trace === other.trace]).toEqual([true, false]);
  });

  test("the gateway's span takes the place of the caller's in _meta, byte for byte; everything else stays", async () => {
    await open({});
    const { body, header } = await sent({}, parent(traceB));
    const original = modernBody('tools/call', { name: 'echo', _meta: { traceparent: parent(traceB) } });
    expect(body).toBe(original.replace(parent(traceB), header));
    expect(body).toHaveLength(original.length);
    expect((await sent({ tracestate: 'a=1,b=2', baggage: 'k=v' })).trace).not.toBe('');
    expect(upstream.requests.at(-1)?.header('tracestate')).toEqual(['a=1,b=2']);
  });

  test('what is malformed restarts the trace', async () => {
    await open({});
    const bad = [
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      `00-${traceA}-0000000000000000-01`,
      `ff-${traceA}-00f067aa0ba902b7-01`,
      `00-${traceA.toUpperCase()}-00f067aa0ba902b7-01`,
      `00-${traceA}-00f067aa0ba902b7-01-x`,
      `00-${traceA}`,
      '',
      'x'.repeat(55),
      `${parent(traceA)}, ${parent(traceB)}`,
    ];
    for (const value of bad) {
      const { trace, reply } = await sent({ traceparent: value });
      expect([traceA, '0'.repeat(32)]).not.toContain(trace);
      expect(reply.header('x-trace-id')).toBe(`tr_${trace}`);
      expect((await sent({}, value)).trace).not.toBe(traceA);
    }
    for (const value of [`tr_${'0'.repeat(32)}`, 'x'.repeat(129), 'with space', `tr_${traceA}x`]) {
      expect((await sent({ 'X-Trace-ID': value })).trace).toMatch(/^(?!0{32}|a{32})[0-9a-f]{32}$/);
    }
  });
});
