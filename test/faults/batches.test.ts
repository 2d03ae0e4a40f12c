/** R1 of the catalogue: JSON-RPC batches, which 2025-03-26 has and no other version. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectHealthy, expectRefusal, legacyBody, legacyVersion, mirrors, modernBody, post } from '../support/calls.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

let door: TestDoor;
let upstream: RecordingUpstream;
let hits = 0;
const initialize = legacyBody('initialize', { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }, 0);
const toolCall = legacyBody('tools/call', { name: 'echo', arguments: {} });

beforeAll(async () => {
  upstream = await startRecordingUpstream();
  door = await startDoor({ servers: [{ origin: `http://127.0.0.1:${upstream.port}` }] });
});
beforeEach(() => {
  hits = upstream.hits;
});
afterAll(async () => {
  await expectHealthy(door);
  await door.stop();
  await upstream.stop();
});

describe('R1: batches of 2025-03-26', () => {
  const batchVersion = { 'MCP-Protocol-Version': '2025-03-26' };

  test('each message goes alone, and the answers come as a batch or as events', async () => {
    const batch = `[ ${legacyBody('tools/list', {}, 'a')},\n{"jsonrpc":"2.0","method":"notifications/initialized"} , ${legacyBody('tools/call', { name: 'x', arguments: { s: ']},{"' } }, 9)}]`;
    const array = await post(door, batch, { ...batchVersion, Accept: 'application/json' });
    expect(array.status).toBe(200);
    // The whole batch is of one trace, which its answer names.
    const trace = array.header('x-trace-id') ?? '';
    expect(trace).toMatch(/^tr_[0-9a-f]{32}$/);
    expect((await door.journal()).toString('latin1').split(trace.slice('tr_'.length)).length - 1).toBe(3);
    expect((JSON.parse(array.body.toString()) as { id: unknown }[]).map(({ id }) => String(id)).toSorted((a, b) => a.localeCompare(b))).toEqual(['9', 'a']);
    expect(upstream.hits).toBe(hits + 3);
    expect(
      upstream.requests
        .slice(hits)
        .map((request) => request.body.toString())
        .sort(),
    ).toEqual(
      [
        legacyBody('tools/call', { name: 'x', arguments: { s: ']},{"' } }, 9),
        legacyBody('tools/list', {}, 'a'),
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      ].sort(),
    );
    const events = await post(door, batch, {});
    expect([events.header('content-type'), events.body.toString().match(/^data: /gm)?.length]).toEqual(['text/event-stream', 2]);
  });

  test('what is no message gets an error of its own, others are served', async () => {
    const reply = await post(door, `[1,"a",{},{"jsonrpc":"2.0","id":4,"method":"no/such"},${legacyBody('tools/list', {}, 5)},${initialize}]`, {
      ...batchVersion,
      Accept: 'application/json',
    });
    const answers = JSON.parse(reply.body.toString()) as { id?: unknown; error?: { code: number } }[];
    expect(answers.map(({ id, error }) => `${String(id)} ${error?.code ?? 'ok'}`).sort()).toEqual([
      '0 -32600',
      '4 -32601',
      '5 ok',
      'undefined -32600',
      'undefined -32600',
      'undefined -32600',
    ]);
    expect(upstream.hits).toBe(hits + 1);
  });

  test('only notifications: 202; empty or too many: 400; with an unknown session: 404', async () => {
    const notification = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    expect((await post(door, `[${notification},${notification}]`, batchVersion)).status).toBe(202);
    hits = upstream.hits;
    await expectRefusal(door, await post(door, '[]', batchVersion), 400, upstream, hits);
    await expectRefusal(door, await post(door, `[${Array.from({ length: 101 }, () => notification).join(',')}]`, batchVersion), 400, upstream, hits);
    await expectRefusal(door, await post(door, `[${toolCall}]`, { ...batchVersion, 'Mcp-Session-Id': 'forged' }), 404, upstream, hits);
    await expectRefusal(door, await post(door, `[${modernBody('tools/list')}]`, mirrors('tools/list')), 400, upstream, hits);
  });
});
