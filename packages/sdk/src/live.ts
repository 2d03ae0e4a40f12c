/** Calls as they end: `GET /v1/stream`, read on through lost connections (docs/guides/observability.md of the gateway). */
import { ConnectionError, GatewayOpsError, UnreadableAnswerError } from './errors.ts';
import { readEvents, type ServerEvent } from './event-stream.ts';
import type { Query, Operation, Schemas } from './operations.ts';
import { countOf, type RequestOptions } from './options.ts';
import { faultError, parseObject } from './read-fault.ts';
import { retryWaitMs } from './retry.ts';
import { pause, type Transport } from './transport.ts';

export type LiveEvent =
  /** The stream begins; so many calls of before follow. */
  | { readonly type: 'open'; readonly data: { readonly replayed: number } }
  | { readonly type: 'call'; readonly id: string; readonly data: Schemas['RequestLogEntry'] }
  /** A call that was shown, again: with its tokens, counted after it, and what it cost with them. */
  | { readonly type: 'counted'; readonly id: string; readonly data: Schemas['RequestLogEntry'] }
  /** Calls that were missed and are not known any more; null: nobody knows how many. */
  | { readonly type: 'gap'; readonly data: { readonly missed: number | null; readonly reason: string } }
  /** Of the last second so many of all that fit were shown. */
  | { readonly type: 'sampled'; readonly data: { readonly shown: number; readonly of: number } }
  /** This reader was too slow: so many were lost now, and so many in all. */
  | { readonly type: 'dropped'; readonly data: { readonly count: number; readonly total: number } }
  /** Figures of all calls of a second that fit. */
  | { readonly type: 'metrics'; readonly data: LiveFigures };

export interface LiveFigures {
  readonly time: string;
  readonly calls: number;
  readonly active_agents: number;
  readonly [member: string]: unknown;
}

export interface LiveQuery extends Omit<NonNullable<Query<Operation<'get', '/v1/stream'>>>, 'events' | 'last_event_id'> {
  /** Default: calls. */
  readonly events?: readonly ('calls' | 'metrics')[];
  /** To go on behind the last `id` that another reader saw. */
  readonly lastEventId?: string;
}

export interface LiveOptions extends RequestOptions {
  /** How often in a row it may fail to connect again before the stream fails. Default: 10. */
  readonly reconnects?: number;
  /** Called each time the connection is lost, before it is opened again; `open` says that it is back. */
  readonly onLost?: () => void;
}

/** Three times what the gateway lets pass between signs of life. */
const idleMs = 45_000;

const shown: ReadonlySet<string> = new Set(['open', 'call', 'counted', 'gap', 'sampled', 'dropped', 'metrics']);

/** Never ends by itself: leave the loop, or abort the signal. Rejects where the key is good no more, or the gateway stays away. */
export async function* followCalls(transport: Transport, query: LiveQuery, options: LiveOptions): AsyncGenerator<LiveEvent, void, undefined> {
  const { events, lastEventId, ...filters } = query;
  const reconnects = countOf('reconnects', options.reconnects ?? 10);
  let last = lastEventId;
  let failures = 0;
  for (;;) {
    try {
      const headers = { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) };
      const response = await transport.open(
        { method: 'GET', path: '/v1/stream', query: { ...filters, events: events?.join(',') }, headers, safety: 'read' },
        { ...options, retries: 0 },
      );
      for await (const event of readEvents(response, idleMs)) {
        failures = 0;
        if (event.type === 'end') {
          refuseEnd(event, response);
          break;
        }
        if (event.id !== undefined) last = event.id;
        if (shown.has(event.type)) yield liveEventOf(event, response);
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      const waitMs = error instanceof GatewayOpsError ? retryWaitMs(error, 'read', failures + 1) : null;
      failures += 1;
      if (waitMs === null || failures > reconnects) throw error;
      options.onLost?.();
      await pause(waitMs, options.signal);
      continue;
    }
    // The gateway ended the stream in good order: another node, or the same one restarted, goes on.
    failures += 1;
    if (failures > reconnects) throw new ConnectionError('The gateway ended the stream, and it was not opened again.');
    options.onLost?.();
    await pause(retryWaitMs(new ConnectionError(''), 'read', failures) ?? 0, options.signal);
  }
}

/** Throws where the stream ended for good. */
function refuseEnd({ data }: ServerEvent, response: Response): void {
  if (parseObject(data)?.['reason'] !== 'unauthorized') return;
  throw faultError('unauthorized', 'The API key is good no more.', {
    status: 401,
    fix: 'Follow with another key.',
    docs: null,
    requestId: response.headers.get('x-request-id'),
    traceId: null,
    retryAfterMs: null,
    details: {},
  });
}

function liveEventOf({ type, data, id }: ServerEvent, response: Response): LiveEvent {
  const body = parseObject(data);
  if (body === null) throw new UnreadableAnswerError('an event of the stream is not JSON', response.status);
  // What is of one call has an id of its own; any other event has that of the last call.
  return (type === 'call' || type === 'counted' ? { type, id, data: body } : { type, data: body }) as LiveEvent;
}
