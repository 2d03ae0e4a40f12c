/** The one error type of the product: a code of the registry, the details its public text names, and the cause. */
import { faultCodes, type FaultCode, type FaultRow } from './fault-codes.ts';

export type FaultDetail = Readonly<Record<string, string | number>>;

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  /** Values for the `{…}` places of the public text. Public: never a secret, an inner address or a stack. */
  readonly detail: FaultDetail;
  /** Members added to the public body, e.g. `limit` and `reset_at` of a 429. */
  readonly extra: Readonly<Record<string, unknown>> | undefined;

  constructor(code: FaultCode, detail: FaultDetail = {}, options: { cause?: unknown; extra?: Record<string, unknown> } = {}) {
    super(fill(faultCodes[code].message, detail), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.extra = options.extra;
  }

  get row(): FaultRow {
    return faultCodes[this.code];
  }

  get fix(): string {
    return fill(this.row.fix, this.detail);
  }
}

/** Anything thrown, as a Fault: what is not one becomes `internal_error` with the cause kept for the log. */
export function asFault(thrown: unknown): Fault {
  return thrown instanceof Fault ? thrown : new Fault('internal_error', {}, { cause: thrown });
}

/** The public error body of every REST answer: `{ error, message, fix, docs, request_id, … }`. */
export function faultBody(fault: Fault, requestId: string): Record<string, unknown> {
  return {
    error: fault.code,
    message: fault.message,
    fix: fault.fix,
    docs: `docs/reference/faults.md#${fault.code}`,
    request_id: requestId,
    ...fault.extra,
  };
}

function fill(text: string, detail: FaultDetail): string {
  const filled = text.replace(/\{(\w+)\}/g, (place, name: string) =>
    name in detail ? String(detail[name]) : place === '{server}' ? 'behind this address' : '…',
  );
  // A reason that is a sentence of its own ends once.
  return filled.replace(/(?<=[\p{L}\p{N})"'`])\.\.(?=\s|$)/gu, '.');
}
