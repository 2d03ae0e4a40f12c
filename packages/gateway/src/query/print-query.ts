import type { Glob } from '../kernel/glob.ts';
import { fieldOf, type FieldName } from './fields.ts';
import { measureText } from './measure.ts';
import type { Query, Term, Value } from './query.ts';

/** The query as text in one form: `parseQuery` reads it as the same query. */
export function printQuery({ terms }: Query): string {
  return terms.map(termText).join(' ');
}

function termText({ negated, kind, field, values }: Term): string {
  const sign = negated ? '-' : '';
  if (kind === 'has') return `${sign}has:${field}`;
  const written = values.map((value) => valueText(value, field));
  return `${sign}${field}:${written.length === 1 ? written.join('') : `(${written.join(' OR ')})`}`;
}

function valueText(value: Value, field: FieldName): string {
  if (value.kind === 'word') return globText(value.glob);
  const spec = fieldOf(field);
  return `${value.operator === '=' ? '' : value.operator}${spec.kind === 'measure' ? measureText(value.amount, spec.unit) : value.amount}`;
}

function globText(glob: Glob): string {
  const [only = ''] = glob;
  if (glob.length === 1) return /^[\p{L}\p{N}_./@-]+$/u.test(only) && only !== 'OR' ? only : `"${only.replace(/["\\]/g, '\\$&')}"`;
  return glob.map((part) => part.replace(/[^\p{L}\p{N}_./@-]/gu, '\\$&')).join('*');
}
