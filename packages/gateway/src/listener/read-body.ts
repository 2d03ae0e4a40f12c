import type { IncomingMessage } from 'node:http';
import { Fault } from '../kernel/fault.ts';

/**
 * Reads a request body of at most `bytesMax`. Faults: `payload_too_large`, from Content-Length before a byte is read or at the
 * first byte too many; `invalid_request` where the client went away before the end.
 */
export function readBody(request: IncomingMessage, contentLength: string | undefined, bytesMax: number): Promise<Buffer> {
  if (contentLength !== undefined && Number(contentLength) > bytesMax) return Promise.reject(new Fault('payload_too_large', { limit: bytesMax }));
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
    request.on('error', () => reject(new Fault('invalid_request', { reason: 'the body ended early' })));
  });
}
