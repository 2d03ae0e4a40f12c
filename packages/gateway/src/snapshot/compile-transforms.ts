import { RE2JS } from 're2js';
import { bounds } from '../kernel/bounds.ts';
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import { parsePath } from '../kernel/json-path.ts';
import type { HeaderRuleData, RequestRuleData, ResponseRuleData, TransformData } from './transform-data.ts';

type Path = readonly string[];

/** Finds text in linear time, whatever it is. */
export interface TextPattern {
  readonly text: string;
  /** Whether all of `input` is what the pattern says. */
  fits(input: string): boolean;
  /** `input` with each match replaced; the same string where there is none, and only the replacement where there are too many. */
  replace(input: string, replacement: string): string;
}

export type RequestRule =
  | { readonly kind: 'rename'; readonly name: string; readonly path: Path; readonly to: string }
  | { readonly kind: 'default' | 'set'; readonly name: string; readonly path: Path; readonly value: Buffer }
  | { readonly kind: 'remove'; readonly name: string; readonly path: Path }
  | RestrictRule;

export interface RestrictRule {
  readonly kind: 'restrict';
  readonly name: string;
  readonly path: Path;
  readonly enum: ReadonlySet<string | number | boolean> | null;
  readonly pattern: TextPattern | null;
  readonly min: number | null;
  readonly max: number | null;
}

export type ResponseRule =
  | { readonly kind: 'rename'; readonly name: string; readonly path: Path; readonly to: string }
  | { readonly kind: 'remove'; readonly name: string; readonly path: Path }
  | { readonly kind: 'redact'; readonly name: string; readonly path: Path; readonly pattern: TextPattern | null; readonly with: string };

/** One entry of `transforms`. Rules carry the name by which a trace shows them. */
export interface Transform {
  /** Whether it holds for this tool; null: a message that names none. */
  holdsFor(tool: string | null): boolean;
  readonly request: readonly RequestRule[];
  readonly mirrors: readonly { readonly path: Path; readonly header: string }[];
  readonly headers: readonly (HeaderRuleData & { readonly name: string })[];
  readonly response: readonly ResponseRule[];
}

/** All entries of one server, in their order. */
export interface Transforms {
  readonly entries: readonly Transform[];
  readonly headers: boolean;
}

/** Null where a server has none, so that a call sees it in one look. The configuration has been checked: what cannot be read is a defect. */
export function compileTransforms(data: readonly TransformData[] | undefined): Transforms | null {
  if (data === undefined || data.length === 0) return null;
  const entries = data.map((entry): Transform => {
    return {
      holdsFor: matcherOf(entry.tool),
      request: entry.request.map(requestRule),
      mirrors: Object.entries(entry.mirrors).map(([path, header]) => ({ path: pathOf(path), header: `Mcp-Param-${header}` })),
      headers: entry.headers.map((rule) => ({ ...rule, name: `header ${rule.from}` })),
      response: entry.response.map(responseRule),
    };
  });
  return { entries, headers: entries.some(({ headers }) => headers.length > 0) };
}

function matcherOf(tool: string | null): Transform['holdsFor'] {
  if (tool === null) return () => true;
  const glob = parseGlob(tool);
  return (name) => name !== null && fitsGlob(glob, name);
}

function requestRule(rule: RequestRuleData): RequestRule {
  const { kind, path } = rule;
  const base = { name: `${kind} ${path}`, path: pathOf(path) };
  switch (kind) {
    case 'rename':
      return { ...base, kind, to: rule.to, name: `rename ${path} to ${rule.to}` };
    case 'default':
    case 'set':
      return { ...base, kind, value: Buffer.from(rule.value) };
    case 'remove':
      return { ...base, kind };
    case 'restrict':
      return {
        ...base,
        kind,
        enum: rule.enum && new Set(rule.enum),
        pattern: rule.pattern === null ? null : patternOf(rule.pattern),
        min: rule.min,
        max: rule.max,
      };
  }
}

function responseRule(rule: ResponseRuleData): ResponseRule {
  const { kind, path } = rule;
  const base = { name: `response ${kind} ${path}`, path: pathOf(path) };
  switch (kind) {
    case 'rename':
      return { ...base, kind, to: rule.to, name: `response rename ${path} to ${rule.to}` };
    case 'remove':
      return { ...base, kind };
    case 'redact':
      return { ...base, kind, pattern: rule.pattern === null ? null : patternOf(rule.pattern), with: rule.with };
  }
}

function patternOf(text: string): TextPattern {
  const pattern = RE2JS.compile(text);
  return {
    text,
    fits: (input) => pattern.testExact(input),
    replace(input, replacement) {
      if (!pattern.test(input)) return input;
      const matcher = pattern.matcher(input);
      const parts: string[] = [];
      let at = 0;
      for (let count = 0; matcher.find(); count++) {
        // Each takes microseconds, and a worker has other calls.
        if (count === bounds.rewriteMatchesMax) return replacement;
        parts.push(input.slice(at, matcher.start()), replacement);
        at = matcher.end();
      }
      return parts.join('') + input.slice(at);
    },
  };
}

function pathOf(text: string): Path {
  const path = parsePath(text);
  if (path === null) throw new RangeError(`${text} passed the configuration but is no path`);
  return path;
}
