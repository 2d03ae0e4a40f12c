/**
 * What can go wrong, as classes: one for each family of faults, and those of what happens before a gateway has answered. Every error says
 * in `code` what happened, as docs/reference/faults.md of the gateway and its command line do, and in `fix` what mends it.
 */
import type { FaultCode } from './fault-table.ts';

/** A code of the registry of faults. A newer gateway may have others. */
export type ErrorCode = FaultCode | (string & {});

export interface ErrorDetail {
  readonly code: ErrorCode;
  readonly fix: string;
  /** Whether the same request can succeed later without a change. */
  readonly retryable: boolean;
  readonly cause?: unknown;
}

/** Of all errors of this package. A request that its caller aborted is none: it rejects with the reason of the signal. */
export class GatewayOpsError extends Error {
  override readonly name: string = 'GatewayOpsError';
  readonly code: ErrorCode;
  readonly fix: string;
  readonly retryable: boolean;

  constructor(message: string, { code, fix, retryable, cause }: ErrorDetail) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.fix = fix;
    this.retryable = retryable;
  }
}

/** An option or an argument that cannot be used; nothing was sent. */
export class UsageError extends GatewayOpsError {
  override readonly name = 'UsageError';

  constructor(message: string, fix: string) {
    super(message, { code: 'usage', fix, retryable: false });
  }
}

/** No answer came, or not all of it. Whether the gateway got the request is not known. */
export class ConnectionError extends GatewayOpsError {
  override readonly name: string = 'ConnectionError';

  constructor(message: string, detail: Partial<ErrorDetail> = {}) {
    super(message, {
      code: 'gateway_unreachable',
      fix: 'Check the address of the gateway and that it runs: GET /healthz answers.',
      retryable: true,
      ...detail,
    });
  }
}

/** The time of the request was over, its retries included. */
export class TimedOutError extends ConnectionError {
  override readonly name = 'TimedOutError';

  constructor(timeoutMs: number, cause: unknown) {
    super(`The gateway did not answer within ${timeoutMs} ms.`, {
      fix: 'Try again, or raise `timeoutMs`. A call may have been made: its trace says so.',
      cause,
    });
  }
}

/** An answer that is none of a gateway: the address may be that of something else. */
export class UnreadableAnswerError extends GatewayOpsError {
  override readonly name = 'UnreadableAnswerError';
  readonly status: number;

  constructor(what: string, status: number, cause?: unknown) {
    super(`The answer (${status}) is not one of a gateway: ${what}.`, {
      code: 'gateway_unreachable',
      fix: 'Check `gatewayUrl`: it names a gateway, and what stands before it passes requests on.',
      retryable: status === 502 || status === 503 || status === 504,
      cause,
    });
    this.status = status;
  }
}

export interface FaultDetail extends ErrorDetail {
  readonly status: number;
  readonly docs: string | null;
  readonly requestId: string | null;
  readonly traceId: string | null;
  readonly retryAfterMs: number | null;
  /** What a code has beside the members of every fault, e.g. `limit` and `reset_at` of a 429. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The gateway has answered with a fault of its registry. */
export class FaultError extends GatewayOpsError {
  override readonly name: string = 'FaultError';
  readonly status: number;
  readonly docs: string | null;
  readonly requestId: string | null;
  readonly traceId: string | null;
  /** So long nothing else is worth trying; null where the gateway does not say. */
  readonly retryAfterMs: number | null;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, detail: FaultDetail) {
    super(message, detail);
    this.status = detail.status;
    this.docs = detail.docs;
    this.requestId = detail.requestId;
    this.traceId = detail.traceId;
    this.retryAfterMs = detail.retryAfterMs;
    this.details = detail.details;
  }
}

/** The request must change before it can succeed (400 and others). */
export class InvalidRequestError extends FaultError {
  override readonly name = 'InvalidRequestError';
}

/** No key, or one that is not good (401). */
export class AuthenticationError extends FaultError {
  override readonly name = 'AuthenticationError';
}

/** The key, a policy or a rule does not allow it (403). */
export class PermissionError extends FaultError {
  override readonly name: string = 'PermissionError';
}

/** A policy holds the call until somebody approves it (403 `approval_required`). */
export class ApprovalRequiredError extends PermissionError {
  override readonly name = 'ApprovalRequiredError';
}

/** There is no such thing, or it is not for this key (404). */
export class NotFoundError extends FaultError {
  override readonly name = 'NotFoundError';
}

/** What is there stands against it: another version, another with the name, the same request under way (409, 412, 428). */
export class ConflictError extends FaultError {
  override readonly name = 'ConflictError';
}

/** More than a limit allows (429). */
export class RateLimitError extends FaultError {
  override readonly name = 'RateLimitError';
}

/** The gateway worked; the MCP server behind it did not. */
export class UpstreamError extends FaultError {
  override readonly name = 'UpstreamError';
}

/** The gateway, its stores or its machine could not do it. */
export class UnavailableError extends FaultError {
  override readonly name = 'UnavailableError';
}
