/** Who asked, and who is asked, may give up at any time: what each says of it reaches the other, at `/mcp` and in both eras. */
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitationCompleteNotificationSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLegacyServer, mirrors, modernBody, modernMeta, post } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from '../support/recording-upstream.ts';
import * as replies from '../support/replies.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { startDoor, testKey, type TestDoor } from '../support/start-door.ts';

let upstream: RecordingUpstream;
let door: TestDoor;
let call: ReturnType<typeof replies.spoken>;
/** Those of sessions, by the session’s id: the gateway lists in one of its own. */
const streams = new Map<string, ReturnType<typeof replies.spoken>>();

const text = ({ body }: RecordedRequest): string => body.toString();
const sent = (part: string): Promise<RecordedRequest> => until(() => upstream.requests.find((request) => text(request).includes(part)));

/** A server with sessions and one tool, `t`, whose stream, and that of the session, the test speaks on. */
beforeEach(async () => {
  call = replies.spoken();
  streams.clear();
  const legacy = createLegacyServer({ tools: {} });
  const listed = '{"tools":[{"name":"t","inputSchema":{"type":"object"}}]}';
  const list: replies.Reply = (request, socket) => replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${listed}}`)(request, socket);
  const ofSession: replies.Reply = (request, socket) => streamOf(request).reply(request, socket);
  const server = legacy.reply(
    replies.when(
      (request) => text(request).includes('"tools/call"'),
      call.reply,
      replies.when((request) => text(request).includes('"tools/list"'), list, replies.empty(202)),
    ),
  );
  upstream = await startRecordingUpstream(replies.scriptsEras(replies.when(({ method }) => method === 'GET', ofSession, server)));
  door = await startDoor({
    servers: [{ name: 'old', origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 20_000 }],
    endpoints: [plainEndpointData(['old'])],
  });
});
afterEach(async () => {
  await door.stop();
  await upstream.stop();
});

function streamOf(request: RecordedRequest): ReturnType<typeof replies.spoken> {
  const [id = ''] = request.header('mcp-session-id');
  const stream = streams.get(id) ?? replies.spoken();
  streams.set(id, stream);
  return stream;
}

/** Says it outside of the call's own stream. */
async function sayInSession(said: string): Promise<void> {
  streamOf(await sent('"tools/call"')).say(said);
}

const form = { message: 'Name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } };
const ask = (params: object = form, id = 'q'): string => replies.event({ jsonrpc: '2.0', id, method: 'elicitation/create', params });
const withdraw = (id = 'q'): string => replies.event({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason: 'found it' } });
const done = (elicitationId: string): string => replies.event({ jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId } });
const respond = async (): Promise<void> =>
  call.say(replies.event(`{"jsonrpc":"2.0","id":${replies.idText((await sent('"tools/call"')).body)},"result":{"content":[{"type":"text","text":"done"}]}}`));

describe('a client with sessions', () => {
  let client: LegacyClient;
  const asked: { message: string; elicitationId?: string; signal: AbortSignal }[] = [];

  beforeEach(async () => {
    asked.length = 0;
    client = new LegacyClient({ name: 'ada', version: '1' }, { capabilities: { elicitation: { form: {}, url: {} } } });
    await client.connect(new LegacyTransport(new URL(`${door.url}/mcp`), { requestInit: { headers: { authorization: `Bearer ${testKey}` } } }));
  });
  afterEach(() => client.close());

  /** Answers questions at addresses at once, and forms not at all. */
  function answering(): void {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => {
      asked.push({ message: params.message, ...('elicitationId' in params && { elicitationId: params.elicitationId }), signal });
      if (params.mode === 'url') return { action: 'accept' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return { action: 'accept', content: { name: 'too late' } };
    });
  }

  test.each(['call', 'session'])('is told that the server withdraws its question, on the stream of the %s', async (where) => {
    answering();
    const result = client.callTool({ name: 'old__t', arguments: {} });
    await sent('"tools/call"');
    call.say(ask());
    const question = await until(() => asked[0]);
    expect([question.message, question.signal.aborted]).toEqual(['[old] Name?', false]);
    if (where === 'call') call.say(withdraw());
    else await sayInSession(withdraw());
    await until(() => question.signal.aborted);
    expect(question.signal.reason).toBe('found it');
    await respond();
    expect(await result).toMatchObject({ content: [{ text: 'done' }] });
    expect(upstream.requests.filter((request) => text(request).includes('too late'))).toEqual([]);
  });

  test('cancels its call at the server under the id that the server knows', async () => {
    const stop = new AbortController();
    const result = client.callTool({ name: 'old__t', arguments: {} }, undefined, { signal: stop.signal });
    const request = await sent('"tools/call"');
    stop.abort('enough');
    await expect(result).rejects.toThrow('enough');
    expect(JSON.parse(text(await sent('notifications/cancelled')))).toMatchObject({ params: { requestId: Number(replies.idText(request.body)) } });
  });

  test('is told that all is done at an address, under the id that it was given, during the call and after it', async () => {
    answering();
    const completed: string[] = [];
    client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => void completed.push(params.elicitationId));
    const result = client.callTool({ name: 'old__t', arguments: {} });
    await sent('"tools/call"');
    const url = { mode: 'url', message: 'Sign in', url: 'https://a.test/' };
    call.say(ask({ ...url, elicitationId: 'e1' }, 'q1'), ask({ ...url, elicitationId: 'e2' }, 'q2'));
    await until(() => asked.length === 2);
    const ids = asked.map(({ elicitationId }) => elicitationId);
    expect(new Set([...ids, 'e1', 'e2']).size).toBe(4);
    call.say(done('e1'));
    await until(() => completed.length === 1);
    await respond();
    await result;
    await sayInSession(done('e2'));
    await until(() => completed.length === 2);
    expect(completed).toEqual(ids);
  });
});

describe('a client of 2026-07-28', () => {
  interface Reply {
    result: { resultType: string; requestState?: string; content?: unknown };
  }
  const _meta = { ...modernMeta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
  async function callTool(more: object = {}): Promise<Reply> {
    const reply = await post(door, modernBody('tools/call', { name: 'old__t', arguments: {}, _meta, ...more }), mirrors('tools/call', 'old__t'), '/mcp');
    const body = reply.body.toString();
    return JSON.parse(body.trim().split('data: ').at(-1) ?? '') as Reply;
  }

  test('that comes back with an answer to what was withdrawn meanwhile gets the result', async () => {
    const first = callTool();
    await sent('"tools/call"');
    call.say(ask());
    const { resultType, requestState } = (await first).result;
    expect(resultType).toBe('input_required');
    call.say(withdraw());
    await respond();
    const last = await callTool({ requestState, inputResponses: { 1: { action: 'accept', content: { name: 'too late' } } } });
    expect(last.result).toMatchObject({ resultType: 'complete', content: [{ text: 'done' }] });
  });

  test('is not asked what was withdrawn in the same moment', async () => {
    const reply = callTool();
    await sent('"tools/call"');
    call.say(ask() + withdraw());
    await respond();
    expect((await reply).result).toMatchObject({ resultType: 'complete' });
  });
});
