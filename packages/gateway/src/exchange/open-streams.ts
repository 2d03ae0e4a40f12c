import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { HeldSession } from './session-handle.ts';

/** A stream of events that is open to a client. */
export interface OpenStream {
  /** The one server that it comes from; a stream of several goes on without one of them. */
  readonly server?: string | undefined;
  /** The session that it came in, of a legacy client at a server. */
  readonly session?: HeldSession | null;
  /** Writes a comment if the stream has been silent since `before` and stands between two events. */
  keepAlive(before: number): void;
  /** Ends a stream that would stay open for as long as its client likes, in the way its client expects; others go on. */
  drain(): void;
}

/**
 * The open streams of a worker: one timer keeps silent ones from being cut between here and the client, their number per
 * principal is bounded, and a worker that drains ends those that would never end by themselves.
 */
export interface OpenStreams {
  add(stream: OpenStream): void;
  delete(stream: OpenStream): void;
  /** Counts a long-lived stream of a principal until `leave`. Faults: `too_many_streams`, `draining`. */
  enter(principalId: string): void;
  leave(principalId: string): void;
  /** All of them, and from then on no further ones; or those of these servers. */
  drain(servers?: ReadonlySet<string>): void;
  /** Those that came in this session. */
  endOf(session: HeldSession): void;
  close(): void;
}

export function createOpenStreams(): OpenStreams {
  const streams = new Set<OpenStream>();
  const counts = new Map<string, number>();
  let draining = false;
  const timer = setInterval(() => {
    const before = performance.now() - bounds.sseKeepAliveMs;
    for (const stream of streams) stream.keepAlive(before);
  }, bounds.sseKeepAliveMs / 3);
  timer.unref();
  return {
    add(stream) {
      streams.add(stream);
      // It was on its way when the others ended.
      if (draining) stream.drain();
    },
    delete: (stream) => void streams.delete(stream),
    enter(principalId) {
      if (draining) throw new Fault('draining');
      const count = counts.get(principalId) ?? 0;
      if (count >= bounds.streamsPerPrincipalMax) throw new Fault('too_many_streams');
      counts.set(principalId, count + 1);
    },
    leave(principalId) {
      const count = counts.get(principalId) ?? 0;
      if (count > 1) counts.set(principalId, count - 1);
      else counts.delete(principalId);
    },
    drain(servers) {
      draining ||= servers === undefined;
      for (const stream of streams) if (servers === undefined || (stream.server !== undefined && servers.has(stream.server))) stream.drain();
    },
    endOf(session) {
      for (const stream of streams) if (stream.session === session) stream.drain();
    },
    close: () => clearInterval(timer),
  };
}
