/** TLS and HTTP/2 at a worker's door: the whole rail, with real handshakes. */
import { request as httpRequest } from 'node:http';
import { constants } from 'node:http2';
import { type RequestOptions, request as httpsRequest } from 'node:https';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DoorTls } from '../../packages/gateway/src/listener/secure-server.ts';
import { type Certificate, makeAuthority, makeClientCertificate, makeServerCertificate } from '../support/certificates.ts';
import { connectHttp2, type Http2Client } from '../support/http2-client.ts';
import { until } from '../support/poll.ts';
import { modernRequest, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { cut, defaultReply, event, silence, stream } from '../support/replies.ts';
import { startDoor, type TestDoor, testKey } from '../support/start-door.ts';

let authority: Certificate;
let server: Certificate;
let upstream: RecordingUpstream;
let door: TestDoor;
const clients: Http2Client[] = [];

beforeAll(async () => {
  authority = await makeAuthority();
  server = await makeServerCertificate(authority);
  upstream = await startRecordingUpstream();
});
beforeEach(() => {
  upstream.forget();
  upstream.reply = defaultReply;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await door?.stop();
});
afterAll(() => upstream?.stop());

async function start(more: Partial<DoorTls> = {}): Promise<void> {
  const tls: DoorTls = {
    cert: server.cert,
    key: server.key,
    clientCa: null,
    clientCertificates: 'none',
    minVersion: 'TLSv1.2',
    ticketKeys: Buffer.alloc(48, 7),
    ...more,
  };
  door = await startDoor({ servers: [{ name: 'one', origin: `http://127.0.0.1:${upstream.port}`, timeoutMs: 10_000 }], tls });
}

async function open(options: ConnectionOptions = {}): Promise<Http2Client> {
  const client = await connectHttp2(door.url, { ca: authority.cert, ...options });
  clients.push(client);
  return client;
}

function openConnections(): Promise<number> {
  return new Promise((resolve) => door.door.server.getConnections((_, count) => resolve(count)));
}

const key = { authorization: `Bearer ${testKey}` };
const { body, headers } = toolCall('echo', { text: 'x' });
const call = { body, headers: { ...headers, ...key } };

/** The same over HTTP/1.1. */
function callHttp1(options: RequestOptions = {}): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = JSON.stringify(body);
    const sent = httpsRequest(
      `${door.url}/mcp/one`,
      {
        method: 'POST',
        ca: authority.cert,
        agent: false,
        headers: { ...call.headers, accept: 'application/json, text/event-stream', 'content-type': 'application/json', 'content-length': payload.length },
        ...options,
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** What becomes of a handshake: the protocol that was chosen, or the code of what went wrong. */
function shakeHands(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls({ port: door.port, host: '127.0.0.1', ca: authority.cert, ...options });
    // A client certificate that is refused is said after the client's own handshake (TLS 1.3).
    socket.once('secureConnect', () => socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
    socket.once('data', () => resolve(socket.getProtocol() ?? ''));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  });
}

describe('one port', () => {
  test('serves HTTP/2 and HTTP/1.1, both with the headers that keep browsers on TLS', async () => {
    await start();
    const client = await open();
    const second = await client.request('/mcp/one', call).answer;
    const first = await callHttp1();
    for (const answer of [first, second]) {
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toMatchObject({ id: 1, result: { content: [{ text: 'ok' }] } });
      expect(answer.headers).toMatchObject({
        'strict-transport-security': 'max-age=31536000',
        'x-content-type-options': 'nosniff',
        'content-type': 'application/json',
      });
      expect(answer.headers['x-trace-id']).toMatch(/^tr_/);
    }
    // What goes to the server is the same, byte for byte.
    expect(upstream.requests.map(({ body: sent }) => sent.toString())).toEqual([JSON.stringify(body), JSON.stringify(body)]);
    expect((await client.request('/healthz').answer).status).toBe(200);
  });

  test('H23: speaks no TLS below 1.2, and what is no TLS gets no answer', async () => {
    await start();
    expect(await shakeHands({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    expect(await shakeHands({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).toMatch(
      /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    );
    const plain = new Promise((resolve, reject) => httpRequest(`http://127.0.0.1:${door.port}/healthz`, { agent: false }, resolve).on('error', reject).end());
    await expect(plain).rejects.toThrow(/hang up|ECONNRESET/);
  });

  test('H23: speaks TLS 1.3 only where 1.2 is not configured', async () => {
    await start({ minVersion: 'TLSv1.3' });
    expect(await shakeHands({ maxVersion: 'TLSv1.2' })).toMatch(/ALERT_PROTOCOL_VERSION/);
    expect(await shakeHands({})).toBe('TLSv1.3');
  });

  test('shows a renewed certificate to new connections, while those that are open go on', async () => {
    await start();
    const client = await open();
    const renewed = await makeServerCertificate(authority, { name: 'renewed' });
    door.door.setTls({
      cert: renewed.cert,
      key: renewed.key,
      clientCa: null,
      clientCertificates: 'none',
      minVersion: 'TLSv1.2',
      ticketKeys: Buffer.alloc(48, 8),
    });
    const subject = await new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port: door.port, host: '127.0.0.1', ca: authority.cert }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(subject).toBe('renewed');
    expect((await client.request('/mcp/one', call).answer).status).toBe(200);
  });
});

describe('client certificates', () => {
  test('H23: that are required let nobody in without a good one, one that has expired included, and the log says why', async () => {
    const stranger = await makeClientCertificate(await makeAuthority('another'));
    const expired = await makeClientCertificate(authority, 'of yesterday', [-9, -1]);
    const good = await makeClientCertificate(authority);
    await start({ clientCa: authority.cert, clientCertificates: 'required' });
    expect(await shakeHands({ ...good })).toBe('TLSv1.3');
    expect(await shakeHands({})).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/);
    expect(await shakeHands({ ...stranger })).toMatch(/UNKNOWN_CA|ECONNRESET|BAD_CERTIFICATE|closed/);
    expect(await shakeHands({ ...expired })).toMatch(/EXPIRED|ECONNRESET|BAD_CERTIFICATE|closed/);
    const refusals = (): unknown[] => door.logged.filter(({ event: name }) => name === 'tls.handshake_failed').map(({ fields }) => fields);
    await until(() => refusals().length >= 3);
    for (const fields of refusals()) expect(fields).toMatchObject({ reason: expect.stringMatching(/\S/) });
    // Said as what it is, at the level that is written by default, and counted.
    const warned = (): unknown[] =>
      door.logged.filter(({ event: name, fields }) => name === 'request.refused' && JSON.stringify(fields).includes('tls_certificate_refused'));
    await until(() => warned().length >= 3);
    expect((await (await open({ ...good })).request('/mcp/one', call).answer).status).toBe(200);
  });

  test('that are optional must be good where one is shown', async () => {
    const stranger = await makeClientCertificate(await makeAuthority('another'));
    const good = await makeClientCertificate(authority);
    await start({ clientCa: authority.cert, clientCertificates: 'optional' });
    expect(await shakeHands({})).toBe('TLSv1.3');
    expect(await shakeHands({ ...good })).toBe('TLSv1.3');
    expect(await shakeHands({ ...stranger })).toMatch(/closed|ECONNRESET/);
  });
});

describe('HTTP/2', () => {
  test('carries a stream of events as it comes', async () => {
    await start();
    const pieces: string[] = [];
    upstream.reply = stream([
      event({ jsonrpc: '2.0', method: 'notifications/message', params: {} }),
      { waitMs: 100 },
      event({ jsonrpc: '2.0', id: 1, result: {} }),
    ]);
    const answer = await (await open()).request('/mcp/one', { ...call, onText: (text) => pieces.push(text) }).answer;
    expect(answer).toMatchObject({ status: 200, resetCode: 0 });
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toContain('"id":1');
  });

  test('shows a reply that was cut as cut, never as whole', async () => {
    await start();
    upstream.reply = cut(1000, 500, 'reset');
    expect((await (await open()).request('/mcp/one', call).answer).resetCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });

  test('a stream that its client resets is cancelled at the server, and the connection goes on', async () => {
    await start();
    upstream.reply = silence;
    const client = await open();
    const { stream: sent } = client.request('/mcp/one', call);
    await upstream.received(1);
    sent.close(constants.NGHTTP2_CANCEL);
    await until(() => upstream.requests[0]?.abandoned);
    upstream.reply = defaultReply;
    expect((await client.request('/mcp/one', call).answer).status).toBe(200);
  });

  test('a body that is reset in its midst is no request', async () => {
    await start();
    const client = await open();
    const { stream: sent, answer } = client.request('/mcp/one', { ...call, body: JSON.stringify(body).slice(0, 40), end: false });
    await until(() => sent.writableLength === 0);
    sent.close(constants.NGHTTP2_CANCEL);
    await answer;
    expect((await client.request('/mcp/one', call).answer).status).toBe(200);
    expect(upstream.hits).toBe(1);
    expect(door.logged.filter(({ event: name }) => name === 'call.failed' || name === 'call.crashed')).toEqual([]);
  });

  test('a body above the limit is refused while it is still sent, and the connection goes on', async () => {
    await start();
    const client = await open();
    const { answer } = client.request('/mcp/one', { ...call, body: 'x'.repeat(5 * 1024 * 1024), end: false });
    expect(await answer).toMatchObject({ status: 413, resetCode: constants.NGHTTP2_NO_ERROR });
    expect((await client.request('/mcp/one', call).answer).status).toBe(200);
    expect(upstream.hits).toBe(1);
  });

  test('names its host in :authority, which is checked; one that says another in Host is refused', async () => {
    await start();
    const client = await open();
    expect((await client.request('/mcp/one', { ...call, headers: { ...call.headers, ':authority': 'evil.example' } }).answer).status).toBe(421);
    expect((await client.request('/mcp/one', { ...call, headers: { ...call.headers, host: `127.0.0.1:${door.port}` } }).answer).status).toBe(200);
    const both = { ':authority': `127.0.0.1:${door.port}`, host: 'evil.example' };
    expect((await client.request('/mcp/one', { ...call, headers: { ...call.headers, ...both } }).answer).status).toBe(400);
  });

  test('has as many streams at once as there are bounds for, and headers of a bounded size', async () => {
    await start();
    const client = await open();
    await until(() => client.session.remoteSettings.maxConcurrentStreams === 256);
    expect(client.session.remoteSettings.maxHeaderListSize).toBe(16 * 1024);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'y']));
    expect((await client.request('/mcp/one', { ...call, headers: { ...call.headers, ...many } }).answer).status).toBe(431);
  });

  test('ends a connection whose client opens streams only to reset them (CVE-2023-44487), and no other', async () => {
    await start();
    upstream.reply = silence;
    const [attacker, other] = [await open(), await open()];
    const flood = setInterval(() => {
      for (let index = 0; index < 20 && !attacker.session.destroyed && !attacker.session.closed; index++) {
        const { stream: opened } = attacker.request('/mcp/one', call);
        opened.close(constants.NGHTTP2_CANCEL);
      }
    }, 5);
    // Asked at the door: the client's end does not always notice at once.
    await until(() => openConnections().then((open) => open === 1)).finally(() => clearInterval(flood));
    expect(upstream.hits).toBeLessThan(1_000);
    upstream.reply = defaultReply;
    expect((await other.request('/mcp/one', call).answer).status).toBe(200);
  });

  test('a drain tells the client to begin nothing more there, ends subscriptions with their result, and waits for calls', async () => {
    await start();
    const client = await open();
    const listen = modernRequest('subscriptions/listen', { notifications: {} }, 'sub');
    upstream.next(stream([': open\n\n'], 'open'));
    let text = '';
    const subscription = client.request('/mcp/one', { body: listen.body, headers: { ...listen.headers, ...key }, onText: (more) => (text += more) });
    await until(() => text.includes('open'));
    upstream.next(async (request, socket) => {
      await until(() => client.session.closed || client.session.destroyed || goaway);
      await defaultReply(request, socket);
    });
    let goaway = false;
    client.session.once('goaway', () => (goaway = true));
    const slow = client.request('/mcp/one', call);
    await upstream.received(2);
    const drained = door.door.drain(10_000);
    expect((await subscription.answer).text).toContain('"resultType":"complete"');
    expect((await slow.answer).status).toBe(200);
    const before = performance.now();
    await drained;
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(goaway).toBe(true);
  });
});
