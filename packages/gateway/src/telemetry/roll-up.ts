import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { RollupName, Rollups, StalePeriod } from '../store/ledger/rollups.ts';

export interface RollUpOptions {
  readonly rollups: Rollups;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RollUp {
  /** Looks now. Resolves when what is due is summed up, or could not be. */
  look(): Promise<void>;
  /** Begins nothing more; what is under way ends with the ledger, and is never read where it is cut short. */
  stop(): void;
}

const names: readonly RollupName[] = ['day', 'minute', 'calls-of-day'];

/**
 * Sums up what is over, in the background and again where calls came late. What a day that is not over has cost is summed up now and
 * then too: nobody reads that while its calls are there, but should they be forgotten before the gateway runs again, it remains.
 */
export function startRollUp({ rollups, clock, log }: RollUpOptions): RollUp {
  /** Versions that were superseded here, to be deleted when no query can be reading them. */
  const superseded = new Map<string, { readonly rollup: RollupName; readonly startMs: number; readonly dueMs: number }>();
  let stopping = false;
  let failure = '';
  let last: Promise<void> = Promise.resolve();
  const timer = setInterval(() => void look(), bounds.rollupEveryMs);
  timer.unref();

  function look(): Promise<void> {
    last = last.then(lookOnce).then(
      () => {
        failure = '';
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        if (!stopping && reason !== failure) log.warn('ledger.roll_up_failed', { reason });
        failure = reason;
      },
    );
    return last;
  }

  async function lookOnce(): Promise<void> {
    if (stopping || rollups.state() !== 'ready') return;
    const failures: unknown[] = [];
    for (const rollup of names) {
      const due = (await rollups.listStale(rollup, bounds.rollupPeriodsMax)).filter((period) => isDue(rollup, period, clock.nowMs()));
      for (const { startMs, sealedUs } of due) {
        if (stopping) return;
        const nowMs = clock.nowMs();
        const nowUs = BigInt(nowMs) * 1000n;
        try {
          // A clock that was set back must not make a version that does not hold.
          await rollups.seal(rollup, startMs, nowUs > sealedUs ? nowUs : sealedUs + 1n);
        } catch (error) {
          // It is read from the calls meanwhile; one that cannot be summed up does not hold up the others.
          failures.push(error);
          continue;
        }
        log.debug('ledger.rolled_up', { rollup, period: new Date(startMs).toISOString() });
        superseded.set(`${rollup} ${startMs}`, { rollup, startMs, dueMs: nowMs + 2 * bounds.ledgerInsertTimeoutMs });
      }
    }
    for (const [name, { rollup, startMs, dueMs }] of superseded) {
      if (stopping || clock.nowMs() < dueMs) continue;
      await rollups.prune(rollup, startMs);
      superseded.delete(name);
    }
    if (failures.length > 0) throw failures[0];
  }

  return {
    look,
    stop() {
      stopping = true;
      clearInterval(timer);
    },
  };
}

function isDue(rollup: RollupName, { startMs, endMs, sealedUs }: StalePeriod, nowMs: number): boolean {
  if (nowMs >= endMs + bounds.rollupSettleMs) return true;
  // How the calls of a day went remains by minute.
  if (rollup === 'calls-of-day') return false;
  // Of what is not over yet, or of a time to come.
  return nowMs >= startMs && BigInt(nowMs - bounds.rollupOpenMs) * 1000n >= sealedUs && nowMs - startMs >= bounds.rollupOpenMs;
}
