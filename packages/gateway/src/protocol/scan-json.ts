/**
 * protocol: which MCP message is this? Eras, classification, header rules, SSE framing. Pure: imports `kernel/` only,
 * does no I/O, keeps no state between calls.
 */
import { isUtf8 } from 'node:buffer';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { backslash, closeBrace, closeBracket, colon, comma, openBrace, openBracket, quote } from './json-bytes.ts';

/** A half-open range of bytes; `end` 0 means absent. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What one pass over the bytes of a JSON document finds before any object is built. */
export interface ScannedJson {
  /** The document as `JSON.parse` gives it. */
  readonly value: unknown;
  /** Raw values of the members of a top-level object, by key. Only keys asked for. */
  readonly members: Readonly<Record<string, Span>>;
  /** The 55 bytes of `params._meta.traceparent` inside its quotes, where the body carries one. */
  readonly traceparent: Span | null;
}

const pollutingKeys = new Set(['__proto__', 'constructor', 'prototype']);
const noMembers: Readonly<Record<string, Span>> = {};

/** Where an object stands: the message itself, its `params`, `_meta` and what is inside it, or anywhere else. */
type Region = 0 | 1 | 2 | 3;
const rootRegion = 0;
const paramsRegion = 1;
const metaRegion = 2;
const otherRegion = 3;

/**
 * Reads one JSON document of at most `bounds.bodyBytesMax` bytes: UTF-8 without BOM, at most `bounds.jsonDepthMax` levels, no duplicate
 * or prototype-polluting key in the JSON-RPC envelope, `params` or `_meta` (RFC 8259 section 4 leaves duplicates undefined,
 * so two readers could disagree on what was authorised). Below `arguments` nothing is judged: those bytes are data.
 * `wanted` names the top-level members whose raw bytes the caller needs.
 *
 * Faults: `parse_error`, `invalid_request`.
 */
export function scanJson(body: Buffer, wanted: readonly string[] = noWanted): ScannedJson {
  if (!isUtf8(body)) throw new Fault('parse_error', { reason: 'it is not UTF-8' });
  if (body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf)
    throw new Fault('parse_error', { reason: 'it begins with a byte order mark' });

  const depthMax = bounds.jsonDepthMax;
  let depth = 0;
  // Per open container: is it an object, which region of the envelope it is, the keys seen (regions other than `other` only).
  const isObject: boolean[] = [];
  const regions: Region[] = [];
  const keysSeen: (string[] | null)[] = [];
  let expectKey = false;
  let key = '';
  let fault: string | null = null;
  let members: Record<string, Span> | null = null;
  let memberStart = -1;
  let memberName = '';
  let traceparent: Span | null = null;
  let at = 0;
  const length = body.length;

  while (at < length) {
    const byte = body[at];
    if (byte === quote) {
      const start = at + 1;
      let end = start;
      let escaped = false;
      for (;;) {
        const inner = body[end];
        if (inner === quote || inner === undefined) break;
        if (inner === backslash) {
          escaped = true;
          end++;
        }
        end++;
      }
      at = end + 1;
      if (depth === 0) continue;
      const region = regions[depth - 1];
      if (expectKey) {
        expectKey = false;
        if (region === otherRegion) continue;
        key = escaped ? decodeKey(body, start, end) : body.toString('utf8', start, end);
        const seen = keysSeen[depth - 1];
        if (seen) {
          if (seen.includes(key)) fault ??= `the key "${key.slice(0, 60)}" occurs twice`;
          else if (pollutingKeys.has(key)) fault ??= `the key "${key}" is not allowed here`;
          seen.push(key);
          if (seen.length > envelopeKeysMax) throw new Fault('invalid_request', { reason: `an object of the envelope has more than ${envelopeKeysMax} keys` });
        }
        if (depth === 1 && wanted.includes(key)) {
          memberName = key;
          memberStart = at;
        }
      } else if (region === metaRegion && key === 'traceparent' && depth === 3 && !escaped) {
        traceparent = { start, end };
      }
      continue;
    }
    at++;
    if (byte === openBrace || byte === openBracket) {
      if (depth === depthMax) throw new Fault('invalid_request', { reason: `it is nested deeper than ${depthMax} levels` });
      const object = byte === openBrace;
      const parent = depth === 0 ? null : regions[depth - 1];
      let region: Region = otherRegion;
      if (object) {
        if (depth === 0) region = rootRegion;
        else if (parent === rootRegion && key === 'params' && depth === 1) region = paramsRegion;
        else if ((parent === paramsRegion && key === '_meta') || parent === metaRegion) region = metaRegion;
      }
      isObject[depth] = object;
      regions[depth] = region;
      keysSeen[depth] = region === otherRegion ? null : [];
      depth++;
      expectKey = object;
      key = '';
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 1 && memberStart >= 0) {
        members = withMember(members, body, memberName, memberStart, at - 1);
        memberStart = -1;
      }
      if (depth > 0) depth--;
      expectKey = false;
    } else if (byte === comma) {
      if (depth === 1 && memberStart >= 0) {
        members = withMember(members, body, memberName, memberStart, at - 1);
        memberStart = -1;
      }
      expectKey = depth > 0 && isObject[depth - 1] === true;
    }
  }

  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Fault('parse_error', { reason: 'it is not one complete JSON document' });
  }
  if (fault !== null) throw new Fault('invalid_request', { reason: fault });
  return { value, members: members ?? noMembers, traceparent };
}

const noWanted: readonly string[] = [];
/** Keys of one envelope object; the specification's own objects have fewer than twenty. */
const envelopeKeysMax = 512;

/** The value's bytes without the colon and the white space around it. */
function withMember(members: Record<string, Span> | null, body: Buffer, name: string, from: number, to: number): Record<string, Span> {
  let start = from;
  let end = to;
  while (start < end && (body[start] === colon || isSpace(body[start]))) start++;
  while (end > start && isSpace(body[end - 1])) end--;
  const grown = members ?? {};
  grown[name] = { start, end };
  return grown;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function decodeKey(body: Buffer, start: number, end: number): string {
  try {
    return JSON.parse(body.toString('utf8', start - 1, end + 1)) as string;
  } catch {
    return body.toString('utf8', start, end);
  }
}
