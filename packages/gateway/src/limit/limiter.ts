/**
 * limit: how much is left. A worker spends small leases of tokens locally; the supervisor's broker (`lease-broker.ts`)
 * takes them from shared state. Imports `kernel/` and, as types, the token rule of `store/state`. Promises: never more
 * than the rule allows, over all workers; on one node never fewer either; no promise where the answer is known.
 */
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { TokenRule } from '../store/state/state-store.ts';
import type { LeaseGrant, LeaseRecall, LeaseReturn, LeaseSource } from './lease.ts';

export interface Verdict {
  readonly admitted: boolean;
  readonly limit: number;
  /** Tokens left as this worker knows it: what others took since its last lease is not yet subtracted. */
  readonly remaining: number;
  /** The end of the window. */
  readonly resetAtMs: number;
  /** Whole seconds until then, at least 1; 0 when admitted. */
  readonly retryAfterSeconds: number;
}

export interface Limiter {
  /**
   * Takes one token. Answers at once where the worker knows, with one verdict object that the next call overwrites: read
   * it before anything else happens. Rejects with `unavailable` where the supervisor does not answer.
   */
  take(bucket: string, rule: TokenRule): Verdict | Promise<Verdict>;
  /** Answers the broker: gives up what is unspent of a bucket, after the grant that the recall names has arrived. */
  recall(recall: LeaseRecall): Promise<readonly LeaseReturn[]>;
  /** Gives up every unspent token, at the end of the worker. */
  returnAll(): readonly LeaseReturn[];
  /** Drops what is known of a bucket, e.g. of a revoked key; its unspent tokens are lost. */
  forget(bucket: string): void;
}

export interface LimiterOptions {
  readonly ask: LeaseSource;
  readonly clock: Clock;
  /** Workers of this node: each leases a small part, so that the last tokens are not all in one hand. */
  readonly workers: number;
}

interface Lease {
  readonly bucket: string;
  readonly rule: TokenRule;
  left: number;
  /** Left in the shared bucket after the last grant. */
  remaining: number;
  windowIndex: number;
  resetAtMs: number;
  serial: number;
  /** Below this, the next lease is fetched ahead; -1: not any more in this window. */
  lowWater: number;
  /** Until then the bucket is known to be empty. */
  refusedUntilMs: number;
  readonly waiters: Waiter[];
  fetching: boolean;
  /** Recalls that wait for a grant on its way. */
  readonly arrivals: (() => void)[];
  /** Unspent tokens of ended windows and former rules, sent with the next request. */
  unspent: LeaseReturn[];
}

interface Waiter {
  resolve(verdict: Verdict): void;
  reject(fault: Fault): void;
}

/** Limits up to this are taken one by one: a lease of several would be a large part of the whole. */
const oneByOneLimitMax = 20;
/** A worker takes this part of its even share, so that some is left for those that come later. */
const partOfShare = 4;
/** An empty bucket is asked again after this time: another node may have given tokens back. */
const refusalKeptMs = 1_000;

export function createLimiter({ ask, clock, workers }: LimiterOptions): Limiter {
  const leases = new Map<string, Lease>();
  const verdict = { admitted: true, limit: 0, remaining: 0, resetAtMs: 0, retryAfterSeconds: 0 };

  function take(bucket: string, rule: TokenRule): Verdict | Promise<Verdict> {
    const nowMs = clock.nowMs();
    let lease = leases.get(bucket);
    if (lease === undefined || !isSameRule(lease.rule, rule)) lease = openLease(bucket, rule, lease);
    if (nowMs < lease.resetAtMs) {
      if (lease.left > 0) {
        lease.left -= 1;
        if (lease.left < lease.lowWater && !lease.fetching) void fetchLease(lease);
        verdict.admitted = true;
        verdict.limit = rule.limit;
        verdict.remaining = lease.remaining + lease.left;
        verdict.resetAtMs = lease.resetAtMs;
        verdict.retryAfterSeconds = 0;
        return verdict;
      }
      if (nowMs < lease.refusedUntilMs) {
        verdict.admitted = false;
        verdict.limit = rule.limit;
        verdict.remaining = 0;
        verdict.resetAtMs = lease.resetAtMs;
        verdict.retryAfterSeconds = secondsUntil(lease.resetAtMs, nowMs);
        return verdict;
      }
    }
    return waitFor(lease);
  }

  function waitFor(lease: Lease): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      lease.waiters.push({ resolve, reject });
      if (!lease.fetching) void fetchLease(lease);
    });
  }

  /** One request at a time for a bucket, until nobody waits. Never rejects: its faults go to the waiters. */
  async function fetchLease(lease: Lease): Promise<void> {
    lease.fetching = true;
    do {
      if (clock.nowMs() >= lease.resetAtMs) setAside(lease);
      const need = lease.waiters.length;
      const returned = lease.unspent;
      lease.unspent = [];
      try {
        const grant = await ask({ bucket: lease.bucket, rule: lease.rule, want: Math.max(need, shareOf(lease)), need, returned });
        install(lease, grant, need);
      } catch (cause) {
        lease.lowWater = -1;
        // Who joined a fetch that was made ahead of need gets one of their own.
        if (need > 0) rejectAll(lease, new Fault('unavailable', { reason: 'the rate limits do not answer' }, { cause }));
      }
      for (const arrived of lease.arrivals.splice(0)) arrived();
    } while (lease.waiters.length > 0);
    lease.fetching = false;
  }

  function install(lease: Lease, grant: LeaseGrant, need: number): void {
    if (grant.windowIndex !== lease.windowIndex) setAside(lease);
    lease.windowIndex = grant.windowIndex;
    lease.resetAtMs = grant.resetAtMs;
    lease.remaining = grant.remaining;
    lease.serial = grant.serial;
    lease.left += grant.granted;
    lease.lowWater = grant.granted > 1 ? Math.ceil(lease.left / 4) : -1;
    const nowMs = clock.nowMs();
    for (const waiter of lease.waiters.splice(0, lease.left)) {
      lease.left -= 1;
      waiter.resolve({ admitted: true, limit: lease.rule.limit, remaining: lease.remaining + lease.left, resetAtMs: lease.resetAtMs, retryAfterSeconds: 0 });
    }
    if (grant.granted >= need) return;
    lease.refusedUntilMs = Math.min(lease.resetAtMs, nowMs + refusalKeptMs);
    const refusal: Verdict = {
      admitted: false,
      limit: lease.rule.limit,
      remaining: 0,
      resetAtMs: lease.resetAtMs,
      retryAfterSeconds: secondsUntil(lease.resetAtMs, nowMs),
    };
    for (const waiter of lease.waiters.splice(0)) waiter.resolve(refusal);
  }

  /** Large enough to ask seldom, small enough that the last tokens of a window are spread. */
  function shareOf(lease: Lease): number {
    const { limit, burst } = lease.rule;
    if (limit <= oneByOneLimitMax) return 1;
    const left = clock.nowMs() < lease.resetAtMs ? lease.remaining : Math.min(limit + burst, lease.remaining + limit);
    return Math.max(1, Math.min(bounds.leaseTokensMax, Math.floor(left / (partOfShare * workers))));
  }

  function openLease(bucket: string, rule: TokenRule, former: Lease | undefined): Lease {
    if (former === undefined && leases.size >= bounds.leaseBucketsMax) makeRoom();
    const lease: Lease = {
      bucket,
      rule,
      left: 0,
      remaining: rule.burst,
      windowIndex: -1,
      resetAtMs: 0,
      serial: 0,
      lowWater: -1,
      refusedUntilMs: 0,
      waiters: [],
      fetching: false,
      arrivals: [],
      unspent: former === undefined ? [] : unspentOf(former),
    };
    leases.set(bucket, lease);
    return lease;
  }

  function makeRoom(): void {
    const nowMs = clock.nowMs();
    let oldest: string | undefined;
    for (const [bucket, lease] of leases) {
      if (lease.fetching) continue;
      oldest ??= bucket;
      if (lease.resetAtMs <= nowMs) leases.delete(bucket);
    }
    if (leases.size >= bounds.leaseBucketsMax && oldest !== undefined) leases.delete(oldest);
  }

  return {
    take,
    async recall({ bucket, serial }) {
      const lease = leases.get(bucket);
      if (lease === undefined) return [];
      // The grant may have been sent just before the recall: then its tokens are about to be here.
      while (lease.serial < serial && lease.fetching) await new Promise<void>((resolve) => lease.arrivals.push(resolve));
      return unspentOf(lease);
    },
    returnAll() {
      return [...leases.values()].flatMap(unspentOf);
    },
    forget(bucket) {
      leases.delete(bucket);
    },
  };
}

/** Takes the unspent tokens out of a lease whose window is over. */
function setAside(lease: Lease): void {
  if (lease.left > 0) lease.unspent.push({ bucket: lease.bucket, rule: lease.rule, windowIndex: lease.windowIndex, count: lease.left });
  lease.left = 0;
}

function unspentOf(lease: Lease): LeaseReturn[] {
  setAside(lease);
  const { unspent } = lease;
  lease.unspent = [];
  return unspent;
}

function rejectAll(lease: Lease, fault: Fault): void {
  for (const waiter of lease.waiters.splice(0)) waiter.reject(fault);
}

function isSameRule(one: TokenRule, other: TokenRule): boolean {
  return one === other || (one.limit === other.limit && one.windowMs === other.windowMs && one.burst === other.burst);
}

function secondsUntil(ms: number, nowMs: number): number {
  return Math.max(1, Math.ceil((ms - nowMs) / 1000));
}
