import type { Config, PriceConfig, ServerConfig } from '../config/config.ts';
import type { PriceData, ServerData, SnapshotData } from './snapshot.ts';

/** What a configuration does not hold itself: places of this node and resolved secrets. */
export interface SnapshotSources {
  readonly version: number;
  readonly organizationId: string;
  readonly node: string;
  /** The port that is listened on: 0 in the configuration is resolved by then. */
  readonly port: number;
  bridgeSocket(server: string): string;
  credential(server: ServerConfig): ServerData['credential'];
}

/** The data-plane state that a configuration stands for. */
export function snapshotOfConfig(config: Config, sources: SnapshotSources): SnapshotData {
  const names = hostNames(config.listen.host, config.listen.hosts);
  const hosts = names.flatMap((name) => [name, `${name}:${sources.port}`]);
  return {
    version: sources.version,
    organizationId: sources.organizationId,
    node: sources.node,
    hosts,
    origins: [...names.map((name) => `http://${name}:${sources.port}`), ...config.listen.origins],
    bodyBytesMax: config.limits.bodyBytesMax,
    currency: config.pricing.currency,
    servers: config.servers.map((server) => serverData(server, config, sources)),
  };
}

/** The names by which the listen address is reached. An address of all interfaces is reached by the names in `listen.hosts` and by loopback. */
function hostNames(host: string, further: readonly string[]): string[] {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const loopback = ['localhost', '127.0.0.1', '[::1]'];
  const all = host === '0.0.0.0' || host === '::' || host === '';
  return [
    ...new Set([...(all ? loopback : loopback.includes(bracketed) ? [bracketed, ...loopback] : [bracketed]), ...further.map((name) => name.toLowerCase())]),
  ];
}

function serverData(server: ServerConfig, config: Config, sources: SnapshotSources): ServerData {
  const route = config.routes.find((entry) => entry.server === server.name);
  const own = config.pricing.overrides.find((entry) => entry.server === server.name && entry.tool === null);
  const tools = config.pricing.overrides.filter((entry) => entry.server === server.name && entry.tool !== null);
  const url = server.transport === 'http' ? new URL(server.url) : null;
  return {
    name: server.name,
    path: route?.path ?? `/mcp/${server.name}`,
    auth: route?.auth.type ?? 'apiKey',
    transport: server.transport,
    origin: url?.origin ?? 'http://localhost',
    upstreamPath: url === null ? '/mcp' : `${url.pathname}${url.search}`,
    socketPath: url === null ? sources.bridgeSocket(server.name) : null,
    timeoutMs: route?.timeoutMs ?? server.timeoutMs,
    connectionsMax: server.connectionsMax,
    credential: sources.credential(server),
    price: { ...priceData(own ?? config.pricing.default), by: own ? 'server' : 'default' },
    toolPrices: Object.fromEntries(tools.map((entry) => [entry.tool ?? '', priceData(entry)])),
  };
}

function priceData(price: PriceConfig): PriceData {
  return { perCallNano: String(price.perCallNano), perTokenInputNano: String(price.perTokenInputNano), perTokenOutputNano: String(price.perTokenOutputNano) };
}
