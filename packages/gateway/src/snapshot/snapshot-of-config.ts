import type { Config, ServerConfig, UpstreamConfig } from '../config/config.ts';
import { openPriceBook, type PriceList, type WholePrice } from '../kernel/price-list.ts';
import { endpointsOfConfig } from './endpoints-of-config.ts';
import type { OpaData } from './opa-data.ts';
import type { PolicyData } from '../kernel/policy.ts';
import type { OrganizationRules, PriceData, ServerData, SnapshotData } from './snapshot.ts';
import type { TargetData, TlsData, UpstreamData } from './upstream-data.ts';

/** What a configuration does not hold itself: places of this node and resolved secrets. */
export interface SnapshotSources {
  readonly version: number;
  readonly organizationId: string;
  readonly node: string;
  /** The port that is listened on: 0 in the configuration is resolved by then. */
  readonly port: number;
  /** The price list that holds, and its version. */
  readonly prices: { readonly version: number; readonly list: PriceList };
  /** In the order in which they are shown. */
  readonly policies: readonly PolicyData[];
  /** How the policy engine is asked, or null. */
  readonly opa: OpaData | null;
  /** Of other organizations. */
  readonly others: readonly OrganizationRules[];
  bridgeSocket(server: string): string;
  credential(server: ServerConfig): ServerData['credential'];
  /** What is read for the server's TLS, or null. */
  tls(server: ServerConfig): TlsData | null;
}

/** The data-plane state that a configuration stands for. */
export function snapshotOfConfig(config: Config, sources: SnapshotSources): SnapshotData {
  const { list } = sources.prices;
  const priceOf = openPriceBook(list);
  return {
    version: sources.version,
    organizationId: sources.organizationId,
    node: sources.node,
    hosts: [...hostNames(config.listen).flatMap((name) => [name, `${name}:${sources.port}`]), ...publicOf(config.listen, ({ host }) => host)],
    origins: [
      ...hostNames(config.listen).map((name) => originOf(config.listen, name, sources.port)),
      ...publicOf(config.listen, ({ origin }) => origin),
      ...config.listen.origins,
    ],
    bodyBytesMax: config.limits.bodyBytesMax,
    recordBodyBytesMax: config.record.bodyBytesMax,
    links: { websocket: config.listen.websocket, sse: config.listen.sse },
    currency: list.currency,
    priceVersion: sources.prices.version,
    servers: config.servers.map((server) => ({ ...serverData(server, config, sources), ...pricesOf(server, list, priceOf) })),
    policies: sources.policies,
    ...(config.access.risks.length === 0 ? {} : { risks: config.access.risks }),
    ...(config.identity.issuers.length === 0 && config.identity.authorizationServer === null
      ? {}
      : { tokens: true as const, signIn: signInAt(ownUrl(config.listen, sources.port)) }),
    ...(config.identity.certificates.authorities.length === 0 ? {} : { certificates: { proxies: config.identity.certificates.proxies } }),
    ...(sources.opa === null ? {} : { opa: sources.opa }),
    ...(sources.others.length === 0 ? {} : { others: sources.others }),
    endpoints: endpointsOfConfig(config),
  };
}

/** The address of a gateway on this port that people are told, without a slash at its end. */
export function ownUrl(listen: Config['listen'], port: number): string {
  if (listen.publicUrl !== null) return listen.publicUrl;
  const [own = listen.host] = hostNames(listen);
  // A certificate is for a name, and seldom for an address.
  const name = listen.tls === null ? own : (listen.hosts[0] ?? own);
  return originOf(listen, name, port);
}

/** As browsers write it: without the default port. */
function originOf({ tls }: Config['listen'], name: string, port: number): string {
  return new URL(`${tls === null ? 'http' : 'https'}://${name}:${port}`).origin;
}

function signInAt(publicUrl: string): NonNullable<SnapshotData['signIn']> {
  const { origin, pathname } = new URL(publicUrl);
  return { origin, basePath: pathname === '/' ? '' : pathname };
}

/** What of the public address is said in Host and Origin. */
function publicOf({ publicUrl }: Config['listen'], part: (url: URL) => string): readonly string[] {
  return publicUrl === null ? [] : [part(new URL(publicUrl))];
}

const loopback = ['127.0.0.1', 'localhost', '[::1]'];

/** The names by which the listen address is reached. An address of all interfaces is reached by the names in `listen.hosts` and by loopback. */
function hostNames({ host, hosts }: Config['listen']): string[] {
  const own = canonical(host.includes(':') ? `[${host}]` : host);
  const all = own === '0.0.0.0' || own === '[::]';
  return [...new Set([...(all ? [] : [own]), ...(all || loopback.includes(own) ? loopback : []), ...hosts.map(canonical)])];
}

/** As clients write it in Host: lower case, addresses in their shortest form (https://url.spec.whatwg.org/#host-parsing). */
function canonical(name: string): string {
  return URL.parse(`http://${name}`)?.hostname ?? name.toLowerCase();
}

function serverData(server: ServerConfig, config: Config, sources: SnapshotSources): Omit<ServerData, 'price' | 'toolPrices'> {
  const route = config.routes.find((entry) => entry.server === server.name);
  const url = server.transport === 'http' ? new URL(server.url) : null;
  const cache = config.cache.find((entry) => entry.server === server.name);
  const transforms = config.transforms.filter((entry) => entry.server === server.name);
  return {
    name: server.name,
    ...(server.organizations === undefined ? {} : { organizations: server.organizations }),
    path: route?.path ?? `/mcp/${server.name}`,
    auth: route?.auth.type ?? 'apiKey',
    ...(route?.auth.issuers === undefined ? {} : { issuers: route.auth.issuers }),
    transport: server.transport,
    origin: url?.origin ?? 'http://localhost',
    upstreamPath: url === null ? '/mcp' : `${url.pathname}${url.search}`,
    socketPath: url === null ? sources.bridgeSocket(server.name) : null,
    timeoutMs: route?.timeoutMs ?? server.timeoutMs,
    connectionsMax: server.connectionsMax,
    ...(server.renewsSessions === undefined ? {} : { renewsSessions: server.renewsSessions }),
    ...(server.upstream === undefined ? {} : { upstream: upstreamData(server, server.upstream, sources) }),
    credential: sources.credential(server),
    ...(transforms.length === 0 ? {} : { transforms }),
    ...(cache === undefined ? {} : { cache }),
    ...bodiesOf(server.name, config),
  };
}

function bodiesOf(server: string, { record }: Config): Pick<ServerData, 'bodies'> {
  const own = record.overrides.filter((entry) => entry.server === server);
  const all = (own.find(({ tool }) => tool === null)?.bodies ?? record.bodies) === 'masked';
  const tools = Object.fromEntries(own.flatMap(({ tool, bodies }) => (tool === null ? [] : [[tool, bodies === 'masked']])));
  return all || Object.values(tools).includes(true) ? { bodies: { all, tools } } : {};
}

function upstreamData(server: ServerConfig, upstream: UpstreamConfig, sources: SnapshotSources): UpstreamData {
  const tls = sources.tls(server);
  const [first = null, ...others] = upstream.targets.map(({ name, url: address, weight }): TargetData => {
    const { origin, pathname, search, protocol } = new URL(address);
    return { name, origin, path: `${pathname}${search}`, socketPath: null, weight, tls: protocol === 'https:' ? tls : null };
  });
  const { tls: _files, ...rest } = upstream;
  if (first !== null) return { ...rest, targets: [first, ...others] };
  const bridge: TargetData = { name: 'main', origin: 'http://localhost', path: '/mcp', socketPath: sources.bridgeSocket(server.name), weight: 1, tls: null };
  return { ...rest, targets: [bridge] };
}

function pricesOf(
  server: ServerConfig,
  list: PriceList,
  priceOf: ReturnType<typeof openPriceBook>,
): Pick<ServerData, 'price' | 'toolPrices' | 'reportedCostMaxNano'> {
  const { by, ...own } = priceOf(server.name, null);
  // An entry that says nothing is as if it were not there.
  const tools = list.overrides.filter((entry) => entry.server === server.name && entry.tool !== null && priceOf(server.name, entry.tool).by === 'tool');
  return {
    price: { ...priceData(own), by: by === 'tool' ? 'server' : by },
    toolPrices: Object.fromEntries(tools.map(({ tool }) => [tool ?? '', priceData(priceOf(server.name, tool))])),
    ...(server.reportedCostMaxNano === undefined ? {} : { reportedCostMaxNano: String(server.reportedCostMaxNano) }),
  };
}

function priceData(price: Omit<WholePrice, 'by'>): PriceData {
  return {
    perCallNano: String(price.perCallNano),
    perTokenInputNano: String(price.perTokenInputNano),
    perTokenOutputNano: String(price.perTokenOutputNano),
    ...(price.perSecondNano === 0n ? {} : { perSecondNano: String(price.perSecondNano) }),
  };
}
