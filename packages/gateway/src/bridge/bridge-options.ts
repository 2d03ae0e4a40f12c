import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';

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
  /** An argv; never a shell. */
  readonly command: readonly [string, ...string[]];
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

const listenSchema = z.union([
  z.strictObject({ path: z.string().refine(isAbsolute) }),
  z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535), hosts: z.array(z.string()).optional() }),
]);
const limitNames = Object.keys(bridgeLimits({ processes: 'session' })) as [keyof BridgeLimits, ...(keyof BridgeLimits)[]];
const optionsSchema = z.strictObject({
  name: z.string().min(1).max(200),
  listen: listenSchema,
  command: z.tuple([z.string().min(1)], z.string()),
  cwd: z.string().refine(isAbsolute),
  env: z.record(z.string(), z.string()),
  searchPath: z.string().optional(),
  home: z.string().refine(isAbsolute).optional(),
  processes: z.enum(['session', 'shared']),
  limits: z.partialRecord(z.enum(limitNames), z.int().positive()).optional(),
});

/** Options that came from another process, checked. Faults: `usage`, naming the place but no value. */
export function parseBridgeOptions(input: unknown): BridgeOptions {
  const parsed = optionsSchema.safeParse(input);
  if (parsed.success) return parsed.data as BridgeOptions;
  const issue = parsed.error.issues[0];
  throw new Fault('usage', { reason: `The bridge's option ${issue?.path.join('.') || 'document'} is not valid (${issue?.code ?? 'unknown'}).` });
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
