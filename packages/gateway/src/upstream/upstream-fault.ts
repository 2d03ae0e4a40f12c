import { errors } from 'undici';
import { Fault } from '../kernel/fault.ts';
import { refusedAddressCode } from '../kernel/outward-address.ts';

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EACCES',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const timeouts = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const invalid = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_RES_EXCEEDED_MAX_SIZE']);
const tls = /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

/**
 * What an error of the connection to a server means. The cause stays for the log; the public text names the server by
 * its configured name only, never by its address. `unsent`: not a byte of the request has left.
 */
export function upstreamFault(error: unknown, server: string, unsent = false): Fault {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  if (unreachable.has(code) && !isUnderWay(error)) return new Fault('upstream_unreachable', { server }, { cause: error });
  if (code === refusedAddressCode) return new Fault('upstream_address', { server }, { cause: error });
  if (timeouts.has(code)) return new Fault('mcp_timeout', { server }, { cause: error });
  if (tls.test(code)) return new Fault('upstream_tls', { server }, { cause: error });
  if (invalid.has(code) || error instanceof errors.HTTPParserError)
    return new Fault('upstream_invalid', { server, reason: 'it breaks HTTP' }, { cause: error });
  return new Fault(unsent ? 'upstream_unreachable' : 'upstream_reset', { server }, { cause: error });
}

/** The same codes come from a connection that broke while a request was on it: then it may have arrived. */
function isUnderWay(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return syscall === 'read' || syscall === 'write';
}

/** The first error code down the chain of causes. */
function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
  }
  return '';
}
