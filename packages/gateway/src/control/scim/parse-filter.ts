import { bounds } from '../../kernel/bounds.ts';
import { ScimRefusal, type ScimType } from './scim-refusal.ts';

export const comparisons = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
export type Comparison = (typeof comparisons)[number];
export type ComparedValue = string | number | boolean | null;

/** An attribute as a client names it (RFC 7644 section 3.10). */
export interface AttributePath {
  /** The schema that it is said to be of; null: none is. */
  readonly urn: string | null;
  readonly name: string;
  readonly sub: string | null;
}

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'present'; readonly path: AttributePath }
  | { readonly kind: 'compare'; readonly path: AttributePath; readonly operator: Comparison; readonly value: ComparedValue }
  /** One of the values of the attribute fits. */
  | { readonly kind: 'values'; readonly path: AttributePath; readonly filter: Filter };

/** What an operation of PATCH is about. */
export interface PatchPath {
  readonly path: AttributePath;
  /** Of the values of the attribute those that fit; null: all. */
  readonly filter: Filter | null;
}

/** A filter (RFC 7644 section 3.4.2.2), bounded in length, depth and terms. Refusals: `invalidFilter`. */
export function parseFilter(text: string): Filter {
  const reader = new FilterReader(text, 'invalidFilter');
  const filter = reader.readOr(0);
  reader.requireEnd();
  return filter;
}

/** A path of PATCH (RFC 7644 section 3.5.2). Refusals: `invalidPath`. */
export function parsePath(text: string): PatchPath {
  const reader = new FilterReader(text, 'invalidPath');
  const path = reader.readPath();
  const filter = reader.readValueFilter(path, 0);
  const sub = filter === null ? null : reader.readSub();
  reader.requireEnd();
  return { path: sub === null ? path : { ...path, sub }, filter };
}

const nameForm = /[A-Za-z$][A-Za-z0-9_-]*/y;
const urnForm = /urn:[A-Za-z0-9_.:-]+:(?=[A-Za-z$])/iy;
const wordForm = /[A-Za-z]+/y;
const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const stringForm = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const spaceForm = / */y;

/** Goes from left to right, and never back but where a URN turns out to have no attribute behind it. */
class FilterReader {
  readonly #text: string;
  readonly #scimType: ScimType;
  #at = 0;
  #terms = 0;

  constructor(text: string, scimType: ScimType) {
    this.#text = text;
    this.#scimType = scimType;
    if (text.length > bounds.scimFilterCharsMax) throw new ScimRefusal(400, scimType, `it is longer than ${bounds.scimFilterCharsMax} characters`);
    this.#skip();
  }

  readOr(depth: number): Filter {
    return this.#readList('or', () => this.#readList('and', () => this.#readTerm(depth)));
  }

  readPath(): AttributePath {
    const urn = this.#take(urnForm);
    const name = this.#take(nameForm);
    if (name === null) throw this.#refused('the name of an attribute');
    return { urn: urn === null ? null : urn.slice(0, -1), name, sub: this.readSub() };
  }

  readSub(): string | null {
    if (this.#text[this.#at] !== '.') return null;
    this.#at += 1;
    const sub = this.#take(nameForm);
    if (sub === null) throw this.#refused('the name of a sub-attribute');
    return sub;
  }

  /** `[filter]` behind a path. */
  readValueFilter(path: AttributePath, depth: number): Filter | null {
    if (this.#text[this.#at] !== '[') return null;
    if (path.sub !== null) throw this.#refused('no filter of a sub-attribute');
    this.#open(depth);
    const filter = this.readOr(depth + 1);
    this.#close(']');
    return filter;
  }

  requireEnd(): void {
    this.#skip();
    if (this.#at < this.#text.length) throw this.#refused('the end');
  }

  #readList(word: 'and' | 'or', read: () => Filter): Filter {
    const filters = [read()];
    while (this.#takeWord(word)) filters.push(read());
    const [only] = filters;
    return filters.length === 1 && only !== undefined ? only : { kind: word, filters };
  }

  #readTerm(depth: number): Filter {
    this.#terms += 1;
    if (this.#terms > bounds.scimFilterTermsMax) throw new ScimRefusal(400, this.#scimType, `it has more than ${bounds.scimFilterTermsMax} terms`);
    this.#skip();
    if (this.#text[this.#at] === '(') return this.#readGroup(depth);
    const start = this.#at;
    if (this.#takeWord('not')) {
      this.#skip();
      if (this.#text[this.#at] === '(') return { kind: 'not', filter: this.#readGroup(depth) };
      this.#at = start;
    }
    const path = this.readPath();
    const inner = this.readValueFilter(path, depth);
    if (inner === null) return this.#readComparison(path);
    const sub = this.readSub();
    if (sub === null) return { kind: 'values', path, filter: inner };
    // Not in the grammar, but what clients write: a value that fits, and of it this.
    const own = this.#readComparison({ urn: null, name: sub, sub: null });
    return { kind: 'values', path, filter: { kind: 'and', filters: [inner, own] } };
  }

  #readGroup(depth: number): Filter {
    this.#open(depth);
    const filter = this.readOr(depth + 1);
    this.#close(')');
    return filter;
  }

  #readComparison(path: AttributePath): Filter {
    this.#skip();
    const operator = this.#take(wordForm)?.toLowerCase();
    if (operator === 'pr') return { kind: 'present', path };
    const known = comparisons.find((one) => one === operator);
    if (known === undefined) throw this.#refused(`an operator: pr ${comparisons.join(' ')}`);
    this.#skip();
    return { kind: 'compare', path, operator: known, value: this.#readValue() };
  }

  #readValue(): ComparedValue {
    const string = this.#take(stringForm);
    if (string !== null) return JSON.parse(string) as string;
    const number = this.#take(numberForm);
    if (number !== null) return Number(number);
    const start = this.#at;
    const word = this.#take(wordForm)?.toLowerCase();
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    this.#at = start;
    throw this.#refused('a value: a text in double quotes, a number, true, false or null');
  }

  #open(depth: number): void {
    if (depth >= bounds.scimFilterDepthMax) throw new ScimRefusal(400, this.#scimType, `it is nested deeper than ${bounds.scimFilterDepthMax}`);
    this.#at += 1;
  }

  #close(bracket: string): void {
    this.#skip();
    if (this.#text[this.#at] !== bracket) throw this.#refused(`"${bracket}"`);
    this.#at += 1;
  }

  /** A word in any letter case, where it is one and not the beginning of a longer one. */
  #takeWord(word: string): boolean {
    const start = this.#at;
    this.#skip();
    if (this.#take(nameForm)?.toLowerCase() === word) return true;
    this.#at = start;
    return false;
  }

  #take(form: RegExp): string | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return found;
  }

  #skip(): void {
    this.#take(spaceForm);
  }

  #refused(wanted: string): ScimRefusal {
    return new ScimRefusal(400, this.#scimType, `at character ${this.#at + 1} ${wanted} must stand`);
  }
}
