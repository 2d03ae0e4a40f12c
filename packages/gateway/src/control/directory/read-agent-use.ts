import type { ControlContext } from '../context.ts';
import { within } from '../within.ts';

/** What the ledger knows of an agent. */
export interface AgentUse {
  /** Milliseconds since the epoch, to the day where the calls of then are forgotten; null: it never called. */
  readonly firstSeenMs: number | null;
  readonly lastSeenMs: number | null;
}

/** The directory does not wait for a ledger that hangs. */
const useWaitMs = 2_000;

/** By id. A ledger that is not open, or does not answer soon, leaves it null. */
export async function readAgentUse(context: ControlContext, ids: readonly string[]): Promise<(id: string) => AgentUse | null> {
  const ledger = context.ledger();
  if (ledger === null) return () => null;
  try {
    const use = await within(useWaitMs, ledger.agentUse(context.organizationId, ids));
    return (id) => use.get(id) ?? { firstSeenMs: null, lastSeenMs: null };
  } catch (error) {
    context.log.warn('agent.use_unknown', { error });
    return () => null;
  }
}
