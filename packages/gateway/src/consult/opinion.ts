import type { ConsultFailure } from '../kernel/consult-failures.ts';

/** What an engine says. `decisionId` is the engine's own name for its answer; empty where it gave none. */
export type Opinion =
  | { readonly decision: 'allow'; readonly decisionId: string }
  | { readonly decision: 'deny' | 'hold'; readonly decisionId: string; readonly reason: string | null }
  /** There is no answer that counts: nothing passes. */
  | { readonly decision: 'none'; readonly decisionId: string; readonly reason: ConsultFailure };

const reasonCharsMax = 500;

/**
 * The value of a decision: `true`, `false`, or `{ "decision": "allow" | "deny" | "hold", "reason": "…" }`, for which `{ "allow": true, "reason": "…" }`
 * stands as well. Undefined: the rule has no value. What says more than one thing at once says nothing.
 */
export function readOpinion(value: unknown, decisionId: string): Opinion {
  if (value === undefined) return { decision: 'none', decisionId, reason: 'undefined' };
  if (typeof value === 'boolean') return value ? { decision: 'allow', decisionId } : { decision: 'deny', decisionId, reason: null };
  const unreadable: Opinion = { decision: 'none', decisionId, reason: 'unreadable' };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return unreadable;
  const { decision, allow, reason = null } = value as Readonly<Record<string, unknown>>;
  if (reason !== null && typeof reason !== 'string') return unreadable;
  if ((decision === undefined) === (allow === undefined)) return unreadable;
  const said = decision ?? (allow === true ? 'allow' : allow === false ? 'deny' : null);
  if (said === 'allow') return { decision: said, decisionId };
  return said === 'deny' || said === 'hold' ? { decision: said, decisionId, reason: reason === null ? null : reason.slice(0, reasonCharsMax) } : unreadable;
}

/** Text from outside: what is no name of a decision is none. */
export function readDecisionId(value: unknown): string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value) ? value : '';
}
