/**
 * The bare pipe that the gateway is compared with: node `http` in front, undici `dispatch` behind, header arrays, nothing
 * else. It decides nothing, records nothing and keeps no promise but to carry bytes: the least that a relay of this kind
 * can cost. `--buffered` reads the request's body before it goes out, as everything must that looks at it.
 *
 * `dispatch-pipe.ts --upstream http://127.0.0.1:N [--buffered]`; first line on stdout `{"ready":true,"port":N}`. It ends
 * when its stdin ends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Dispatcher, Pool } from 'undici';

const { values } = parseArgs({ options: { upstream: { type: 'string' }, buffered: { type: 'boolean', default: false } } });
if (values.upstream === undefined) throw new Error('--upstream is missing');
const buffered = values.buffered;

// With 1,000 clients 64 sockets carry more than 1,000 do.
const pool = new Pool(values.upstream, { connections: 64, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
  if (!buffered) return relay(request, response, request);
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => relay(request, response, chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks)));
});

function relay(request: IncomingMessage, response: ServerResponse, body: IncomingMessage | Buffer | null): void {
  let controller: Dispatcher.DispatchController | null = null;
  response.on('close', () => {
    if (!response.writableFinished) controller?.abort(new Error('client left'));
  });
  pool.dispatch(
    { path: request.url ?? '/', method: request.method ?? 'GET', headers: endToEnd(request.rawHeaders), body },
    {
      onRequestStart(started) {
        controller = started;
        // It waited for a socket and its client left meanwhile: a reply paused for it would hold the socket for ever.
        if (response.destroyed) started.abort(new Error('client left'));
      },
      onResponseStart(started, statusCode) {
        response.writeHead(statusCode, endToEnd(started.rawHeaders as Buffer[]));
      },
      onResponseData(started, chunk) {
        if (response.write(chunk)) return;
        started.pause();
        response.once('drain', () => started.resume());
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        if (response.headersSent) response.destroy();
        else response.writeHead(502, ['content-length', '0']).end();
      },
    },
  );
}

/** Without the headers that belong to one connection (RFC 9110, 7.6.1), and without Host, which is the upstream's. */
function endToEnd(raw: readonly (string | Buffer)[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index]);
    const lower = name.toLowerCase();
    if (lower === 'host' || lower === 'connection' || lower === 'keep-alive' || lower === 'transfer-encoding') continue;
    kept.push(name, text(raw[index + 1]));
  }
  return kept;
}

function text(value: string | Buffer | undefined): string {
  return typeof value === 'string' ? value : (value?.toString('latin1') ?? '');
}

server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  process.stdout.write(`${JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
