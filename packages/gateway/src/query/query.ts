/**
 * query: which calls are meant? The query language of traces, logs and live streams, from text to a value and back, and
 * whether one call fits it. Imports `kernel/`. Promises: text that is not understood is a fault with its place and what was
 * expected there, never a part left out in silence; the same value decides in memory here and as SQL in `store/ledger`.
 */
import type { Glob } from '../kernel/glob.ts';
import type { FieldName } from './fields.ts';

/** Every term must hold; none means every call. */
export interface Query {
  readonly terms: readonly Term[];
}

export interface Term {
  readonly negated: boolean;
  /** `value`: one of `values` fits. `has`: the field is known, neither empty nor zero. */
  readonly kind: 'value' | 'has';
  readonly field: FieldName;
  readonly values: readonly Value[];
}

export type Value =
  /** Letters of words count as written, except in `text`, where A to Z and a to z are the same. */
  | { readonly kind: 'word'; readonly glob: Glob }
  /** In the field's smallest unit: microseconds, nano-dollars, bytes, one. */
  | { readonly kind: 'measure'; readonly operator: Operator; readonly amount: bigint };

export type Operator = '=' | '>' | '>=' | '<' | '<=';

/** A term that wants one word as it is. */
export function exactly(field: FieldName, word: string): Term {
  return { negated: false, kind: 'value', field, values: [{ kind: 'word', glob: [word] }] };
}

/** Calls that fit both. */
export function both(one: Query, other: Query): Query {
  return { terms: [...one.terms, ...other.terms] };
}
