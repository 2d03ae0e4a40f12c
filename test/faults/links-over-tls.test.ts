/** WebSocket and HTTP+SSE at a worker's door that speaks TLS: over HTTP/1.1, and over HTTP/2 where the transport allows it. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Certificate, makeAuthority, makeServerCertificate } from '../support/certificates.ts';
import { connectHttp2, type Http2Client } from '../support/http2-client.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { startDoor, type TestDoor, testKey } from '../support/start-door.ts';

let authority: Certificate;
let upstream: RecordingUpstream;
let door: TestDoor;
let client: Http2Client | null = null;
const authorization = `Bearer ${testKey}`;
const { body } = toolCall('echo', {}, 7);

beforeAll(async () => {
  authority = await makeAuthority();
  const { cert, key } = await makeServerCertificate(authority);
  upstream = await startRecordingUpstream(modernServer());
  door = await startDoor({
    servers: [{ name: 'one', origin: `http://127.0.0.1:${upstream.port}` }],
    links: { websocket: true, sse: true },
    tls: { cert, key, clientCa: null, clientCertificates: 'none', minVersion: 'TLSv1.2', ticketKeys: Buffer.alloc(48, 7) },
  });
});
afterEach(() => client?.close());
afterAll(async () => {
  await door?.stop();
  await upstream?.stop();
});

test('HTTP+SSE is served over HTTP/2: stream and messages share one connection', async () => {
  client = await connectHttp2(door.url, { ca: authority.cert });
  let text = '';
  const { stream } = client.request('/mcp/one/sse', { headers: { authorization }, onText: (more) => (text += more) });
  const place = await until(() => /^event: endpoint\ndata: (.*)\n\n/.exec(text)?.[1], { what: 'the endpoint event' });
  const taken = await client.request(new URL(place, `${door.url}/mcp/one/sse`).href.slice(door.url.length), { headers: { authorization }, body }).answer;
  expect(taken.status).toBe(202);
  await until(() => text.includes('event: message\ndata: {"jsonrpc":"2.0","id":7,'), { what: 'the answer' });
  stream.close();
});

test('WebSocket is served over TLS, and its link outlives the beginning of a drain until its answer is out', async () => {
  const socket = new WebSocket(`${door.url.replace('https', 'wss')}/mcp/one`, ['mcp'], { ca: authority.cert, headers: { authorization } });
  const got: string[] = [];
  socket.on('message', (data: Buffer) => got.push(data.toString()));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  socket.send(JSON.stringify(body));
  await until(() => got.length === 1, { what: 'the answer' });
  let answerIt: () => void = () => undefined;
  upstream.reply = modernServer((request, to) => new Promise((resolve) => (answerIt = () => resolve(modernServer()(request, to)))));
  const before = upstream.hits;
  socket.send(JSON.stringify({ ...(body as object), id: 8 }));
  await until(() => upstream.hits > before);
  const drained = door.door.drain(10_000);
  answerIt();
  await until(() => got.some((text) => text.includes('"id":8')), { what: 'the answer during the drain' });
  expect(await closed).toBe(1001);
  await drained;
});
