/**
 * plan: what a configuration makes, before it runs. Imports `config/` and `kernel/`. Promises: it reads nothing but the
 * Config and shows where secrets come from, never their values.
 */
import type { Config, CredentialConfig, SecretReference, ServerConfig, UpstreamConfig } from '../config/config.ts';
import { listenAddressText } from '../config/listen-address.ts';
import { durationText } from '../kernel/duration-text.ts';
import { authText, credentialTypes, type CredentialType } from '../kernel/route-auth.ts';
import { fitsGlob, parseGlob } from '../kernel/glob.ts';

/** The resources of the built-in data plane. */
export interface Plan {
  readonly data_plane: 'built-in';
  readonly listen: string;
  readonly routes: readonly PlannedRoute[];
  readonly endpoints: readonly PlannedEndpoint[];
  readonly auth: readonly PlannedAuth[];
  readonly backends: readonly PlannedBackend[];
}

export interface PlannedRoute {
  /** MCP. */
  readonly path: string;
  /** The REST façade of the same server. */
  readonly facade: string;
  readonly server: string;
  /** `apiKey`, or several as `apiKey, jwt`. */
  readonly auth: string;
  readonly timeout_ms: number;
}

/** An address of many servers. */
export interface PlannedEndpoint {
  readonly path: string;
  /** The configured servers behind it, in the order of the file. */
  readonly servers: readonly string[];
  readonly auth: string;
  readonly prefix: 'always' | 'on-collision' | 'never';
  readonly tool_exposure: 'all' | 'search';
  /** Whether it holds but a part of what its servers have. */
  readonly selected: boolean;
}

export interface PlannedAuth {
  readonly type: 'none' | CredentialType;
  /** How a caller meets it. */
  readonly credential: string;
  readonly routes: readonly string[];
}

export interface PlannedTarget {
  readonly name: string;
  readonly url: string;
  readonly weight: number;
  readonly role: 'active' | 'standby' | 'canary' | null;
}

export interface PlannedBackend {
  readonly server: string;
  readonly transport: ServerConfig['transport'];
  readonly timeout_ms: number;
  readonly connections_max: number;
  readonly url: string | null;
  /** Null where `url` is the only address. */
  readonly targets: readonly PlannedTarget[] | null;
  readonly balance: string | null;
  /** Where the gateway's own credential comes from. */
  readonly credential: string | null;
  readonly command: readonly string[] | null;
  readonly cwd: string | null;
  /** Names of its variables, and where secret ones come from. */
  readonly env: Readonly<Record<string, string>> | null;
  readonly processes: 'session' | 'shared' | null;
}

export function planConfig(config: Config): Plan {
  const routes = config.routes.map(({ server, path, auth, timeoutMs }): PlannedRoute => ({
    path,
    facade: `/v1/mcp/${server}`,
    server,
    auth: authText(auth.type),
    timeout_ms: timeoutMs,
  }));
  const endpoints = planEndpoints(config);
  const guarded = [...routes, ...endpoints];
  return {
    data_plane: 'built-in',
    listen: listenAddressText(config.listen),
    routes,
    endpoints,
    auth: ([...credentialTypes, 'none'] as const)
      .map((type) => ({
        type,
        credential: credentialWords(type, config),
        routes: guarded.filter(({ auth }) => auth.split(', ').includes(type)).map(({ path }) => path),
      }))
      .filter(({ routes: used }) => used.length > 0),
    backends: config.servers.map(planBackend),
  };
}

function credentialWords(type: PlannedAuth['type'], { identity }: Config): string {
  if (type === 'none') return 'none: everyone who reaches the address may call';
  if (type === 'apiKey') return 'Authorization: Bearer gwo_{environment}_…';
  if (type === 'mtls') return `a client certificate of ${identity.certificates.authorities.map(({ name }) => name).join(', ')}`;
  if (type === 'oauth') return 'Authorization: Bearer TOKEN that the gateway gave the client';
  return `Authorization: Bearer TOKEN of ${identity.issuers.map(({ name, issuer }) => `${name} (${issuer})`).join(', ')}`;
}

function planEndpoints({ aggregate, virtualServers, servers }: Config): PlannedEndpoint[] {
  const names = servers.map(({ name }) => name);
  const all = {
    path: '/mcp',
    servers: names,
    auth: authText(aggregate.auth.type),
    prefix: aggregate.prefix,
    tool_exposure: aggregate.toolExposure,
    selected: false,
  };
  const virtual = virtualServers.map((entry): PlannedEndpoint => {
    const globs = entry.servers.map(parseGlob);
    return {
      path: `/mcp/v/${entry.name}`,
      servers: names.filter((name) => globs.some((glob) => fitsGlob(glob, name))),
      auth: authText(entry.auth.type),
      prefix: entry.prefix,
      tool_exposure: entry.toolExposure,
      selected: entry.tools !== null || entry.resources !== null || entry.prompts !== null,
    };
  });
  return aggregate.enabled ? [all, ...virtual] : virtual;
}

function planBackend(server: ServerConfig): PlannedBackend {
  const base = { server: server.name, transport: server.transport, timeout_ms: server.timeoutMs, connections_max: server.connectionsMax };
  if (server.transport !== 'stdio')
    return {
      ...base,
      url: server.url,
      ...planTargets(server.upstream),
      credential: server.credential === null ? null : credentialText(server.credential),
      command: null,
      cwd: null,
      env: null,
      processes: null,
    };
  const env = Object.fromEntries(
    Object.entries(server.env).map(([name, value]) => [name, typeof value === 'string' ? 'from gateway.yaml' : referenceText(value)]),
  );
  return { ...base, url: null, targets: null, balance: null, credential: null, command: server.command, cwd: server.cwd, env, processes: server.processes };
}

function planTargets(upstream: UpstreamConfig | undefined): Pick<PlannedBackend, 'targets' | 'balance'> {
  if (upstream === undefined || upstream.targets.length < 2) return { targets: null, balance: null };
  const { targets, active, canary, balance } = upstream;
  const roleOf = (name: string): PlannedTarget['role'] =>
    canary?.target === name ? 'canary' : active === null ? null : active === name ? 'active' : 'standby';
  return { targets: targets.map((target) => ({ ...target, role: roleOf(target.name) })), balance };
}

function credentialText(credential: CredentialConfig): string {
  return `${credential.type === 'bearer' ? 'Authorization: Bearer' : credential.name} ${referenceText(credential.secret)}`;
}

function referenceText(reference: SecretReference): string {
  if ('env' in reference) return `from the variable ${reference.env}`;
  if ('file' in reference) return `from the file ${reference.file}`;
  return `from the Kubernetes Secret ${reference.kubernetes.name}, key ${reference.kubernetes.key}`;
}

/** The plan as text, for people; `startCommand` is what runs it. */
export function planText(plan: Plan, startCommand: string): string {
  const width = Math.max(0, ...plan.routes.map(({ path }) => path.length), ...plan.endpoints.map(({ path }) => path.length));
  const lines = [`listen  ${plan.listen}`, '', `routes  ${plan.routes.length}`];
  for (const route of plan.routes)
    lines.push(`  + ${route.path.padEnd(width)}  → ${route.server}   auth ${route.auth}, timeout ${durationText(route.timeout_ms)}, REST at ${route.facade}/…`);
  lines.push('', `endpoints  ${plan.endpoints.length}`);
  for (const { path, servers, auth, prefix, tool_exposure: exposure, selected } of plan.endpoints)
    lines.push(
      `  + ${path.padEnd(width)}  → ${servers.join(', ') || 'no server'}${selected ? ', a selection' : ''}   auth ${auth}, prefix ${prefix}, tools ${exposure}`,
    );
  lines.push('', 'auth');
  for (const { type, credential, routes } of plan.auth) lines.push(`  + ${type.padEnd(6)}  ${credential}   ${count(routes.length, 'route')}`);
  lines.push('', `backends  ${plan.backends.length}`);
  for (const backend of plan.backends) {
    const place =
      backend.targets === null
        ? (backend.url ?? (backend.command ?? []).map(quote).join(' '))
        : `${backend.targets.length} targets, balance ${backend.balance}`;
    lines.push(`  + ${backend.server}   ${backend.transport}  ${place}`);
    for (const { name, url, weight, role } of backend.targets ?? [])
      lines.push(`      target      ${name}  ${url}, weight ${weight}${role === null ? '' : `, ${role}`}`);
    if (backend.credential !== null) lines.push(`      credential  ${backend.credential}`);
    if (backend.cwd !== null)
      lines.push(`      runs in     ${backend.cwd}, ${backend.processes === 'shared' ? 'one process for all sessions' : 'one process for each session'}`);
    for (const [name, from] of Object.entries(backend.env ?? {})) lines.push(`      env         ${name} ${from}`);
  }
  lines.push('', `Plan: ${count(plan.routes.length, 'route')}, ${count(plan.backends.length, 'backend')}. Run it with: ${startCommand}`);
  return lines.join('\n');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
