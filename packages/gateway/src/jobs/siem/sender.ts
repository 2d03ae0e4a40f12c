import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { StoredRecord } from '../../chain/verify-events.ts';
import { guardLookup, refusedAddressCode, refusedHost } from '../../kernel/outward-address.ts';

/** How events get to a target. */
export interface Sender {
  /** Host and port. */
  readonly target: string;
  encode(event: StoredRecord): Buffer;
  /**
   * Resolves when the target has all of them, in their order; `newestMs` is the time of the last. Rejects with `DeliveryError` where it may
   * not: then all are sent again.
   */
  send(events: readonly Buffer[], newestMs: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A delivery that failed, with why, fit for an administrator's eyes. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** It was too much at once. */
  readonly tooLarge: boolean;
  /** How long the target wants to be left alone; null: it does not say. */
  readonly retryAfterMs: number | null;

  constructor(reason: string, options: { readonly cause?: unknown; readonly tooLarge?: boolean; readonly retryAfterMs?: number | null } = {}) {
    super(reason, { cause: options.cause });
    this.tooLarge = options.tooLarge ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Names to addresses. The address that is looked at is the one that is connected to; one that is refused refuses the name. */
export function createOutwardLookup(resolve: typeof systemLookup = systemLookup): LookupFunction {
  return guardLookup(resolve);
}

/** A host that is an address is never looked up: it is judged here. Rejects with `DeliveryError`. */
export function requireOutward(host: string): void {
  const refusal = refusedHost(host);
  if (refusal !== null) throw new DeliveryError(`${host.replace(/^\[(.*)\]$/, '$1')} is refused: ${refusal}`);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'its name has no address',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it does not answer in time',
  UND_ERR_SOCKET: 'the connection was cut',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an authority that is not trusted; name it with tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted; name it with tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted; name it with tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted; name it with tls.ca',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate has another name; tls.server_name may say which',
};

/** What a socket or a client reports, in words; nothing of what was sent is among them. */
export function deliveryErrorOf(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  // A client that tried several addresses has an error of each.
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const { code = '', message }: NodeJS.ErrnoException = first instanceof Error ? first : new Error(String(first));
  const reason =
    code === refusedAddressCode ? message : (reasons[code] ?? (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') ? `TLS failed (${code})` : code));
  return new DeliveryError(reason === '' ? 'the delivery failed; the log says more' : reason, { cause: error });
}
