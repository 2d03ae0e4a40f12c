import { Fault } from '../kernel/fault.ts';
import type { UpstreamData } from '../snapshot/upstream-data.ts';
import { RetryBudget } from './retry-budget.ts';
import { hashText, type Target } from './target.ts';

/** What a choice may go by. */
export interface Choosing {
  /** The target that keeps the call's session, or null. */
  readonly pinned: string | null;
  /** Who calls: the same always comes to the same target where the choice is sticky. */
  readonly caller: string;
  /** The value of the canary's header in the caller's request, or null. */
  readonly variant: string | null;
  /** The end of a session is told to a target that drains, too. */
  readonly method: 'POST' | 'GET' | 'DELETE';
}

/** The targets of one server and how calls are shared among them. One for each version of the server's configuration. */
export class TargetGroup {
  readonly server: string;
  readonly reach: UpstreamData;
  readonly targets: readonly Target[];
  readonly budget: RetryBudget;
  private readonly random: () => number;
  private next = 0;

  constructor(server: string, reach: UpstreamData, targets: readonly Target[], random: () => number) {
    this.server = server;
    this.reach = reach;
    this.targets = targets;
    this.random = random;
    this.budget = new RetryBudget(reach.retry);
  }

  /**
   * Where the call goes now, or why nowhere. `tried`: bits of the targets (by their place) that it was at already; they are chosen
   * again only where there is no other.
   */
  choose(call: Choosing, tried: number): Target | Fault {
    if (call.pinned !== null) return this.pinned(call.pinned, call.method);
    const { targets, reach } = this;
    const [only] = targets;
    if (targets.length === 1 && only !== undefined) return only.open ? only : this.unavailable();
    const canary = reach.canary === null ? null : this.canary(call);
    if (canary !== null && canary.open && canary.healthy && (tried & (1 << targets.indexOf(canary))) === 0) return canary;
    return this.pick(call, tried, true) ?? this.pick(call, tried, false) ?? this.pick(call, 0, false) ?? this.unavailable();
  }

  private pinned(name: string, method: Choosing['method']): Target | Fault {
    const target = this.targets.find(({ data }) => data.name === name);
    // A session ends with its target; its client begins a new one elsewhere.
    if (target === undefined || (target.draining && method !== 'DELETE')) return new Fault('session_not_found');
    return target.breaker === null || target.breaker.allows() || target.draining ? target : this.unavailable(target);
  }

  private canary(call: Choosing): Target | null {
    const { canary, balance } = this.reach;
    if (canary === null) return null;
    const meant = (canary.header !== null && call.variant === canary.header.value) || canary.principals.includes(call.caller);
    if (!meant && canary.sharePercent === 0) return null;
    const drawn = balance === 'sticky' ? (hashText(call.caller) % 10_000) / 100 : this.random() * 100;
    return meant || drawn < canary.sharePercent ? (this.targets.find(({ data }) => data.name === canary.target) ?? null) : null;
  }

  /** Among those that take ordinary calls: not the canary, and under blue-green the active one alone. */
  private pick(call: Choosing, tried: number, healthyOnly: boolean): Target | null {
    const { targets, reach } = this;
    let best: Target | null = null;
    let bestValue = 0;
    let weights = 0;
    let fit = 0;
    for (let index = 0; index < targets.length; index++) {
      const target = targets[index];
      if (target === undefined || !this.isFit(target, index, tried, healthyOnly)) continue;
      fit++;
      weights += target.weight;
      const value = this.valueOf(target, call);
      if (best === null || value > bestValue) {
        best = target;
        bestValue = value;
      }
    }
    if (best === null || reach.balance === 'sticky') return best;
    if (reach.balance === 'weighted') best.turn -= weights;
    // Those of the same value take turns.
    else best = this.nextOf(this.next++ % fit, call, bestValue, tried, healthyOnly) ?? best;
    return best;
  }

  /** From the `skip`-th fit target on, the first of this value. */
  private nextOf(skip: number, call: Choosing, value: number, tried: number, healthyOnly: boolean): Target | null {
    const { targets } = this;
    let first: Target | null = null;
    let seen = 0;
    for (let index = 0; index < targets.length; index++) {
      const target = targets[index];
      if (target === undefined || !this.isFit(target, index, tried, healthyOnly)) continue;
      const isLater = seen++ >= skip;
      if (this.valueOf(target, call) !== value) continue;
      if (isLater) return target;
      first ??= target;
    }
    return first;
  }

  private isFit(target: Target, index: number, tried: number, healthyOnly: boolean): boolean {
    if ((tried & (1 << index)) !== 0 || !target.open || (healthyOnly && !target.healthy)) return false;
    const { active, canary } = this.reach;
    if (active === target.data.name) return true;
    return canary?.target !== target.data.name && (active === null || this.handsOver(active));
  }

  /** Whoever stands by takes the calls of an active target that was told to take none; one that fails is for a person to judge. */
  private handsOver(active: string): boolean {
    const target = this.targets.find(({ data }) => data.name === active);
    return target === undefined || target.draining || target.weight === 0;
  }

  /** The highest takes the call. */
  private valueOf(target: Target, { caller }: Choosing): number {
    const { balance } = this.reach;
    if (balance === 'round-robin') return 0;
    if (balance === 'least-loaded') return -(target.inFlight + 1) / target.weight;
    // Smooth weighted round-robin, as in nginx: each turn adds the weight, whoever is chosen pays for all.
    if (balance === 'weighted') return (target.turn += target.weight);
    // Weighted rendezvous: when a target goes, only its own callers move.
    return target.weight / -Math.log((hashText(caller, target.seed) + 1) / 0x1_0000_0002);
  }

  private unavailable(target: Target | null = null): Fault {
    const waits = (target === null ? this.targets.filter(({ draining, weight }) => !draining && weight > 0) : [target]).flatMap(({ breaker }) =>
      breaker === null || breaker.state === 'closed' ? [] : [breaker.waitMs()],
    );
    if (waits.length === 0) return new Fault('upstream_unavailable', { server: this.server, reason: 'no target of it takes calls' });
    const retryAfter = Math.max(1, Math.ceil(Math.min(...waits) / 1000));
    return new Fault('upstream_unavailable', { server: this.server, reason: 'too many of its last calls failed', retryAfter });
  }
}
