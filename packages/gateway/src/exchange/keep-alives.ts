import { bounds } from '../kernel/bounds.ts';

/** An open stream that may fall silent. */
export interface SilentStream {
  /** Writes a comment if the stream has been silent since `before` and stands between two events. */
  keepAlive(before: number): void;
}

/** One timer for all open streams of a worker: comments keep idle connections from being cut between here and the client. */
export interface KeepAlives {
  add(stream: SilentStream): void;
  delete(stream: SilentStream): void;
  readonly size: number;
  close(): void;
}

export function createKeepAlives(): KeepAlives {
  const streams = new Set<SilentStream>();
  const timer = setInterval(() => {
    const before = performance.now() - bounds.sseKeepAliveMs;
    for (const stream of streams) stream.keepAlive(before);
  }, bounds.sseKeepAliveMs / 3);
  timer.unref();
  return {
    add: (stream) => void streams.add(stream),
    delete: (stream) => void streams.delete(stream),
    get size() {
      return streams.size;
    },
    close: () => clearInterval(timer),
  };
}
