/** What patterns of permissions stand for. */
import type { Schemas } from '@gatewayops/sdk';

export type Permission = Schemas['Permission'];

/** Whether a permission, or a pattern such as `tools.*` or `*`, stands for a permission. */
export function covers(pattern: string, permission: string): boolean {
  return pattern === '*' || pattern === permission || (pattern.endsWith('.*') && permission.startsWith(pattern.slice(0, -1)));
}

export function isCovered(patterns: readonly string[], permission: string): boolean {
  return patterns.some((pattern) => covers(pattern, permission));
}

/** By what stands before the first dot: of MCP first, then those of administration. */
export function groupsOf(permissions: readonly Permission[]): readonly { readonly group: string; readonly permissions: readonly Permission[] }[] {
  const groups = Map.groupBy(permissions, ({ name }) => name.split('.')[0] ?? name);
  return [...groups].map(([group, own]) => ({ group, permissions: own }));
}

/** The patterns with a permission, or all of its group, taken in or out; what lies in a wider pattern is written out first. */
export function toggled(patterns: readonly string[], pattern: string, all: readonly Permission[]): readonly string[] {
  const wanted = all.filter(({ name }) => covers(pattern, name)).map(({ name }) => name);
  const isIn = wanted.length > 0 && wanted.every((name) => isCovered(patterns, name));
  if (!isIn) return [...patterns.filter((one) => !covers(pattern, one)), pattern];
  return patterns.flatMap((one) => {
    if (covers(pattern, one)) return [];
    // `*` stands for what is to come too: without a part of it, it is what there is now.
    if (wanted.some((name) => covers(one, name))) return all.filter(({ name }) => covers(one, name) && !wanted.includes(name)).map(({ name }) => name);
    return [one];
  });
}
