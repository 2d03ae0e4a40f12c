/**
 * Shared state: what all workers of all nodes must agree on now, and may lose without losing a record: counters and
 * leases, sessions, one-time links, answers kept for idempotency.
 *
 * This folder imports `kernel/` only. `redis-state.ts` is the server adapter, `embedded-state.ts` the embedded one (in
 * the supervisor); both keep this contract, held by one suite. Values outlive every process of the gateway, counters need not. They are
 * opaque bytes: who stores a secret seals it first. Every method rejects with the fault `unavailable` when the store cannot answer in its
 * time or has no room; what was to be changed may then be changed or not, but for `setIfAbsent`, which leaves the key free.
 */
export interface StateStore extends TokenStore {
  /** The value, or null where there is none or its time is over. */
  get(key: string): Promise<Buffer | null>;
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  /** Sets the value only where there is none, atomically. True: it was set. */
  setIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>;
  /** Sets the value only where it is still `before` (null: there is none), atomically. True: it was set. */
  replace(key: string, before: Uint8Array | null, after: Uint8Array, ttlMs: number): Promise<boolean>;
  /** Reads and deletes atomically: of any number of callers exactly one gets the value. For one-time links. */
  take(key: string): Promise<Buffer | null>;
  /** Gives an existing value another `ttlMs` from now. False: there is none. */
  touch(key: string, ttlMs: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  status(): StateStatus;
  close(): Promise<void>;
}

/** Token buckets under the rule of `docs/decisions/2026-11-21-rate-limit-windows.md`. Steps take effect in the order in which one process asks for them. */
export interface TokenStore {
  /** Takes up to `want` tokens, never more than there are. */
  takeTokens(bucket: string, rule: TokenRule, want: number, nowMs: number): Promise<TokenGrant>;
  /** Puts back what was not spent. Tokens of a window that is over are worth nothing and are dropped. */
  returnTokens(bucket: string, rule: TokenRule, windowIndex: number, count: number): Promise<void>;
}

/** `limit` tokens a window of `windowMs`, and `burst` more that may be saved up. Whole numbers, `limit` ≥ 1, `burst` ≥ 0. */
export interface TokenRule {
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
}

export interface TokenGrant {
  readonly granted: number;
  /** Tokens left in the bucket. */
  readonly remaining: number;
  /** When the window of these tokens ends, in milliseconds since the epoch. */
  readonly resetAtMs: number;
  /** The window of these tokens, counted from the epoch. */
  readonly windowIndex: number;
}

export interface StateStatus {
  readonly kind: 'embedded' | 'redis';
  readonly ready: boolean;
  /** Why it is not ready; null when it is. */
  readonly reason: string | null;
  /** Values and bytes held; null where only the server knows. */
  readonly entries: number | null;
  readonly bytes: number | null;
  /** Commands that failed, writes refused for want of room among them. */
  readonly failures: number;
}
