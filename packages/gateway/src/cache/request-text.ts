import { membersOf, skipString } from '../kernel/splice-json.ts';

/** A request with one of these is part of a conversation, or begins a task: its answer is for it alone (2026-07-28, MRTR; extension tasks). */
const unkeepable: ReadonlySet<string> = new Set(['inputResponses', 'requestState', 'task']);
const prefix = 'io.modelcontextprotocol/';
/** Members of `_meta` on which no result depends, and the capabilities, which are compared apart. */
const withoutEffect: ReadonlySet<string> = new Set([
  'progressToken',
  'traceparent',
  'tracestate',
  'baggage',
  ...['protocolVersion', 'clientInfo', 'clientCapabilities', 'logLevel'].map((key) => prefix + key),
]);

/**
 * What of `params` (a JSON object) a result can depend on, as text: two requests with the same text ask the same. Values are compared as
 * they are written but for white space, so that none are taken for equal that a server may tell apart. Null for a request whose answer
 * must not be kept.
 */
export function requestText(params: Buffer): string | null {
  const parts: string[] = [];
  for (const { key, start, valueStart, end } of membersOf(params)) {
    if (unkeepable.has(key)) return null;
    if (key === '_meta') {
      const meta = params.subarray(valueStart, end);
      for (const inner of membersOf(meta)) if (!withoutEffect.has(inner.key)) parts.push(`_meta ${compact(meta.subarray(inner.start, inner.end))}`);
    } else {
      parts.push(compact(params.subarray(start, end)));
    }
  }
  return parts.join('\n');
}

/** JSON without the white space between its tokens. */
function compact(json: Buffer): string {
  const parts: string[] = [];
  let from = 0;
  let at = 0;
  while (at < json.length) {
    const byte = json[at];
    if (byte === 0x22) {
      at = skipString(json, at);
    } else if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      parts.push(json.toString('utf8', from, at));
      from = ++at;
    } else {
      at++;
    }
  }
  parts.push(json.toString('utf8', from));
  return parts.join('');
}
