import {
  ApprovalRequiredError,
  AuthenticationError,
  ConflictError,
  FaultError,
  type FaultDetail,
  type GatewayOpsError,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  UnavailableError,
  UnreadableAnswerError,
  UpstreamError,
} from './errors.ts';
import { faultTable } from './fault-table.ts';

/**
 * The error of an answer that is none of success. `text` is its body: `{ error, message, fix, docs, request_id, … }`, or at the addresses of
 * MCP an error of JSON-RPC.
 */
export function errorOfAnswer(response: Response, text: string): GatewayOpsError {
  const body = parseObject(text);
  const rpc = faultOfRpc(body?.['error'], response);
  if (rpc !== null) return rpc;
  if (typeof body?.['error'] !== 'string' || typeof body['message'] !== 'string') {
    return new UnreadableAnswerError(response.status === 404 ? 'nothing is served at this address' : 'its body is not a fault', response.status);
  }
  const { error, message, fix, docs, request_id: requestId, trace_id: traceId, ...details } = body;
  return faultError(error, message, {
    fix: textOr(fix, ''),
    status: response.status,
    docs: textOr(docs, null),
    requestId: textOr(requestId, response.headers.get('x-request-id')),
    traceId: textOr(response.headers.get('x-trace-id'), textOr(traceId, null)),
    retryAfterMs: readRetryAfter(response.headers.get('retry-after')),
    details,
  });
}

/** The `error` of a response of JSON-RPC: a fault of the gateway has its code in `data.code`, any other is the server's. Null: there is none. */
export function faultOfRpc(error: unknown, response: Response): FaultError | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, message, data } = error as { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown };
  const { code: ours, fix, request_id: requestId, ...details } = ((typeof data === 'object' ? data : null) ?? {}) as Record<string, unknown>;
  const isOurs = typeof ours === 'string';
  // The gateway's own errors are -31000 minus their status.
  const named = typeof code === 'number' && code <= -31_400 && code >= -31_599 ? -31_000 - code : 502;
  return faultError(isOurs ? ours : 'mcp_error', textOr(message, 'The server answered with an error.'), {
    status: response.ok ? named : response.status,
    fix: textOr(fix, isOurs ? '' : 'Read `details.cause`; it is what the server answered.'),
    docs: null,
    requestId: textOr(requestId, response.headers.get('x-request-id')),
    traceId: response.headers.get('x-trace-id'),
    retryAfterMs: readRetryAfter(response.headers.get('retry-after')),
    details: isOurs ? details : { cause: error },
  });
}

/** A fault by its code, in the class of its family. */
export function faultError(code: string, message: string, detail: Omit<FaultDetail, 'code' | 'retryable'>): FaultError {
  const row = Object.hasOwn(faultTable, code) ? faultTable[code as keyof typeof faultTable] : null;
  const { status } = detail;
  const retryable = row?.retryable ?? (status === 408 || status === 429 || status === 503 || status === 504);
  const whole = { ...detail, code, retryable };
  if (code === 'approval_required') return new ApprovalRequiredError(message, whole);
  if (row?.owner === 'upstream') return new UpstreamError(message, whole);
  if (status === 401) return new AuthenticationError(message, whole);
  if (status === 403) return new PermissionError(message, whole);
  if (status === 404) return new NotFoundError(message, whole);
  if (status === 409 || status === 412 || status === 428) return new ConflictError(message, whole);
  if (status === 429) return new RateLimitError(message, whole);
  if (status >= 500) return new UnavailableError(message, whole);
  return status >= 400 ? new InvalidRequestError(message, whole) : new FaultError(message, whole);
}

/** RFC 9110, section 10.2.3: seconds, or a date. Milliseconds from now; null where there is none. */
export function readRetryAfter(header: string | null): number | null {
  if (header === null || header === '') return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function textOr<Other>(value: unknown, other: Other): string | Other {
  return typeof value === 'string' ? value : other;
}
