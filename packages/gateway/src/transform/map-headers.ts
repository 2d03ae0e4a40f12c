import { Fault } from '../kernel/fault.ts';
import type { Transforms } from '../snapshot/compile-transforms.ts';

/**
 * The headers that rules pass on, flat: those of `rawHeaders` (name, value, name, value) that an entry for this tool names, under the
 * server's name for them. `tool` is null for a message that names no tool. `onApplied` gets the name of each rule.
 * Faults: `invalid_request` where a caller sends one of them twice.
 */
export function mapHeaders({ entries }: Transforms, tool: string | null, rawHeaders: readonly string[], onApplied: (name: string) => void): string[] {
  const out: string[] = [];
  for (const entry of entries) {
    if (entry.headers.length === 0 || !entry.holdsFor(tool)) continue;
    for (const { from, to, name } of entry.headers) {
      const value = headerOf(rawHeaders, from);
      if (value === null) continue;
      out.push(to.toLowerCase(), value);
      onApplied(name);
    }
  }
  return out;
}

function headerOf(rawHeaders: readonly string[], name: string): string | null {
  const wanted = name.toLowerCase();
  let found: string | null = null;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== wanted) continue;
    if (found !== null) throw new Fault('invalid_request', { reason: `the header ${name} occurs twice` });
    found = rawHeaders[index + 1] ?? '';
  }
  return found;
}
