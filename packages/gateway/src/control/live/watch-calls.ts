import { Fault } from '../../kernel/fault.ts';
import { isOfBody } from '../../query/fields.ts';
import { matchesQuery } from '../../query/match-query.ts';
import { parseQuery } from '../../query/parse-query.ts';
import type { LiveStream } from '../../telemetry/live/live-stream.ts';
import type { ControlContext } from '../context.ts';
import { keyHolds } from '../keys/key-holds.ts';
import { grantHolds } from '../oauth/verify-access-token.ts';
import { tokenHolds } from '../sign-in/token-actor.ts';
import { sessionHolds } from '../sessions/find-session.ts';

export interface WatchCallsInput {
  /** In the query language; empty: every call. */
  readonly query: string;
  readonly rateMax: number;
  readonly shows: { readonly calls: boolean; readonly metrics: boolean };
  /** The id of the last call that the reader saw, or null. */
  readonly after: string | null;
}

/** The organization's calls on this node, from now on. Faults: `query_invalid`, `too_many_streams`, `invalid_params` where it asks for bodies; `forbidden` where metrics are asked for that are not shown. */
export function watchCalls(context: ControlContext, input: WatchCallsInput): LiveStream {
  const { live, actor, organizationId } = context;
  if (input.shows.metrics && !actor.can('metrics.read')) throw new Fault('forbidden', { reason: 'its actions do not include metrics.read' });
  const query = parseQuery(input.query);
  const ofBody = query.terms.find(({ field }) => isOfBody(field))?.field;
  if (ofBody !== undefined)
    throw new Fault('invalid_params', { reason: `bodies are not read as calls end: look for ${ofBody} in the request log, GET /v1/logs/requests` });
  const stream = live.open({
    holder: actor.session?.id ?? actor.grantId ?? actor.id,
    organizationId,
    fits: (call) => matchesQuery(query, call),
    rateMax: input.rateMax,
    shows: input.shows,
    after: input.after,
  });
  const { session, grantId, token } = actor;
  if (session !== null) endWith(context, () => sessionHolds(context, session), stream);
  else if (grantId !== null) endWith(context, () => grantHolds(context, grantId), stream);
  else if (token !== null) endWith(context, () => tokenHolds(context, actor, token), stream);
  else if (actor.kind === 'key') endWith(context, () => keyHolds(context, actor.organizationId, actor.id), stream);
  return stream;
}

/** Sessions, grants, tokens and keys end on other nodes too, and with their user: with two looks in two seconds none is watched by much longer. */
const lookMs = 1_000;

function endWith(context: ControlContext, holds: () => Promise<boolean>, stream: LiveStream): void {
  let looking = false;
  const timer = setInterval(() => {
    if (stream.isOver) return clearInterval(timer);
    if (looking) return;
    looking = true;
    holds()
      .then((does) => does || stream.end('unauthorized'))
      .catch((error: unknown) => context.log.warn('live.session_unknown', { error }))
      .finally(() => (looking = false));
  }, lookMs);
  timer.unref();
}
