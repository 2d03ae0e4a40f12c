import { bounds } from '../kernel/bounds.ts';
import { asOneLine } from './message.ts';

/** A server-sent event of a session, kept so that a client whose connection broke can have it again (2025-11-25, resumability). */
export interface StoredEvent {
  readonly stream: number;
  readonly sequence: number;
  /** The whole event as it goes over the wire. */
  readonly frame: Buffer;
}

/** The last events of one session, oldest dropped first. An event's id is `{stream}-{sequence}`. */
export interface EventLog {
  append(stream: number, line: Buffer | string): StoredEvent;
  after(stream: number, sequence: number): StoredEvent[];
  /** The highest sequence number given out for the stream; null for a stream nothing is known of (any more). */
  last(stream: number): number | null;
  readonly dropped: number;
}

export function eventLog(): EventLog {
  let events: StoredEvent[] = [];
  let bytes = 0;
  let dropped = 0;
  const sequences = new Map<number, number>();

  return {
    append(stream, line) {
      const sequence = (sequences.get(stream) ?? 0) + 1;
      sequences.set(stream, sequence);
      const event = { stream, sequence, frame: eventFrame(line, `${stream}-${sequence}`) };
      events.push(event);
      bytes += event.frame.length;
      let drop = 0;
      while (events.length - drop > bounds.bridgeReplayEventsMax || bytes > bounds.bridgeReplayBytesMax) {
        const oldest = events[drop];
        if (oldest === undefined) break;
        bytes -= oldest.frame.length;
        drop++;
      }
      if (drop > 0) {
        dropped += drop;
        events = events.slice(drop);
        if (sequences.size > bounds.bridgeReplayEventsMax) forgetStreams();
      }
      return event;
    },
    after: (stream, sequence) => events.filter((event) => event.stream === stream && event.sequence > sequence),
    last: (stream) => sequences.get(stream) ?? null,
    get dropped() {
      return dropped;
    },
  };

  /** Streams of which no event is left cannot be resumed; the standing stream, 0, always can. */
  function forgetStreams(): void {
    const live = new Set(events.map((event) => event.stream));
    for (const stream of sequences.keys()) if (stream !== 0 && !live.has(stream)) sequences.delete(stream);
  }
}

const eventHead = 'event: message\ndata: ';
const eventEnd = Buffer.from('\n\n');

/** One message as a server-sent event. A carriage return would end a line of it, so it becomes a space, as JSON allows. */
export function eventFrame(line: Buffer | string, id?: string): Buffer {
  const head = id === undefined ? eventHead : `id: ${id}\n${eventHead}`;
  return Buffer.concat([Buffer.from(head), typeof line === 'string' ? Buffer.from(line) : asOneLine(line), eventEnd]);
}
