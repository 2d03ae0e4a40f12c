/**
 * consult: what does a policy engine of the operator's own say of a call that the rules allow? Imports `kernel/`, and `upstream`'s connections. Promises:
 * it narrows and never widens: what is no plain yes, an answer that does not come among it, lets nothing pass.
 */
import { addressFact, callerFacts } from '../kernel/caller-facts.ts';
import type { ConsultFailure } from '../kernel/consult-failures.ts';
import type { Principal } from '../authenticate/authenticate.ts';
import type { Operation } from '../authorise/access.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import type { Opinion } from './opinion.ts';

/** A policy engine outside the gateway's own rules. One for a worker. */
export interface Consultant {
  /** As it stands in records and refusals, where no policy of ours has such a name: `opa:gatewayops/allow`. */
  readonly name: string;
  /** Answers within the time that the engine is given. Never rejects. */
  ask(question: Question): Promise<Opinion>;
  report(): ConsultantReport;
  /** What is asked still gets its answer. */
  close(): Promise<void>;
}

/** A call that the rules allow. */
export interface Question {
  readonly principal: Pick<Principal, 'id' | 'data'>;
  readonly operation: Omit<Operation, 'kind'> & { readonly kind: Operation['kind'] | 'template' };
  /** JSON text as the caller wrote it; null: the call has no arguments. */
  readonly argumentsText: string | null;
  /** Null: nothing is known of it, or the call is of no tool. */
  readonly tool: ToolFacts | null;
  readonly ip: string;
  readonly nowMs: number;
  /** The rule that allows it; null where none had to. */
  readonly rule: string | null;
}

/** Counts since the worker began to ask. */
export interface ConsultantReport {
  readonly opinions: Readonly<Record<Opinion['decision'], number>>;
  /** Why there was no answer that counts, by reason. */
  readonly failures: Readonly<Partial<Record<ConsultFailure, number>>>;
  /** Answers that took at most `engineBucketsSeconds[i]`, and one more for longer ones. */
  readonly seconds: readonly number[];
  readonly secondsTotal: number;
  /** Why the last question had no answer at all; null: it had one, be it no decision, or nothing was asked yet. */
  readonly failing: ConsultFailure | null;
}

/** The input document, JSON text, with the names that conditions have. The arguments stand in it as they were written. */
export function inputText({ principal, operation, argumentsText, tool, ip, nowMs, rule }: Question): string {
  const { server, action, kind, name } = operation;
  const known = {
    principal: { ...callerFacts(principal), belongs_to: principal.data.lineage },
    server,
    action,
    kind,
    name,
    tool,
    ip: addressFact(ip),
    now: new Date(nowMs).toISOString(),
    rule,
  };
  return `${JSON.stringify(known).slice(0, -1)},"args":${argumentsText ?? 'null'}}`;
}
