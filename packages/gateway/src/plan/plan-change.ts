/** What changes when one configuration takes the place of another, in the words of gateway.yaml. Values are never among it. */
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';

export interface ConfigChange {
  readonly servers: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly { readonly name: string; readonly settings: readonly string[] }[];
  };
  /** Other settings that differ: `routes.search.auth`, `pricing.default.per_call`, `rate_limits`. */
  readonly settings: readonly string[];
  /** Those among all of them that hold from the start of the process on: they change with a restart only. */
  readonly restart: readonly string[];
}

/** Settings that a part takes once, when it is constructed: sockets, processes, stores, the log. */
const fixed = [
  'listen.http',
  'listen.metrics',
  'listen.tls.client_certificates',
  'workers',
  'journal',
  'session_keys',
  'telemetry.otlp',
  'stores',
  'log',
  'keys.bcrypt_cost',
];

const settingsMax = 200;

export function planChange(from: Config, to: Config): ConfigChange {
  const before = new Map(from.servers.map((server) => [server.name, server]));
  const after = new Map(to.servers.map((server) => [server.name, server]));
  const added = [...after.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !after.has(name));
  const changed = [...after].flatMap(([name, server]) => {
    const earlier = before.get(name);
    const settings = earlier === undefined ? [] : differences(earlier, server);
    return settings.length === 0 ? [] : [{ name, settings: bounded(settings) }];
  });
  const { servers: _from, file: _fromFile, ...fromRest } = from;
  const { servers: _to, file: _toFile, ...toRest } = to;
  const come = new Set([...added, ...removed]);
  // The route that every server has by default comes and goes with it.
  const settings = differences(fromRest, toRest).filter((path) => !(path.startsWith('routes.') && come.has(path.slice('routes.'.length))));
  return {
    servers: { added, removed, changed },
    settings: bounded(settings),
    // TLS that comes or goes; its files may change.
    restart: settings.filter((path) => path === 'listen.tls' || fixed.some((prefix) => path === prefix || path.startsWith(`${prefix}.`))),
  };
}

/** The paths at which two values differ; an entry that only one of them has is named, not its parts. */
function differences(from: unknown, to: unknown, path: readonly string[] = []): string[] {
  if (isDeepStrictEqual(from, to)) return [];
  const [before, after] = [membersOf(from), membersOf(to)];
  if (before === null || after === null) return [settingName(path)];
  // Names of servers and tools stay as they are.
  const step = (name: string): readonly string[] => [...path, Array.isArray(to) ? name : written(name)];
  const names = new Set([...before.keys(), ...after.keys()]);
  // Only the order differs.
  if (path.length > 0 && [...names].every((name) => isDeepStrictEqual(before.get(name), after.get(name)))) return [settingName(path)];
  const found = [...names].flatMap((name) =>
    before.has(name) && after.has(name)
      ? differences(before.get(name), after.get(name), step(name))
      : isDeepStrictEqual(before.get(name), after.get(name))
        ? []
        : [settingName(step(name))],
  );
  return [...new Set(found)];
}

/** Members by name: of a map its own, of a list of named things those things. Null where it is neither. */
function membersOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const named = value.map((item: unknown): [string, unknown] | null => {
    const { name, server, tool } = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
    if (typeof name === 'string') return [name, item];
    return typeof server === 'string' ? [typeof tool === 'string' ? `${server}.${tool}` : server, item] : null;
  });
  const members = new Map(named.filter((entry) => entry !== null));
  return members.size === value.length ? members : null;
}

const reachNames: Readonly<Record<string, string>> = {
  connect_timeout: 'timeouts.connect',
  first_byte_timeout: 'timeouts.first_byte',
  idle_timeout: 'timeouts.idle',
  total_timeout: 'timeouts.total',
  keep_alive: 'connections.idle',
  queue_max: 'connections.waiting_max',
  retry: 'retries',
  health: 'health_check',
  allowed_networks: 'allow_addresses',
};

/** The place in gateway.yaml of a value of the Config. */
function settingName(path: readonly string[]): string {
  const [first, ...rest] = path;
  if (first === 'listen' && (rest[0] === 'host' || rest[0] === 'port')) return 'listen.http';
  if (first === 'keys' && rest[0] === 'environment') return 'environment';
  // How a server is reached stands in its entry itself.
  if (first === 'upstream' && rest[0] !== undefined) return [reachNames[rest[0]] ?? rest[0], ...rest.slice(1)].join('.');
  return path.join('.');
}

/** As gateway.yaml writes it: `bodyBytesMax` is `body_max` there. */
function written(step: string): string {
  if (!/^[a-z]+(?:[A-Z][a-z]*)+$/.test(step)) return step;
  return step
    .replace(/(?:Ms|Nano|Days)$/, '')
    .replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    .replace('_bytes', '');
}

function bounded(settings: readonly string[]): readonly string[] {
  return settings.length > settingsMax ? [...settings.slice(0, settingsMax), `and ${settings.length - settingsMax} more`] : settings;
}
