import { UsageError } from './errors.ts';
import { sayerOf, type Logger, type LogLevel, type Say } from './log.ts';

export interface GatewayOpsOptions {
  /** `gwo_…`. Default: GATEWAYOPS_API_KEY, where there is an environment. */
  readonly apiKey?: string;
  /**
   * In the place of a key: who has signed in in this browser, by the cookie of a page of the gateway itself. Nothing else is sent along, so it
   * works on its own pages only.
   */
  readonly session?: true;
  /** Where the gateway is, e.g. `https://gateway.example`. Default: GATEWAYOPS_URL, where there is an environment. */
  readonly gatewayUrl?: string;
  /** For one request in all, its retries included. Default: 60 s, for calls of tools 10 minutes. */
  readonly timeoutMs?: number;
  /** How often a request is sent again where that is safe. Default: 2. */
  readonly retries?: number;
  /** The trace that calls belong to, where a request names none. */
  readonly traceId?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For proxies, tests and runtimes of their own. Default: that of the platform. */
  readonly fetch?: typeof fetch;
  /** Around every request that is sent, also those that are sent again; the first is outermost. */
  readonly middleware?: readonly Middleware[];
  /** `debug` says each request, `info` what is sent again. Default: GATEWAYOPS_LOG, where there is an environment, else `off`. */
  readonly logLevel?: LogLevel | 'off';
  /** Default: `console`. */
  readonly logger?: Logger;
}

/** A request on its way. The key is not among its headers: it is added behind all middleware. */
export interface RequestOnItsWay {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string | undefined;
  /** How often the same was sent, from 1. */
  readonly attempt: number;
}

/** Passes the request on by `next`, or answers itself. */
export type Middleware = (request: RequestOnItsWay, next: (request: RequestOnItsWay) => Promise<Response>) => Promise<Response>;

/** What one request may say beside its content. */
export interface RequestOptions {
  /** For this request in all, its retries included. */
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly signal?: AbortSignal;
  readonly traceId?: string;
  /** Of a `post` of the control API: one that outlives the process. Default: a new one, so that it is made once however often it is sent. */
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Settings {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null where the cookie of the page says who asks. */
  readonly authorization: string | null;
  readonly timeoutMs: number | null;
  readonly retries: number;
  readonly traceId: string | null;
  readonly fetch: typeof fetch;
  readonly middleware: readonly Middleware[];
  readonly say: Say;
}

/** Faults: `UsageError`, which never names the key. */
export function readOptions(options: GatewayOpsOptions): Settings {
  return {
    baseUrl: baseUrlOf(options.gatewayUrl ?? environment('GATEWAYOPS_URL')),
    // Another site can make a browser send the cookie, but not this header.
    headers: options.session === true ? { ...options.headers, 'x-gatewayops-csrf': '1' } : (options.headers ?? {}),
    authorization: options.session === true ? null : `Bearer ${keyOf(options)}`,
    timeoutMs: options.timeoutMs === undefined ? null : positive('timeoutMs', options.timeoutMs),
    retries: countOf('retries', options.retries ?? 2),
    traceId: options.traceId ?? null,
    // Browsers refuse a fetch that is called as a method of something else.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    middleware: options.middleware ?? [],
    say: sayerOf(options.logLevel ?? environment('GATEWAYOPS_LOG'), options.logger ?? console),
  };
}

function keyOf(options: GatewayOpsOptions): string {
  const key = (options.apiKey ?? environment('GATEWAYOPS_API_KEY') ?? '').trim();
  if (key === '') throw new UsageError('There is no API key.', 'Pass `apiKey`, or set GATEWAYOPS_API_KEY; `gateway keys create` makes a key.');
  // What cannot stand in a header would be shown by the error of the platform.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new UsageError('The API key has characters that no key has.', 'Pass the key as it was shown, gwo_….');
  return key;
}

export function positive(name: string, value: number): number {
  // The longest time that timers can wait.
  if (!(value > 0 && value <= 2_147_483_647)) throw new UsageError(`\`${name}\` is not a time: ${value}.`, `Pass \`${name}\` in milliseconds.`);
  return value;
}

export function countOf(name: string, value: number): number {
  if (!(Number.isInteger(value) && value >= 0 && value <= 100)) throw new UsageError(`\`${name}\` is ${value}.`, `Pass \`${name}\` as a number from 0 to 100.`);
  return value;
}

function baseUrlOf(text: string | undefined): string {
  const fix = 'Pass `gatewayUrl`, or set GATEWAYOPS_URL, e.g. https://gateway.example.';
  if (text === undefined || text.trim() === '') throw new UsageError('There is no address of a gateway.', fix);
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    throw new UsageError('The address of the gateway is no URL.', fix);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UsageError(`The address of the gateway begins with ${url.protocol}.`, fix);
  if (url.username !== '' || url.password !== '') throw new UsageError('The address of the gateway has a user or a password in it.', fix);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Only where there is a process, which browsers do not have. */
function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}
