import type { Clock } from '../kernel/clock.ts';

export interface RestartLimits {
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  readonly crashesMax: number;
  readonly crashWindowMs: number;
  readonly quarantineMs: number;
  readonly quarantineMsMax: number;
}

/**
 * When a process may be started again. After each failure the wait doubles (1, 2, 4 … s, at most a minute); five
 * failures within a minute are a quarantine, which one successful try ends after a pause. Pure but for the clock.
 */
export interface RestartPolicy {
  /** Whole milliseconds until a start is allowed; 0: now. In quarantine only a trial may start then. */
  waitMs(): number;
  readonly quarantined: boolean;
  readonly failures: number;
  /** Says whether this failure began a quarantine. */
  failed(): 'back_off' | 'quarantine_began' | 'quarantine_goes_on';
  /** A trial in quarantine went well: starts are allowed again. If that was too early, the next pause is longer. */
  reopened(): void;
  /** A process has proved itself in use: forgets the failures. */
  succeeded(): void;
}

export function restartPolicy(limits: RestartLimits, clock: Clock): RestartPolicy {
  let recent: number[] = [];
  let streak = 0;
  let total = 0;
  let blockedUntil = -Infinity;
  let quarantined = false;
  let pauseMs = limits.quarantineMs;

  return {
    waitMs: () => Math.max(0, Math.ceil(blockedUntil - clock.monotonicMs())),
    get quarantined() {
      return quarantined;
    },
    get failures() {
      return total;
    },
    failed() {
      const now = clock.monotonicMs();
      total++;
      if (quarantined) {
        pauseMs = Math.min(pauseMs * 2, limits.quarantineMsMax);
        blockedUntil = now + pauseMs;
        return 'quarantine_goes_on';
      }
      streak++;
      recent = [...recent.filter((at) => now - at < limits.crashWindowMs), now];
      if (recent.length >= limits.crashesMax) {
        quarantined = true;
        blockedUntil = now + pauseMs;
        return 'quarantine_began';
      }
      blockedUntil = now + Math.min(limits.backoffMs * 2 ** (streak - 1), limits.backoffMsMax);
      return 'back_off';
    },
    reopened() {
      if (!quarantined) return;
      recent = [];
      quarantined = false;
      pauseMs = Math.min(pauseMs * 2, limits.quarantineMsMax);
      blockedUntil = -Infinity;
    },
    succeeded() {
      recent = [];
      streak = 0;
      quarantined = false;
      pauseMs = limits.quarantineMs;
      blockedUntil = -Infinity;
    },
  };
}
