/** X-Request-ID over the end of the whole gateway, with the embedded shared state: `kill -9`, and a start on what it left. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modernServer } from '../support/calls.ts';
import { until } from '../support/poll.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import * as replies from '../support/replies.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';

let upstream: RecordingUpstream;
let gateway: RunningGateway;
let apiKey: string;

const config = (): Record<string, unknown> => ({ servers: [{ name: 's1', url: `http://127.0.0.1:${upstream.port}/mcp`, timeout: '60s' }] });
const body = '{"tool":"t","arguments":{"a":1}}';

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  gateway = await startGateway({ config: config() });
  apiKey = gateway.apiKey ?? '';
}, 120_000);
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  removeGatewayFolders();
});

async function call(
  id: string,
  sent = body,
  traceId = `tr_${'0'.repeat(32)}`,
): Promise<{ status: number; replayed: string | null; traceId: string | null; text: string }> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', 'x-request-id': id, 'x-trace-id': traceId };
  const answer = await fetch(`${gateway.url}/v1/mcp/s1/tools/call`, { method: 'POST', headers, body: sent });
  return { status: answer.status, replayed: answer.headers.get('idempotent-replayed'), traceId: answer.headers.get('x-trace-id'), text: await answer.text() };
}

test('what was answered is answered again, and what was under way is never made twice', async () => {
  const answered = await call('answered');
  expect([answered.status, answered.replayed]).toEqual([200, null]);
  upstream.reply = modernServer(replies.silence);
  const traceId = `tr_${'a1'.repeat(16)}`;
  const hits = upstream.hits;
  const cut = call('under-way', body, traceId).catch(() => null);
  await upstream.received(hits + 1);
  await gateway.kill9();
  await cut;
  upstream.reply = modernServer();
  gateway = await startGateway({ config: config(), stateFolder: gateway.stateFolder });

  expect(await call('answered')).toEqual({ ...answered, replayed: 'true' });
  expect((await call('answered', '{"tool":"t","arguments":{"a":2}}')).status).toBe(422);
  const again = await call('under-way');
  expect([again.status, JSON.parse(again.text)]).toEqual([409, expect.objectContaining({ error: 'request_in_flight', trace_id: traceId })]);
  expect(upstream.hits).toBe(hits + 1);
  // Its outcome, by the trace that the refusal names.
  const outcome = await until(
    async () => {
      const { code, stdout } = await gateway.cli('traces', 'get', traceId, '-o', 'json');
      return code === 0 ? stdout : null;
    },
    { timeoutMs: 60_000, everyMs: 500 },
  );
  expect(outcome).toMatch(/"status":\s*"unknown"/);
}, 180_000);
