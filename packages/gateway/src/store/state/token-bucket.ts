import type { TokenRule } from './state-store.ts';

/**
 * The arithmetic of one token bucket. A bucket holds at most `limit + burst` tokens, starts full, and gains `limit` at
 * each window boundary; windows are aligned to the epoch. `redis-scripts.ts` says the same in Lua.
 */
export interface TokenBucket {
  windowIndex: number;
  /** Below zero: the rule was lowered after more had been spent; forgiven at the next boundary. */
  tokens: number;
  /** `limit + burst` of the rule that `tokens` was counted under. */
  capacity: number;
}

export function windowIndexAt(rule: TokenRule, nowMs: number): number {
  return Math.floor(nowMs / rule.windowMs);
}

export function capacityOf(rule: TokenRule): number {
  return rule.limit + rule.burst;
}

export function fullBucket(rule: TokenRule, nowMs: number): TokenBucket {
  const capacity = capacityOf(rule);
  return { windowIndex: windowIndexAt(rule, nowMs), tokens: capacity, capacity };
}

/** Brings a bucket up to now and takes up to `want` tokens from it. A clock behind the bucket's window does not turn it back. */
export function takeFromBucket(bucket: TokenBucket, rule: TokenRule, want: number, nowMs: number): number {
  const capacity = capacityOf(rule);
  // A changed rule counts at once: what was spent stays spent, also when two rules alternate while the news travels.
  let tokens = bucket.tokens + capacity - bucket.capacity;
  const windowIndex = windowIndexAt(rule, nowMs);
  if (windowIndex > bucket.windowIndex) {
    tokens = Math.min(capacity, Math.max(0, tokens) + rule.limit * (windowIndex - bucket.windowIndex));
    bucket.windowIndex = windowIndex;
  }
  const granted = Math.max(0, Math.min(want, tokens));
  bucket.tokens = tokens - granted;
  bucket.capacity = capacity;
  return granted;
}

/** Puts unspent tokens back where their window is still the bucket's. */
export function returnToBucket(bucket: TokenBucket, windowIndex: number, count: number): void {
  if (windowIndex === bucket.windowIndex) bucket.tokens = Math.min(bucket.capacity, bucket.tokens + count);
}

/** After this time untouched, a bucket is full again: forgetting it changes nothing. */
export function bucketLifeMs(rule: TokenRule): number {
  return rule.windowMs * (1 + Math.ceil(capacityOf(rule) / Math.max(1, rule.limit)));
}
