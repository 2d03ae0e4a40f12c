import { bounds } from '../kernel/bounds.ts';
import { listedFacts, type ToolFacts } from '../kernel/tool-facts.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { withForwarded } from './caller-class.ts';
import type { CallerClass, Catalogue } from './catalogue.ts';
import type { ClientFace } from './dialogue.ts';
import type { ListEntry, ServerList } from './drain-list.ts';

export type ListedFacts = Omit<ToolFacts, 'risk'>;

/** What servers say of their tools to a client of whom nothing can be asked, whoever calls. */
export interface ListedTools {
  /**
   * What is said of a tool; null: its server does not list it, or what it lists could not be read in time. A promise only where its list has to be read.
   * `forwarded`: headers of the caller that the server is sent with every message, flat. Never rejects.
   */
  find(server: Server, forwarded: readonly string[], tool: string): ListedFacts | null | Promise<ListedFacts | null>;
  /** The same, of what is at hand. */
  known(server: Server, forwarded: readonly string[], tool: string): ListedFacts | null;
}

const face: Omit<ClientFace, 'principalId'> = { capabilities: '{}', info: null, logLevel: null };

export function createListedTools(catalogue: Catalogue, callerClassOf: (face: ClientFace) => CallerClass): ListedTools {
  const callersWith = (forwarded: readonly string[]): CallerClass => withForwarded(callerClassOf({ ...face, principalId: 'gateway' }), forwarded);
  return {
    find(server, forwarded, tool) {
      const callers = callersWith(forwarded);
      const fresh = catalogue.fresh(server, callers, 'tools');
      if (fresh !== null) return factsIn(fresh, tool);
      return catalogue.load(server, callers, 'tools', bounds.listedToolsWaitMs).then(({ list }) => list && factsIn(list, tool));
    },
    known(server, forwarded, tool) {
      const list = catalogue.known(server, callersWith(forwarded), 'tools');
      return list && factsIn(list, tool);
    },
  };
}

const byName = new WeakMap<ServerList, ReadonlyMap<string, ListEntry>>();
const facts = new WeakMap<ListEntry, ListedFacts>();

function factsIn(list: ServerList, tool: string): ListedFacts | null {
  let entries = byName.get(list);
  if (entries === undefined) byName.set(list, (entries = new Map(list.entries.map((entry) => [entry.key, entry]))));
  const entry = entries.get(tool);
  return entry === undefined ? null : factsOfEntry(entry);
}

/** What an entry of a list of tools says of it. */
export function factsOfEntry(entry: ListEntry): ListedFacts {
  let known = facts.get(entry);
  if (known === undefined) facts.set(entry, (known = listedFacts(JSON.parse(entry.json))));
  return known;
}
