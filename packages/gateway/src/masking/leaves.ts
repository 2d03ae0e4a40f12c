import { readJsonTexts } from './json-texts.ts';
import type { Span } from './masking-rules.ts';

/** One text of a call's bodies: the smallest thing that is looked at and masked. */
export interface Leaf {
  /** Index of the body that it is in. */
  readonly part: number;
  readonly kind: 'string' | 'number' | 'name' | 'text';
  readonly value: string;
  /** The text that it is written in, as JSON; null where that is the body itself. */
  readonly parent: Leaf | null;
  /** Where it is written: in the parent's value, or in the body. */
  readonly start: number;
  readonly end: number;
  readonly path: readonly string[];
  /** The path by which rules know it: JSON in a text block of a result is the twin of its `structuredContent` (MCP, tools). */
  readonly rulePath: readonly string[];
  /** How many texts it is inside of. */
  readonly depth: number;
  /** Its value is JSON, of which the texts are leaves too. */
  isNested: boolean;
  /** Found in the value, in any order. */
  readonly spans: Span[];
}

export interface BodyPart {
  /** `request`, `response`, `request headers`. */
  readonly name: string;
  readonly text: string;
  /** `headers`: lines of a name, a colon and a value. */
  readonly form: 'json' | 'events' | 'text' | 'headers';
  /** Only the beginning of the body is at hand. */
  readonly isCut: boolean;
}

/** JSON inside of JSON is read to this depth; below it is looked at as text. */
const nestedDepthMax = 3;

/** Every text of a body, each nested one behind the one that it is in. */
export function readLeaves(body: BodyPart, part: number): Leaf[] {
  const leaves: Leaf[] = [];
  if (body.form === 'json' && addJson(body.text, null, 0, body.isCut, [], [])) return leaves;
  if (body.form === 'events') readEvents();
  else if (body.form === 'headers') readHeaders();
  else addText('text', body.text, 0, []);
  return leaves;

  function addText(kind: 'string' | 'text', value: string, start: number, path: readonly string[]): void {
    const leaf: Leaf = {
      part,
      kind: 'text',
      value,
      parent: null,
      start,
      end: start + value.length,
      path,
      rulePath: path,
      depth: 0,
      isNested: false,
      spans: [],
    };
    leaves.push(leaf);
    if (kind === 'text') nest(leaf, body.isCut);
  }

  /** False where the text is no JSON. `offset` is where it begins in what it is written in. */
  function addJson(json: string, parent: Leaf | null, offset: number, isCut: boolean, path: readonly string[], rulePath: readonly string[]): boolean {
    const texts = readJsonTexts(json, isCut);
    if (texts === null) return false;
    for (const { kind, value, start, end, path: inside } of texts) {
      const leaf: Leaf = {
        part,
        kind,
        value,
        parent,
        start: offset + start,
        end: offset + end,
        path: [...path, ...inside],
        rulePath: [...rulePath, ...inside],
        depth: parent === null ? 0 : parent.depth + 1,
        isNested: false,
        spans: [],
      };
      leaves.push(leaf);
      if (kind === 'string') nest(leaf, isCut && end >= json.length);
    }
    return true;
  }

  function nest(leaf: Leaf, isCut: boolean): void {
    if (leaf.depth >= nestedDepthMax || !/^\s*[[{]/.test(leaf.value)) return;
    leaf.isNested = addJson(leaf.value, leaf, 0, isCut, leaf.path, twinPath(leaf.rulePath));
  }

  function readEvents(): void {
    const line = /[^\r\n]+/g;
    for (const { 0: text, index } of body.text.matchAll(line)) {
      const [head = '', value = ''] = /^(?:data: ?|)(.*)$/s.exec(text) ?? [];
      const start = index + head.length - value.length;
      const isLast = body.isCut && index + text.length >= body.text.length;
      if (!/^\s*[[{]/.test(value) || !addJson(value, null, start, isLast, [], [])) addText('string', value, start, []);
    }
  }

  function readHeaders(): void {
    for (const { 0: text, index } of body.text.matchAll(/[^\n]+/g)) {
      const colon = text.indexOf(':');
      const start = colon + 1 + (text.charAt(colon + 1) === ' ' ? 1 : 0);
      addText('string', text.slice(start), index + start, colon < 0 ? [] : [text.slice(0, colon)]);
    }
  }
}

function twinPath(path: readonly string[]): readonly string[] {
  return path.at(-1) === 'text' && path.at(-3) === 'content' ? [...path.slice(0, -3), 'structuredContent'] : path;
}

/** Events whose JSON is written on several `data:` lines have it on one; nothing else is changed. */
export function foldEvents(text: string): string {
  return text.replaceAll(/(?:^data:[^\r\n]*(?:\r\n|\n|\r)){2,}/gm, (lines) => {
    const data = [...lines.matchAll(/^data: ?([^\r\n]*)/gm)].map((match) => match[1] ?? '').join(' ');
    return readJsonTexts(data, false) === null ? lines : `data: ${data}\n`;
  });
}

/** The text of a body with what was found in it masked. */
export function writeMasked(text: string, leaves: readonly Leaf[]): string {
  const edits = new Map<Leaf | null, Edit[]>();
  const editsOf = (leaf: Leaf | null): Edit[] => {
    const known = edits.get(leaf) ?? [];
    edits.set(leaf, known);
    return known;
  };
  // A nested text stands behind the one that it is in: from the end, each is whole before it is written into its outer one.
  for (const leaf of leaves.toReversed()) {
    const value = apply(leaf.value, [...leaf.spans.map(({ start, end, mask }) => ({ start, end, text: mask, own: true })), ...editsOf(leaf)]);
    if (value === leaf.value) continue;
    editsOf(leaf.parent).push({ start: leaf.start, end: leaf.end, text: leaf.kind === 'text' ? value : JSON.stringify(value), own: false });
  }
  return apply(text, editsOf(null));
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Found in this text itself, not in one nested in it. */
  readonly own: boolean;
}

/** Edits that overlap become one, which hides all that any of them hides. */
function apply(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text;
  const merged: Edit[] = [];
  for (const edit of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last === undefined || edit.start >= last.end) merged.push(edit);
    else
      merged[merged.length - 1] = {
        start: last.start,
        end: Math.max(last.end, edit.end),
        text: last.own || !edit.own ? last.text : edit.text,
        own: last.own || edit.own,
      };
  }
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text: mask } of merged) {
    parts.push(text.slice(at, start), mask);
    at = end;
  }
  parts.push(text.slice(at));
  return parts.join('');
}
