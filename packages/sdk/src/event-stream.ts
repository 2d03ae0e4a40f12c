/**
 * Server-sent events of a body (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream). Written here,
 * and held against `eventsource-parser` by a property test, because a package without dependencies loads in browsers as it is.
 */
import { ConnectionError, UnreadableAnswerError } from './errors.ts';

export interface ServerEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  readonly data: string;
  /** The id that the stream has come to; undefined before the first. */
  readonly id: string | undefined;
}

/** One event, its lines together. */
const eventCharsMax = 64 * 1024 * 1024;

/** Feeds text in pieces of any length; returns the events that it completes. Faults: `UnreadableAnswerError` for one beyond the bound. */
export function createEventParser(): (piece: string) => ServerEvent[] {
  /** What has come of a line that is not over. */
  let rest = '';
  let restEndsInReturn = false;
  let id: string | undefined;
  let type = '';
  let data: string[] = [];
  let chars = 0;

  function readLine(line: string, events: ServerEvent[]): void {
    if (line === '') {
      if (data.length > 0) events.push({ type: type === '' ? 'message' : type, data: data.join('\n'), id });
      type = '';
      data = [];
      chars = 0;
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      data.push(value);
      chars += value.length;
    } else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }

  return (piece) => {
    const events: ServerEvent[] = [];
    if (restEndsInReturn || /[\r\n]/.test(piece)) {
      const text = rest + piece;
      let from = 0;
      // A carriage return at the end of a piece may be half of a line's end.
      for (const match of text.matchAll(/\r\n|\n|\r(?!$)/g)) {
        readLine(text.slice(from, match.index), events);
        from = match.index + match[0].length;
      }
      rest = text.slice(from);
      restEndsInReturn = rest.endsWith('\r');
    } else rest += piece;
    if (rest.length + chars > eventCharsMax) throw new UnreadableAnswerError(`an event is longer than ${eventCharsMax} characters`, 200);
    return events;
  };
}

/**
 * The events of an answer until its end; leaving the loop cancels it. `idleMs`: a stream that says nothing for so long is taken for lost.
 * Faults: `ConnectionError` where it breaks off.
 */
export async function* readEvents(response: Response, idleMs: number): AsyncGenerator<ServerEvent, void, undefined> {
  if (response.body === null) throw new UnreadableAnswerError('it has no body', response.status);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parse = createEventParser();
  try {
    for (;;) {
      const { done, value } = await withinIdle(reader.read(), idleMs);
      if (done) return;
      yield* parse(decoder.decode(value, { stream: true }));
    }
  } finally {
    // A stream that has broken cannot be cancelled, and need not be.
    await reader.cancel().catch(() => undefined);
  }
}

async function withinIdle<Result>(read: Promise<Result>, idleMs: number): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const idle = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ConnectionError(`The stream said nothing for ${idleMs} ms.`)), idleMs);
  });
  try {
    return await Promise.race([read, idle]);
  } catch (cause) {
    throw cause instanceof ConnectionError ? cause : new ConnectionError('The stream broke off.', { cause });
  } finally {
    clearTimeout(timer);
  }
}
