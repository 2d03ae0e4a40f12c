import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, test } from 'vitest';
import {
  hostile,
  initializeBody,
  modern,
  post,
  ready,
  send,
  session,
  stopBridges,
  testBridge,
  textOf,
  toolCall,
  until,
  type TestBridge,
} from '../../../../test/support/bridge/bridge-client.ts';

afterEach(stopBridges);

const envelope = (more = ''): string =>
  `{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}${more}}`;
const call = (id: string, name: string, args: unknown = {}, more = ''): string => toolCall(id, name, args, envelope(more));
const stateless = { 'mcp-protocol-version': '2026-07-28' };

async function modernBridge(...modes: string[]): Promise<TestBridge> {
  const tested = await testBridge({ command: modern(...modes) });
  await ready(tested);
  return tested;
}

describe('a server of 2026-07-28', () => {
  test('is found out by server/discover, and serves the official client without a session', async () => {
    const { url, bridge } = await modernBridge();
    expect(bridge.status()).toMatchObject({ era: 'modern', modern: { supported_versions: ['2026-07-28'], server_info: { name: 'modern-fixture' } } });
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    expect(client.getProtocolEra()).toBe('modern');
    const progress: number[] = [];
    const result = await client.callTool({ name: 'progress', arguments: { steps: 3 } }, { onprogress: (update) => progress.push(update.progress) });
    expect([result.content, progress]).toEqual([[{ type: 'text', text: 'done' }], [1, 2, 3]]);
    await client.close();
  });

  test('R5: fifty requests of id 1 at once each get their own answer, over one process', async () => {
    const { url, bridge } = await modernBridge();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, nonce) => send(url, call('1', 'echo', { value: `nonce-${nonce}`, delayMs: (nonce * 37) % 80 }), stateless)),
    );
    answers.forEach((answer, nonce) => {
      expect(textOf(answer.messages[0])).toBe(`nonce-${nonce}`);
      expect(JSON.parse(answer.text)).toMatchObject({ id: 1, result: { resultType: 'complete' } });
      expect(answer.headers.get('mcp-session-id')).toBeNull();
    });
    expect((bridge.status()['children'] as { role: string }[]).filter((child) => child.role === 'modern')).toHaveLength(1);
  });

  test('a closed stream cancels the call in the process', async () => {
    const { url, stderr } = await modernBridge();
    const abort = new AbortController();
    const left = post(url, call('1', 'hang'), stateless, abort.signal).catch(() => 'left');
    await until(() => stderr().includes('hanging'));
    abort.abort();
    await until(() => stderr().includes('aborted'));
    expect(await left).toBe('left');
  });

  test('subscriptions/listen: acknowledged first, every message under the id of the client, ended by its close', async () => {
    const { url } = await modernBridge();
    const abort = new AbortController();
    const listen = (id: string): Promise<Response> =>
      post(
        url,
        `{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":${envelope()}}}`,
        stateless,
        abort.signal,
      );
    const streams = await Promise.all(['"same"', '"same"', '9007199254740993'].map(listen));
    const texts = streams.map(() => '');
    streams.forEach((stream, index) => {
      void (async () => {
        for await (const chunk of stream.body ?? []) texts[index] += new TextDecoder().decode(chunk as Uint8Array);
      })().catch(() => undefined);
    });
    await until(() => texts.every((text) => text.includes('acknowledged')));
    await send(url, call('1', 'change'), stateless);
    await until(() => texts.every((text) => text.includes('list_changed')));
    expect(texts[0]).toContain('"io.modelcontextprotocol/subscriptionId":"same"');
    expect(texts[2]).toContain('"io.modelcontextprotocol/subscriptionId":9007199254740993');
    abort.abort();
  });

  test('a question to the user goes through as input_required, and the answer with the next request', async () => {
    const { url } = await modernBridge();
    const asked = JSON.parse((await send(url, call('1', 'confirm'), stateless)).text) as { result: { resultType: string; inputRequests: object } };
    expect(asked.result).toMatchObject({ resultType: 'input_required', inputRequests: { name: { method: 'elicitation/create' } } });
    const body = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"confirm","arguments":{},"inputResponses":{"name":{"action":"accept","content":{"name":"Ada"}}},"_meta":${envelope()}}}`;
    expect(textOf((await send(url, body, stateless)).messages[0])).toBe('hello Ada');
  });

  test('log messages reach the request that asked for them, and none where two did', async () => {
    const { url } = await modernBridge();
    const level = ',"io.modelcontextprotocol/logLevel":"info"';
    expect((await send(url, call('1', 'log', {}, level), stateless)).messages.join()).toContain('a log message');
    expect((await send(url, call('1', 'log'), stateless)).messages.join()).not.toContain('a log message');
    const other = send(url, call('2', 'echo', { value: 'x', delayMs: 300 }, level), stateless);
    expect((await send(url, call('1', 'log', {}, level), stateless)).messages.join()).not.toContain('a log message');
    expect((await other).messages).toHaveLength(1);
  });

  test('errors carry the status that the revision gives them', async () => {
    const { url } = await modernBridge();
    const status = async (body: string, headers: Record<string, string> = stateless): Promise<unknown[]> => {
      const answer = await send(url, body, headers);
      return [answer.status, (JSON.parse(answer.text) as { error: { code: number } }).error.code];
    };
    expect(await status(`{"jsonrpc":"2.0","id":1,"method":"no/such","params":{"_meta":${envelope()}}}`)).toEqual([404, -32601]);
    expect(await status('{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}')).toEqual([400, -32602]);
    expect(await status(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":${envelope().replace('2026-07-28', '2099-01-01')}}}`, {})).toEqual([
      400, -32022,
    ]);
    expect(await status(call('1', 'echo', { value: '' }), { 'mcp-protocol-version': '2099-01-01' })).toEqual([400, -32020]);
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
  });

  test('when the process dies every call in flight is answered with 502, and another process serves the next', async () => {
    const tested = await testBridge({ command: modern(), limits: { backoffMs: 50 } });
    await ready(tested);
    const waiting = send(tested.url, call('1', 'hang'), stateless);
    const dying = await send(tested.url, call('2', 'die'), stateless);
    expect([dying.status, (await waiting).status]).toEqual([502, 502]);
    const next = await until(async () => {
      const answer = await send(tested.url, call('3', 'echo', { value: 'again' }), stateless);
      return answer.status === 200 ? answer : null;
    });
    expect(textOf(next.messages[0])).toBe('again');
  });
});

describe('eras', () => {
  test('M8: initialize to a modern-only server is refused, naming the versions that it speaks', async () => {
    const { url } = await modernBridge();
    const answer = await send(url, initializeBody('1'));
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      400,
      { id: 1, error: { code: -32022, data: { supported: ['2026-07-28'], requested: '2025-11-25' } } },
    ]);
  });

  test('a modern request to a legacy server is answered as such a server would, and the official client falls back', async () => {
    const tested = await testBridge({ command: hostile() });
    await ready(tested);
    expect(tested.bridge.status()['era']).toBe('legacy');
    const answer = await send(tested.url, call('1', 'pid'), stateless);
    expect([answer.status, (JSON.parse(answer.text) as { error: { code: number } }).error.code]).toEqual([400, -32600]);
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new StreamableHTTPClientTransport(new URL(tested.url)));
    expect(client.getProtocolEra()).toBe('legacy');
    await client.close();
  });

  test('a server of both eras serves both clients at once', async () => {
    const { url, bridge } = await modernBridge('dual');
    expect(bridge.status()['era']).toBe('dual');
    const old = new LegacyClient({ name: 'test', version: '1' });
    // The SDK's own types do not agree with exactOptionalPropertyTypes.
    await old.connect(new LegacyTransport(new URL(url)));
    const [legacyAnswer, modernAnswer] = await Promise.all([
      old.callTool({ name: 'echo', arguments: { value: 'old' } }),
      send(url, call('1', 'echo', { value: 'new' }), stateless),
    ]);
    expect(legacyAnswer.content).toEqual([{ type: 'text', text: 'old' }]);
    expect(textOf(modernAnswer.messages[0])).toBe('new');
    await old.close();
  });

  test('a server that says nothing to server/discover is a legacy one, after a bounded wait in which it already serves', async () => {
    const tested = await testBridge({ command: hostile('ignore-discover'), limits: { probeTimeoutMs: 700 } });
    const headers = await session(tested.url);
    expect((await send(tested.url, toolCall('1', 'pid'), headers)).status).toBe(200);
    await ready(tested);
    expect(tested.bridge.status()['era']).toBe('legacy');
  });
});
