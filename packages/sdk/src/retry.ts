import { ConnectionError, FaultError, UnreadableAnswerError } from './errors.ts';

/**
 * How often the same request may reach the gateway: a `read` changes nothing, a `keyed` one carries an X-Request-ID or Idempotency-Key
 * by which the gateway makes it once, a `write` is sent again only where it is certain that nothing was done.
 */
export type Safety = 'read' | 'keyed' | 'write';

const backoffMs = 500;
const backoffMsMax = 8_000;
/** Who is told to wait longer is told so. */
const retryAfterMsMax = 60_000;

/**
 * How long to wait before the request is sent again; null: not at all. `attempt`: how often it was sent, from 1.
 * `random`: 0 to 1, so that many callers do not come back at the same moment.
 */
export function retryWaitMs(error: unknown, safety: Safety, attempt: number, random: number = Math.random()): number | null {
  if (!isWorthAgain(error, safety)) return null;
  const asked = error instanceof FaultError ? error.retryAfterMs : null;
  if (asked !== null && asked > retryAfterMsMax) return null;
  if (asked !== null) return asked + random * Math.max(backoffMs, asked * 0.1);
  return Math.min(backoffMsMax, backoffMs * 2 ** (attempt - 1)) * (0.5 + random / 2);
}

function isWorthAgain(error: unknown, safety: Safety): boolean {
  if (error instanceof FaultError) {
    // Refused before anything was done, whatever was asked.
    if (error.status === 429 || error.code === 'draining') return error.retryable;
    // What failed after it was sent to a server is kept as the answer to this id: it would only be heard again.
    if (safety === 'keyed') return error.retryable && error.code !== 'mcp_timeout';
    return safety === 'read' && error.retryable;
  }
  if (error instanceof UnreadableAnswerError) return safety !== 'write' && error.retryable;
  return error instanceof ConnectionError && safety !== 'write';
}
