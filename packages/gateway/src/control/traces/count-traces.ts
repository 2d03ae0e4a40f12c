import { bounds } from '../../kernel/bounds.ts';
import type { FacetName } from '../../store/ledger/facets.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { selectCalls, type CallQuestion } from './select-calls.ts';

export interface Facet {
  readonly name: FacetName;
  /** Most frequent first; an empty value: the calls that have none. */
  readonly values: readonly { readonly value: string; readonly calls: number }[];
  /** There are further values. */
  readonly truncated: boolean;
}

export interface FacetQuestion extends CallQuestion {
  readonly facets: readonly FacetName[];
  readonly limit: number;
}

/** How the calls that fit are spread over values of each facet. Faults: `invalid_params`, `query_invalid`, `unavailable`. */
export async function countFacets(context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor'>, question: FacetQuestion): Promise<Facet[]> {
  const facets = [...new Set(question.facets)];
  const rows = await requireLedger(context).listFacets(selectCalls(context, question), facets, question.limit + 1);
  return facets.map((name) => {
    const values = rows.filter(({ facet }) => facet === name);
    return { name, values: values.slice(0, question.limit).map(({ value, calls }) => ({ value, calls })), truncated: values.length > question.limit };
  });
}

export interface Histogram {
  readonly widthMs: number;
  /** Of the whole window, in order of time, those without calls too. */
  readonly buckets: readonly Bucket[];
}

export interface Bucket {
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  /** Calls by status; what is not there is none. */
  readonly calls: ReadonlyMap<string, number>;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** Widths at which a clock is read. */
const widthsMs = [1, 2, 5, 10, 15, 30]
  .flatMap((count) => [count * second, count * minute])
  .concat(
    [1, 2, 3, 6, 12].map((count) => count * hour),
    [1, 2, 7, 14, 30, 90, 365].map((count) => count * day),
  )
  .sort((a, b) => a - b);

/** A round width of which so many steps reach over the length: at least `widthMsMin`, milliseconds. */
export function roundWidth(lengthMs: number, steps: number, widthMsMin = 0): number {
  return widthsMs.find((width) => width >= widthMsMin && width * steps >= lengthMs) ?? day * Math.ceil(lengthMs / steps / day);
}

/**
 * The calls that fit, by outcome over time, in at most `buckets` + 1 (1 to `histogramBucketsMax`) steps of a round width.
 * Faults: `invalid_params`, `query_invalid`, `unavailable`.
 */
export async function countOverTime(
  context: Pick<ControlContext, 'ledger' | 'organizationId' | 'actor'>,
  question: CallQuestion & { readonly buckets: number },
): Promise<Histogram> {
  const selection = selectCalls(context, question);
  const wanted = Math.min(question.buckets, bounds.histogramBucketsMax);
  const lengthMs = question.endMs - question.startMs;
  const widthMs = roundWidth(lengthMs, wanted);
  const rows = await requireLedger(context).listBuckets(selection, BigInt(widthMs) * 1000n);
  const byBucket = new Map<number, Map<string, number>>();
  for (const { bucket, outcome, calls } of rows) byBucket.set(bucket, (byBucket.get(bucket) ?? new Map<string, number>()).set(outcome, calls));
  const first = Math.floor(question.startMs / widthMs);
  const last = Math.ceil(question.endMs / widthMs);
  const buckets = Array.from({ length: last - first }, (_, at) => ({
    startMs: (first + at) * widthMs,
    calls: byBucket.get(first + at) ?? new Map<string, number>(),
  }));
  return { widthMs, buckets };
}
