/**
 * What a configuration makes on this node: the snapshot of the workers, the options of the bridges, and what has to be done
 * when one configuration takes the place of another. Secrets are read here, all at once, so that a configuration serves with
 * the secrets that it was checked with.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { BridgeOptions } from './bridge/bridge-options.ts';
import { readCertificateAuthority, settingOf } from './config/certificate-authorities.ts';
import { configInvalid } from './config/config-fault.ts';
import type { ListenTlsMaterial } from './config/listen-tls.ts';
import type { Config, RemoteServerConfig, ServerConfig, StdioServerConfig } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { resolveCredential, resolveSecret } from './config/read-secret.ts';
import { resolveProvider } from './config/provider-secrets.ts';
import {
  checkSecrets,
  resolveIssuers,
  resolveListenTls,
  resolveOpa,
  resolveSessionKeys,
  resolveStream,
  resolveTls,
  secretFiles,
  secretReferences,
} from './config/secrets.ts';
import type { ProviderData } from './identity/provider-data.ts';
import type { BackupDesk } from './control/backup/backup-desk.ts';
import type { AppliedChange, ReloadResult } from './control/config/reload-config.ts';
import type { ServerTarget } from './control/servers/run-server-test.ts';
import { unknownObject } from './control/unknown-object.ts';
import type { ServedPrices } from './control/prices/price-desk.ts';
import type { OrganizationId } from './kernel/id.ts';
import { createSealer, type Sealer } from './kernel/seal.ts';
import type { StreamData } from './jobs/siem/stream-data.ts';
import type { Log } from './kernel/log.ts';
import { packageVersion } from './node/package-version.ts';
import type { StateFolder } from './node/state-folder.ts';
import type { StatePaths } from './node/state-paths.ts';
import type { WorkerKeys } from './node/worker-messages.ts';
import { watchFiles, type FileWatch } from './node/watch-files.ts';
import { planChange } from './plan/plan-change.ts';
import { snapshotOfConfig } from './snapshot/snapshot-of-config.ts';
import type { PolicyData } from './kernel/policy.ts';
import type { AuthorityData } from './identity/authority-data.ts';
import type { IssuerData } from './identity/issuer-data.ts';
import type { OpaData } from './snapshot/opa-data.ts';
import type { OrganizationRules, ServerData, SnapshotData } from './snapshot/snapshot.ts';
import type { TlsData } from './snapshot/upstream-data.ts';
import { reachOf } from './upstream/reach.ts';

export interface CompiledConfig {
  readonly config: Config;
  readonly bridges: readonly BridgeOptions[];
  /** What the door shows; null where it speaks no TLS. */
  readonly door: ListenTlsMaterial | null;
  readonly credentials: ReadonlyMap<string, ServerData['credential']>;
  readonly tls: ReadonlyMap<string, TlsData | null>;
  /** Of the audit. */
  readonly streams: readonly StreamData[];
  readonly providers: readonly ProviderData[];
  /** Null: no policy engine is asked. */
  readonly opa: OpaData | null;
  readonly issuers: readonly IssuerData[];
  readonly authorities: readonly AuthorityData[];
  /** By the rules of the gateway's own organization, and of others. */
  snapshot(version: number, port: number, prices: ServedPrices, policies: readonly PolicyData[], others: readonly OrganizationRules[]): SnapshotData;
}

export interface ConfigCompiler {
  /**
   * `earlier`: what serves now. A bridge whose settings are the same keeps its socket; another one gets a socket of its own,
   * because the bridge before it may still be ending. Faults: `secret_unavailable`, `unsafe_start`.
   */
  compile(config: Config, earlier: CompiledConfig | null): CompiledConfig;
  /** The same for a configuration that comes later. Faults: `config_invalid` with every secret that cannot be used. */
  recompile(config: Config, earlier: CompiledConfig): { readonly compiled: CompiledConfig; readonly change: AppliedChange };
}

export function createConfigCompiler(sources: {
  readonly env: Environment;
  readonly paths: StatePaths;
  readonly node: string;
  readonly organizationId: OrganizationId;
}): ConfigCompiler {
  const { env, paths, node, organizationId } = sources;
  let generation = 0;

  function compile(config: Config, earlier: CompiledConfig | null): CompiledConfig {
    const bridges = config.servers.filter(isBridged).map((server): BridgeOptions => {
      const settings = server.transport === 'stdio' ? programSettings(server, env) : remoteSettings(server, env);
      if (earlier === null) return { ...settings, listen: { path: paths.bridgeSocket(server.name) } };
      const before = earlier.bridges.find(({ name }) => name === server.name);
      return before !== undefined && isDeepStrictEqual(before, { ...settings, listen: before.listen })
        ? before
        : { ...settings, listen: { path: paths.bridgeSocket(server.name, ++generation) } };
    });
    const credentials = new Map(config.servers.map((server) => [server.name, credentialOf(server, env)]));
    const opa = resolveOpa(config, env);
    const authorities = config.identity.certificates.authorities.map(readCertificateAuthority);
    const tls = new Map(config.servers.map((server) => [server.name, resolveTls(server, env)]));
    let made: { readonly port: number; readonly prices: ServedPrices; readonly data: SnapshotData } | null = null;
    return {
      config,
      bridges,
      door: doorAsking(resolveListenTls(config, env), authorities),
      credentials,
      tls,
      opa,
      issuers: resolveIssuers(config, env),
      authorities,
      providers: providersOf(config, earlier, env),
      streams: config.audit.streams.map((stream) => resolveStream(stream, env)),
      snapshot(version, port, prices, policies, others) {
        // Of a thousand servers it is not made anew for each change of a rule.
        if (made?.port !== port || made.prices !== prices) {
          const data = snapshotOfConfig(config, {
            version,
            prices,
            policies,
            others: [],
            opa,
            organizationId,
            node,
            port,
            bridgeSocket: (server) => socketOf(bridges.find(({ name }) => name === server)),
            credential: ({ name }) => credentials.get(name) ?? null,
            tls: ({ name }) => tls.get(name) ?? null,
          });
          made = { port, prices, data };
        }
        return { ...made.data, version, policies, ...(others.length === 0 ? {} : { others }) };
      },
    };
  }

  return {
    compile,
    recompile(config, earlier) {
      const problems = checkSecrets(config, env);
      if (problems.length > 0)
        throw configInvalid(
          config.file,
          problems.map(({ setting, fault }) => ({
            line: null,
            column: null,
            path: setting,
            message: fault.message,
            cause: 'Without it the configuration cannot serve as a whole.',
            fix: fault.fix,
          })),
        );
      const compiled = compile(config, earlier);
      return { compiled, change: { ...planChange(earlier.config, config), secrets: newSecrets(earlier, compiled) } };
    },
  };
}

/** Where callers are told by their certificates, clients are asked for one. */
function doorAsking(material: ListenTlsMaterial | null, authorities: readonly AuthorityData[]): ListenTlsMaterial | null {
  return material === null || authorities.length === 0 ? material : { ...material, tls: { ...material.tls, identifiesClients: true } };
}

/** One that has not changed is the same object: what is known of it is kept. */
function providersOf({ identity }: Config, earlier: CompiledConfig | null, env: Environment): readonly ProviderData[] {
  return identity.providers.map((config) => {
    const provider = resolveProvider(config, env);
    return earlier?.providers.find((one) => isDeepStrictEqual(one, provider)) ?? provider;
  });
}

/** The configured ones first; what was sealed before there were any is still opened. Faults: `secret_unavailable`, `unsafe_start`, `state_broken`. */
export function sessionKeysOf(config: Config, folder: Pick<StateFolder, 'secret'>, env: Environment, log: Log): WorkerKeys {
  const { seal, events } = resolveSessionKeys(config, env);
  // Who shares state with others has reason to share these, too.
  if (seal.length === 0 && config.stores.redisUrl !== null)
    log.warn('session_keys.own', { reason: 'no other node knows the sessions of this one: set session_keys where there are several' });
  const [sealKey = folder.secret('seal'), ...sealedBefore] = seal;
  const [eventKey = folder.secret('events'), ...signedBefore] = events;
  const own = seal.length === 0 ? { seal: [], events: [] } : { seal: [folder.secret('seal')], events: [folder.secret('events')] };
  return { seal: [sealKey, ...sealedBefore, ...own.seal], events: [eventKey, ...signedBefore, ...own.events] };
}

/** What this node seals, and what it opens of others that have the same keys. */
export function sealerOf({ seal: [key, ...before] }: WorkerKeys): Sealer {
  return createSealer(Buffer.from(key), ...before.map((one) => Buffer.from(one)));
}

/** What a backup takes beside the stores: the configuration as it lies there when it is taken. */
export function backupDesk(paths: Pick<StatePaths, 'exports'>, served: () => Config): BackupDesk {
  return {
    version: packageVersion(),
    spoolFolder: paths.exports,
    configuration() {
      const config = served();
      return { file: config.file, text: config.file === null ? null : readFileSync(config.file), references: secretReferences(config) };
    },
  };
}

/** Where the test of a server goes; `targetName` null: where its calls go. Faults: `unknown_object`. */
export function targetOf(snapshot: SnapshotData, name: string, targetName: string | null): ServerTarget {
  const server = snapshot.servers.find((entry) => entry.name === name);
  if (!server) throw unknownObject('server', name);
  const { targets, active, allowedNetworks = [] } = reachOf(server);
  const { origin, path, socketPath, tls } = targets.find((target) => target.name === (targetName ?? active)) ?? targets[0];
  return { name, origin, upstreamPath: path, socketPath, credential: server.credential, tls, allowedNetworks };
}

/** How often files of the configuration are looked at, and when one that could not be recorded is tried again. */
const fileLook = { everyMs: 500, retryMs: 5_000 };

/** Reloads when the file, or one that it names, changes. `onAnother`: another text serves now. */
export function followFile(parts: {
  readonly file: string | null;
  readonly served: () => Config;
  readonly text: () => string;
  readonly reload: () => Promise<ReloadResult>;
  readonly onAnother: () => void;
}): { readonly reload: () => Promise<ReloadResult>; readonly watch: FileWatch } {
  const { file, served, text, onAnother } = parts;
  const reload = async (): Promise<ReloadResult> => {
    const before = text();
    const result = await parts.reload();
    if (text() !== before) onAnother();
    return result;
  };
  const watch = watchFiles({
    files: () => [...(file === null ? [] : [file]), ...secretFiles(served())],
    // What could not be recorded was not applied.
    onChange: async () => (await reload()).refusal?.code !== 'unavailable',
    ...fileLook,
  });
  return { reload, watch };
}

/** Servers that are configured as before, but with another value behind a reference; `listen.tls` for the door, `audit.streams.NAME` for a stream. */
function newSecrets(before: CompiledConfig, after: CompiledConfig): string[] {
  const streams = after.config.audit.streams
    .filter((stream) => before.config.audit.streams.some((other) => isDeepStrictEqual(other, stream)))
    .map(({ name }) => name)
    .filter((name) => !isDeepStrictEqual(before.streams.find(named(name)), after.streams.find(named(name))));
  return [
    ...(isDeepStrictEqual(before.door, after.door) ? [] : ['listen.tls']),
    ...(isDeepStrictEqual(before.opa, after.opa) || !isDeepStrictEqual(before.config.access.opa, after.config.access.opa) ? [] : ['access.opa']),
    ...newAuthorities(before, after),
    ...newCertificateAuthorities(before, after),
    ...newSecretsOfServers(before, after),
    ...streams.map((name) => `audit.streams.${name}`),
    ...newSecretsOfProviders(before, after),
  ];
}

const named =
  (wanted: string) =>
  ({ name }: StreamData): boolean =>
    name === wanted;

function newAuthorities(before: CompiledConfig, after: CompiledConfig): string[] {
  const earlier = new Map(before.issuers.map(({ name, ca }) => [name, ca]));
  const isSame = isDeepStrictEqual(before.config.identity, after.config.identity);
  return isSame ? after.issuers.filter(({ name, ca }) => earlier.get(name) !== ca).map(({ name }) => `identity.issuers.${name}.ca`) : [];
}

function newCertificateAuthorities(before: CompiledConfig, after: CompiledConfig): string[] {
  if (!isDeepStrictEqual(before.config.identity, after.config.identity)) return [];
  return after.authorities.filter((one, index) => !isDeepStrictEqual(one, before.authorities[index])).map(settingOf);
}

function newSecretsOfProviders(before: CompiledConfig, after: CompiledConfig): string[] {
  if (!isDeepStrictEqual(before.config.identity, after.config.identity)) return [];
  return after.providers.filter((provider) => !before.providers.includes(provider)).map(({ name }) => `identity.providers.${name}`);
}

function newSecretsOfServers(before: CompiledConfig, after: CompiledConfig): string[] {
  const sameSettings = after.config.servers.filter((server) => before.config.servers.some((other) => isDeepStrictEqual(other, server)));
  return sameSettings
    .map(({ name }) => name)
    .filter(
      (server) =>
        !isDeepStrictEqual(before.credentials.get(server), after.credentials.get(server)) ||
        !isDeepStrictEqual(before.tls.get(server), after.tls.get(server)) ||
        before.bridges.find(({ name }) => name === server) !== after.bridges.find(({ name }) => name === server),
    );
}

function isBridged(server: ServerConfig): server is StdioServerConfig | RemoteServerConfig {
  return server.transport !== 'http';
}

/** The gateway's credential goes to the bridge by its input, as everything does. */
function remoteSettings(server: RemoteServerConfig, env: Environment): Omit<BridgeOptions, 'listen'> {
  const { credential } = server;
  const shown = credential === null ? null : resolveCredential(credential, env, `servers.${server.name}.credential`);
  const tls = resolveTls(server, env);
  return {
    name: server.name,
    command: null,
    remote: {
      transport: server.transport,
      url: server.url,
      headers: shown === null ? {} : { [shown.header]: shown.value },
      tls:
        tls === null ? undefined : { ca: tls.ca ?? undefined, cert: tls.cert ?? undefined, key: tls.key ?? undefined, servername: tls.serverName ?? undefined },
      allowedNetworks: server.upstream?.allowedNetworks,
    },
    cwd: '/',
    env: {},
    processes: 'session',
  };
}

function programSettings(server: StdioServerConfig, env: Environment): Omit<BridgeOptions, 'listen'> {
  return {
    name: server.name,
    command: server.command,
    cwd: server.cwd,
    env: Object.fromEntries(
      Object.entries(server.env).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : resolveSecret(value, env, `servers.${server.name}.env.${name}`),
      ]),
    ),
    searchPath: env['PATH'],
    home: env['HOME'],
    processes: server.processes,
  };
}

function socketOf(bridge: BridgeOptions | undefined): string {
  if (bridge === undefined || !('path' in bridge.listen)) throw new TypeError('a server behind a bridge has none with a socket');
  return bridge.listen.path;
}

function credentialOf(server: ServerConfig, env: Environment): ServerData['credential'] {
  return server.transport === 'http' && server.credential !== null ? resolveCredential(server.credential, env, `servers.${server.name}.credential`) : null;
}
