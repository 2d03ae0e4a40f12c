/**
 * The one way to the gateway: a request with its time, its retries and its caller's signal. Everything else of this package is made of
 * `send`.
 */
import { ConnectionError, FaultError, GatewayOpsError, TimedOutError, UnreadableAnswerError, UsageError } from './errors.ts';
import { countOf, positive, type RequestOnItsWay, type RequestOptions, type Settings } from './options.ts';
import { errorOfAnswer } from './read-fault.ts';
import { retryWaitMs, type Safety } from './retry.ts';

export interface Outgoing {
  readonly method: string;
  /** From the address of the gateway, with the places of `names` in braces. */
  readonly path: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  /** Sent as JSON; undefined for none. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly safety: Safety;
  /** Where neither the client nor the request names one. */
  readonly timeoutMs?: number;
}

export interface Transport {
  /** The answer with its body read. Rejects with a `GatewayOpsError`, or with the reason of the caller's signal. */
  send(outgoing: Outgoing, options?: RequestOptions): Promise<Received>;
  /** The answer as soon as its headers are there; its body is the caller's to read or to cancel, without a bound in time. */
  open(outgoing: Outgoing, options?: RequestOptions): Promise<Response>;
}

export interface Received {
  readonly response: Response;
  readonly text: string;
}

const timeoutMsDefault = 60_000;

export function createTransport(settings: Settings): Transport {
  return {
    send: (outgoing, options = {}) =>
      repeat(outgoing, options, async (signal, attempt) => {
        const response = await exchange(outgoing, options, signal, attempt);
        return { response, text: await response.text() };
      }),
    open: (outgoing, options = {}) => repeat(outgoing, options, (signal, attempt) => exchange(outgoing, options, signal, attempt)),
  };

  /** Tries until there is an answer, an error that stays, or no time. */
  async function repeat<Result>(outgoing: Outgoing, options: RequestOptions, attempt: (signal: AbortSignal, sent: number) => Promise<Result>): Promise<Result> {
    const timeoutMs = positive('timeoutMs', options.timeoutMs ?? settings.timeoutMs ?? outgoing.timeoutMs ?? timeoutMsDefault);
    const retries = countOf('retries', options.retries ?? settings.retries);
    const endsAt = Date.now() + timeoutMs;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout.signal]) : timeout.signal;
    const asOurs = (error: unknown): unknown => {
      // Aborting is the caller's own doing, and theirs to name.
      if (options.signal?.aborted === true) return options.signal.reason;
      if (timeout.signal.aborted) return new TimedOutError(timeoutMs, error);
      return error instanceof GatewayOpsError ? error : new ConnectionError(`The gateway at ${settings.baseUrl} does not answer.`, { cause: error });
    };
    try {
      for (let sent = 1; ; sent += 1) {
        try {
          options.signal?.throwIfAborted();
          return await attempt(signal, sent);
        } catch (thrown) {
          const error = asOurs(thrown);
          // The first of the same call is waited for as long as there is time.
          const isUnderWay = sent > 1 && error instanceof FaultError && (error.code === 'request_in_flight' || error.code === 'idempotency_key_in_use');
          const waitMs = (sent > retries && !isUnderWay) || signal.aborted ? null : retryWaitMs(error, outgoing.safety, sent);
          if (waitMs === null || Date.now() + waitMs >= endsAt) throw error;
          settings.say('info', `${outgoing.method} ${outgoing.path} is sent again in ${Math.round(waitMs)} ms: ${(error as Error).message}`);
          await pause(waitMs, signal).catch((reason: unknown) => {
            throw asOurs(reason);
          });
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async function exchange(outgoing: Outgoing, options: RequestOptions, signal: AbortSignal, attempt: number): Promise<Response> {
    const request: RequestOnItsWay = {
      method: outgoing.method,
      url: `${settings.baseUrl}${fillPath(outgoing.path, outgoing.names ?? {})}${queryText(outgoing.query ?? {})}`,
      headers: headersOf(outgoing, options),
      body: outgoing.body === undefined ? undefined : JSON.stringify(outgoing.body),
      attempt,
    };
    const begunAt = Date.now();
    const pass = settings.middleware.reduceRight<(passed: RequestOnItsWay) => Promise<Response>>(
      (next, middleware) => (passed) => middleware(passed, next),
      (passed) => fetchWithKey(passed, signal),
    );
    const response = await pass(request);
    const id = response.headers.get('x-request-id');
    settings.say('debug', `${request.method} ${outgoing.path} ${response.status} in ${Date.now() - begunAt} ms${id === null ? '' : `, ${id}`}`);
    if (response.ok) return response;
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel();
      throw new UnreadableAnswerError('it is a redirect, which is not followed', response.status);
    }
    throw errorOfAnswer(response, await response.text());
  }

  function fetchWithKey({ method, url, headers, body }: RequestOnItsWay, signal: AbortSignal): Promise<Response> {
    const signed = new Headers(headers);
    // The key is for this address alone, whatever a middleware or an answer says.
    if (settings.authorization !== null && url.startsWith(`${settings.baseUrl}/`)) signed.set('authorization', settings.authorization);
    return settings.fetch(url, {
      method,
      headers: signed,
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal,
    });
  }

  /** What is said closer to the request wins; the key is the client's alone. */
  function headersOf(outgoing: Outgoing, options: RequestOptions): Headers {
    const headers = new Headers({ accept: 'application/json' });
    if (outgoing.body !== undefined) headers.set('content-type', 'application/json');
    const traceId = options.traceId ?? settings.traceId;
    if (traceId !== null) headers.set('x-trace-id', traceId);
    for (const given of [settings.headers, outgoing.headers, options.headers])
      for (const [name, value] of Object.entries(given ?? {})) headers.set(name, value);
    headers.delete('authorization');
    return headers;
  }
}

/** Rejects with the reason of the signal. */
export function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, waitMs);
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A path with its names in it. Faults: `UsageError` for a name that would lead to another place. */
function fillPath(path: string, names: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_place, key: string) => {
    const name = names[key];
    if (typeof name !== 'string' || name === '' || name === '.' || name === '..')
      throw new UsageError(`\`${key}\` is not the name of anything: ${JSON.stringify(name)}.`, `Pass \`${key}\` as the gateway lists it.`);
    return encodeURIComponent(name);
  });
}

/** `?a=1&b=2`, without what is undefined or null; empty where there is nothing. */
function queryText(query: Readonly<Record<string, unknown>>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) parts.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  const text = parts.toString();
  return text === '' ? '' : `?${text}`;
}
