import { faultCodes, type FaultCode } from '../kernel/fault-codes.ts';

/** What a running gateway answered instead of a result: the public body of its fault. */
export class RemoteFault extends Error {
  override readonly name = 'RemoteFault';
  readonly status: number;
  readonly code: string;
  readonly fix: string | null;
  readonly reason: string | null;
  readonly requestId: string | null;
  readonly exitCode: number;

  constructor(status: number, body: Readonly<Record<string, unknown>>, exitCodeOfStatus: (status: number) => number) {
    const text = (name: string): string | null => (typeof body[name] === 'string' ? body[name] : null);
    super(text('message') ?? `The gateway answered with status ${status}.`);
    this.status = status;
    this.code = text('error') ?? 'internal_error';
    this.fix = text('fix');
    this.reason = text('cause');
    this.requestId = text('request_id');
    const row: { readonly exitCode?: number } | undefined = Object.hasOwn(faultCodes, this.code) ? faultCodes[this.code as FaultCode] : undefined;
    this.exitCode = row?.exitCode ?? exitCodeOfStatus(status);
  }
}
