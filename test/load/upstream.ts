/**
 * The fast upstream of the bench, a process of its own: it answers every POST with the same 600 bytes of JSON as soon as
 * the request has been read, so that what is measured is what stands in front of it; a gateway that asks which
 * protocol version it speaks is told. First line on stdout:
 * `{"ready":true,"port":N}`. It ends when its stdin ends.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { protocolVersion, replyBody } from './messages.ts';

const discovered = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  result: { resultType: 'complete', supportedVersions: [protocolVersion], capabilities: { tools: {} }, ttlMs: 3_600_000, cacheScope: 'public' },
});
const reply = Buffer.from(replyBody);
const headers = ['content-type', 'application/json', 'content-length', String(reply.length)];

const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(405, ['content-length', '0']).end();
    return;
  }
  // The list as it came: to make an object of it would cost as much as all the rest.
  if (request.rawHeaders.includes('server/discover')) {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' }).end(discovered);
    return;
  }
  request.on('end', () => response.writeHead(200, headers).end(reply));
  request.resume();
});

server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  process.stdout.write(`${JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
