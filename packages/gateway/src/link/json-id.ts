import { findValues } from '../kernel/splice-json.ts';

/**
 * A table key for the id at `path` of a JSON text: tells `1` from `"1"` and keeps integers above 2^53 apart. Empty where it is neither a
 * string nor an integer (JSON-RPC as MCP narrows it).
 */
export function textKey(value: unknown, json: Buffer | string, path: readonly string[]): string {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value !== 'number' || !Number.isInteger(value)) return '';
  return Number.isSafeInteger(value) ? `n${value}` : `r${rawMember(typeof json === 'string' ? Buffer.from(json) : json, path) ?? value}`;
}

/** JSON text of the value at `path`; of several of that name the last, as JSON.parse takes it. */
export function rawMember(json: Buffer, path: readonly string[]): string | null {
  const found = findValues(json, [path]).at(-1);
  return found === undefined ? null : json.toString('utf8', found.start, found.end);
}
