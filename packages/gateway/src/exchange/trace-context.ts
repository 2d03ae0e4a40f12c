import { mappedTraceHex, newTraceHex } from '../kernel/id.ts';

/** The trace that a call belongs to (https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceHex: string;
  /** The caller's span, 16 hex digits, or empty. */
  readonly parentSpanHex: string;
  /** Two hex digits. */
  readonly flags: string;
  /** The caller's own X-Trace-ID where it is not one of ours, or empty. */
  readonly clientTraceId: string;
  /** Whether the caller names the trace. */
  readonly isNamed: boolean;
}

const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const ownForm = /^tr_(?!0{32})[0-9a-f]{32}$/;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;
const zeros = /^0+$/;

/**
 * X-Trace-ID names the trace before a `traceparent` does, and the `traceparent` of `_meta` before the header's. What is
 * malformed counts as absent (Trace Context section 3.2: restart the trace). A foreign X-Trace-ID is mapped to a trace id by
 * SHA-256 of organization and value, so that every node maps it alike.
 */
export function traceContextOf(
  clientTraceId: string | undefined,
  metaTraceparent: string | undefined,
  headerTraceparent: string | undefined,
  organizationId: string,
): TraceContext {
  if (clientTraceId === undefined && metaTraceparent === undefined && headerTraceparent === undefined) {
    return newTrace();
  }
  const parent = parse(metaTraceparent) ?? parse(headerTraceparent);
  if (clientTraceId !== undefined && visibleAscii.test(clientTraceId)) {
    const own = ownForm.test(clientTraceId);
    const traceHex = own ? clientTraceId.slice(3) : mappedTraceHex(organizationId, clientTraceId);
    return {
      traceHex,
      parentSpanHex: parent?.traceHex === traceHex ? parent.parentSpanHex : '',
      flags: parent?.flags ?? '01',
      clientTraceId: own ? '' : clientTraceId,
      isNamed: true,
    };
  }
  return parent ?? newTrace();
}

function newTrace(): TraceContext {
  return { traceHex: newTraceHex(), parentSpanHex: '', flags: '01', clientTraceId: '', isNamed: false };
}

function parse(traceparent: string | undefined): TraceContext | null {
  if (traceparent === undefined) return null;
  const match = traceparentForm.exec(traceparent);
  const [, traceHex, parentSpanHex, flags] = match ?? [];
  if (traceHex === undefined || parentSpanHex === undefined || flags === undefined || zeros.test(traceHex) || zeros.test(parentSpanHex)) return null;
  return { traceHex, parentSpanHex, flags, clientTraceId: '', isNamed: true };
}
