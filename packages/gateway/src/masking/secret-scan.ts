import { RE2JS } from 're2js';
import { maskOf, textEnd, type Span } from './masking-rules.ts';
import { secretRules, type SecretRule } from './secret-rules.ts';

/** Looks for the keys and tokens of many services. Patterns are compiled when their words are first met. */
export interface SecretScan {
  /** `check` throws where the time is up. */
  find(text: string, spans: Span[], check: () => void): void;
}

/** What a pattern may need before its word, and after it; a token that goes on is followed to its end. */
const charsBefore = 160;
const charsAfter = 1536;
const tokenRest = /[A-Za-z0-9_~+/=-]*/y;

export function createSecretScan(): SecretScan {
  const words = wordTable();
  const compiled = new Map<string, RE2JS>();

  function patternOf([name, pattern]: SecretRule): RE2JS {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const made = RE2JS.compile(pattern);
    compiled.set(name, made);
    return made;
  }

  return {
    find(text, spans, check) {
      for (const [rule, found] of findWords(text, words)) {
        for (const [start, end] of windows(text, found)) {
          check();
          findIn(rule, patternOf(rule), text, start, end, spans);
        }
      }
    },
  };
}

interface Word {
  readonly text: string;
  readonly rules: readonly SecretRule[];
}

interface WordTable {
  /** Words by their first two characters: one look at each place of a text is enough for all of them. */
  readonly words: ReadonlyMap<number, readonly Word[]>;
  /** Of the same, a bit for each third character that one of them has, by its last three bits; all for a word of two. */
  readonly thirds: Uint8Array;
}

function wordTable(): WordTable {
  const byWord = new Map<string, SecretRule[]>();
  for (const rule of secretRules) for (const word of rule[2]) byWord.set(word, [...(byWord.get(word) ?? []), rule]);
  const words = new Map<number, Word[]>();
  const thirds = new Uint8Array(1 << 14);
  for (const [text, rules] of byWord) {
    const slot = (text.charCodeAt(0) << 7) | text.charCodeAt(1);
    words.set(slot, [...(words.get(slot) ?? []), { text, rules }]);
    thirds[slot] = (thirds[slot] ?? 0) | (text.length === 2 ? 0xff : 1 << (text.charCodeAt(2) & 7));
  }
  return { words, thirds };
}

function findWords(text: string, { words, thirds }: WordTable): Map<SecretRule, number[]> {
  const places = new Map<SecretRule, number[]>();
  let first = 0x80;
  let second = lowerCase(text.charCodeAt(0));
  for (let at = 1; at < text.length; at++) {
    first = second;
    second = lowerCase(text.charCodeAt(at));
    if (first > 0x7f || second > 0x7f) continue;
    const slot = (first << 7) | second;
    const third = thirds[slot] ?? 0;
    if (third === 0 || (third !== 0xff && (third & (1 << (lowerCase(text.charCodeAt(at + 1)) & 7))) === 0)) continue;
    for (const word of words.get(slot) ?? []) {
      if (!standsAt(text, at - 1, word.text)) continue;
      for (const rule of word.rules) {
        const known = places.get(rule);
        if (known === undefined) places.set(rule, [at - 1]);
        else known.push(at - 1);
      }
    }
  }
  return places;
}

function lowerCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

function standsAt(text: string, at: number, word: string): boolean {
  for (let index = 2; index < word.length; index++) if (lowerCase(text.charCodeAt(at + index)) !== word.charCodeAt(index)) return false;
  return true;
}

function findIn([rule, , , entropyBitsMin]: SecretRule, pattern: RE2JS, text: string, start: number, end: number, spans: Span[]): void {
  const matcher = pattern.matcher(text.slice(start, end));
  while (matcher.find()) {
    const group = matcher.groupCount() > 0 ? firstGroup(matcher) : 0;
    const secretStart = start + matcher.start(group);
    let secretEnd = start + matcher.end(group);
    if (secretEnd <= secretStart) continue;
    if (entropyBitsMin > 0 && entropyBits(text.slice(secretStart, secretEnd)) < entropyBitsMin) continue;
    if (secretEnd >= end - 1 && end < text.length) {
      tokenRest.lastIndex = secretEnd;
      secretEnd += tokenRest.exec(text)?.[0].length ?? 0;
    }
    spans.push({ start: secretStart, end: secretEnd, rule, kind: 'credential', mask: maskOf(rule) });
  }
}

/** The first group that took part: what of the match is the secret. */
function firstGroup(matcher: ReturnType<RE2JS['matcher']>): number {
  for (let group = 1; group <= matcher.groupCount(); group++) if (matcher.start(group) >= 0) return group;
  return 0;
}

/** The stretches of the text that hold these places with what may belong to them, joined where they touch; none goes on into another text. */
function windows(text: string, places: readonly number[]): (readonly [start: number, end: number])[] {
  const merged: [number, number][] = [];
  for (const place of places.toSorted((a, b) => a - b)) {
    const earliest = Math.max(0, place - charsBefore);
    const start = earliest + text.slice(earliest, place).lastIndexOf(textEnd) + 1;
    const after = text.slice(place, place + charsAfter);
    const next = after.indexOf(textEnd);
    const end = place + (next < 0 ? after.length : next);
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** Shannon's, of a character. */
function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
