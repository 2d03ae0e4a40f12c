import { matchesQuery } from '../../query/match-query.ts';
import { parseQuery } from '../../query/parse-query.ts';
import type { LiveStream } from '../../telemetry/live/live-stream.ts';
import type { ControlContext } from '../context.ts';

export interface WatchCallsInput {
  /** In the query language; empty: every call. */
  readonly query: string;
  readonly rateMax: number;
  /** The id of the last call that the reader saw, or null. */
  readonly after: string | null;
}

/** The organization's calls on this node, from now on. Faults: `query_invalid`, `too_many_streams`. */
export function watchCalls({ live, actor, organizationId }: Pick<ControlContext, 'live' | 'actor' | 'organizationId'>, input: WatchCallsInput): LiveStream {
  const query = parseQuery(input.query);
  return live.open({ holder: actor.id, organizationId, fits: (call) => matchesQuery(query, call), rateMax: input.rateMax, after: input.after });
}
