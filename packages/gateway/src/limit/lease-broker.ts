import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { TokenGrant, TokenRule, TokenStore } from '../store/state/state-store.ts';
import type { LeaseGrant, LeaseRecall, LeaseRequest, LeaseReturn } from './lease.ts';

/** The supervisor's side of the limits: takes leases from shared state for the workers of this node, and takes them back. */
export interface LeaseBroker {
  /** Rejects only where shared state fails and there is no `local` store. */
  lease(workerId: number, request: LeaseRequest): Promise<LeaseGrant>;
  /** Tokens that a worker gives back unasked, e.g. at its end. */
  giveBack(returns: readonly LeaseReturn[]): Promise<void>;
  /** The worker has died. What it had spent cannot be known, so its tokens count as spent. */
  workerGone(workerId: number): void;
  status(): LeaseBrokerStatus;
}

export interface LeaseBrokerStatus {
  /** `local`: shared state does not answer and this node counts alone. */
  readonly mode: 'shared' | 'local';
  /** Leases granted by this node alone since its start. */
  readonly localLeases: number;
  readonly recalls: number;
  /** Recalls that a worker did not answer in time: its tokens of that window are lost. */
  readonly recallsUnanswered: number;
  readonly buckets: number;
}

export interface LeaseBrokerOptions {
  readonly state: TokenStore;
  /** This node's own count, which decides alone while shared state does not answer; null where `state` is in this process and always does. */
  readonly local: TokenStore | null;
  /** Asks a worker; its `Limiter.recall`. */
  readonly recall: (workerId: number, recall: LeaseRecall) => Promise<readonly LeaseReturn[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the broker knows of one bucket. */
interface Account {
  /** Ends when every request before has been served: one at a time, or two refusals could miss each other's tokens. */
  turn: Promise<unknown>;
  waiting: number;
  /** Workers that may hold unspent tokens, with their last grant. */
  readonly holders: Map<number, { readonly serial: number; readonly windowIndex: number }>;
  /** Tokens granted by this node alone that shared state has not been told of. */
  owed: number;
  owedWindow: number;
}

export function createLeaseBroker({ state, local, recall, clock, log }: LeaseBrokerOptions): LeaseBroker {
  const accounts = new Map<string, Account>();
  let serial = 0;
  let mode: LeaseBrokerStatus['mode'] = 'shared';
  let localLeases = 0;
  let recalls = 0;
  let recallsUnanswered = 0;

  async function lease(workerId: number, request: LeaseRequest): Promise<LeaseGrant> {
    const account = accountOf(request.bucket);
    account.waiting += 1;
    if (accounts.size > bounds.leaseBucketsMax) makeRoom();
    // Put back on arrival, not in turn: a recall that is under way for another worker counts on it.
    const returned = giveBack(request.returned);
    const turn = account.turn.then(() => returned).then(() => serve(workerId, request, account));
    account.turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      account.waiting -= 1;
    }
  }

  async function serve(workerId: number, request: LeaseRequest, account: Account): Promise<LeaseGrant> {
    const { bucket, rule, want, need } = request;
    // The request counts in the window in which its turn began, however long its recalls take.
    const nowMs = clock.nowMs();
    // With calls waiting, the worker has nothing left but what it sends along.
    if (need > 0) account.holders.delete(workerId);
    // Only a burst can be saved from an ended window, and only before the first step of the next.
    if (rule.burst > 0) await recallFrom(bucket, account, Math.floor(nowMs / rule.windowMs));
    let grant = await takeTokens(bucket, rule, want, nowMs, account);
    if (grant.granted < need && account.holders.size > 0) {
      await recallFrom(bucket, account, Infinity);
      const more = await takeTokens(bucket, rule, need - grant.granted, nowMs, account);
      grant = { ...more, granted: grant.granted + more.granted };
    }
    serial += 1;
    if (grant.granted > need) account.holders.set(workerId, { serial, windowIndex: grant.windowIndex });
    return { ...grant, serial };
  }

  /** Recalls a bucket from every worker whose last grant is of a window before `beforeWindow`. */
  async function recallFrom(bucket: string, account: Account, beforeWindow: number): Promise<void> {
    const asked: Promise<void>[] = [];
    for (const [workerId, holder] of account.holders) {
      if (holder.windowIndex >= beforeWindow) continue;
      account.holders.delete(workerId);
      asked.push(recallOne(workerId, { bucket, serial: holder.serial }));
    }
    if (asked.length > 0) await Promise.all(asked);
  }

  /** Ends when the worker has given back, or after `leaseRecallTimeoutMs`; a later answer is still put back. */
  async function recallOne(workerId: number, asked: LeaseRecall): Promise<void> {
    recalls += 1;
    const answered = recall(workerId, asked).then(giveBack, () => void (recallsUnanswered += 1));
    await inTime(answered, bounds.leaseRecallTimeoutMs, () => (recallsUnanswered += 1));
  }

  async function takeTokens(bucket: string, rule: TokenRule, want: number, nowMs: number, account: Account): Promise<TokenGrant> {
    // This node alone may not pass the rule either: its own count is right whatever shared state forgot or was not told.
    const own = local === null ? null : await local.takeTokens(bucket, rule, want, nowMs);
    const asked = own === null ? want : own.granted;
    if (own !== null && asked === 0) return own;
    const window = Math.floor(nowMs / rule.windowMs);
    if (account.owedWindow !== window) account.owed = 0;
    const { owed } = account;
    let grant: TokenGrant;
    try {
      grant = await state.takeTokens(bucket, rule, asked + owed, nowMs);
    } catch (error) {
      if (own === null) throw error;
      turnTo('local');
      localLeases += 1;
      account.owed = owed + asked;
      account.owedWindow = window;
      return own;
    }
    turnTo('shared');
    // What this node granted alone in this window is paid first, so that the other nodes know of it.
    account.owed = Math.max(0, owed - grant.granted);
    const granted = Math.max(0, grant.granted - owed);
    if (own === null) return grant;
    if (granted < asked) await local?.returnTokens(bucket, rule, own.windowIndex, asked - granted);
    return { ...grant, granted, remaining: Math.min(grant.remaining, own.remaining) };
  }

  /** Asks for every step at once: what is taken afterwards finds the tokens, since a store keeps the order. Never rejects. */
  async function giveBack(returns: readonly LeaseReturn[]): Promise<void> {
    const steps: Promise<void>[] = [];
    for (const { bucket, rule, windowIndex, count } of returns) {
      if (local !== null) steps.push(local.returnTokens(bucket, rule, windowIndex, count));
      const account = accounts.get(bucket);
      const fromOwed = account !== undefined && account.owedWindow === windowIndex ? Math.min(count, account.owed) : 0;
      if (account !== undefined) account.owed -= fromOwed;
      if (count > fromOwed) steps.push(state.returnTokens(bucket, rule, windowIndex, count - fromOwed));
    }
    // Tokens that cannot be given back are lost to their window: fewer calls, never more.
    await Promise.allSettled(steps);
  }

  function turnTo(next: LeaseBrokerStatus['mode']): void {
    if (mode === next) return;
    mode = next;
    if (next === 'local') log.warn('limits.local', { reason: 'shared state does not answer; this node counts alone' });
    else log.info('limits.shared');
  }

  function accountOf(bucket: string): Account {
    const known = accounts.get(bucket);
    // Written again: the order of the map is the order of last use.
    if (known !== undefined) accounts.delete(bucket);
    const account: Account = known ?? { turn: Promise.resolve(), waiting: 0, holders: new Map(), owed: 0, owedWindow: -1 };
    accounts.set(bucket, account);
    return account;
  }

  /** Forgets the account unused for longest: unspent tokens out of it can then not be recalled, and are lost to their window. */
  function makeRoom(): void {
    for (const [bucket, account] of accounts) {
      if (account.waiting > 0) continue;
      accounts.delete(bucket);
      return;
    }
  }

  return {
    lease,
    giveBack,
    workerGone(workerId) {
      for (const account of accounts.values()) account.holders.delete(workerId);
    },
    status: () => ({ mode, localLeases, recalls, recallsUnanswered, buckets: accounts.size }),
  };
}

/** Waits for `work`, but no longer than `timeoutMs`; `late` is told when that was too short. */
async function inTime(work: Promise<void>, timeoutMs: number, late: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      late();
      resolve();
    }, timeoutMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
