/** Generated queries, and calls that they may fit. */
import fc from 'fast-check';
import { fieldNames, fieldOf, type FieldName, type FieldSpec } from '../../packages/gateway/src/query/fields.ts';
import type { Operator, Query, Term, Value } from '../../packages/gateway/src/query/query.ts';

/** Queries as the parser makes them, with words drawn from `words`. */
export function queries(words: fc.Arbitrary<string>, termsMax = 4): fc.Arbitrary<Query> {
  const term = fc.constantFrom(...fieldNames).chain((field): fc.Arbitrary<Term> => {
    const values = fc.array(valueOf(fieldOf(field), words), { minLength: 1, maxLength: 3 });
    const wanted = fc.record({ negated: fc.boolean(), kind: fc.constant('value' as const), field: fc.constant(field), values });
    const has = fc.record({ negated: fc.boolean(), kind: fc.constant('has' as const), field: fc.constant(field), values: fc.constant([]) });
    return isAsked(field) ? fc.oneof({ weight: 4, arbitrary: wanted }, { weight: 1, arbitrary: has }) : wanted;
  });
  return fc.array(term, { maxLength: termsMax }).map((terms) => ({ terms }));
}

const isAsked = (field: FieldName): boolean => field !== 'text' && field !== 'time' && fieldOf(field).kind !== 'body';

function valueOf(spec: FieldSpec, words: fc.Arbitrary<string>): fc.Arbitrary<Value> {
  const operator = fc.constantFrom<Operator>('=', '>', '>=', '<', '<=');
  const measure = (operators: fc.Arbitrary<Operator>, amount: fc.Arbitrary<bigint>): fc.Arbitrary<Value> =>
    fc.record({ kind: fc.constant('measure' as const), operator: operators, amount });
  const globs = fc
    .array(words, { minLength: 1, maxLength: 3 })
    .map((parts) => parts.filter((part, index) => part !== '' || index === 0 || index === parts.length - 1));
  const word = (glob: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Value> => fc.record({ kind: fc.constant('word' as const), glob });
  if (spec.kind === 'measure') {
    const amount = spec.unit === 'time' ? timesUs : fc.oneof(fc.bigInt(0n, 4n), fc.constantFrom(1_000n, 1_500_000n, 2_000_000n), fc.bigInt(0n, 1n << 52n));
    return measure(spec.unit === 'time' ? operator.filter((one) => one !== '=') : operator, amount);
  }
  if (spec.kind === 'code')
    return fc.oneof(
      measure(operator, fc.constantFrom(0n, 200n, 404n, 500n, -32602n)),
      word(globs.map((glob) => [(glob[0] ?? '').replace(/^[+-]?\d/, ''), ...glob.slice(1)])),
    );
  if (spec.kind === 'word' && spec.words !== undefined) {
    const known = fc.constantFrom(...spec.words);
    return word(
      fc.oneof(
        known.map((one) => [one]),
        known.map((one) => [one.slice(0, 2), '']),
      ),
    );
  }
  // Bodies are found by runs of three characters.
  if (spec.kind === 'body') return word(globs.map((glob) => [`abc${glob[0] ?? ''}`, ...glob.slice(1)]));
  return word(spec.kind === 'text' ? globs.filter((glob) => glob.some((part) => part !== '')) : globs);
}

/** Microseconds from 2026-11-01, a few values often. */
export const timesUs: fc.Arbitrary<bigint> = fc
  .oneof(fc.bigInt(0n, 5n), fc.bigInt(0n, 20n * 86_400_000_000n))
  .map((offset) => BigInt(Date.UTC(2026, 10, 1)) * 1000n + offset);
