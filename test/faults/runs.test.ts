/** Which run a call belongs to, whose agent it is, and what happened in its midst: as the record says. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { joinRun, readRun, runText } from '../../packages/gateway/src/exchange/session-run.ts';
import { callTool, legacyBody, legacyVersion, mirrors, modernBody, modernMeta, modernServer, post, postBytes } from '../support/calls.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { journalRows, type JournalRow } from '../support/journal-rows.ts';
import { until } from '../support/poll.ts';
import { openRaw } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { event, json, stream, when, type Reply } from '../support/replies.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let modern: EraServer;
const version = { 'MCP-Protocol-Version': legacyVersion };
const initialize = legacyBody(
  'initialize',
  { protocolVersion: legacyVersion, capabilities: { elicitation: {}, sampling: {}, roots: {} }, clientInfo: { name: 'Claude Code', version: '1' } },
  0,
);
const toolCall = legacyBody('tools/call', { name: 'echo', arguments: {} });
const opening: Reply = json(
  { jsonrpc: '2.0', id: 0, result: { protocolVersion: legacyVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } } },
  { headers: { 'mcp-session-id': 'upstream-session-1' } },
);

beforeAll(async () => {
  upstream = await startRecordingUpstream(when((request) => request.body.includes('"initialize"'), opening));
  modern = await startEraServer('modern');
  const origin = `http://127.0.0.1:${upstream.port}`;
  door = await startDoor({ servers: [{ origin }, { name: 'modern', origin: modern.origin }], principal: { agent: '' } });
});
beforeEach(() => {
  upstream.reply = when((request) => request.body.includes('"initialize"'), opening);
});
afterAll(async () => {
  await door.stop();
  await Promise.all([upstream.stop(), modern.stop()]);
});

/** The record of what these requests made, in the order of their end. */
async function recorded(make: () => Promise<unknown>): Promise<JournalRow[]> {
  const before = journalRows(await door.journal()).length;
  await make();
  return journalRows(await door.journal()).slice(before);
}
const the = (rows: readonly JournalRow[]): JournalRow => {
  expect(rows).toHaveLength(1);
  return rows[0] ?? {};
};

async function openSession(path: string, headers: Record<string, string> = {}): Promise<Record<string, string>> {
  const reply = await post(door, initialize, headers, path);
  return { ...version, 'Mcp-Session-Id': reply.header('mcp-session-id') ?? '' };
}

describe.each([
  ['of the server', '/mcp/s1'],
  ['that the gateway keeps', '/mcp/modern'],
])('a session %s', (_, path) => {
  test('is one run: its calls share the trace of initialize, its id and the name of its client', async () => {
    let session: Record<string, string> = {};
    const opened = the(await recorded(async () => (session = await openSession(path))));
    const calls = await recorded(async () => {
      await post(door, legacyBody('tools/list', {}, 1), session, path);
      await post(door, legacyBody('tools/list', {}, 2), session, path);
    });
    expect(opened['session_id']).toBe(`s_${opened['span_id']}`);
    expect(calls).toHaveLength(2);
    for (const call of calls)
      expect(call).toMatchObject({
        trace_id: opened['trace_id'],
        session_id: opened['session_id'],
        client_name: 'Claude Code',
        agent: 'Claude Code',
      });
    expect(calls[0]?.['span_id']).not.toBe(calls[1]?.['span_id']);
    const other = the(await recorded(() => openSession(path)));
    expect(other['trace_id']).not.toBe(opened['trace_id']);
  });

  test('leaves a call in the trace that its caller names', async () => {
    const session = await openSession(path);
    const trace = 'c'.repeat(32);
    const rows = await recorded(async () => {
      await post(door, legacyBody('tools/list', {}, 1), { ...session, traceparent: `00-${trace}-${'d'.repeat(16)}-01` }, path);
      await post(door, legacyBody('tools/list', { _meta: { traceparent: `00-${trace}-${'d'.repeat(16)}-01` } }, 2), session, path);
      await post(door, legacyBody('tools/list', {}, 3), { ...session, 'X-Trace-ID': `tr_${trace}` }, path);
      await post(door, legacyBody('tools/list', {}, 4), { ...session, traceparent: 'nonsense' }, path);
    });
    expect(rows.map((row) => row['trace_id'] === trace)).toEqual([true, true, true, false]);
    expect(new Set(rows.map((row) => row['session_id'])).size).toBe(1);
  });
});

test('calls without a session, and of clients of 2026-07-28, are each a run of their own', async () => {
  upstream.reply = modernServer();
  const rows = await recorded(async () => {
    await callTool(door, 'echo');
    await callTool(door, 'echo');
  });
  expect(rows.map((row) => row['session_id'])).toEqual(['', '']);
  expect(rows[0]?.['trace_id']).not.toBe(rows[1]?.['trace_id']);
});

test('a session that is open for long is one run an hour, the same on every worker', () => {
  const run = { traceHex: 'a'.repeat(32), spanHex: 'b'.repeat(16), beganAtMs: 1_700_000_000_000, clientName: 'a\nb' };
  const read = readRun(runText(run));
  expect(read).toEqual({ ...run, clientName: 'a b' });
  expect(readRun(undefined)).toBe(null);
  const traceAfter = (ms: number): string => {
    const record = { traceHex: '', sessionId: '', clientName: '', startedAt: run.beganAtMs + ms };
    joinRun({ record, rail: { wallOffsetMs: () => 0 }, traceIsNamed: false } as unknown as Parameters<typeof joinRun>[0], read);
    return record.traceHex;
  };
  expect([traceAfter(-5), traceAfter(0), traceAfter(3_599_999)]).toEqual([run.traceHex, run.traceHex, run.traceHex]);
  const second = createHash('sha256').update(`${run.traceHex}\n1`).digest('hex').slice(0, 32);
  expect([traceAfter(3_600_000), traceAfter(7_199_000)]).toEqual([second, second]);
});

describe('the agent of a call', () => {
  const agentOf = async (headers: Record<string, string>, of: TestDoor = door): Promise<unknown> => {
    upstream.reply = modernServer();
    const before = journalRows(await of.journal()).length;
    const params = { name: 'echo', arguments: {}, _meta: { ...modernMeta, 'io.modelcontextprotocol/clientInfo': { name: 'Cursor', version: '2' } } };
    await post(of, modernBody('tools/call', params), { ...mirrors('tools/call', 'echo'), ...headers });
    return the(journalRows(await of.journal()).slice(before))['agent'];
  };

  test('is the one that the request names, else the program that calls; a name that is none is none', async () => {
    expect(await agentOf({ 'X-Agent-Name': 'nightly build' })).toBe('nightly build');
    expect(await agentOf({})).toBe('Cursor');
    for (const name of ['x'.repeat(101), 'n\u00e4me', '']) expect(await agentOf({ 'X-Agent-Name': name })).toBe('Cursor');
    expect(await agentOf({ 'X-Agent-Name': 'x'.repeat(100) })).toBe('x'.repeat(100));
    // More than are kept at hand.
    for (let index = 0; index < 70; index++) expect(await agentOf({ 'X-Agent-Name': `agent-${index}` })).toBe(`agent-${index}`);
  });

  test("is the key's own where it has one", async () => {
    const own = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}` }], principal: { agent: 'code-review' } });
    try {
      expect(await agentOf({ 'X-Agent-Name': 'somebody else' }, own)).toBe('code-review');
    } finally {
      await own.stop();
    }
  });
});

const answers: Record<string, object> = {
  'elicitation/create': { action: 'accept', content: { name: 'ada' } },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'blue' } },
  'roots/list': { roots: [] },
};
describe('what a server asks in the midst of a call', () => {
  test('is recorded with its time: relayed, until the server goes on', async () => {
    const session = await openSession('/mcp/s1');
    const answered = Promise.withResolvers<void>();
    async function* steps(): AsyncGenerator<string> {
      yield event({ jsonrpc: '2.0', id: 'q1', method: 'elicitation/create', params: { message: 'who?' } });
      await answered.promise;
      yield event({ jsonrpc: '2.0', id: 1, result: { content: [] } });
    }
    upstream.next(stream(steps()));
    const row = the(
      await recorded(async () => {
        const connection = await openRaw(door.port);
        connection.write(postBytes(door, '/mcp/s1', toolCall, session));
        await until(() => connection.replies()[0]?.body.includes('elicitation/create'));
        answered.resolve();
        await until(() => connection.replies()[0]?.complete);
        connection.destroy();
      }),
    );
    expect(row['asks']).toMatch(/^elicitation\/create \d+ [1-9]\d*$/);
    expect(row['status']).toBe('success');
  });

  test('is recorded where the question ends the call: its answer is another', async () => {
    upstream.reply = modernServer(
      json({ jsonrpc: '2.0', id: 1, result: { resultType: 'input_required', inputRequests: { a: { method: 'roots/list', params: {} } }, requestState: 's' } }),
    );
    const row = the(await recorded(() => callTool(door, 'echo')));
    expect([row['status'], String(row['asks']).replace(/\d+/, 'N')]).toEqual(['waiting', 'roots/list N -']);
  });

  test('is recorded where the gateway keeps the session, until the client has answered', async () => {
    const path = '/mcp/modern';
    const session = await openSession(path);
    const rows = await recorded(async () => {
      const connection = await openRaw(door.port);
      connection.write(postBytes(door, path, legacyBody('tools/call', { name: 'ask_all', arguments: {} }, 7), session));
      const asked = (): { id: string; method: string }[] =>
        [...(connection.replies()[0]?.body.toString() ?? '').matchAll(/data: (.*)\n\n/g)].map(
          ([, data]) => JSON.parse(data ?? '') as { id: string; method: string },
        );
      await until(() => asked().length === 3);
      for (const { id, method } of asked()) await post(door, JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }), session, path);
      await until(() => connection.replies()[0]?.complete);
      connection.destroy();
    });
    const call = rows.find((row) => row['method'] === 'tools/call');
    expect(String(call?.['asks']).split('\n').toSorted()).toEqual(
      Object.keys(answers)
        .toSorted()
        .map((method) => expect.stringMatching(new RegExp(`^${method} \\d+ [1-9]\\d*$`)) as unknown),
    );
  });
});

test('spans that a server gives in its result are recorded', async () => {
  const span = {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    name: 'db.query',
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000000000004000',
  };
  const _meta = { otel: { traces: { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] } } };
  for (const content of [[], [{ type: 'text', text: 'x'.repeat(200_000) }]]) {
    upstream.reply = modernServer(json({ jsonrpc: '2.0', id: 1, result: { content, _meta } }));
    expect(the(await recorded(() => callTool(door, 'echo')))['upstream_spans']).toBe(`${'b'.repeat(16)} - 1700000000000000 4 ok db.query`);
  }
});
