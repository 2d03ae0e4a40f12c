import { hash, randomBytes } from 'node:crypto';
import type { CredentialRefusal, CredentialVerdict } from '../../authenticate/authenticate.ts';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { TokenStore } from '../../store/state/state-store.ts';
import type { ControlDependencies } from '../context.ts';
import { networkOf } from '../sign-in/sign-in-attempts.ts';
import { prefixOf } from './key-secret.ts';

/**
 * Who tries keys. A key is looked at before anything is counted, so that nobody who has a right one is ever kept out: what is slowed is the answer to wrong
 * ones, by the address that they come from and by the prefix that they are guesses at, each for itself and on all nodes together.
 */
export interface WrongKeys {
  /**
   * Counts a secret that no key has; `prefix` is its own, `peer` where it was shown. How many milliseconds whoever shows it is to wait; 0: not at all. Not
   * counted are the owner-only socket and what was counted a moment ago: a program with one wrong key guesses nothing, and is told each time that it is wrong.
   * Never rejects: where shared state is away, nobody is slowed.
   */
  count(secret: string, prefix: string, peer: string): Promise<number>;
}

const minuteMs = 60_000;
const rule = { limit: bounds.wrongKeysPerMinute, windowMs: minuteMs, burst: 0 };

export function createWrongKeys({
  state,
  clock,
  log,
}: {
  readonly state: Pick<TokenStore, 'takeTokens'>;
  readonly clock: Clock;
  readonly log: Log;
}): WrongKeys {
  // What was guessed is remembered by a digest keyed by a secret of this process, as the guess may be a key of another gateway.
  const pepper = randomBytes(32).toString('latin1');
  /** Until when a guess is no new one. */
  const counted = new Map<string, number>();
  /** Until when an address or a prefix is slowed: shared state is not asked again before that. */
  const slowed = new Map<string, number>();

  async function take(bucket: string, nowMs: number): Promise<{ readonly isOver: boolean; readonly resetAtMs: number }> {
    const { granted, resetAtMs } = await state.takeTokens(`wrong-keys:${bucket}`, rule, 1, nowMs);
    if (granted === 0) {
      put(slowed, bucket, resetAtMs);
      log.warn('keys.guessed', { what: bucket, until: new Date(resetAtMs).toISOString() });
    }
    return { isOver: granted === 0, resetAtMs };
  }

  return {
    async count(secret, prefix, peer) {
      if (peer === '') return 0;
      const nowMs = clock.nowMs();
      const guess = hash('sha256', pepper + secret, 'base64');
      if ((counted.get(guess) ?? 0) > nowMs) return 0;
      const buckets = [`address:${networkOf(peer)}`, `prefix:${prefix}`];
      const untilMs = Math.max(...buckets.map((bucket) => slowed.get(bucket) ?? 0));
      if (untilMs > nowMs) return untilMs - nowMs;
      try {
        const taken = await Promise.all(buckets.map((bucket) => take(bucket, nowMs)));
        const over = taken.filter(({ isOver }) => isOver);
        if (over.length > 0) return Math.max(...over.map(({ resetAtMs }) => resetAtMs)) - nowMs;
        put(counted, guess, nowMs + minuteMs);
      } catch (error) {
        log.debug('keys.not_counted', { error });
      }
      return 0;
    },
  };
}

/** A map in the order of its last changes, that loses the oldest entry beyond its bound. */
function put(map: Map<string, number>, name: string, untilMs: number): void {
  map.delete(name);
  map.set(name, untilMs);
  if (map.size > bounds.wrongKeysKnownMax) for (const oldest of map.keys().take(1)) map.delete(oldest);
}

/** A verdict on what was shown as a key, with how long whoever shows it is to wait where it is one of many that no key has. Never rejects. */
export async function slowGuesses(
  { wrongKeys }: Pick<ControlDependencies, 'wrongKeys'>,
  verdict: CredentialVerdict,
  secret: string,
  peer: string,
): Promise<CredentialVerdict> {
  // One that has ended was the caller's own, and what has not the form of a key is no guess at one.
  const prefix = verdict.ok === false && verdict.reason === 'unknown' ? prefixOf(secret) : null;
  const slowedMs = prefix === null ? 0 : await wrongKeys.count(secret, prefix, peer);
  return slowedMs === 0 ? verdict : { ok: false, reason: 'unknown', slowedMs };
}

/** What whoever has shown it is told. */
export function wrongKeyFault(refusal: CredentialRefusal): Fault {
  const slowedMs = refusal.reason === 'unknown' ? refusal.slowedMs : undefined;
  return slowedMs === undefined ? new Fault('unauthorized') : new Fault('too_many_wrong_keys', { retryAfter: Math.ceil(slowedMs / 1_000) });
}
