import { bounds } from '../kernel/bounds.ts';
import { closestWord } from '../kernel/closest-word.ts';
import { Fault } from '../kernel/fault.ts';
import { bodyRunCharsMin, isLongEnoughForBodies } from './body-text.ts';
import { fieldNames, fieldOf, fields, isOfBody, type FieldName, type FieldSpec } from './fields.ts';
import { measureForms, parseMeasure } from './measure.ts';
import type { Operator, Query, Term, Value } from './query.ts';

/**
 * Reads a query:
 *
 *     query  = { term }                                  every term must hold
 *     term   = [ "-" ] ( field ":" values | "has:" field | word )
 *     values = value | "(" value { "OR" value } ")"
 *     value  = word | [ ">" | ">=" | "<" | "<=" ] measure
 *     word   = quoted text, or characters up to a space, with * for any run and \ before a character meant as it is
 *
 * Faults: `query_invalid` with `column` (of the first character, from 1), `length` and `expected`.
 */
export function parseQuery(text: string): Query {
  return new Parser(text).query();
}

const hasField = 'has';
/** Characters that end a bare word. */
const ends = /[\s"()]/;
const operators: readonly Operator[] = ['>=', '<=', '>', '<'];
const joiners: ReadonlySet<string> = new Set(['OR', 'AND', 'NOT']);
const fieldExpected = 'a field such as server:, tool: or status:, or text in quotes';

interface Word {
  /** Literal runs between stars; in quotes a star is a star. */
  readonly glob: readonly string[];
  readonly quoted: boolean;
  readonly from: number;
}

class Parser {
  private readonly text: string;
  private at = 0;
  private values = 0;

  constructor(text: string) {
    this.text = text;
  }

  query(): Query {
    const { text } = this;
    if (text.length > bounds.queryCharsMax)
      throw this.wrong(bounds.queryCharsMax, text.length, 'the query is too long', `at most ${bounds.queryCharsMax} characters`);
    const odd = /[^\P{Cc}\s]|\p{Cs}/u.exec(text);
    if (odd !== null) throw this.wrong(odd.index, odd.index + 1, 'this is no character of a text', 'visible characters and spaces');
    const terms: Term[] = [];
    for (this.space(); this.at < text.length; this.space()) {
      const from = this.at;
      terms.push(this.term());
      if (terms.length > bounds.queryTermsMax) throw this.wrong(from, this.at, 'the query has too many terms', `at most ${bounds.queryTermsMax} terms`);
    }
    return { terms };
  }

  private term(): Term {
    const { text } = this;
    const from = this.at;
    const negated = text[from] === '-';
    if (negated) this.at += 1;
    const start = this.at;
    const first = text[start];
    if (first === undefined || /\s/.test(first)) throw this.wrong(from, start, 'nothing stands behind the "-"', fieldExpected);
    if (first === '(' || first === ')') throw this.wrong(start, start + 1, 'a parenthesis stands only behind a field', 'server:(a OR b)');
    const colon = /^[^\s"()\\:*]*:/.exec(text.slice(start));
    if (first === '"' || colon === null) return this.bare(negated, start);
    const name = colon[0].slice(0, -1);
    this.at = start + colon[0].length;
    if (name === hasField) return { negated, kind: 'has', field: this.hasName(), values: [] };
    if (!isField(name)) throw this.unknownField(name, start);
    const values = this.valuesOf(name);
    this.endOfTerm();
    return { negated, kind: 'value', field: name, values };
  }

  /** Text without a field. */
  private bare(negated: boolean, start: number): Term {
    const { text } = this;
    if (text[start] === '-') throw this.wrong(start, start + 1, 'one "-" is enough', fieldExpected);
    const operator = operators.find((one) => text.startsWith(one, start));
    if (operator !== undefined) throw this.wrong(start, start + operator.length, `${operator} stands only behind a field`, 'dur:>2s, or text in quotes');
    const word = this.word(fieldExpected);
    const written = text.slice(start, this.at);
    if (joiners.has(written))
      throw this.wrong(start, this.at, `${written} stands only between values`, 'key:(a OR b), -key:value, or nothing: terms all must hold');
    this.endOfTerm();
    return { negated, kind: 'value', field: 'text', values: [this.textValue(word)] };
  }

  private hasName(): FieldName {
    const start = this.at;
    const name = /^[^\s"()]*/.exec(this.text.slice(start))?.[0] ?? '';
    this.at += name.length;
    if (!isField(name)) throw this.unknownField(name, start);
    if (isOfBody(name)) throw this.wrong(start, this.at, `${name} is looked into, not asked for`, `${name}:"some words"`);
    if (name === 'text' || name === 'time') throw this.wrong(start, this.at, `every call has ${name}`, 'another field, such as has:cost');
    this.endOfTerm();
    return name;
  }

  private valuesOf(field: FieldName): Value[] {
    const { text } = this;
    const expected = expectedOf(fieldOf(field));
    if (text[this.at] !== '(') return [this.value(field, expected)];
    const open = this.at;
    this.at += 1;
    const found: Value[] = [];
    for (;;) {
      this.space();
      if (text[this.at] === ')') throw this.wrong(this.at, this.at + 1, 'a value is missing', expected);
      found.push(this.value(field, expected));
      this.space();
      if (text[this.at] === ')') break;
      if (this.at >= text.length) throw this.wrong(open, this.at, 'the parenthesis is not closed', '")"');
      if (!/^OR(?=[\s"])/.test(text.slice(this.at))) throw this.wrong(this.at, this.at + 1, 'values of a list are joined by OR', 'OR or ")"');
      this.at += 2;
    }
    this.at += 1;
    return found;
  }

  private value(field: FieldName, expected: string): Value {
    const { text } = this;
    const start = this.at;
    this.values += 1;
    if (this.values > bounds.queryTermsMax) throw this.wrong(start, start + 1, 'the query has too many values', `at most ${bounds.queryTermsMax} values`);
    const spec = fieldOf(field);
    const operator = operators.find((one) => text.startsWith(one, start));
    if (spec.kind === 'measure' || (spec.kind === 'code' && (operator !== undefined || isNumberAt(text, start)))) {
      this.at += operator?.length ?? 0;
      const from = this.at;
      const written = /^[^\s"()]*/.exec(text.slice(from))?.[0] ?? '';
      this.at += written.length;
      const amount = spec.kind === 'measure' ? parseMeasure(written, spec.unit) : parseCode(written);
      if (amount === null) throw this.wrong(from, this.at, written === '' ? 'a value is missing' : `"${written}" cannot be compared`, expected);
      if (spec.kind === 'measure' && spec.unit === 'time' && operator === undefined)
        throw this.wrong(start, this.at, 'a moment is compared', `time:>=${written} or time:<${written}`);
      return { kind: 'measure', operator: operator ?? '=', amount };
    }
    if (operator !== undefined) throw this.wrong(start, start + operator.length, `${field} is a word, not a number`, expected);
    const word = this.word(expected);
    if (spec.kind === 'text') return this.textValue(word);
    if (spec.kind === 'body') return this.bodyValue(word);
    if (spec.kind === 'word' && spec.words !== undefined) return this.oneOf(word, spec.words, spec.aliases ?? {}, expected);
    if (spec.kind === 'code' && /^[+-]?\d/.test(word.glob[0] ?? '')) throw this.wrong(word.from, this.at, 'this is no number', 'code:>=500 or code:502');
    return { kind: 'word', glob: word.glob };
  }

  private textValue({ glob, from }: Word): Value {
    if (glob.every((part) => part === '')) throw this.wrong(from, this.at, 'there is no text to look for', 'at least one character');
    return { kind: 'word', glob };
  }

  private bodyValue({ glob, from }: Word): Value {
    // Shorter runs are in every body, and no index knows them.
    if (!isLongEnoughForBodies(glob)) throw this.wrong(from, this.at, 'this is too short to be looked for in bodies', `${bodyRunCharsMin} characters in a row`);
    return { kind: 'word', glob };
  }

  private oneOf({ glob, from }: Word, words: readonly string[], aliases: Readonly<Record<string, string>>, expected: string): Value {
    const [name = ''] = glob;
    if (glob.length > 1) return { kind: 'word', glob };
    const meant = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
    if (words.includes(meant)) return { kind: 'word', glob: [meant] };
    const near = closestWord(name, [...words, ...Object.keys(aliases)]);
    throw this.wrong(from, this.at, `"${name}" is none of the words here${near === null ? '' : `; ${near} is near`}`, expected);
  }

  private word(expected: string): Word {
    const { text } = this;
    const from = this.at;
    if (text[from] === '"') return { glob: [this.quoted()], quoted: true, from };
    const glob: string[] = [''];
    while (this.at < text.length && !ends.test(text[this.at] ?? '')) {
      const character = text[this.at] ?? '';
      this.at += 1;
      if (character === '*') {
        // Two stars are one.
        if (glob.length === 1 || glob.at(-1) !== '') glob.push('');
        continue;
      }
      const literal = character === '\\' ? this.escaped() : character;
      glob[glob.length - 1] += literal;
    }
    if (this.at === from) throw this.wrong(from, Math.min(from + 1, text.length), 'a value is missing', expected);
    return { glob, quoted: false, from };
  }

  private quoted(): string {
    const { text } = this;
    const from = this.at;
    let literal = '';
    for (this.at += 1; this.at < text.length;) {
      const character = text[this.at] ?? '';
      this.at += 1;
      if (character === '"') return literal;
      literal += character === '\\' ? this.escaped() : character;
    }
    throw this.wrong(from, text.length, 'the quotes are not closed', 'a closing "');
  }

  /** The character behind a backslash. */
  private escaped(): string {
    const character = this.text[this.at] ?? '';
    if (!/^[^\p{L}\p{N}]$/u.test(character))
      throw this.wrong(this.at - 1, this.at + character.length, 'a backslash stands before a character that is meant as it is', '\\" or \\* or \\\\');
    this.at += 1;
    return character;
  }

  /** A term ends with a space or the text. */
  private endOfTerm(): void {
    if (this.at < this.text.length && !/\s/.test(this.text[this.at] ?? '')) throw this.wrong(this.at, this.at + 1, 'a term ends before this', 'a space');
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
  }

  private unknownField(name: string, from: number): Fault {
    if (name === '') return this.wrong(from, from + 1, 'a field is missing', fieldExpected);
    const near = closestWord(name, [...fieldNames, hasField]);
    return this.wrong(from, from + name.length, `there is no field "${name}"${near === null ? '' : `; ${near}: is near`}`, fieldExpected);
  }

  private wrong(from: number, to: number, reason: string, expected: string): Fault {
    const column = from + 1;
    return new Fault('query_invalid', { column, reason, expected }, { extra: { column, length: Math.max(1, to - from), expected } });
  }
}

function isField(name: string): name is FieldName {
  return Object.hasOwn(fields, name);
}

function isNumberAt(text: string, at: number): boolean {
  return /^[+-]?\d+(?=[\s()]|$)/.test(text.slice(at));
}

function parseCode(text: string): bigint | null {
  return /^-?\d{1,9}$/.test(text) ? BigInt(text) : null;
}

function expectedOf(spec: FieldSpec): string {
  if (spec.kind === 'measure') return measureForms[spec.unit];
  if (spec.kind === 'code') return 'a code such as mcp_timeout or a number such as 502';
  if (spec.kind === 'word' && spec.words !== undefined) return [...Object.keys(spec.aliases ?? {}), ...spec.words].join(', ');
  return 'a word, text in quotes, or (a OR b)';
}
