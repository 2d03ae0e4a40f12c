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

/** Where a container stands: the message itself, its `params`, `_meta` and what is inside it, or anywhere else. */
const rootRegion = 0;
const paramsRegion = 1;
const metaRegion = 2;
const otherRegion = 3;
/** Beside the region: it is an object. */
const objectFlag = 4;
const regionOf = 3;

/**
 * Of the containers that are open, outermost first: their region, the common keys seen in each as bits, and its other keys. One for all
 * scans, for a scan does not wait: fresh arrays for each message cost more than looking at its bytes.
 */
const containers = new Uint8Array(bounds.jsonDepthMax);
const commonSeen = new Uint32Array(bounds.jsonDepthMax);
const othersSeen: (Set<string> | null)[] = Array.from({ length: bounds.jsonDepthMax }, () => null);

/** Keys that messages have again and again are found by their bytes, without making a string; at most 32. */
const commonKeys: readonly string[] = [
  'jsonrpc',
  'id',
  'method',
  'params',
  'name',
  'arguments',
  'uri',
  'cursor',
  'protocolVersion',
  'capabilities',
  'clientInfo',
  '_meta',
  'progressToken',
  'traceparent',
  'tracestate',
  'io.modelcontextprotocol/protocolVersion',
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/clientCapabilities',
];
/** Their numbers by length and last byte. */
const commonByShape = new Map<number, readonly number[]>();
for (const [number, key] of commonKeys.entries()) {
  const shape = shapeOf(key.length, key.charCodeAt(key.length - 1));
  commonByShape.set(shape, [...(commonByShape.get(shape) ?? []), number]);
}

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
      const region = (containers[depth - 1] ?? 0) & regionOf;
      if (expectKey) {
        expectKey = false;
        if (region === otherRegion) continue;
        const common = escaped ? -1 : commonKeyAt(body, start, end);
        key = commonKeys[common] ?? (escaped ? decodeKey(body, start, end) : body.toString('utf8', start, end));
        fault ??= see(key, common, depth - 1);
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
      const parent = depth === 0 ? null : (containers[depth - 1] ?? 0) & regionOf;
      let region = otherRegion;
      if (object) {
        if (depth === 0) region = rootRegion;
        else if (parent === rootRegion && key === 'params' && depth === 1) region = paramsRegion;
        else if ((parent === paramsRegion && key === '_meta') || parent === metaRegion) region = metaRegion;
      }
      containers[depth] = object ? region | objectFlag : region;
      commonSeen[depth] = 0;
      othersSeen[depth] = null;
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
      expectKey = depth > 0 && ((containers[depth - 1] ?? 0) & objectFlag) !== 0;
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
const noNumbers: readonly number[] = [];
/** Keys of one envelope object; the specification's own objects have fewer than twenty. */
const envelopeKeysMax = 512;

/** The number of the common key that is written there without escapes; -1 where it is none. */
function commonKeyAt(body: Buffer, start: number, end: number): number {
  const length = end - start;
  for (const number of commonByShape.get(shapeOf(length, body[end - 1] ?? 0)) ?? noNumbers) {
    const key = commonKeys[number] ?? '';
    let same = 0;
    while (same < length && body[start + same] === key.charCodeAt(same)) same++;
    if (same === length) return number;
  }
  return -1;
}

function shapeOf(length: number, lastByte: number): number {
  return length * 256 + lastByte;
}

/** Notes a key of an envelope object; what is wrong with it, or null. Faults: `invalid_request`. */
function see(key: string, common: number, level: number): string | null {
  if (common >= 0) {
    const seen = commonSeen[level] ?? 0;
    commonSeen[level] = seen | (1 << common);
    // The same key may stand there with escapes.
    return (seen & (1 << common)) !== 0 || othersSeen[level]?.has(key) === true ? twice(key) : null;
  }
  const others = (othersSeen[level] ??= new Set());
  const number = commonKeys.indexOf(key);
  if (others.has(key) || (number >= 0 && ((commonSeen[level] ?? 0) & (1 << number)) !== 0)) return twice(key);
  others.add(key);
  if (others.size > envelopeKeysMax) throw new Fault('invalid_request', { reason: `an object of the envelope has more than ${envelopeKeysMax} keys` });
  return pollutingKeys.has(key) ? `the key "${key}" is not allowed here` : null;
}

function twice(key: string): string {
  return `the key "${key.slice(0, 60)}" occurs twice`;
}

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
