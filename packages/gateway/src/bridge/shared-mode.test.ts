import { afterEach, describe, expect, test } from 'vitest';
import {
  hostile,
  initializeBody,
  ready,
  send,
  session,
  stopBridges,
  testBridge,
  textOf,
  toolCall,
  until,
} from '../../../../test/support/bridge/bridge-client.ts';

afterEach(stopBridges);

const shared = (...modes: string[]) => testBridge({ command: hostile(...modes), processes: 'shared' });

describe('one process for all sessions', () => {
  test('R5: fifty clients that all use id 1 and the same progress token each get their own answer and progress', async () => {
    const { url, bridge } = await shared();
    const clients = await Promise.all(Array.from({ length: 50 }, () => session(url)));
    const answers = await Promise.all(
      clients.map(async (headers, nonce) => {
        const echo = send(url, toolCall('1', 'echo', { value: `nonce-${nonce}`, delayMs: (nonce * 37) % 100 }), headers);
        const progress = send(
          url,
          toolCall('"1"', 'progress', { steps: 2, padding: `p${nonce}`, delayMs: (nonce * 17) % 60 }, '{"progressToken":"t"}'),
          headers,
        );
        return { nonce, echo: await echo, progress: await progress };
      }),
    );
    for (const { nonce, echo, progress } of answers) {
      expect(textOf(echo.messages[0])).toBe(`nonce-${nonce}`);
      expect(JSON.parse(echo.text)).toMatchObject({ id: 1 });
      const steps = progress.messages.map((message) => JSON.parse(message) as { id?: string; params?: object });
      expect(steps.map((step) => step.params ?? step.id)).toEqual([
        { progressToken: 't', progress: 1, big: `p${nonce}` },
        { progressToken: 't', progress: 2, big: `p${nonce}` },
        '1',
      ]);
    }
    expect((bridge.status()['children'] as { role: string }[]).filter((child) => child.role === 'shared')).toHaveLength(1);
  });

  test('the id and token of a client come back exactly, and no other byte of an answer changes', async () => {
    const { url } = await shared();
    const headers = await session(url);
    for (const id of ['7', '"seven"', '9007199254740993']) {
      const answer = await send(url, toolCall(id, 'exact'), headers);
      expect(answer.text).toBe(`{ "result" : {"big":12345678901234567890,"n":1.0, "content":[]} ,"unknown":9007199254740993, "jsonrpc":"2.0", "id" :${id} }`);
    }
    const seen = textOf(
      (
        await send(
          url,
          '{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"line","arguments":{"n":12345678901234567890},"_meta":{"progressToken":9007199254740993}}}',
          headers,
        )
      ).messages[0],
    );
    const number = /"id":(\d+)/.exec(seen)?.[1] ?? '';
    expect(seen).toBe(
      `{"jsonrpc":"2.0","id":${number},"method":"tools/call","params":{"name":"line","arguments":{"n":12345678901234567890},"_meta":{"progressToken":${number}}}}`,
    );
  });

  test('each initialize is answered with the result of the process, whatever version is asked for', async () => {
    const { url } = await shared();
    const answers = await Promise.all(['"a"', '2'].map((id) => send(url, initializeBody(id, '2024-11-05'))));
    expect(answers.map((answer) => JSON.parse(answer.text) as unknown)).toEqual(
      ['a', 2].map((id) => ({
        jsonrpc: '2.0',
        id,
        result: { protocolVersion: '2025-11-25', capabilities: { tools: {}, resources: { subscribe: true } }, serverInfo: { name: 'hostile', version: '1' } },
      })),
    );
    expect(new Set(answers.map((answer) => answer.headers.get('mcp-session-id'))).size).toBe(2);
  });

  test('M14: a cancellation reaches the process under its own id, and only for the session that owns the call', async () => {
    const { url, stderr } = await shared();
    const [mine, other] = [await session(url), await session(url)];
    const call = send(url, toolCall('5', 'hang'), mine);
    await send(url, toolCall('6', 'pid'), mine);
    const cancel = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}';
    expect((await send(url, cancel, other)).status).toBe(202);
    expect((await send(url, cancel, mine)).status).toBe(202);
    expect((await call).messages).toEqual([]);
    const cancelled = await until(() => stderr().filter((line) => line.startsWith('cancelled')));
    expect(cancelled).toHaveLength(1);
    expect(cancelled[0]).not.toBe('cancelled 5');
  });

  test('what the process asks is refused; a log message, which names no client, reaches none', async () => {
    const { url, bridge } = await shared();
    const headers = await session(url);
    expect((await send(url, toolCall('1', 'ask'), headers)).messages.map(textOf)).toEqual(['asked']);
    expect((await send(url, toolCall('2', 'log', { value: 'private' }), headers)).messages.map(textOf)).toEqual(['logged']);
    expect(bridge.status()['dropped_messages']).toBe(1);
  });

  test('list changes reach every session, resource updates those that subscribed', async () => {
    const { url, stderr } = await shared();
    const sessions = await Promise.all([session(url), session(url), session(url)]);
    const [first, second, third] = sessions;
    const subscribe = (verb: string, headers: Record<string, string> | undefined): Promise<unknown> =>
      send(url, `{"jsonrpc":"2.0","id":1,"method":"resources/${verb}","params":{"uri":"test://a"}}`, headers);
    await subscribe('subscribe', first);
    await subscribe('subscribe', second);
    await send(url, toolCall('2', 'changed', { uri: 'test://a' }), third);
    const heard = await Promise.all(
      sessions.map(async (headers) => {
        const abort = new AbortController();
        const response = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' }, signal: abort.signal });
        const chunk = await response.body?.getReader().read();
        abort.abort();
        return [...new TextDecoder().decode(chunk?.value).matchAll(/"method":"([^"]+)"/g)].map((match) => match[1]);
      }),
    );
    const [list, updated] = ['notifications/tools/list_changed', 'notifications/resources/updated'];
    expect(heard).toEqual([[list, updated], [list, updated], [list]]);

    await subscribe('unsubscribe', first);
    await fetch(url, { method: 'DELETE', headers: second ?? {} });
    await until(() => stderr().filter((line) => line.startsWith('resources/')).length === 2);
    expect(stderr().filter((line) => line.startsWith('resources/'))).toEqual(['resources/subscribe test://a', 'resources/unsubscribe test://a']);
  });

  test('when the process dies its calls are answered with 502, its sessions are gone, and another process serves the next', async () => {
    const tested = await testBridge({ command: hostile(), processes: 'shared', limits: { backoffMs: 50 } });
    await ready(tested);
    const { url } = tested;
    const headers = await session(url);
    const waiting = send(url, toolCall('1', 'hang'), headers);
    const dying = await send(url, toolCall('2', 'die'), headers);
    expect([dying.status, (await waiting).status]).toEqual([502, 502]);
    expect(JSON.parse(dying.text)).toMatchObject({ id: 2, error: { data: { error: 'upstream_reset' } } });
    expect((await send(url, toolCall('3', 'pid'), headers)).status).toBe(404);
    const next = await until(async () => session(url).catch(() => null));
    expect(textOf((await send(url, toolCall('4', 'echo', { value: 'again' }), next)).messages[0])).toBe('again');
  });
});
