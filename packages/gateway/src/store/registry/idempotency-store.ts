/** The port of what the registry remembers of requests that carry an Idempotency-Key. Times are those of the database: nodes' clocks may differ. */
import type { OrganizationId } from '../../kernel/id.ts';

/** One attempt to carry a request out. */
export interface IdempotentAttempt {
  readonly organizationId: OrganizationId;
  readonly digest: string;
  readonly attempt: string;
}

export interface IdempotentStart extends IdempotentAttempt {
  readonly caller: string;
  readonly request: string;
}

/** What is remembered of a request that somebody else has begun. */
export interface RememberedRequest {
  readonly request: string;
  readonly isDone: boolean;
  readonly answer: Buffer | null;
}

export interface IdempotencyWrites {
  /**
   * Null: it is this attempt's now, for so long. Else what is remembered; of one that was let go at this moment, that it is under way. Of one caller
   * the newest `keysMax` are remembered.
   */
  begin(start: IdempotentStart, bounds: { readonly holdMs: number; readonly keptMs: number; readonly keysMax: number }): Promise<RememberedRequest | null>;
  /** In the transaction of the change: it is done. False where it is not this attempt's any more: then nothing may be written. */
  done(attempt: IdempotentAttempt): Promise<boolean>;
  keep(attempt: IdempotentAttempt, answer: Buffer): Promise<void>;
  /** Lets go what was not done. */
  release(attempt: IdempotentAttempt): Promise<void>;
  /** `limit` at most. */
  deleteExpired(organizationId: OrganizationId, keptMs: number, limit: number): Promise<void>;
}
