/**
 * Texts inside of texts: what percent, entity and backslash escapes stand for, wide and look-alike forms of characters, characters
 * that nobody sees, and runs of Base64 and hexadecimal digits. Each knows which stretch of the outer text it comes from.
 */

import { isUtf8 } from 'node:buffer';
import { isBase64, matchesOf, may } from './text-traits.ts';

/** A text with, for each of its characters, where in the outer text it begins; one entry more for the end. */
export interface Unwrapped {
  readonly text: string;
  readonly starts: Uint32Array;
}

/** A run of the outer text and what it stands for as a whole. */
export interface EncodedRun {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** No encoding, but the same characters the other way round. */
  readonly isTurned?: true;
}

/** Right-to-left override, and what ends it. */
export const turn = /[\u202e\u202c]/;
const mayUnwrap = /[%&\\+]|[^\x00-\x7f]/; // eslint-disable-line no-control-regex
const step =
  /(?:%[0-9A-Fa-f]{2})+|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});?|\\(?:u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrtbf"'`\\/])|\+|[^\x00-\x7f]/gu; // eslint-disable-line no-control-regex

/** One layer of escapes and forms taken off, or null where there is none. `keepsTurns`: marks that turn the direction stay. */
export function unwrapCharacters(text: string, keepsTurns = false): Unwrapped | null {
  if (!mayUnwrap.test(text)) return null;
  // A plus is a space in forms only.
  const isForm = /[=%]/.test(text);
  const parts: string[] = [];
  const starts: number[] = [];
  let at = 0;
  let changed = false;
  const put = (part: string, start: number): void => {
    parts.push(part);
    for (let index = 0; index < part.length; index++) starts.push(start);
  };
  const copy = (end: number): void => {
    if (end <= at) return;
    parts.push(text.slice(at, end));
    for (let index = at; index < end; index++) starts.push(index);
  };
  for (const { 0: found, index } of text.matchAll(step)) {
    const made = keepsTurns && turn.test(found) ? found : found === '+' ? (isForm ? ' ' : '+') : found.startsWith('%') ? null : plainOf(found);
    if (made === found) continue;
    copy(index);
    at = index + found.length;
    changed = true;
    if (made !== null) put(made, index);
    else {
      const bytes = Buffer.from(found.replaceAll('%', ''), 'hex');
      let byte = 0;
      for (const character of bytes.toString('utf8')) {
        put(character, index + 3 * Math.min(byte, bytes.length - 1));
        byte += Buffer.byteLength(character);
      }
    }
  }
  if (!changed) return null;
  copy(text.length);
  return { text: parts.join(''), starts: Uint32Array.from([...starts, text.length]) };
}

/** Those that a browser shows as a character of ASCII (HTML, named character references). */
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  tab: '\t',
  newline: '\n',
  excl: '!',
  num: '#',
  dollar: '$',
  percnt: '%',
  lpar: '(',
  rpar: ')',
  ast: '*',
  plus: '+',
  comma: ',',
  period: '.',
  sol: '/',
  colon: ':',
  semi: ';',
  equals: '=',
  quest: '?',
  commat: '@',
  lsqb: '[',
  bsol: '\\',
  rsqb: ']',
  lowbar: '_',
  hyphen: '-',
  dash: '-',
  ndash: '-',
  mdash: '-',
  minus: '-',
  shy: '',
  zwj: '',
  zwnj: '',
  lrm: '',
  rlm: '',
};
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
/** Format and joining characters, fillers, variation selectors: none of them is seen. */
const unseen = /\p{Cf}|\u034f|\u115f|\u1160|\u17b4|\u17b5|\p{Variation_Selector}|\u3164|\uffa0/u;

/** What was worked out before, for a text of many wide characters has the same ones again and again. */
const known = new Map<string, string>();
const knownMax = 20_000;

function plainOf(found: string): string {
  let made = known.get(found);
  if (made !== undefined) return made;
  made = workOut(found);
  if (known.size >= knownMax) known.clear();
  known.set(found, made);
  return made;
}

function workOut(found: string): string {
  const first = found.charCodeAt(0);
  if (first === 0x26) return entityOf(found);
  if (first === 0x5c) return escapeOf(found);
  if (unseen.test(found)) return '';
  if (/\p{Nd}/u.test(found)) return String(digitOf(found));
  if (/\p{Pd}/u.test(found) || found === '\u2212') return '-';
  if (/\p{Zs}/u.test(found)) return ' ';
  return found.normalize('NFKC');
}

function entityOf(found: string): string {
  const name = found.slice(1).replace(/;$/, '');
  if (!name.startsWith('#')) return entities[name.toLowerCase()] ?? found;
  return characterOf(/^#[xX]/.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10), found);
}

function escapeOf(found: string): string {
  const hex = /^\\[ux]\{?([0-9A-Fa-f]+)/.exec(found)?.[1];
  if (hex !== undefined) return characterOf(Number.parseInt(hex, 16), found);
  const letter = found.slice(1);
  return escapes[letter] ?? letter;
}

function characterOf(code: number, otherwise: string): string {
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : otherwise;
}

/** Digits of every script stand in tens, the zero first (Unicode, 4.6). */
function digitOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  const wide = character.normalize('NFKC');
  if (/^\d$/.test(wide)) return Number(wide);
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
  return value;
}

/** What a run of Base64 goes on with: lines, and its padding. */
const base64Rest = /(?:\r?\n[A-Za-z0-9+/_-]{2,})*={0,2}/y;
const base64CharsMin = 12;
/** Behind a digit none begins: without that said, the pattern is tried at each digit of each number. */
const hexRun = /(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){8,}/g;
const spacedHexRun = /[0-9A-Fa-f]{2}([ :,-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){5,}\b/g;
const byteRun = /(?:0x[0-9A-Fa-f]{2}[ ,]{1,2}){7,}0x[0-9A-Fa-f]{2}/g;
/** Shown from right to left: written backwards, it reads as if it were not. */
const turnedRun = /\u202e[^\u202c\u202e\u0000]{4,}/g; // eslint-disable-line no-control-regex
/** In a text that begins in the midst of another run, the groups of four lie elsewhere. */
const shifts = [0, 1, 2, 3];

/** Runs of an encoding that stand for text. `traits`: of the text. */
export function decodeRuns(text: string, traits: number): EncodedRun[] {
  const runs: EncodedRun[] = [];
  for (const { run, index } of (traits & may.base64) === 0 ? [] : base64Runs(text)) {
    // Base64 of any text has letters of both cases; most words have not.
    if (!/[A-Z]/.test(run) || !/[a-z]/.test(run)) continue;
    for (const part of run.includes('\n') ? [run, ...run.split(/\r?\n/)] : [run]) {
      const found = decodedBase64(part);
      if (found === '') continue;
      const start = index + (part === run ? 0 : run.indexOf(part));
      runs.push({ start, end: start + part.length, text: found });
    }
  }
  for (const pattern of (traits & may.hex) === 0 ? [] : [hexRun, spacedHexRun, byteRun]) {
    for (const { 0: run, index } of matchesOf(pattern, text)) {
      const digits = run.replaceAll(pattern === byteRun ? /0x|[ ,]/g : /[ :,-]/g, '');
      const decoded = [digits, digits.slice(1)].map((part) => readable(Buffer.from(part.slice(0, part.length & ~1), 'hex'))).find((found) => found !== '');
      if (decoded !== undefined) runs.push({ start: index, end: index + run.length, text: decoded });
    }
  }
  for (const { 0: run, index } of (traits & may.wide) === 0 ? [] : matchesOf(turnedRun, text))
    runs.push({ start: index, end: index + run.length, text: Array.from(run.slice(1)).reverse().join(''), isTurned: true });
  return runs;
}

/** Stretches of twelve characters and more that Base64 may have, with their further lines and their padding. By hand: a pattern takes four times as long. */
function base64Runs(text: string): { run: string; index: number }[] {
  const runs: { run: string; index: number }[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!isBase64(text.charCodeAt(at))) continue;
    const index = at;
    while (isBase64(text.charCodeAt(at))) at++;
    if (at - index < base64CharsMin) continue;
    base64Rest.lastIndex = at;
    base64Rest.exec(text);
    at = base64Rest.lastIndex;
    runs.push({ run: text.slice(index, at), index });
    // What stands here may begin the next one.
    at--;
  }
  return runs;
}

/** Words that look like Base64 and are none: names of members and methods, which come again with every call. */
const words = new Set<string>();
const wordsMax = 10_000;
const wordCharsMax = 64;

function decodedBase64(run: string): string {
  if (words.has(run)) return '';
  for (const shift of shifts) {
    const found = readable(Buffer.from(run.slice(shift), 'base64'));
    if (found !== '') return found;
  }
  if (run.length <= wordCharsMax) {
    if (words.size >= wordsMax) words.clear();
    words.add(run);
  }
  return '';
}

const readableCharsMin = 8;

/** The bytes as text; of bytes that are none, their longer stretches of printable ASCII. Empty where there is nothing of both. */
function readable(bytes: Buffer): string {
  let longest = 0;
  let current = 0;
  let isAscii = true;
  for (const byte of bytes) {
    const isPrintable = (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;
    isAscii &&= isPrintable;
    current = isPrintable ? current + 1 : 0;
    if (current > longest) longest = current;
  }
  if (isAscii) return bytes.length >= readableCharsMin ? bytes.toString('latin1') : '';
  if (bytes.length >= readableCharsMin && isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    if (!/(?![\n\r\t])\p{Cc}/u.test(text)) return text;
  }
  return longest < readableCharsMin ? '' : (bytes.toString('latin1').match(/[\x20-\x7e\n\r\t]{8,}/g) ?? []).join('\n');
}
