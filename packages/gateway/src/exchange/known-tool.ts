import type { ListedFacts } from '../fabric/listed-tools.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import type { Server, Snapshot } from '../snapshot/compile-snapshot.ts';
import type { Call } from './rail.ts';
import { headersForAll } from './transform-call.ts';

/** What is known of a tool where a decision asks: what its server says of it, and its risk. Null: nothing. */

/** A promise only where the server's list has to be read. Never rejects. */
export function findTool(call: Call, server: Server, tool: string): ToolFacts | null | Promise<ToolFacts | null> {
  const found = call.rail.aggregates.tools.find(server, headersForAll(call, server), tool);
  const whole = (listed: ListedFacts | null): ToolFacts | null => factsWithRisk(call.snapshot, server.data.name, tool, listed);
  return found instanceof Promise ? found.then(whole) : whole(found);
}

/** The same, of what is at hand. */
export function knownTool(call: Call, server: Server, tool: string): ToolFacts | null {
  return factsWithRisk(call.snapshot, server.data.name, tool, call.rail.aggregates.tools.known(server, headersForAll(call, server), tool));
}

export function factsWithRisk({ riskOf }: Pick<Snapshot, 'riskOf'>, server: string, tool: string, listed: ListedFacts | null): ToolFacts | null {
  return listed && { ...listed, risk: riskOf(server, tool, listed.annotations) };
}
