import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import { certificateHeader } from './client-certificate.ts';
import { http1Headers } from './http1-headers.ts';

/** A request that another worker may have to answer, since what it is about lives there. */
export interface Passing {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** True where another worker has passed it already: then it is answered here. */
  readonly isPassed: boolean;
  /** What of a client certificate speaks for its caller. */
  readonly certificate: string | undefined;
}

/** The workers of this node, to each other: an owner-only Unix socket each, in the folder of the node's sockets. */
export interface OtherWorkers {
  /**
   * Has the worker `home` answer, or, where it is gone, the one that takes up what `heirKey` names: for every worker the same one. True when
   * the answer was given there; false where it is this worker's turn, or nobody's. The request is sent as it came: who receives it asks anew who calls.
   */
  serveAt(home: string, passing: Passing, body: Buffer | null, heirKey?: string): Promise<boolean>;
}

const socketName = /^worker-(\w+)\.sock$/;
/** Hop-by-hop headers (RFC 9110 section 7.6.1), what is written anew, and what only a worker says to another. */
const notPassed = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
  'x-gatewayops-peer',
  certificateHeader,
]);

/** Nobody listens, or whoever did has closed before all of the request was written: it was not read. */
const goneCodes = new Set(['ECONNREFUSED', 'ENOENT', 'EPIPE']);

export function workerSocket(folder: string, id: string): string {
  return join(folder, `worker-${id}.sock`);
}

/** `id` names this worker. */
export function createOtherWorkers({ id, folder }: { readonly id: string; readonly folder: string }): OtherWorkers {
  async function heirs(key: string): Promise<string[]> {
    const names = await readdir(folder);
    const rank = (worker: string): string => createHash('sha256').update(`${key}\n${worker}`).digest('hex');
    return names
      .flatMap((name) => socketName.exec(name)?.[1] ?? [])
      .map((worker) => [rank(worker), worker] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, worker]) => worker);
  }

  return {
    async serveAt(home, passing, body, heirKey) {
      if (home === id || passing.isPassed) return false;
      if (/^\w+$/.test(home) && (await pass(workerSocket(folder, home), passing, body))) return true;
      if (heirKey === undefined) return false;
      for (const worker of await heirs(heirKey)) {
        if (worker === id) return false;
        if (await pass(workerSocket(folder, worker), passing, body)) return true;
      }
      return false;
    },
  };
}

/** False where nobody listens: nothing was read then. Faults: `unavailable` where it ended before it answered. */
function pass(socketPath: string, { request, response, certificate }: Passing, body: Buffer | null): Promise<boolean> {
  const headers = http1Headers(request.rawHeaders, notPassed);
  headers.push('X-GatewayOps-Peer', request.socket.remoteAddress ?? '');
  if (certificate !== undefined) headers.push(certificateHeader, certificate);
  if (body !== null) headers.push('Content-Length', String(body.length));
  return new Promise((resolve, reject) => {
    // A connection of its own: where it cannot be made, it is certain that nothing was sent.
    const onward = httpRequest({ agent: false, socketPath, method: request.method, path: request.url, headers });
    response.on('close', () => {
      if (!response.writableFinished) onward.destroy();
      resolve(true);
    });
    onward.on('response', (answer) => {
      response.writeHead(
        answer.statusCode ?? 502,
        answer.rawHeaders.filter((_, index, all) => !notPassed.has((all[index - (index % 2)] ?? '').toLowerCase()) || isLength(all, index)),
      );
      // Streams begin with their head.
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', (error: NodeJS.ErrnoException) => {
      // What a killed worker left; its name is never used again.
      if (error.code === 'ECONNREFUSED') rmSync(socketPath, { force: true });
      if (goneCodes.has(error.code ?? '')) resolve(false);
      else if (response.headersSent) response.destroy();
      else reject(new Fault('unavailable', { reason: 'the worker that keeps this session has ended' }, { cause: error }));
    });
    onward.end(body ?? undefined);
  });
}

function isLength(all: readonly string[], index: number): boolean {
  return (all[index - (index % 2)] ?? '').toLowerCase() === 'content-length';
}
