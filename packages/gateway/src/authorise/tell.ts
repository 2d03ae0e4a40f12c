import type { Principal } from '../authenticate/authenticate.ts';
import { addressFact, callerFacts } from '../kernel/caller-facts.ts';
import type { ConditionFacts } from '../kernel/condition.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import type { Operation } from './access.ts';

/** What a decision may depend on beside the operation; asked for only where a rule with a condition is in question. */
export interface CallFacts {
  /** JSON text of the arguments, or null where the call has none. */
  readonly argumentsText: () => string | null;
  readonly ip: string;
  /** What is known of the tool that is called; null: nothing. */
  readonly tool: () => ToolFacts | null;
}

/** What a condition is told. */
export interface Told {
  readonly facts: ConditionFacts;
  argumentsBytes(): number;
  /** Null: nothing is known of a tool. */
  tool(): ToolFacts | null;
}

/** Of a call. */
export function tell(operation: Operation, principal: Principal, facts: CallFacts, nowMs: number): Told {
  return told(operation, principal, facts, nowMs, true);
}

/** Of what comes with things, as their list does: neither which of them nor what is said to it is known. */
export function tellOfMany(operation: Operation, principal: Principal, facts: CallFacts, nowMs: number): Told {
  return told(operation, principal, { ...facts, tool: none }, nowMs, false);
}

/** Of a thing that anybody may call. */
export function tellOf(operation: Operation, tool: CallFacts['tool']): Told {
  return told(operation, null, { argumentsText: none, ip: '', tool }, 0, true);
}

const none = (): null => null;

/** Each member is made when a condition asks for it. */
function told(
  { server, action, name }: Operation,
  principal: Principal | null,
  { argumentsText, ip, tool: toolOf }: CallFacts,
  nowMs: number,
  isOfOne: boolean,
): Told {
  let text: string | null | undefined;
  let args: Readonly<Record<string, unknown>> | undefined;
  let known: ToolFacts | null | undefined;
  const read = (): string | null => (text === undefined ? (text = argumentsText()) : text);
  const tool = (): ToolFacts | null => (known === undefined ? (known = toolOf()) : known);
  return {
    argumentsBytes: () => read()?.length ?? 0,
    tool,
    facts: {
      get principal() {
        return callerFacts(knownOr(principal, 'who calls is not known'));
      },
      server,
      action: action ?? '',
      get name() {
        return knownOr(isOfOne ? name : null, 'what is called is not known');
      },
      ip: addressFact(ip),
      get now() {
        return new Date(nowMs);
      },
      get args() {
        args ??= argumentsOf(knownOr(isOfOne ? (read() ?? '{}') : null, 'what a call says is not known'));
        return args;
      },
      get tool() {
        return knownOr(tool(), 'nothing is known of the tool');
      },
    },
  };
}

function knownOr<Value>(value: Value | null, reason: string): Value {
  if (value === null) throw new Error(reason);
  return value;
}

function argumentsOf(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
