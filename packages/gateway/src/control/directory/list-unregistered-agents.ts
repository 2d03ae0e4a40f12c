import { bounds } from '../../kernel/bounds.ts';
import type { SeenAgent } from '../../store/ledger/seen-agents.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';

export interface UnregisteredAgents {
  /** Most calls first. `agent` is empty where calls name none: then it is a program, by the name that it gives itself. */
  readonly agents: readonly SeenAgent[];
  readonly fromMs: number;
  /** There may be more, with fewer calls. */
  readonly isCut: boolean;
}

const dayMs = 86_400_000;

/** Who called in the last days and is not in the catalogue of agents. Faults: `unavailable`. */
export async function listUnregisteredAgents(
  context: ControlContext,
  { days, limit }: { readonly days: number; readonly limit: number },
): Promise<UnregisteredAgents> {
  const { organizationId, registry, clock } = context;
  const nowMs = clock.nowMs();
  const fromMs = nowMs - days * dayMs;
  const seen = await requireLedger(context).listSeenAgents({
    organizationId,
    startUs: BigInt(fromMs) * 1000n,
    endUs: BigInt(nowMs) * 1000n,
    callsMax: bounds.seenCallsMax,
    groupsMax: bounds.seenAgentsMax,
    namesMax: bounds.seenNamesMax,
  });
  const named = seen.flatMap(({ agent }) => (agent === '' ? [] : [{ kind: 'agent' as const, id: agent }]));
  const known = named.length === 0 ? [] : await registry.directory.lineage(organizationId, named);
  const registered = new Set(known.flatMap(({ kind, id, isRegistered }) => (kind === 'agent' && isRegistered ? [id] : [])));
  const agents = seen.filter(({ agent }) => !registered.has(agent));
  const isAllSeen = seen.length < bounds.seenAgentsMax && seen.reduce((sum, { calls }) => sum + calls, 0) < bounds.seenCallsMax;
  return { agents: agents.slice(0, limit), fromMs, isCut: agents.length > limit || !isAllSeen };
}
