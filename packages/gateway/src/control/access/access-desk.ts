import type { Grant, Operation } from '../../authorise/access.ts';
import type { Comparison } from '../../authorise/compare-access.ts';
import type { RuleFinding } from '../../authorise/explain-access.ts';
import type { OrganizationId } from '../../kernel/id.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import type { ToolFacts } from '../../kernel/tool-facts.ts';
import type { Consulted, NamedTool } from '../../node/worker-messages.ts';
import type { SwitchData } from '../../kernel/switch.ts';
import type { PrincipalData } from '../../snapshot/snapshot.ts';

/** The rules of access that this node's workers obey. */
export interface AccessDesk {
  /** Reads the registry's anew; resolves when every worker of this node goes by them. Faults: `unavailable`. */
  refresh(): Promise<void>;
  /** How long ago the registry last said that nothing else holds. */
  ageMs(): number;
  /** Of an organization, in the order in which they are asked: what is switched off first. */
  served(organizationId: OrganizationId): readonly PolicyData[];
  /** What an organization has switched off, also what is on again by now because its time is over. */
  switches(organizationId: OrganizationId): readonly SwitchData[];
  /** What the workers would decide by the rules of the caller's organization, and each rule on the way. `isOffered`: whether it has the server. */
  explain(
    principal: PrincipalData,
    operation: Operation,
    facts: { readonly argumentsText: string | null; readonly ip: string; readonly isOffered: boolean },
  ): Promise<AccessExplanation>;
  /** What the policy engine says of a call that the rules allow; null: none is asked. Faults: `unavailable`. */
  consult(
    principal: PrincipalData,
    operation: Operation,
    facts: { readonly argumentsText: string | null; readonly ip: string; readonly rule: string | null },
  ): Promise<Consulted | null>;
  /**
   * What the workers decide of calls, and what they would by other rules, switches included. Principal null: a caller without a key. Null: no rule
   * that differs is about such calls. `tools`: those that calls may be of, of which is asked what is known where rules ask after it.
   */
  compare(
    organizationId: OrganizationId,
    after: readonly PolicyData[],
    tools: readonly NamedTool[],
  ): Promise<(principal: PrincipalData | null, operation: Operation & { readonly action: string }) => Comparison | null>;
}

export interface AccessExplanation {
  readonly grant: Grant;
  readonly rules: readonly RuleFinding[];
  /** What is known of the tool; null: nothing, or no rule asks after it. */
  readonly tool: ToolFacts | null;
}
