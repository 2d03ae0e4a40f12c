import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '../kernel/fault.ts';
import type { InboundHeaders } from './header-gate.ts';

/**
 * Reads a request body of at most `bytesMax`; a client that waits for 100 Continue is told to go on. Faults: `payload_too_large`,
 * from Content-Length before a byte is read or at the first byte too many; `invalid_request` where the client went away before the end.
 */
export function readBody(request: IncomingMessage, response: ServerResponse, headers: InboundHeaders, bytesMax: number): Promise<Buffer> {
  const { contentLength } = headers;
  if (contentLength !== undefined && Number(contentLength) > bytesMax) return Promise.reject(new Fault('payload_too_large', { limit: bytesMax }));
  // Gone while its key was being verified: no event would tell any more.
  if (request.destroyed) return Promise.reject(endedEarly());
  if (headers.expect !== undefined) response.writeContinue();
  return new Promise((resolve, reject) => {
    let first: Buffer | null = null;
    let more: Buffer[] | null = null;
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) {
        request.pause();
        reject(new Fault('payload_too_large', { limit: bytesMax }));
      } else if (first === null) {
        first = chunk;
      } else {
        (more ??= []).push(chunk);
      }
    });
    request.on('end', () => resolve(more === null || first === null ? (first ?? Buffer.alloc(0)) : Buffer.concat([first, ...more], size)));
    request.on('error', () => reject(endedEarly()));
  });
}

function endedEarly(): Fault {
  return new Fault('invalid_request', { reason: 'the body ended early' });
}
