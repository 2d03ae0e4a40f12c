import { textEnd, maskOf, type Span } from './masking-rules.ts';
import type { Leaf } from './leaves.ts';
import { may, traitsOf } from './text-traits.ts';
import { decodeRuns, turn, unwrapCharacters } from './unwrap.ts';

/** A text that is looked at: a leaf, what a leaf stands for once an encoding is taken off, or several leaves as one. */
interface Piece {
  readonly text: string;
  /** Where a stretch of it lies in leaves. */
  readonly locate: (start: number, end: number) => readonly Place[];
  /** Made of several leaves: only what none of them holds alone counts. */
  readonly isJoin: boolean;
}

interface Place {
  readonly leaf: Leaf;
  readonly start: number;
  readonly end: number;
}

/** Encodings inside of encodings are taken off so often; a run that then still stands for text is masked as it is. */
const layersMax = 3;
const separator = `\n${textEnd}\n`;

/** Finds in every leaf what `find` finds in a text (of these traits), whatever it is wrapped in, and puts it there. `check` throws where the time is up. */
export function findSpans(leaves: readonly Leaf[], fieldCharsMax: number, find: (text: string, traits: number) => readonly Span[], check: () => void): void {
  let pieces = [...leafPieces(leaves, fieldCharsMax), ...joinedPieces(leaves)];
  for (let layer = 0; pieces.length > 0; layer++) {
    const { text, starts } = joined(pieces);
    const traits = traitsOf(text);
    for (const span of find(text, traits)) put(pieces, starts, span);
    check();
    const inner: Piece[] = [];
    for (const run of decodeRuns(text, traits)) {
      if (layer === layersMax && run.isTurned) continue;
      if (layer === layersMax) put(pieces, starts, { start: run.start, end: run.end, rule: 'encoded', kind: 'encoded', mask: maskOf('encoded') });
      else for (const { piece, start, end } of stretches(pieces, starts, run)) inner.push(wholePiece(piece, start, end, run.text));
    }
    check();
    if (layer < layersMax && (traits & may.escape) !== 0) {
      for (const piece of pieces) {
        for (const keepsTurns of turn.test(piece.text) ? [false, true] : [false]) {
          const unwrapped = unwrapCharacters(piece.text, keepsTurns);
          if (unwrapped === null) continue;
          const { text: plain, starts: from } = unwrapped;
          inner.push({ text: plain, isJoin: piece.isJoin, locate: (start, end) => piece.locate(from[start] ?? 0, from[end] ?? 0) });
          check();
        }
      }
    }
    pieces = inner;
  }
}

/** Any stretch of what a run stands for is the whole run. */
function wholePiece(outer: Piece, start: number, end: number, text: string): Piece {
  const places = outer.locate(start, end);
  return { text, isJoin: outer.isJoin, locate: () => places };
}

function joined(pieces: readonly Piece[]): { text: string; starts: number[] } {
  const starts: number[] = [];
  let at = 0;
  for (const { text } of pieces) {
    starts.push(at);
    at += text.length + separator.length;
  }
  return { text: pieces.map(({ text }) => text).join(separator), starts };
}

function put(pieces: readonly Piece[], starts: readonly number[], span: Span): void {
  for (const { piece, start, end } of stretches(pieces, starts, span)) {
    const places = piece.locate(start, end);
    if (piece.isJoin && places.length < 2) continue;
    for (const [index, place] of places.entries())
      // The last four digits of a card stand where it ends.
      place.leaf.spans.push({ ...span, start: place.start, end: place.end, mask: index === places.length - 1 ? span.mask : maskOf(span.rule) });
  }
}

/** The parts of pieces that a stretch of the joined text covers, each in its piece. */
function stretches(
  pieces: readonly Piece[],
  starts: readonly number[],
  { start, end }: { readonly start: number; readonly end: number },
): { piece: Piece; start: number; end: number }[] {
  const found: { piece: Piece; start: number; end: number }[] = [];
  for (let index = lastAtOrBefore(starts, start); index < pieces.length && (starts[index] ?? 0) < end; index++) {
    const piece = pieces[index];
    const from = starts[index] ?? 0;
    if (piece === undefined) break;
    const stretch = { piece, start: Math.max(0, start - from), end: Math.min(piece.text.length, end - from) };
    if (stretch.start < stretch.end) found.push(stretch);
  }
  return found;
}

function lastAtOrBefore(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

function leafPieces(leaves: readonly Leaf[], fieldCharsMax: number): Piece[] {
  return leaves
    .filter((leaf) => !leaf.isNested && leaf.value !== '' && !isWholly(leaf))
    .map((leaf) => ({
      text: leaf.value.length > fieldCharsMax ? leaf.value.slice(0, fieldCharsMax) : leaf.value,
      isJoin: false,
      locate: (start, end) => [{ leaf, start, end }],
    }));
}

/** Masked already, all of it. */
function isWholly({ spans, value }: Leaf): boolean {
  return spans.some(({ start, end }) => start === 0 && end === value.length);
}

/** Members in which streams and content blocks carry a text in parts. */
const carriers = new Set([
  'text',
  'data',
  'content',
  'delta',
  'value',
  'message',
  'chunk',
  'blob',
  'body',
  'output',
  'input',
  'arguments',
  'partial_json',
  'result',
]);
/** A name in which a secret could begin whose rest is the value. */
const mayBeginSecret = /\d|[A-Z]{3}|[_-]$/;

/** Leaves that may be parts of one text: what carries text under the same name, items of one list, lines without a name, a name with its value. */
function joinedPieces(leaves: readonly Leaf[]): Piece[] {
  const groups = new Map<string, Leaf[]>();
  const joins: Leaf[][] = [];
  for (const [index, leaf] of leaves.entries()) {
    if (leaf.value === '') continue;
    if (leaf.kind === 'name') {
      const next = leaves[index + 1];
      if (next?.kind === 'string' && mayBeginSecret.test(leaf.value)) joins.push([leaf, next]);
      continue;
    }
    const key = groupOf(leaf);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [leaf]);
    else group.push(leaf);
  }
  return [...groups.values(), ...joins].filter((group) => group.length > 1).map(joinOf);
}

function groupOf({ part, path, parent }: Leaf): string {
  const last = path.at(-1) ?? '';
  if (carriers.has(last)) return `${part} ${last}`;
  let key = `${part} ${parent === null ? '' : 'in '}`;
  for (const step of path) key += isIndex(step) ? '/*' : `/${step}`;
  return key;
}

function isIndex(step: string): boolean {
  for (let at = 0; at < step.length; at++) {
    const code = step.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  return step !== '';
}

function joinOf(group: readonly Leaf[]): Piece {
  const starts: number[] = [];
  let at = 0;
  for (const { value } of group) {
    starts.push(at);
    at += value.length;
  }
  return {
    text: group.map(({ value }) => value).join(''),
    isJoin: true,
    locate(start, end) {
      const places: Place[] = [];
      for (let index = lastAtOrBefore(starts, start); index < group.length && (starts[index] ?? 0) < end; index++) {
        const leaf = group[index];
        const from = starts[index] ?? 0;
        if (leaf !== undefined && leaf.value !== '') places.push({ leaf, start: Math.max(0, start - from), end: Math.min(leaf.value.length, end - from) });
      }
      return places.filter((place) => place.start < place.end);
    },
  };
}
