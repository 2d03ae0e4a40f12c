/** A well-shaped gateway.yaml, the environment and the command line → Config. */
import { availableParallelism } from 'node:os';
import { dirname, isAbsolute, resolve } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import { networksOf, refusedHost } from '../kernel/outward-address.ts';
import { readPolicy } from '../kernel/policy.ts';
import type {
  BackupConfig,
  Config,
  CredentialConfig,
  HttpServerConfig,
  ListenTlsConfig,
  RemoteServerConfig,
  RouteConfig,
  SecretReference,
  ServerConfig,
} from './config.ts';
import type { Path } from './config-fault.ts';
import { variableNameOf, type EnvironmentSettings } from './environment-settings.ts';
import { parseListenAddress, type ListenAddress } from './listen-address.ts';
import { parseDuration, parseSize } from './quantities.ts';
import { buildAccess } from './build-access.ts';
import { buildIdentity } from './build-identity.ts';
import { buildAudit } from './build-audit.ts';
import { buildPrices, buildReportedCostMax } from './build-prices.ts';
import { buildAggregate, buildVirtualServers } from './build-endpoints.ts';
import { buildRecord } from './build-record.ts';
import { buildTelemetry } from './build-telemetry.ts';
import { buildTransforms } from './build-transforms.ts';
import { buildUpstream, upstreamAt } from './build-upstream.ts';
import { serverNamePattern } from './schema-parts.ts';
import type { GatewayFile, ServerEntry } from './schema.ts';
import type { Complain } from './check-config.ts';

export interface BuildInput {
  readonly file: GatewayFile;
  /** Absolute path of the file, or null. */
  readonly path: string | null;
  readonly settings: EnvironmentSettings;
  readonly listen: ListenAddress;
  /** A scalar of the well-shaped file as written. */
  readonly textAt: (path: Path) => string | null;
  readonly complain: Complain;
  /** Reports a fault of an environment variable. */
  readonly complainVariable: (variable: string, message: string, cause: string, fix: string) => void;
}

/** The default of S0 for keys: 500 requests a minute. */
const rateLimitDefault = { scope: 'api_key', keyPrefix: null, limit: 500, windowMs: 60_000, burst: 0 } as const;

export function buildConfig(input: BuildInput): Config {
  const { file, path, settings } = input;
  const folder = path === null ? process.cwd() : dirname(path);
  const servers = [
    ...overrideServers(
      input,
      file.servers.map((entry, index) => buildServer(input, entry, index, folder)),
    ),
  ];
  const limits = file.rate_limits.map((entry) => ({
    scope: entry.scope,
    keyPrefix: entry.key_prefix ?? null,
    limit: entry.limit,
    windowMs: ms(entry.window),
    burst: entry.burst,
  }));
  const aggregate = buildAggregate(file.aggregate);
  return {
    version: 1,
    file: path,
    listen: {
      ...input.listen,
      hosts: file.listen.hosts.map((host) => host.toLowerCase()),
      origins: file.listen.origins,
      publicUrl: file.listen.public_url ?? null,
      websocket: file.listen.websocket,
      sse: file.listen.sse,
      metrics: file.listen.metrics === undefined ? null : parseListenAddress(file.listen.metrics),
      tls: buildListenTls(file.listen.tls, folder),
    },
    servers,
    routes: servers.map((server) => buildRoute(server, file)),
    pricing: buildPrices(input),
    transforms: buildTransforms(file.transforms),
    cache: file.cache.map(({ server, lists, resources, tools, ttl, public: isPublic }) => ({
      server,
      lists,
      resources,
      tools: Object.fromEntries(Object.entries(tools).map(([tool, kept]) => [tool, ms(kept)])),
      ttlMs: ttl === undefined ? 0 : ms(ttl),
      public: isPublic,
    })),
    record: buildRecord(file.record),
    policies: file.policies?.map(readPolicy) ?? null,
    identity: buildIdentity(file.identity, folder, (reference) => buildReference(reference, folder)),
    access: buildAccess(file.access, folder, (reference) => buildReference(reference, folder)),
    aggregate,
    virtualServers: buildVirtualServers(file.virtual_servers, aggregate),
    rateLimits: limits.some(({ keyPrefix }) => keyPrefix === null) ? limits : [...limits, rateLimitDefault],
    limits: { bodyBytesMax: bytes(file.limits.body_max) },
    journal: { sync: file.journal.sync, spoolBytesMax: bytes(file.journal.spool_max) },
    retention: { tracesDays: Number.parseInt(file.retention.traces, 10), metricsDays: Number.parseInt(file.retention.metrics, 10) },
    audit: buildAudit(file.audit, folder, (secret) => buildReference(secret, folder)),
    backup: file.backup === undefined ? null : buildBackup(file.backup, folder),
    sessionKeys: file.session_keys.map((reference) => buildReference(reference, folder)),
    stores: {
      databaseUrl: settings.databaseUrl,
      databaseConnectionsMax: settings.databaseConnectionsMax,
      clickhouseUrl: settings.clickhouseUrl,
      clickhouseCluster: settings.clickhouseCluster,
      redisUrl: settings.redisUrl,
    },
    telemetry: buildTelemetry(file.telemetry, settings.otlp, folder),
    keys: { environment: file.environment, bcryptCost: settings.bcryptCost },
    workers: file.workers ?? Math.max(1, availableParallelism() - 1),
    log: { level: settings.logLevel ?? file.log.level, format: settings.logFormat ?? file.log.format },
  };
}

function buildServer(input: BuildInput, entry: ServerEntry, index: number, folder: string): ServerConfig {
  const upstream = buildUpstream(entry, folder, (secret) => buildReference(secret, folder));
  const reportedCostMaxNano = buildReportedCostMax(input, entry, ['servers', index, 'reported_cost_max']);
  const base = {
    name: entry.name,
    ...(entry.organizations === undefined ? {} : { organizations: entry.organizations }),
    timeoutMs: ms(entry.timeout),
    connectionsMax: entry.connections_max,
    ...(entry.renew_sessions ? {} : { renewsSessions: false }),
    ...(upstream === undefined ? {} : { upstream }),
    ...(reportedCostMaxNano === undefined ? {} : { reportedCostMaxNano }),
  };
  if (entry.transport === 'websocket' || entry.transport === 'sse')
    return {
      ...base,
      transport: entry.transport,
      url: entry.url,
      credential: entry.credential === undefined ? null : buildCredential(entry.credential, folder),
    };
  if (entry.transport !== 'stdio')
    return {
      ...base,
      transport: 'http',
      url: entry.url ?? entry.targets?.[0]?.url ?? '',
      credential: entry.credential === undefined ? null : buildCredential(entry.credential, folder),
    };
  const [program = '', ...rest] = entry.command;
  return {
    ...base,
    transport: 'stdio',
    command: [program.includes('/') ? resolve(folder, program) : program, ...rest],
    env: Object.fromEntries(Object.entries(entry.env).map(([name, value]) => [name, typeof value === 'string' ? value : buildReference(value, folder)])),
    cwd: resolve(folder, entry.cwd),
    processes: entry.processes,
  };
}

function buildListenTls(entry: GatewayFile['listen']['tls'], folder: string): ListenTlsConfig | null {
  if (entry === undefined) return null;
  return {
    certFile: resolve(folder, entry.cert),
    key: buildReference(entry.key, folder),
    clientCaFile: entry.client_ca === undefined ? null : resolve(folder, entry.client_ca),
    clientCertificates: entry.client_ca === undefined ? 'none' : (entry.client_certificates ?? 'required'),
    minVersion: `TLSv${entry.min_version}`,
  };
}

function buildCredential(credential: CredentialConfig, folder: string): CredentialConfig {
  return { ...credential, secret: buildReference(credential.secret, folder) };
}

function buildReference(reference: SecretReference, folder: string): SecretReference {
  return 'file' in reference && !isAbsolute(reference.file) ? { file: resolve(folder, reference.file) } : reference;
}

/** `MCP_SERVER_{NAME}_URL` moves the server of that name to the URL, or adds one. */
function overrideServers({ settings, complainVariable }: BuildInput, servers: readonly ServerConfig[]): readonly ServerConfig[] {
  const result = [...servers];
  for (const [name, url] of settings.serverUrls) {
    const variable = `MCP_SERVER_${name}_URL`;
    const matches = result.map((server, index) => ({ server, index })).filter(({ server }) => variableNameOf(server.name) === name);
    const [match] = matches;
    const refusal = refusedHost(new URL(url).hostname, networksOf(match?.server.upstream?.allowedNetworks ?? []));
    if (refusal !== null)
      complainVariable(
        variable,
        'names no place to send anything to',
        `Of such addresses, ${refusal}.`,
        'Correct it, or name the address in allow_addresses of the server in the file.',
      );
    if (matches.length > 1) {
      const cause = `Both ${matches.map(({ server }) => server.name).join(' and ')} are written as ${name} in an environment variable.`;
      complainVariable(variable, 'names more than one server', cause, 'Rename one of the servers, or write the url into the file.');
    } else if (match !== undefined) {
      const { organizations, timeoutMs, connectionsMax, renewsSessions, upstream, reportedCostMaxNano } = match.server;
      // A credential was meant for the other address: it is not sent to this one.
      const { transport } = match.server;
      const sameOrigin = (transport === 'http' || transport === 'sse') && URL.parse(match.server.url)?.origin === URL.parse(url)?.origin;
      result[match.index] = {
        name: match.server.name,
        ...(organizations === undefined ? {} : { organizations }),
        timeoutMs,
        connectionsMax,
        ...(renewsSessions === undefined ? {} : { renewsSessions }),
        transport: transport === 'sse' ? transport : 'http',
        url,
        credential: transport !== 'stdio' && sameOrigin ? match.server.credential : null,
        ...(upstream === undefined ? {} : { upstream: upstreamAt(upstream, transport === 'sse' ? null : url, sameOrigin) }),
        // Nor is what stands there trusted.
        ...(reportedCostMaxNano === undefined || !sameOrigin ? {} : { reportedCostMaxNano }),
      } satisfies HttpServerConfig | RemoteServerConfig;
    } else {
      const added = name.toLowerCase().replaceAll('_', '-');
      if (serverNamePattern.test(added) && added !== 'v') {
        result.push({
          name: added,
          timeoutMs: bounds.upstreamTimeoutMs,
          connectionsMax: bounds.upstreamConnectionsMax,
          transport: 'http',
          url,
          credential: null,
        });
      } else
        complainVariable(
          variable,
          'does not name a server',
          `"${added}" cannot be the name of a server.`,
          'Use letters, digits and "_", beginning with a letter or digit.',
        );
    }
  }
  return result;
}

function buildBackup({ folder, every, keep, ledger }: NonNullable<GatewayFile['backup']>, base: string): BackupConfig {
  return { folder: resolve(base, folder), everyMs: ms(every), keepMs: ms(keep), ledger };
}

function buildRoute(server: ServerConfig, file: GatewayFile): RouteConfig {
  const entry = file.routes.find((route) => route.server === server.name);
  return {
    server: server.name,
    path: entry?.path ?? `/mcp/${server.name}`,
    auth: entry?.auth ?? { type: 'apiKey' },
    timeoutMs: entry?.timeout === undefined ? server.timeoutMs : ms(entry.timeout),
  };
}

function ms(duration: string): number {
  return parsed(parseDuration(duration), duration);
}

function bytes(size: string): number {
  return parsed(parseSize(size), size);
}

/** The schema has checked the text; should the two ever disagree, nothing may go on with a guess. */
function parsed(value: number | null, text: string): number {
  if (value === null) throw new RangeError(`${text} passed the schema but is no quantity`);
  return value;
}
