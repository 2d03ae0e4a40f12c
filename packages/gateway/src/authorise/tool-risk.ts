import { higherRisk, riskOf, type Risk, type ToolHints } from '../kernel/tool-facts.ts';
import { compilePatterns, fold, foldedPatterns } from './patterns.ts';

/** What an operator says of tools: patterns of names, in which `*` stands for any text. */
export interface RiskData {
  readonly servers: readonly string[];
  readonly tools: readonly string[];
  readonly risk: Risk;
}

/**
 * The risk of a tool that its server lists with these hints. Of entries that name it the highest counts, and takes the place of what follows from the
 * hints. A tool whose name only reads like one that an entry names is as that entry says, or as its own hints say: whichever is higher.
 */
export type RiskOf = (server: string, tool: string, hints: ToolHints) => Risk;

export function compileRisks(entries: readonly RiskData[]): RiskOf {
  const compiled = entries.map(({ servers, tools, risk }) => ({
    servers: compilePatterns(servers),
    exact: compilePatterns(tools),
    alike: foldedPatterns(tools),
    risk,
  }));
  return (server, tool, hints) => {
    let named: Risk | null = null;
    let alike: Risk | null = null;
    for (const entry of compiled) {
      if (!entry.servers.fits(server)) continue;
      if (entry.exact.fits(tool)) named = higherRisk(named ?? entry.risk, entry.risk);
      else if (entry.alike.fits(fold(tool))) alike = higherRisk(alike ?? entry.risk, entry.risk);
    }
    const own = named ?? riskOf(hints);
    return alike === null ? own : higherRisk(own, alike);
  };
}
