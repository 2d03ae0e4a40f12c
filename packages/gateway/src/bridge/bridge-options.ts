import { isAbsolute } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { networksOf } from '../kernel/outward-address.ts';
import { objectOf } from './message.ts';

/** What a bridge may use; every one has a default in `kernel/bounds.ts`. */
export interface BridgeLimits {
  readonly sessionsMax: number;
  readonly sessionIdleMs: number;
  readonly sessionEvictMs: number;
  readonly bodyBytesMax: number;
  readonly lineBytesMax: number;
  readonly inputBytesMax: number;
  readonly inFlightMax: number;
  readonly stderrBytesPerSecond: number;
  readonly stderrLineBytesMax: number;
  readonly startTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly probeTimeoutMs: number;
  readonly terminateMs: number;
  readonly killMs: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  readonly crashesMax: number;
  readonly crashWindowMs: number;
  readonly quarantineMs: number;
  readonly quarantineMsMax: number;
  readonly unansweredMax: number;
  readonly keepAliveMs: number;
  readonly slowReaderMs: number;
}

export type BridgeListen = { readonly path: string } | { readonly host: string; readonly port: number; readonly hosts?: readonly string[] | undefined };

export interface BridgeOptions {
  /** The server's name, for the log, `/status` and errors. */
  readonly name: string;
  /** A Unix socket (owner only), or an address; port 0 picks one. `hosts`: further Host names that may be used. */
  readonly listen: BridgeListen;
  /** An argv; never a shell. Null where the server is reached by `remote`. */
  readonly command: readonly [string, ...string[]] | null;
  /** A server elsewhere that speaks over a connection of its own, in the place of a program. */
  readonly remote?: BridgeRemote | undefined;
  /** Absolute. */
  readonly cwd: string;
  /** What the process gets beside PATH, HOME and LANG. May hold secrets: never on a command line, never logged. */
  readonly env: Readonly<Record<string, string>>;
  /** Further folders for PATH, in its own form; usually the caller's PATH. */
  readonly searchPath?: string | undefined;
  /** HOME of the process; by default a private folder that goes with the bridge. */
  readonly home?: string | undefined;
  readonly processes: 'session' | 'shared';
  readonly limits?: Partial<BridgeLimits> | undefined;
}

/** Where such a server is, and what the gateway shows it. Holds secrets: never on a command line, never logged. */
export interface BridgeRemote {
  readonly transport: 'websocket' | 'sse';
  /** `ws:` or `wss:` for a WebSocket, `http:` or `https:` for HTTP+SSE. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** PEM texts, for TLS; its certificate is checked always. */
  readonly tls?:
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined; readonly servername?: string | undefined }
    | undefined;
  /** Networks that it may be in although nothing is sent there by default. */
  readonly allowedNetworks?: readonly string[] | undefined;
}

export function bridgeLimits(options: Pick<BridgeOptions, 'processes' | 'limits'>): BridgeLimits {
  return {
    sessionsMax: options.processes === 'shared' ? bounds.bridgeSharedSessionsMax : bounds.bridgeSessionsMax,
    sessionIdleMs: bounds.bridgeSessionIdleMs,
    sessionEvictMs: bounds.bridgeSessionEvictMs,
    bodyBytesMax: bounds.bodyBytesMax,
    lineBytesMax: bounds.bridgeLineBytesMax,
    inputBytesMax: bounds.bridgeInputBytesMax,
    inFlightMax: bounds.bridgeInFlightMax,
    stderrBytesPerSecond: bounds.bridgeStderrBytesPerSecond,
    stderrLineBytesMax: bounds.bridgeStderrLineBytesMax,
    startTimeoutMs: bounds.bridgeStartTimeoutMs,
    connectTimeoutMs: bounds.bridgeConnectTimeoutMs,
    probeTimeoutMs: bounds.bridgeProbeTimeoutMs,
    terminateMs: bounds.bridgeTerminateMs,
    killMs: bounds.bridgeKillMs,
    backoffMs: bounds.bridgeBackoffMs,
    backoffMsMax: bounds.bridgeBackoffMsMax,
    crashesMax: bounds.bridgeCrashesMax,
    crashWindowMs: bounds.bridgeCrashWindowMs,
    quarantineMs: bounds.bridgeQuarantineMs,
    quarantineMsMax: bounds.bridgeQuarantineMsMax,
    unansweredMax: bounds.bridgeUnansweredMax,
    keepAliveMs: bounds.sseKeepAliveMs,
    slowReaderMs: bounds.bridgeSlowReaderMs,
    ...options.limits,
  };
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isAbsoluteText: Check = (value) => typeof value === 'string' && isAbsolute(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const isPort: Check = (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535;
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
/** An object with these members and no others. */
const isObject =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) => {
    const object = objectOf(value);
    return object !== null && Object.keys(object).every((name) => name in members) && Object.entries(members).every(([name, check]) => check(object[name]));
  };

const limitChecks = Object.fromEntries(Object.keys(bridgeLimits({ processes: 'session' })).map((name) => [name, optional(isCount)]));
const isUnixListen = isObject({ path: isAbsoluteText });
const isRemote = isObject({
  transport: (value) => value === 'websocket' || value === 'sse',
  url: (value) => typeof value === 'string' && /^(?:wss?|https?):\/\//.test(value) && URL.canParse(value),
  headers: (value) => Object.values(objectOf(value) ?? { none: null }).every(isText),
  tls: optional(isObject({ ca: optional(isText), cert: optional(isText), key: optional(isText), servername: optional(isText) })),
  allowedNetworks: optional((value) => isListOf(isText)(value) && networksOf(value as string[]) !== null),
});
const isTcpListen = isObject({ host: isText, port: isPort, hosts: optional(isListOf(isText)) });

// By hand: a schema library would be a fifth of this process's memory, and there is one such process a server.
const checks: Readonly<Record<keyof BridgeOptions, Check>> = {
  name: (value) => typeof value === 'string' && value !== '' && value.length <= 200,
  listen: (value) => isUnixListen(value) || isTcpListen(value),
  command: (value) => value === null || (isListOf(isText)(value) && Array.isArray(value) && value.length > 0 && value[0] !== ''),
  remote: optional(isRemote),
  cwd: isAbsoluteText,
  env: (value) => Object.values(objectOf(value) ?? { none: null }).every(isText),
  searchPath: optional(isText),
  home: optional(isAbsoluteText),
  processes: (value) => value === 'session' || value === 'shared',
  limits: optional(isObject(limitChecks)),
};

/** Options that came from another process, checked. Faults: `usage`, naming the member but no value. */
export function parseBridgeOptions(input: unknown): BridgeOptions {
  const options = objectOf(input) ?? {};
  const unknown = Object.keys(options).find((name) => !(name in checks));
  // A program or a connection, one of them.
  if ((options['command'] === null) !== (options['remote'] !== undefined)) throw new Fault('usage', { reason: "The bridge's options name no server, or two." });
  const wrong = unknown ?? Object.entries(checks).find(([name, check]) => !check(options[name]))?.[0];
  if (wrong !== undefined) throw new Fault('usage', { reason: `The bridge's option ${wrong.slice(0, 40)} is not valid.` });
  return options as unknown as BridgeOptions;
}

/** `unix:/path`, `host:port` or `[ipv6]:port` as a `listen`. Faults: `usage`. */
export function parseBridgeListen(text: string): BridgeListen {
  if (text.startsWith('unix:') && isAbsolute(text.slice(5))) return { path: text.slice(5) };
  const match = /^(?:\[(?<v6>[0-9a-fA-F:]+)\]|(?<host>[^:/]+)):(?<port>\d{1,5})$/.exec(text);
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new Fault('usage', { reason: `"${text.slice(0, 200)}" is no address to listen on: unix:/path or HOST:PORT.` });
}
