import { BlockList, isIP } from 'node:net';
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { bounds } from './bounds.ts';
import { fitsGlob, parseGlob } from './glob.ts';
import type { ToolFacts } from './tool-facts.ts';

/** What a condition can ask after. Members are read only where the expression names them; one that throws is one that cannot be told. */
export interface ConditionFacts {
  /** id, kind, organization, team, project, user, service_account, agent, environment: texts, empty where there is none. */
  readonly principal: Readonly<Record<string, string>>;
  readonly server: string;
  /** The operation: `tools.call`, `resources.read`, `prompts.get`, … */
  readonly action: string;
  /** The name of the tool or prompt, or the URI of the resource; empty where the operation names none. */
  readonly name: string;
  /** The arguments of the call, `{}` where it has none. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Of the tool that is called; throws where nothing is known of it. */
  readonly tool: ToolFacts;
  /** The address that the call came from. */
  readonly ip: string;
  readonly now: Date;
}

export interface Condition {
  readonly usesArguments: boolean;
  /** It asks after what is known of a tool: it is about calls of tools and nothing else. */
  readonly usesTool: boolean;
  /** It asks after what only a call of a single thing has: its name, its arguments, the tool. */
  readonly asksOfThing: boolean;
  /** It asks after nothing but server, operation, name and tool: what it says holds for all callers and calls, as long as the tool is the same. */
  readonly isSettled: boolean;
  /** It asks after more than caller and operation: arguments, address or time. */
  readonly dependsOnCall: boolean;
  /** It looks at members of a list one by one, each perhaps against all of another argument: arguments of more than `bounds.conditionArgsBytesMax` are too many. */
  readonly hasMacro: boolean;
  /** Throws where it cannot be told: a missing argument, a text where a number is meant. */
  holds(facts: ConditionFacts): boolean;
}

export interface ConditionFault {
  readonly text: string;
  /** Of the part of the condition that is meant, its first character being 1; null: all of it is. */
  readonly place: { readonly column: number; readonly length: number } | null;
}

/** What is wrong with the condition of a rule, or null. */
export function conditionFault(text: string, { resources, prompts }: { readonly resources?: unknown; readonly prompts?: unknown }): ConditionFault | null {
  try {
    if (compileCondition(text).usesTool && ((resources ?? null) !== null || (prompts ?? null) !== null))
      return { text: 'it asks after `tool`, and the rule names resources or prompts: make a rule of its own for them', place: null };
    return null;
  } catch (error) {
    const range = (error as { readonly range?: { readonly start: number; readonly end: number } | undefined }).range;
    return {
      text: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '',
      place: range === undefined ? null : { column: range.start + 1, length: Math.max(1, range.end - range.start) },
    };
  }
}

/**
 * A condition in the Common Expression Language (https://github.com/google/cel-spec) over `ConditionFacts`, with the functions `fits(text, pattern)`
 * (`*` stands for any text), `regex(text, pattern)` (RE2, finds) and `in_cidr(address, network)`. `matches`, which JavaScript may run for ever, and
 * a macro inside a macro are refused. Throws what is wrong with it.
 */
export function compileCondition(text: string): Condition {
  if (text.length > bounds.conditionCharsMax) throw new Error(`it is longer than ${bounds.conditionCharsMax} characters`);
  const program = environment.parse(text);
  const checked = program.check();
  if (!checked.valid) throw checked.error ?? new Error('it does not fit the types of what it names');
  if (checked.type !== 'bool' && checked.type !== 'dyn') throw new Error(`it must be true or false, and is of type ${String(checked.type)}`);
  const found = { hasMacro: false, usesArguments: false, usesTool: false, usesName: false, usesCaller: false, dependsOnCall: false };
  look(program.ast, found, false);
  const { usesName, usesCaller, ...asks } = found;
  return {
    ...asks,
    asksOfThing: asks.usesArguments || asks.usesTool || usesName,
    isSettled: !usesCaller && !asks.dependsOnCall,
    holds(facts) {
      // Not a copy: that would read every member.
      const result: unknown = program(facts);
      if (typeof result !== 'boolean') throw new TypeError('the condition is neither true nor false');
      return result;
    },
  };
}

const environment = new Environment({
  limits: { maxAstNodes: 500, maxDepth: 32, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 8 },
})
  .registerVariable('principal', 'map<string, string>')
  .registerVariable('server', 'string')
  .registerVariable('action', 'string')
  .registerVariable('name', 'string')
  .registerVariable('args', 'map')
  .registerVariable('tool', {
    schema: {
      title: 'string',
      annotations: { readOnlyHint: 'bool', destructiveHint: 'bool', idempotentHint: 'bool', openWorldHint: 'bool' },
      said: 'list<string>',
      risk: 'string',
    },
  })
  .registerVariable('ip', 'string')
  .registerVariable('now', 'google.protobuf.Timestamp')
  .registerFunction('fits(string, string): bool', (text: string, pattern: string) => fitsGlob(kept(globs, pattern, parseGlob), text))
  .registerFunction('regex(string, string): bool', (text: string, pattern: string) =>
    kept(patterns, pattern, (source) => RE2JS.compile(source))
      .matcher(text)
      .find(),
  )
  .registerFunction('in_cidr(string, string): bool', (address: string, network: string) => {
    const family = isIP(address);
    return family !== 0 && kept(networks, network, networkOf).check(address, family === 6 ? 'ipv6' : 'ipv4');
  });

const globs = new Map<string, readonly string[]>();
const patterns = new Map<string, RE2JS>();
const networks = new Map<string, BlockList>();
const keptMax = 1_000;

/** What was made of a pattern: most are written in a rule, but one may come from an argument. */
function kept<Made>(made: Map<string, Made>, source: string, make: (source: string) => Made): Made {
  let one = made.get(source);
  if (one === undefined) {
    one = make(source);
    if (made.size >= keptMax) made.clear();
    made.set(source, one);
  }
  return one;
}

function networkOf(text: string): BlockList {
  const [address = '', prefix] = text.split('/');
  const family = isIP(address);
  if (family === 0) throw new Error(`${text.slice(0, 60)} is no network`);
  const list = new BlockList();
  list.addSubnet(address, prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix), family === 6 ? 'ipv6' : 'ipv4');
  return list;
}

const macros = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

interface Found {
  hasMacro: boolean;
  usesArguments: boolean;
  usesTool: boolean;
  usesName: boolean;
  usesCaller: boolean;
  dependsOnCall: boolean;
}

/** Throws at what could take for ever. */
function look(node: unknown, found: Found, inMacro: boolean): void {
  if (Array.isArray(node)) {
    for (const one of node as readonly unknown[]) look(one, found, inMacro);
    return;
  }
  if (typeof node !== 'object' || node === null || !('op' in node) || !('args' in node)) return;
  const { op, args } = node as Pick<ASTNode, 'op' | 'args'>;
  if (op === 'id' && args === 'args') found.usesArguments = true;
  if (op === 'id' && args === 'tool') found.usesTool = true;
  if (op === 'id' && args === 'name') found.usesName = true;
  if (op === 'id' && args === 'principal') found.usesCaller = true;
  if (op === 'id' && (args === 'args' || args === 'ip' || args === 'now')) found.dependsOnCall = true;
  if (op !== 'rcall' || !Array.isArray(args)) return look(args, found, inMacro);
  const [called, receiver, inside] = args as readonly unknown[];
  if (called === 'matches') throw new Error('`matches` is not served: use regex(text, pattern), whose time is bounded');
  const isMacro = typeof called === 'string' && macros.has(called);
  if (isMacro && inMacro) throw new Error(`\`${called}\` inside another of its kind is not served: its time would grow with the square of the arguments`);
  found.hasMacro ||= isMacro;
  look(receiver, found, inMacro);
  look(inside, found, inMacro || isMacro);
}
