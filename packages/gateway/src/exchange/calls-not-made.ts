import type { Aggregates } from '../fabric/aggregates.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import type { Consulted, ConsultInput, NamedTool } from '../node/worker-messages.ts';
import type { Snapshot } from '../snapshot/compile-snapshot.ts';
import { isConsulted } from './access-call.ts';
import { factsWithRisk } from './known-tool.ts';

/** What a worker would learn of calls that nobody makes, for who wants to know why one would be refused. */
export interface CallsNotMade {
  /** What is known of tools, in their order; null: nothing. Never rejects. */
  toolFacts(tools: readonly NamedTool[]): Promise<readonly (ToolFacts | null)[]>;
  /** Asks the policy engine as a call would; null: there is none, or it is not asked of such operations. Never rejects. */
  consult(input: ConsultInput): Promise<Consulted | null>;
}

export function createCallsNotMade(current: () => Snapshot, { tools: listed }: Pick<Aggregates, 'tools'>): CallsNotMade {
  async function factsOf({ server, name }: NamedTool): Promise<ToolFacts | null> {
    const snapshot = current();
    const known = snapshot.byName.get(server);
    return known === undefined ? null : factsWithRisk(snapshot, server, name, await listed.find(known, [], name));
  }

  return {
    toolFacts: (tools) => Promise.all(tools.map(factsOf)),
    async consult({ operation, ...asked }) {
      const { consultant, byName } = current();
      if (consultant === null || !byName.has(operation.server) || !isConsulted(operation.action)) return null;
      const tool = operation.kind === 'tool' ? await factsOf(operation) : null;
      return { engine: consultant.name, opinion: await consultant.ask({ ...asked, operation, tool, nowMs: Date.now() }) };
    },
  };
}
