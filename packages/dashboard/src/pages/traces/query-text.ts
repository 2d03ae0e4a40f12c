/**
 * A query as text, term by term, so that a filter beside it can change one term and leave the others as they were written. The gateway parses;
 * this only knows where a term begins and ends (docs/guides/search.md of the gateway).
 */
export interface Term {
  readonly text: string;
  readonly field: string | null;
  readonly negated: boolean;
  /** Plain values: of `server:github` or `server:(a OR "b c")`; null for comparisons, patterns and free text. */
  readonly values: readonly string[] | null;
}

export function termsOf(query: string): readonly Term[] {
  return splitTerms(query).map((text) => {
    const [, minus = '', field, rest = ''] = /^(-?)([a-z_]+):(.*)$/s.exec(text) ?? [];
    if (field === undefined) return { text, field: null, negated: text.startsWith('-'), values: null };
    return { text, field, negated: minus === '-', values: valuesOf(rest) };
  });
}

/** The values that a query asks of a field, over all of its plain terms. */
export function valuesAsked(query: string, field: string): readonly string[] {
  return termsOf(query).flatMap((term) => (term.field === field && !term.negated ? (term.values ?? []) : []));
}

/** Whether calls without the field are asked for. */
export function isNoneAsked(query: string, field: string): boolean {
  return termsOf(query).some(({ negated, field: name, values }) => negated && name === 'has' && values?.[0] === field);
}

/** The query with a value of a field asked for, or no more; several values of one field become one term. */
export function toggleValue(query: string, field: string, value: string): string {
  const asked = valuesAsked(query, field);
  return withValues(query, field, asked.includes(value) ? asked.filter((one) => one !== value) : [...asked, value]);
}

/** Only this value, whatever stood there. */
export function onlyValue(query: string, field: string, value: string): string {
  return withValues(query, field, [value]);
}

export function withoutValue(query: string, field: string, value: string): string {
  return join([...termsOf(query).map(({ text }) => text), `-${field}:${quoted(value)}`]);
}

export function toggleNone(query: string, field: string): string {
  const others = termsOf(query).filter(({ negated, field: name, values }) => !(negated && name === 'has' && values?.[0] === field));
  const texts = others.map(({ text }) => text);
  return join(isNoneAsked(query, field) ? texts : [...texts, `-has:${field}`]);
}

/** A term of free text or of anything else is taken out as it was written. */
export function withoutTerm(query: string, index: number): string {
  return join(termsOf(query).flatMap(({ text }, at) => (at === index ? [] : [text])));
}

/** The term at a column of the query, counted from 1; -1 behind the last. */
export function termAt(query: string, column: number): number {
  let end = 0;
  return termsOf(query).findIndex(({ text }) => {
    end = query.indexOf(text, end) + text.length;
    return column <= end;
  });
}

function withValues(query: string, field: string, values: readonly string[]): string {
  const terms = termsOf(query);
  const isIts = (term: Term): boolean => term.field === field && !term.negated && term.values !== null;
  const place = terms.findIndex(isIts);
  const written = values.length === 0 ? [] : [values.length === 1 ? `${field}:${quoted(values[0] ?? '')}` : `${field}:(${values.map(quoted).join(' OR ')})`];
  const kept = terms.flatMap((term, index) => (index === place ? written : isIts(term) ? [] : [term.text]));
  return join(place === -1 ? [...kept, ...written] : kept);
}

function join(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(' ');
}

/** As the language wants a value that has more than letters, digits and a few signs in it. */
export function quoted(value: string): string {
  return /^[\w./@-]+$/.test(value) && !/^(OR|AND|NOT)$/.test(value) && !value.startsWith('-')
    ? value
    : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** At spaces that are neither in quotes nor in parentheses. */
function splitTerms(query: string): readonly string[] {
  const terms: string[] = [];
  let term = '';
  let depth = 0;
  let isQuoted = false;
  for (let index = 0; index < query.length; index += 1) {
    const character = query.charAt(index);
    if (character === '\\' && index + 1 < query.length) {
      term += character + query.charAt(index + 1);
      index += 1;
    } else if (character === ' ' && depth === 0 && !isQuoted) {
      if (term !== '') terms.push(term);
      term = '';
    } else {
      if (character === '"') isQuoted = !isQuoted;
      else if (!isQuoted && character === '(') depth += 1;
      else if (!isQuoted && character === ')') depth = Math.max(0, depth - 1);
      term += character;
    }
  }
  return term === '' ? terms : [...terms, term];
}

function valuesOf(text: string): readonly string[] | null {
  const inner = /^\((.*)\)$/s.exec(text)?.[1];
  const parts = inner === undefined ? [text] : splitTerms(inner).filter((part) => part !== 'OR');
  const values = parts.map(plainValue);
  return values.every((value) => value !== null) ? values : null;
}

/** Null for what stands for several values or compares. */
function plainValue(text: string): string | null {
  const inner = /^"((?:[^"\\]|\\.)*)"$/s.exec(text)?.[1];
  if (inner !== undefined) return inner.replaceAll(/\\(.)/gs, '$1');
  return text === '' || /[*"()]|^[<>]/.test(text.replaceAll(/\\./gs, '')) ? null : text.replaceAll(/\\(.)/gs, '$1');
}
