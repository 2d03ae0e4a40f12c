/** What zod found, as faults a person can act on: the place, what was expected, what stands there, what to write. */
import type { z } from 'zod';
import { closestWord } from '../kernel/closest-word.ts';
import { faultsMax, pathText, type ConfigFault, type Path } from './config-fault.ts';
import { configJsonSchema, type JsonSchema } from './json-schema.ts';
import type { WholeSource } from './with-objects.ts';

type Source = Pick<WholeSource, 'value' | 'place' | 'textAt'>;

export function explainIssues(issues: readonly z.core.$ZodIssue[], source: Source): ConfigFault[] {
  const schema = configJsonSchema();
  const faults: ConfigFault[] = [];
  for (const issue of issues) {
    // A file that is something else altogether has a fault in every line.
    if (faults.length > faultsMax) break;
    if (!followsFromTransport(issue, issues)) faults.push(...explain(issue, source, schema));
  }
  return faults;
}

/** A server of the other transport lacks its `url` or `command` too, but that is not what is wrong with it. */
function followsFromTransport(issue: z.core.$ZodIssue, issues: readonly z.core.$ZodIssue[]): boolean {
  const opposite = { url: 'command', command: 'url' }[String(issue.path.at(-1))];
  if (opposite === undefined || issue.path[0] !== 'servers' || issue.path.length !== 3) return false;
  return issues.some(
    (other) => other.code === 'unrecognized_keys' && other.path[0] === 'servers' && other.path[1] === issue.path[1] && other.keys.includes(opposite),
  );
}

function explain(issue: z.core.$ZodIssue, source: Source, schema: JsonSchema): ConfigFault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') return issue.keys.slice(0, faultsMax).map((key) => unknownKey(path, key, source, schema));
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'is not allowed here';
    return [
      fault(source, path, 'key', {
        message: `the name "${clip(String(path.at(-1)))}" ${expected}`,
        cause: 'No program could read it by this name.',
        fix: 'Rename it.',
      }),
    ];
  }
  const value = valueAt(source.value, path);
  if (issue.code === 'invalid_union') {
    const inMap = issuesOfMap(issue, value);
    if (inMap !== null) return inMap.flatMap((inner) => explain({ ...inner, path: [...path, ...inner.path] }, source, schema));
  }
  const meta = schemaAt(schema, source.value, path);
  const name = String(path.at(-1) ?? 'the file');
  if (value === undefined) return [missing(path, name, meta, source)];
  const label = typeof path.at(-1) === 'number' ? pathText(path) : name;
  return [
    fault(source, path, 'value', {
      message: `${label} ${issue.message}`,
      cause: meta?.cause ?? found(value, path, source),
      fix:
        suggestion(value, name, issue) ??
        (meta?.examples?.length ? `Write for example: ${example(name, meta)}` : 'Write it as docs/reference/config.schema.json says.'),
    }),
  ];
}

/** A map stands where text or one kind of map may: what is wrong in it says more than that it is neither. */
function issuesOfMap(issue: z.core.$ZodIssueInvalidUnion, value: unknown): readonly z.core.$ZodIssue[] | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const maps = issue.errors.filter((issues) => !issues.some(({ code, path }) => path.length === 0 && code !== 'unrecognized_keys'));
  return maps.length === 1 ? (maps[0] ?? null) : null;
}

function missing(path: Path, name: string, meta: JsonSchema | null, source: Source): ConfigFault {
  const owner = path.slice(0, -1);
  const about = meta?.description === undefined ? '' : ` ${meta.description}`;
  return fault(
    source,
    owner,
    'value',
    {
      message: `${name} is missing${owner.length === 0 ? '' : ` in ${pathText(owner)}`}`,
      cause: `It has no default.${about}`,
      fix: `Add: ${example(name, meta)}`,
    },
    path,
  );
}

function unknownKey(owner: Path, key: string, source: Source, schema: JsonSchema): ConfigFault {
  const known = Object.keys(schemaAt(schema, source.value, owner)?.properties ?? {});
  const path = [...owner, key];
  const where = owner.length === 0 ? 'gateway.yaml' : pathText(owner);
  const message = `"${clip(key)}" is not a setting of ${where}`;
  const elsewhere = alternatives(schema, source.value, owner).find((one) => one.properties !== undefined && Object.hasOwn(one.properties, key));
  const transport = elsewhere?.properties?.['transport']?.const;
  if (typeof transport === 'string' && !known.includes(key)) {
    const cause = `${key} belongs to servers with \`transport: ${transport}\`.`;
    return fault(source, path, 'key', { message, cause, fix: `Set \`transport: ${transport}\`, or remove ${key}.` });
  }
  const near = closestWord(key, known);
  const cause = known.length === 0 ? 'Nothing may stand here.' : `Known here: ${known.join(', ')}.`;
  return fault(source, path, 'key', { message, cause, fix: near === null ? 'Remove it, or write one of the known names.' : `Did you mean ${near}?` });
}

function fault(source: Source, at: Path, part: 'key' | 'value', text: Pick<ConfigFault, 'message' | 'cause' | 'fix'>, path: Path = at): ConfigFault {
  return { ...source.place(at, part), path: pathText(path), ...text };
}

/** What stands there, in words. Places that may hold a secret by mistake are named by kind only. */
function found(value: unknown, path: Path, source: Source): string {
  if (value === null) return 'Nothing is written there.';
  if (Array.isArray(value)) return 'A list is written there.';
  if (typeof value === 'object') return 'A map is written there.';
  const sensitive = path.some((step) => /^(?:secret|credential|env|url|key_prefix|command)$/.test(String(step)));
  const text = source.textAt(path);
  return sensitive || text === null ? `A ${typeof value === 'string' ? 'text' : typeof value} is written there.` : `It is "${clip(text)}".`;
}

function suggestion(value: unknown, name: string, issue: z.core.$ZodIssue): string | null {
  if (value === null) return `Remove "${name}:", or write a value behind it.`;
  if (typeof value !== 'string') return null;
  const options: readonly unknown[] = issue.code === 'invalid_value' ? issue.values : 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
  const words = options.filter((one) => typeof one === 'string');
  const near = closestWord(value, words);
  if (near !== null) return `Did you mean ${near}?`;
  return words.length === 0 ? null : `Write one of: ${words.join(', ')}.`;
}

function example(name: string, meta: JsonSchema | null): string {
  const value = meta?.examples?.[0] ?? meta?.default ?? meta?.const;
  return value === undefined ? `${name}: …` : `${name}: ${flow(value)}`;
}

/** A value in YAML's flow style. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, one]) => `${key}: ${flow(one)}`)
      .join(', ')} }`;
  if (typeof value === 'number' && value < 0.001) return value.toFixed(9).replace(/0+$/, '');
  return typeof value === 'string' && /^@|^[-\d.]+$|[:#,[\]{}]\s|^$/.test(value) ? JSON.stringify(value) : String(value);
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) at = typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined;
  return at;
}

/** The schema of a place, with the alternative that fits what is written. */
function schemaAt(root: JsonSchema, value: unknown, path: Path): JsonSchema | null {
  let schema = narrow(root, value);
  let at = value;
  for (const step of path) {
    const open: JsonSchema | undefined = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
    const next =
      typeof step === 'number' ? schema.items : schema.properties !== undefined && Object.hasOwn(schema.properties, step) ? schema.properties[step] : open;
    if (next === undefined) return null;
    at = valueAt(at, [step]);
    schema = narrow(next, at);
  }
  return schema;
}

function narrow(schema: JsonSchema, value: unknown): JsonSchema {
  if (schema.anyOf !== undefined && typeof value === 'object' && value !== null) {
    // Text, or a map: here a map stands.
    const maps = schema.anyOf.filter((one) => one.properties !== undefined);
    return maps.length === 1 ? { ...schema, ...maps[0] } : schema;
  }
  if (schema.oneOf === undefined) return schema;
  const fitting = schema.oneOf.find((one) =>
    Object.entries(one.properties ?? {}).some(([key, { const: wanted }]) => wanted !== undefined && valueAt(value, [key]) === wanted),
  );
  return { ...schema, ...(fitting ?? schema.oneOf[0]) };
}

function alternatives(root: JsonSchema, value: unknown, path: Path): readonly JsonSchema[] {
  const owner = schemaAt(root, value, path.slice(0, -1));
  return (typeof path.at(-1) === 'number' ? owner?.items?.oneOf : undefined) ?? [];
}

function clip(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
