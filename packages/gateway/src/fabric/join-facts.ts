import { bounds } from '../kernel/bounds.ts';
import type { ServerFacts } from './dialogue.ts';

export interface FactsOf {
  readonly server: string;
  /** Null where the server could not be asked. */
  readonly facts: ServerFacts | null;
}

type Capabilities = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** Extensions that need nothing of an endpoint but its resources and tools. */
const carriedExtensions = ['io.modelcontextprotocol/ui'];

/**
 * What many servers are as one. It can do what one of them can, and only what is passed on. What a server that is away can do is not known: so
 * that its tools are found when it returns, lists are offered then, which may be empty.
 */
export function joinFacts(all: readonly FactsOf[], cacheScope: 'public' | 'private'): ServerFacts {
  const capabilities = all.map(({ facts }) => (facts === null ? null : (JSON.parse(facts.capabilities) as Capabilities)));
  const isAnyAway = all.length === 0 || capabilities.includes(null);
  const has = (name: string): boolean => isAnyAway || capabilities.some((one) => one?.[name] !== undefined);
  const hasOwn = (name: string): boolean => capabilities.some((one) => one?.[name] !== undefined);
  const extensions = carriedExtensions.filter((id) => capabilities.some((one) => one?.['extensions']?.[id] !== undefined));
  const joined = {
    ...(has('tools') && { tools: { listChanged: true } }),
    ...(has('resources') && {
      resources: { listChanged: true, ...(capabilities.some((one) => one?.['resources']?.['subscribe'] === true) && { subscribe: true }) },
    }),
    ...(has('prompts') && { prompts: { listChanged: true } }),
    ...(hasOwn('completions') && { completions: {} }),
    ...(hasOwn('logging') && { logging: {} }),
    ...(extensions.length > 0 && { extensions: Object.fromEntries(extensions.map((id) => [id, {}])) }),
  };
  const ttlMs = all.reduce<number>((least, { facts }) => Math.min(least, facts?.ttlMs ?? 0), bounds.catalogueWatchedMs);
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
