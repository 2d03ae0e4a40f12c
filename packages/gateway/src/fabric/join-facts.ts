import { bounds } from '../kernel/bounds.ts';
import type { KnownFacts } from './catalogue.ts';
import type { ServerFacts } from './dialogue.ts';

export interface FactsOf extends KnownFacts {
  readonly server: string;
}

type Capabilities = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** Extensions that need nothing of an endpoint but its resources and tools. */
const carriedExtensions = ['io.modelcontextprotocol/ui'];

/**
 * What many servers are as one. It can do what one of them can, and only what is passed on; one that is away counts for what it last said. Of one
 * that never said anything it is not known what it can do: so that its tools are found when it returns, lists are offered then, which may be
 * empty. Changes of lists are told of all servers, for one that does not tell of them is watched by the catalogue.
 */
export function joinFacts(all: readonly FactsOf[], cacheScope: 'public' | 'private'): ServerFacts {
  const capabilities = all.flatMap(({ facts }) => (facts === null ? [] : [JSON.parse(facts.capabilities) as Capabilities]));
  const isAnyUnknown = all.length === 0 || capabilities.length < all.length;
  const has = (name: string): boolean => capabilities.some((one) => one[name] !== undefined);
  const lists = (name: string): boolean => isAnyUnknown || has(name);
  const extensions = carriedExtensions.filter((id) => capabilities.some((one) => one['extensions']?.[id] !== undefined));
  const joined = {
    ...(lists('tools') && { tools: { listChanged: true } }),
    ...(lists('resources') && {
      resources: { listChanged: true, ...(capabilities.some((one) => one['resources']?.['subscribe'] === true) && { subscribe: true }) },
    }),
    ...(lists('prompts') && { prompts: { listChanged: true } }),
    ...(has('completions') && { completions: {} }),
    ...(has('logging') && { logging: {} }),
    ...(extensions.length > 0 && { extensions: Object.fromEntries(extensions.map((id) => [id, {}])) }),
  };
  const ttlMs = all.reduce<number>((least, { facts, isAway }) => Math.min(least, isAway ? 0 : (facts?.ttlMs ?? 0)), bounds.catalogueWatchedMs);
  const isPublic = cacheScope === 'public' && all.every(({ facts }) => facts?.cacheScope === 'public');
  return {
    era: 'modern',
    capabilities: JSON.stringify(joined),
    instructions: joinInstructions(all),
    info: null,
    ttlMs,
    cacheScope: isPublic ? 'public' : 'private',
  };
}

/** Each server's instructions under its name. They stand in every model's context: each has its share of the room. */
function joinInstructions(all: readonly FactsOf[]): string | null {
  const given = all.flatMap(({ server, facts }) => (facts?.instructions ? [{ server, text: facts.instructions }] : []));
  if (given.length === 0) return null;
  const share = Math.floor(bounds.instructionsCharsMax / given.length);
  return given.map(({ server, text }) => `# ${server}\n\n${text.length <= share ? text : `${text.slice(0, share)} …`}`).join('\n\n');
}
