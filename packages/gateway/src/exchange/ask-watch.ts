import { askedBy } from '../protocol/asked-by.ts';
import type { Asked, CallRecord } from '../record/call-record.ts';

/** Notes what a server of before 2026-07-28 asks of the client in the midst of a relayed reply, and when it goes on. */
export class AskWatch {
  private readonly record: CallRecord;
  private last: Buffer | null = null;
  private asked: Asked | null = null;

  constructor(record: CallRecord) {
    this.record = record;
  }

  /** The last whole event so far. Of several that come at once only this one is seen: whoever asks then waits. */
  see(last: Buffer | null): void {
    if (last === null || last === this.last) return;
    this.last = last;
    if (this.asked !== null) this.asked.untilAt = performance.now();
    const method = askedBy(last);
    this.asked = method === null ? null : this.record.ask(method);
  }
}
