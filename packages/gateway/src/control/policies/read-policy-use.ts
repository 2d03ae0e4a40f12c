import type { PolicyUseRow } from '../../store/ledger/policy-use.ts';
import type { ControlContext } from '../context.ts';
import { within } from '../within.ts';

/** Calls that a rule decided in the last 24 hours. */
export type PolicyUse = Pick<PolicyUseRow, 'calls'> & { readonly lastMs: number | null };

/** Rules are managed without a ledger that hangs. */
const useWaitMs = 2_000;
const dayMs = 86_400_000;

/** By name. A ledger that is not open, or does not answer soon, leaves it null. */
export async function readPolicyUse(context: ControlContext): Promise<(name: string) => PolicyUse | null> {
  const ledger = context.ledger();
  if (ledger === null) return () => null;
  const endMs = context.clock.nowMs();
  try {
    const window = { organizationId: context.organizationId, startUs: BigInt(endMs - dayMs) * 1000n, endUs: BigInt(endMs) * 1000n };
    const use = await within(useWaitMs, ledger.policyUse(window));
    return (name) => use.get(name) ?? { calls: 0, lastMs: null };
  } catch (error) {
    context.log.warn('policy.use_unknown', { error });
    return () => null;
  }
}
