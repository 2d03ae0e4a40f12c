import type { StoredRecord } from '../../chain/verify-events.ts';
import { exactly, type Query, type Term } from '../../query/query.ts';
import type { CallPosition } from '../../store/ledger/call-list.ts';
import type { LedgerReader } from '../../store/ledger/ledger-reader.ts';
import { calledEvent, calledKinds, serverCalled } from './called-event.ts';
import type { AuditFilter } from './list-events.ts';

/**
 * Which calls stand among the events: none; those that were refused for what they are, whatever they asked for (a rate that was exceeded is no decision
 * about a call); all that named a tool, a resource or a prompt.
 */
export const callChoices = ['none', 'denied', 'all'] as const;
export type CallChoice = (typeof callChoices)[number];

/** Of a caller without a key the issuer shows: no key has a colon in its prefix. */
const byToken: Term = { negated: false, kind: 'value', field: 'key', values: [{ kind: 'word', glob: ['', ':', ''] }] };
const byGrant: Term = { ...byToken, values: [{ kind: 'word', glob: ['oauth:', ''] }] };
const has = (field: 'key' | 'user' | 'agent'): Term => ({ negated: false, kind: 'has', field, values: [] });
const not = (term: Term): Term => ({ ...term, negated: true });

/** Which calls an actor of a kind made, the contrary of `actorKindOf`. Of other kinds none. */
const byActorKind: Readonly<Record<string, readonly Term[]>> = {
  anonymous: [not(has('key'))],
  key: [has('key'), not(byToken)],
  user: [has('user'), byToken],
  agent: [not(has('user')), has('agent'), byToken],
  client: [not(has('user')), byGrant],
  service_account: [not(has('user')), not(has('agent')), byToken, not(byGrant)],
};

/** A call as an event, and its place in the list. */
export interface ListedCall {
  readonly event: StoredRecord;
  readonly place: CallPosition;
}

const methods = Object.keys(calledKinds) as (keyof typeof calledKinds)[];
const results: Readonly<Record<string, readonly string[]>> = {
  success: ['success', 'waiting'],
  denied: ['blocked'],
  failed: ['error', 'timeout', 'cancelled', 'unknown'],
};

/** The calls that fit a filter of events; null where no call does. */
export function callsThatFit(filter: AuditFilter, choice: CallChoice): Query | null {
  const { actorKind, actorId, result, objectId, text } = filter;
  if (choice === 'none' || (choice === 'denied' && result !== null && result !== 'denied')) return null;
  const terms: (Term | null)[] = [ofKinds(filter, choice)];
  if (choice === 'denied') terms.push(exactly('status', 'blocked'), { ...exactly('stop', 'limit'), negated: true });
  else if (result !== null) terms.push(oneOf('status', results[result] ?? []));
  if (actorKind !== null) {
    const ofKind = Object.hasOwn(byActorKind, actorKind) ? byActorKind[actorKind] : undefined;
    if (ofKind === undefined) return null;
    terms.push(...ofKind);
  }
  if (actorId !== null) terms.push(exactly('key', actorId));
  if (objectId !== null) {
    const slash = objectId.indexOf('/');
    terms.push(exactly('server', slash < 0 ? objectId : objectId.slice(0, slash)));
    terms.push(slash < 0 ? without(methods) : exactly('tool', objectId.slice(slash + 1)));
  }
  if (text !== null) terms.push({ negated: false, kind: 'value', field: 'text', values: [{ kind: 'word', glob: [text] }] });
  const wanted = terms.filter((term) => term !== null);
  // A term without values is one that nothing fits.
  return wanted.some(({ kind, negated, values }) => kind === 'value' && !negated && values.length === 0) ? null : { terms: wanted };
}

/** Newest first, at most `limit`; times are microseconds since the epoch. */
export async function listCallsAsEvents(
  ledger: Pick<LedgerReader, 'listCalls'>,
  asked: {
    readonly organizationId: string;
    readonly query: Query;
    readonly startUs: bigint;
    readonly endUs: bigint;
    readonly after: CallPosition | null;
    readonly limit: number;
  },
): Promise<readonly ListedCall[]> {
  const calls = await ledger.listCalls({ ...asked, whole: null });
  return calls.map((call) => ({
    event: calledEvent(call, asked.organizationId),
    place: { startUs: call.start_us, traceHex: call.trace_hex, spanHex: call.span_hex },
  }));
}

/** By method, as far as actions and kind of the object say which; null: any. */
function ofKinds({ actions, objectKind }: AuditFilter, choice: CallChoice): Term | null {
  const fits = (kind: { readonly action: string; readonly objectKind: string }): boolean =>
    (objectKind === null || objectKind === kind.objectKind) &&
    (actions === null || actions.some((name) => (name.endsWith('*') ? kind.action.startsWith(name.slice(0, -1)) : kind.action === name)));
  const fitting = methods.filter((method) => fits(calledKinds[method]));
  if (choice === 'all' || !fits(serverCalled)) return oneOf('method', fitting);
  return fitting.length === methods.length ? null : without(methods.filter((method) => !fitting.includes(method)));
}

function oneOf(field: 'method' | 'status', words: readonly string[]): Term {
  return { negated: false, kind: 'value', field, values: words.map((word) => ({ kind: 'word', glob: [word] })) };
}

function without(words: readonly string[]): Term {
  return { ...oneOf('method', words), negated: true };
}
