import { createHash } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';
import { isOfBody, type FieldName } from '../../query/fields.ts';
import { parseQuery } from '../../query/parse-query.ts';
import { printQuery } from '../../query/print-query.ts';
import { both, exactly, type Query, type Term } from '../../query/query.ts';
import type { Selection, WholeTrace } from '../../store/ledger/selection.ts';
import type { Actor, ControlContext } from '../context.ts';

/** Which calls or traces are asked for, as lists, facets, histograms and exports all ask. */
export interface CallQuestion {
  /** Milliseconds since the epoch, from `startMs` and before `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  /** In the query language; empty: every call. */
  readonly query: string;
  /** Values that a field must have, exactly. */
  readonly exact: Readonly<Partial<Record<FieldName, string | undefined>>>;
  /** Further terms. */
  readonly terms?: readonly Term[];
  /** What the trace of a call must be as a whole; null: any. */
  readonly whole: WholeTrace | null;
}

const endMsMax = Date.UTC(2200, 0, 1);

/** Faults: `invalid_params`, `query_invalid`; `forbidden` as of `looksIntoBodies`. */
export function selectCalls({ organizationId, actor }: Pick<ControlContext, 'organizationId' | 'actor'>, question: CallQuestion): Selection {
  const { startMs, endMs, whole } = question;
  if (startMs >= endMs) throw new Fault('invalid_params', { reason: 'start_time must lie before end_time' });
  if (startMs < 0 || endMs > endMsMax) throw new Fault('invalid_params', { reason: 'times lie between 1970 and 2200' });
  const exact = Object.entries(question.exact).flatMap(([field, value]) => (value === undefined ? [] : [exactly(field as FieldName, value)]));
  const query = both(parseQuery(question.query), { terms: [...exact, ...(question.terms ?? [])] });
  return { organizationId, startUs: BigInt(startMs) * 1000n, endUs: BigInt(endMs) * 1000n, query, whole, bodies: looksIntoBodies(actor, query) };
}

/**
 * Whether text is looked for in recorded requests and responses too: for who may read them, for by what is found they could be guessed. Faults:
 * `forbidden` where the query asks for nothing else.
 */
export function looksIntoBodies(actor: Actor, { terms }: Query): boolean {
  if (actor.can('bodies.read')) return true;
  const field = terms.find((term) => isOfBody(term.field))?.field;
  if (field !== undefined) throw new Fault('forbidden', { reason: `its actions do not include bodies.read, which ${field} needs` });
  return false;
}

/** Names a selection: a cursor is good for the list it came from only, with other filters it would skip what it never passed. */
export function digestOf({ organizationId, startUs, endUs, query, whole }: Selection): string {
  return createHash('sha256')
    .update(
      JSON.stringify(
        [organizationId, startUs, endUs, printQuery(query), whole?.status, whole?.durationUsMin, whole?.durationUsMax, whole?.costMin, whole?.costMax].map(
          String,
        ),
      ),
    )
    .digest('hex')
    .slice(0, 16);
}

/** Where the next page begins: the place of the last row, good for this selection. */
export function cursorOf(place: readonly (string | bigint)[], selection: Selection): string {
  return Buffer.from([...place, digestOf(selection)].join(' ')).toString('base64url');
}

/** The place in a cursor of this selection: microseconds, then ids of these lengths in hex digits. Faults: `invalid_params`. */
export function placeOf(cursor: string, selection: Selection, hexLengths: readonly number[]): { readonly startUs: bigint; readonly ids: readonly string[] } {
  const [startUs = '', ...rest] = Buffer.from(cursor, 'base64url').toString().split(' ');
  const ids = rest.slice(0, -1);
  const fits = /^\d{1,16}$/.test(startUs) && ids.length === hexLengths.length && ids.every((id, at) => id.length === hexLengths[at] && /^[0-9a-f]+$/.test(id));
  if (!fits || rest.at(-1) !== digestOf(selection))
    throw new Fault('invalid_params', { reason: 'the cursor is not one that this list gave; its times and filters must stay the same from page to page' });
  return { startUs: BigInt(startUs), ids };
}
