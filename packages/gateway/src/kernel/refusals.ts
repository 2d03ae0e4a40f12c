import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** Of a request, or a connection, that is refused and leaves no record. Nothing that it carried: no header, no path, no body. */
export interface Refusal {
  /** Empty where there was no request yet. */
  readonly requestId: string;
  /** The address it came from. */
  readonly peer: string;
  /** Of its body, as far as it was read. */
  readonly bytes: number;
}

/** A flood of bad requests must not become a flood of lines. */
const linesBurst = 20;
const linesPerSecond = 2;

/** Counts refusals by the code of their fault, and says each in the log while there are few; later ones are counted in the next line. */
export class Refusals {
  private readonly counts = new Map<string, number>();
  private readonly log: Log;
  private readonly clock: Pick<Clock, 'monotonicMs'>;
  private lines = linesBurst;
  private refilledMs: number;
  private unsaid = 0;

  constructor(log: Log, clock: Pick<Clock, 'monotonicMs'>) {
    this.log = log;
    this.clock = clock;
    this.refilledMs = clock.monotonicMs();
  }

  note(rule: string, { requestId, peer, bytes }: Refusal): void {
    this.counts.set(rule, (this.counts.get(rule) ?? 0) + 1);
    const nowMs = this.clock.monotonicMs();
    this.lines = Math.min(linesBurst, this.lines + ((nowMs - this.refilledMs) * linesPerSecond) / 1000);
    this.refilledMs = nowMs;
    if (this.lines < 1) {
      this.unsaid += 1;
      return;
    }
    this.lines -= 1;
    this.log.warn('request.refused', {
      rule,
      ...(requestId === '' ? {} : { request_id: requestId }),
      peer,
      bytes,
      ...(this.unsaid === 0 ? {} : { others_unsaid: this.unsaid }),
    });
    this.unsaid = 0;
  }

  all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }
}
