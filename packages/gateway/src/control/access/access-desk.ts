import type { Grant, Operation } from '../../authorise/access.ts';
import type { RuleFinding } from '../../authorise/explain-access.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import type { SwitchData } from '../../kernel/switch.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';

/** The rules of access that this node's workers obey. */
export interface AccessDesk {
  /** Reads the registry's anew; resolves when every worker of this node goes by them. Faults: `unavailable`. */
  refresh(): Promise<void>;
  /** How long ago the registry last said that nothing else holds. */
  ageMs(): number;
  /** In the order in which they are asked: what is switched off first. */
  served(): readonly PolicyData[];
  /** What is switched off, also what is on again by now because its time is over. */
  switches(): readonly SwitchData[];
  /** What the workers would decide, and each rule on the way. */
  explain(principal: PrincipalData, operation: Operation, facts: { readonly argumentsText: string | null; readonly ip: string }): AccessExplanation;
}

export interface AccessExplanation {
  readonly grant: Grant;
  readonly rules: readonly RuleFinding[];
}
