import { bounds } from '../kernel/bounds.ts';
import { membersOf } from '../kernel/splice-json.ts';
import type { CacheRules } from '../snapshot/compile-snapshot.ts';

/** Where an answer is told of when it changes: with the server's tools, its prompts or its resources. */
export type CacheGroup = 'tools' | 'prompts' | 'resources';

const groups: Readonly<Record<string, CacheGroup>> = {
  'tools/list': 'tools',
  'tools/call': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resources',
  'resources/read': 'resources',
};

/** The group of what may be kept by the rules of its server; null where it may not. `name` is the tool's. */
export function groupOf(rules: CacheRules, method: string, name: string): CacheGroup | null {
  const group = Object.hasOwn(groups, method) ? groups[method] : undefined;
  if (group === undefined) return null;
  const allowed = method === 'tools/call' ? rules.tools.has(name) : method === 'resources/read' ? rules.resources : rules.lists;
  return allowed ? group : null;
}

/** A result that is kept, and how. */
export interface Keepable {
  readonly ttlMs: number;
  /** To be given to every caller. */
  readonly isPublic: boolean;
  /** Where its `ttlMs` stands, or null: what is left of it is written there when the result is given again. */
  readonly ttl: { readonly start: number; readonly end: number } | null;
}

/**
 * Whether a result may be kept (2026-07-28, caching): it is complete and no error, and its `ttlMs`, or the configuration where it says nothing,
 * gives it time. A tool's result is kept as long as the configuration says, and no longer than its `ttlMs`.
 */
export function keepableResult(rules: CacheRules, method: string, name: string, result: Buffer): Keepable | null {
  if (result.length > bounds.cacheEntryBytesMax) return null;
  let value: unknown;
  try {
    value = JSON.parse(result.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const members: Readonly<Record<string, unknown>> = { ...value };
  const { resultType = 'complete', isError, ttlMs: hint, cacheScope } = members;
  if (resultType !== 'complete' || isError === true || members['task'] !== undefined) return null;
  if (hint !== undefined && !(typeof hint === 'number' && hint >= 0)) return null;
  const configured = method === 'tools/call' ? (rules.tools.get(name) ?? 0) : rules.ttlMs;
  const ttlMs = Math.min(method === 'tools/call' ? configured : Infinity, hint ?? configured, bounds.cacheMsMax);
  if (ttlMs <= 0) return null;
  const places = membersOf(result).filter(({ key }) => key === 'ttlMs');
  // Two of them are two answers to one question.
  if (places.length > 1) return null;
  const [place] = places;
  return { ttlMs, isPublic: rules.public && cacheScope === 'public', ttl: place === undefined ? null : { start: place.valueStart, end: place.end } };
}
