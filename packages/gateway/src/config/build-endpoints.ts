/** `aggregate` and `virtual_servers` as they are written → Config. */
import type { AggregateConfig, SelectionConfig, VirtualServerConfig } from './config.ts';
import { parseDuration } from './quantities.ts';
import type { AggregateEntry, VirtualServerEntry } from './schema-endpoints.ts';

export function buildAggregate(entry: AggregateEntry): AggregateConfig {
  const deadlineMs = parseDuration(entry.deadline);
  if (deadlineMs === null) throw new RangeError(`${entry.deadline} passed the schema but is no duration`);
  return {
    enabled: entry.enabled,
    auth: entry.auth,
    prefix: entry.prefix,
    nameLimit: entry.name_limit,
    clientLimits: entry.client_limits,
    pageSize: entry.page_size,
    toolExposure: entry.tool_exposure,
    deadlineMs,
  };
}

export function buildVirtualServers(entries: readonly VirtualServerEntry[], aggregate: AggregateConfig): VirtualServerConfig[] {
  return entries.map((entry) => ({
    name: entry.name,
    auth: entry.auth,
    servers: entry.servers,
    prefix: entry.prefix ?? aggregate.prefix,
    toolExposure: entry.tool_exposure ?? aggregate.toolExposure,
    tools: selections(entry.tools),
    resources: selections(entry.resources),
    prompts: selections(entry.prompts),
  }));
}

type Entry =
  | string
  | {
      readonly server?: string | undefined;
      readonly name?: string;
      readonly uri?: string;
      readonly rename?: string | undefined;
      readonly description?: string | undefined;
    };

function selections(entries: readonly Entry[] | undefined): SelectionConfig[] | null {
  if (entries === undefined) return null;
  return entries.map((entry) => {
    if (typeof entry === 'string') return { server: null, pattern: entry, rename: null, description: null };
    return { server: entry.server ?? null, pattern: entry.name ?? entry.uri ?? '', rename: entry.rename ?? null, description: entry.description ?? null };
  });
}
