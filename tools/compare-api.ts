/**
 * What of an OpenAPI document its clients lean on, and what of it another one breaks: operations, what they take and need, what they give. `node
 * tools/compare-api.ts` compares the committed document with that of the newest release (a tag `v1.2.3`), else of the commit before, and prints what
 * has changed. Against a release a break is refused where the version does not say so.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };
type Members = { readonly [member: string]: Json };

export interface ApiChange {
  readonly isBreaking: boolean;
  /** `GET /v1/teams: …`, for people. */
  readonly text: string;
}

/** Deeper than any schema of ours: what refers to itself ends here. */
const depthMax = 12;
const methods = ['get', 'post', 'put', 'patch', 'delete'];

interface Leaf {
  readonly types: readonly string[];
  /** Null: any value. */
  readonly values: readonly string[] | null;
  readonly isNeeded: boolean;
}

interface OperationFacts {
  /** By place: `query.limit`, `body.name`. */
  readonly takes: ReadonlyMap<string, Leaf>;
  /** By place: `200`, `200 .teams[].id`. */
  readonly gives: ReadonlyMap<string, Leaf>;
  readonly isDeprecated: boolean;
}

/** What has changed from one document to the next, in the order of the operations. */
export function compareApi(before: string, after: string): readonly ApiChange[] {
  const [old, now] = [factsOf(JSON.parse(before) as Members), factsOf(JSON.parse(after) as Members)];
  const changes: ApiChange[] = [];
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(name), now.get(name)];
    const say = (isBreaking: boolean, text: string): unknown => changes.push({ isBreaking, text: `${name}: ${text}` });
    if (was === undefined) say(false, 'is new');
    else if (is === undefined) say(true, 'is gone');
    else {
      if (!was.isDeprecated && is.isDeprecated) say(false, 'is deprecated');
      compareTaken(was.takes, is.takes, say);
      compareGiven(was.gives, is.gives, say);
    }
  }
  return changes;
}

type Say = (isBreaking: boolean, text: string) => unknown;

function compareTaken(was: OperationFacts['takes'], is: OperationFacts['takes'], say: Say): void {
  for (const [place, leaf] of was) {
    const next = is.get(place);
    if (next === undefined) say(true, `does not take ${place} any more`);
    else {
      const lost = [...without(leaf.types, next.types), ...(next.values === null ? [] : without(leaf.values ?? ['every value'], next.values))];
      if (lost.length > 0) say(true, `${place} does not take ${lost.join(', ')} any more`);
      if (next.isNeeded && !leaf.isNeeded) say(true, `needs ${place} now`);
    }
  }
  for (const [place, { isNeeded }] of is) if (!was.has(place)) say(isNeeded && !hasNewParent(place, was), `${isNeeded ? 'needs' : 'takes'} ${place} now`);
}

function compareGiven(was: OperationFacts['gives'], is: OperationFacts['gives'], say: Say): void {
  for (const [place, leaf] of was) {
    const next = is.get(place);
    if (next === undefined) say(true, `does not give ${place} any more`);
    else {
      const added = without(next.types, leaf.types);
      if (added.length > 0) say(true, `${place} can be ${added.join(', ')} now`);
      if (leaf.isNeeded && !next.isNeeded) say(true, `${place} can be missing now`);
    }
  }
  for (const place of is.keys()) if (!was.has(place)) say(false, `gives ${place} now`);
}

/** Whether what it is in is new as well, so that nobody who sends nothing new has to send it. */
function hasNewParent(place: string, was: OperationFacts['takes']): boolean {
  const parent = place.slice(0, Math.max(place.lastIndexOf('.'), place.lastIndexOf('[]')));
  return parent.startsWith('body.') && !was.has(parent);
}

function without(these: readonly string[], others: readonly string[]): readonly string[] {
  return others.includes('anything') ? [] : these.filter((one) => !others.includes(one));
}

function factsOf(document: Members): Map<string, OperationFacts> {
  const facts = new Map<string, OperationFacts>();
  for (const [path, item] of Object.entries(membersOf(document['paths'])))
    for (const method of methods) {
      const operation = membersOf(item)[method];
      if (operation !== undefined) facts.set(`${method.toUpperCase()} ${path}`, operationFacts(document, membersOf(operation)));
    }
  return facts;
}

function operationFacts(document: Members, operation: Members): OperationFacts {
  const takes = new Map<string, Leaf>();
  for (const parameter of listOf(operation['parameters']).map(membersOf))
    visit(document, parameter['schema'] ?? {}, `${textOf(parameter['in'])}.${textOf(parameter['name'])}`, parameter['required'] === true, takes);
  const body = membersOf(operation['requestBody']);
  const sent = jsonSchema(body);
  if (sent !== undefined) visit(document, sent, 'body', body['required'] === true, takes);
  const gives = new Map<string, Leaf>();
  for (const [status, response] of Object.entries(membersOf(operation['responses']))) {
    if (!/^2\d\d$/.test(status)) continue;
    gives.set(status, { types: [], values: null, isNeeded: true });
    const schema = jsonSchema(membersOf(response));
    if (schema !== undefined) visit(document, schema, `${status} `, true, gives);
  }
  return { takes, gives, isDeprecated: operation['deprecated'] === true };
}

function jsonSchema(holder: Members): Json | undefined {
  return membersOf(membersOf(holder['content'])['application/json'])['schema'];
}

/** Notes a schema and what is in it; of several that it may be, all of them. */
function visit(document: Members, schema: Json, place: string, isNeeded: boolean, into: Map<string, Leaf>, depth = 0): void {
  if (depth > depthMax) return;
  const one = resolveSchema(document, membersOf(schema));
  const choices = [...listOf(one['anyOf']), ...listOf(one['oneOf'])];
  for (const choice of choices) visit(document, choice, place, isNeeded, into, depth + 1);
  for (const part of listOf(one['allOf'])) visit(document, part, place, isNeeded, into, depth + 1);
  const types = [one['type'] ?? []].flat().map(String);
  const values = one['const'] !== undefined ? [one['const']] : listOf(one['enum']);
  const known = into.get(place);
  if (choices.length === 0 || types.length > 0) {
    const said = types.length === 0 && listOf(one['allOf']).length === 0 ? ['anything'] : types;
    const allowed = values.length === 0 ? null : values.map((value) => JSON.stringify(value));
    into.set(place, {
      types: [...new Set([...(known?.types ?? []), ...said])],
      values: known === undefined ? allowed : known.values === null || allowed === null ? null : [...known.values, ...allowed],
      isNeeded: isNeeded && (known?.isNeeded ?? true),
    });
  }
  const required = listOf(one['required']);
  for (const [name, member] of Object.entries(membersOf(one['properties'])))
    visit(document, member, `${place}.${name}`, required.includes(name), into, depth + 1);
  if (one['items'] !== undefined) visit(document, one['items'], `${place}[]`, true, into, depth + 1);
}

function resolveSchema(document: Members, schema: Members): Members {
  const reference = schema['$ref'];
  if (typeof reference !== 'string') return schema;
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<Json>((at, name) => membersOf(at)[name] ?? {}, document);
  return membersOf(found);
}

function membersOf(value: Json | undefined): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** Whether a version may break what another one promised: a new major, before 1.0.0 a new minor. */
export function mayBreak(from: string, to: string): boolean {
  const [[major = 0, minor = 0], [newMajor = 0, newMinor = 0]] = [from, to].map((text) => text.replace(/^v/, '').split('.').map(Number)) as [
    number[],
    number[],
  ];
  return newMajor > major || (major === 0 && newMajor === 0 && newMinor > minor);
}

const path = 'openapi/openapi.json';

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const git = (...args: string[]): string | null => {
    try {
      return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return null;
    }
  };
  const today = readFileSync(join(root, path), 'utf8');
  const release = (git('tag', '--list', 'v[0-9]*', '--sort=-v:refname') ?? '').split('\n').find((tag) => tag !== '');
  const base = release ?? (git('show', `HEAD:${path}`) === today ? 'HEAD~1' : 'HEAD');
  const before = git('show', `${base}:${path}`);
  if (before === null) console.log(`the API is not compared: this clone does not have ${path} of ${base}`);
  else {
    const changes = compareApi(before, today);
    const breaking = changes.filter(({ isBreaking }) => isBreaking);
    for (const { isBreaking, text } of changes) console.log(`${isBreaking ? 'BREAKS  ' : '        '}${text}`);
    const version = (JSON.parse(readFileSync(join(root, 'packages/gateway/package.json'), 'utf8')) as { version: string }).version;
    const isRefused = release !== undefined && breaking.length > 0 && !mayBreak(release, version);
    console.log(`${changes.length} changes of the API since ${base}, ${breaking.length} of them break clients`);
    if (isRefused) console.log(`version ${version} promises what ${release} did: keep it, deprecate it first (api/route.ts), or raise the version`);
    process.exitCode = isRefused ? 1 : 0;
  }
}
