import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { openRaw, requestBytes, sendRaw } from '../../../../test/support/raw-client.ts';
import { createPassToControl } from './pass-to-control.ts';

let folder = '';
let control: Server;
let front: Server;
let seen: IncomingMessage[];
let left = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-control-'));
  seen = [];
  left = 0;
  control = createServer((request, response) => {
    seen.push(request);
    response.on('close', () => (left += response.writableFinished ? 0 : 1));
    if (request.url === '/hang') return;
    if (request.url === '/break') {
      response.writeHead(200, { 'Content-Length': '100' }).write('part');
      setTimeout(() => response.destroy(), 20);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.writeHead(201, { 'X-Request-ID': String(request.headers['x-request-id']), 'X-Odd': '1' }).end(Buffer.concat(chunks));
    });
  });
  await new Promise<void>((resolve) => control.listen(join(folder, 'control'), resolve));
  const pass = createPassToControl(join(folder, 'control'));
  const onRequest = (request: IncomingMessage, response: Parameters<typeof pass>[1]): void => pass(request, response, 'req_1');
  front = createServer(onRequest).on('checkContinue', onRequest);
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const server of [front, control]) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

const port = (): number => (front.address() as AddressInfo).port;

test('a request arrives with its body and headers, but for those of the hop and those that only the listener may say', async () => {
  const lines = [
    'Host: a',
    'Cookie: c=1',
    'Authorization: Bearer x',
    'Connection: keep-alive',
    'X-Forwarded-For: 1.2.3.4',
    'X-GatewayOps-Peer: 1.2.3.4',
    'X-Request-ID: mine',
    'X-Odd: 1',
    'X-Odd: 2',
    'Content-Length: 3',
  ];
  const reply = await sendRaw(port(), requestBytes('POST /v1/keys?a=b HTTP/1.1', lines, 'abc'));
  expect([reply.status, reply.body.toString(), reply.header('x-request-id')]).toEqual([201, 'abc', 'req_1']);
  expect(reply.headers.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value)).toEqual(['a=1', 'b=2']);
  expect([seen[0]?.method, seen[0]?.url]).toEqual(['POST', '/v1/keys?a=b']);
  expect(seen[0]?.headers).toMatchObject({
    host: 'a',
    cookie: 'c=1',
    authorization: 'Bearer x',
    'x-gatewayops-peer': expect.stringContaining('127.0.0.1'),
    'x-request-id': 'req_1',
    'x-odd': '1, 2',
  });
  expect(seen[0]?.headers).not.toHaveProperty('x-forwarded-for');
});

test('a client that waits for 100 Continue is told to go on', async () => {
  const connection = await openRaw(port());
  connection.write(requestBytes('PUT /x HTTP/1.1', ['Host: a', 'Expect: 100-continue', 'Content-Length: 2']));
  await until(() => connection.replies()[0]?.status === 100);
  connection.write('ok');
  expect((await connection.reply()).body.toString()).toBe('ok');
  connection.destroy();
});

test('a client that leaves is not answered for', async () => {
  const connection = await openRaw(port());
  connection.write(requestBytes('GET /hang HTTP/1.1', ['Host: a']));
  await until(() => seen.length === 1);
  connection.reset();
  await until(() => left === 1);
});

test('where the control plane is gone or breaks off, the client gets 503 or a cut reply, never half a one as whole', async () => {
  const broken = await sendRaw(port(), requestBytes('GET /break HTTP/1.1', ['Host: a']));
  expect([broken.status, broken.complete]).toEqual([200, false]);
  control.closeAllConnections();
  await new Promise((resolve) => control.close(resolve));
  const refused = await sendRaw(port(), requestBytes('GET / HTTP/1.1', ['Host: a']));
  expect([refused.status, JSON.parse(refused.body.toString())]).toMatchObject([503, { error: 'unavailable', request_id: 'req_1' }]);
  expect(refused.body.toString()).not.toContain(folder);
});
