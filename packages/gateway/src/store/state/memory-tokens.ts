import { bounds } from '../../kernel/bounds.ts';
import type { TokenStore } from './state-store.ts';
import { fullBucket, returnToBucket, takeFromBucket, type TokenBucket } from './token-bucket.ts';

/**
 * Token buckets of this process alone, forgotten with it. Beyond their bound they lose the one untouched for longest, which has refilled
 * most.
 */
export function createMemoryTokens(bucketsMax: number = bounds.stateBucketsMax): TokenStore {
  const buckets = new Map<string, TokenBucket>();
  return {
    async takeTokens(bucket, rule, want, nowMs) {
      const key = bucketKey(bucket, rule.windowMs);
      const kept = buckets.get(key) ?? fullBucket(rule, nowMs);
      const granted = takeFromBucket(kept, rule, want, nowMs);
      // Written again at the end: the order of the map is the order of last use.
      buckets.delete(key);
      buckets.set(key, kept);
      if (buckets.size > bucketsMax) {
        const oldest = buckets.keys().next();
        if (oldest.done !== true) buckets.delete(oldest.value);
      }
      return { granted, remaining: Math.max(0, kept.tokens), resetAtMs: (kept.windowIndex + 1) * rule.windowMs, windowIndex: kept.windowIndex };
    },
    async returnTokens(bucket, rule, windowIndex, count) {
      const kept = buckets.get(bucketKey(bucket, rule.windowMs));
      if (kept !== undefined) returnToBucket(kept, windowIndex, count);
    },
  };
}

/** A rule with another window counts in other windows: it gets a bucket of its own. */
function bucketKey(bucket: string, windowMs: number): string {
  return `${bucket}:${windowMs}`;
}
