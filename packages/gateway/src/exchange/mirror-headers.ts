import type { Transform } from '../snapshot/compile-transforms.ts';
import { decodeHeaderValue, encodeHeaderValue } from '../protocol/header-value.ts';

const prefix = 'mcp-param-';

/**
 * `Mcp-Param-*` headers (2026-07-28, streamable HTTP: each mirrors one argument) after rules have changed the arguments. A header whose
 * argument changed is written anew, or left out where the argument is gone or null. Which argument a header mirrors only the tool's
 * schema says: it is the one that had the header's value, by name where several had. `mirrors` of the entries says it for arguments
 * that rules have added.
 */
export function mirrorHeaders(headers: readonly string[], before: unknown, after: unknown, entries: readonly Transform[]): string[] {
  const out: string[] = [];
  const declared = new Map(entries.flatMap(({ mirrors }) => mirrors.map(({ path, header }) => [header.toLowerCase(), { path, header }] as const)));
  let places: { readonly path: readonly string[]; readonly text: string }[] | null = null;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const value = headers[index + 1] ?? '';
    if (declared.has(name.toLowerCase())) continue;
    places ??= scalarsOf(before);
    const source = sourceOf(name, decodeHeaderValue(value), places);
    const text = source === null ? null : movedText(source, before, after, entries);
    if (source === null || text === source.text) out.push(name, value);
    else if (text !== null) out.push(name, encodeHeaderValue(text));
  }
  for (const { path, header } of declared.values()) {
    const text = textAt(after, path);
    if (text !== null) out.push(header, encodeHeaderValue(text));
  }
  return out;
}

/** The argument that a header mirrors, or null where none has its value: such a header is not ours to judge. */
function sourceOf(name: string, value: string | null, places: readonly { readonly path: readonly string[]; readonly text: string }[]) {
  const fitting = places.filter(({ text }) => text === value);
  const [only] = fitting;
  const wanted = plain(name.slice(prefix.length));
  return (fitting.length > 1 ? fitting.find(({ path }) => plain(path.at(-1) ?? '') === wanted) : only) ?? null;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** What the argument is now, at its place or at the one that a rule has moved it to. */
function movedText({ path }: { readonly path: readonly string[] }, before: unknown, after: unknown, entries: readonly Transform[]): string | null {
  let at = path;
  for (const { request } of entries)
    for (const rule of request)
      if (rule.kind === 'rename' && rule.path.length === at.length && rule.path.every((step, index) => step === at[index])) {
        const target = [...at.slice(0, -1), rule.to];
        // What stood under the new name has stayed.
        if (valueAt(before, target) === undefined) at = target;
      }
  return textAt(after, at);
}

/** Texts, numbers and booleans that are reached through objects alone: MCP mirrors no others. */
function scalarsOf(value: unknown, path: readonly string[] = [], found: { path: readonly string[]; text: string }[] = []) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) scalarsOf(inner, [...path, key], found);
  } else {
    const text = scalarText(value);
    if (text !== null) found.push({ path, text });
  }
  return found;
}

function textAt(value: unknown, path: readonly string[]): string | null {
  return scalarText(valueAt(value, path));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const step of path) at = typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined;
  return at;
}

function scalarText(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}
