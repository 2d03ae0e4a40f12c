import type { ServerResponse } from 'node:http';
import { bounds } from '../kernel/bounds.ts';

/** Who reads what a child writes: it is held while a reader is slow, so that nothing piles up here. */
export interface Source {
  hold(holder: object): void;
  release(holder: object): void;
}

export interface EventWriterLimits {
  readonly keepAliveMs: number;
  readonly slowReaderMs: number;
}

/** An open `text/event-stream` response. */
export interface EventWriter {
  write(frame: Buffer | string): void;
  end(): void;
}

/**
 * Sends the head and then events, with a comment whenever `keepAliveMs` have passed. Where more than
 * `streamBufferBytesMax` wait for the reader, the source is held; after `slowReaderMs` of that the connection is cut.
 */
export function eventWriter(response: ServerResponse, headers: Readonly<Record<string, string>>, source: Source, limits: EventWriterLimits): EventWriter {
  let slowTimer: NodeJS.Timeout | null = null;
  const holder = {};
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', ...headers });
  response.flushHeaders();
  const keepAlive = setInterval(() => {
    if (slowTimer === null) response.write(': keep-alive\n\n');
  }, limits.keepAliveMs);
  response.on('drain', relax);
  response.on('close', () => {
    clearInterval(keepAlive);
    relax();
  });

  function relax(): void {
    if (slowTimer === null) return;
    clearTimeout(slowTimer);
    slowTimer = null;
    source.release(holder);
  }

  return {
    write(frame) {
      if (response.destroyed || response.writableEnded) return;
      response.write(frame);
      if (slowTimer === null && response.writableLength > bounds.streamBufferBytesMax) {
        source.hold(holder);
        slowTimer = setTimeout(() => response.destroy(), limits.slowReaderMs);
      }
    },
    end() {
      clearInterval(keepAlive);
      response.end();
    },
  };
}
