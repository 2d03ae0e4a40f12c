import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { FaultCode } from '../kernel/fault-codes.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import { Exchange, type ReplyHeaders, type ReplySink } from './send.ts';
import type { Target } from './target.ts';
import type { Choosing, TargetGroup } from './target-group.ts';

/** One message to a server. `headers` is a flat list of names and values: all that is sent. */
export interface UpstreamCall extends Choosing {
  readonly headers: string[];
  readonly body: Buffer | null;
  /** Ends the wait for the reply's first byte sooner than the server's own limit; null: that one. */
  readonly firstByteMsMax: number | null;
  /** A reply may stay open without bytes for as long as the client wants it. */
  readonly longLived: boolean;
  /** The reply may be silent for long, as while a person is asked, but it ends by itself: its reader watches the time. */
  readonly patient?: boolean;
  /**
   * It may be sent again as long as no reply has begun, though it may have arrived: only for what changes nothing (lists, reads,
   * discovery). What is false here is sent again only where not a byte of it has left.
   */
  readonly repeatable: boolean;
}

/** Whose fault it is that nothing came: the target's. Others (the gateway's credential, a redirect, a full queue, the caller's leaving) say nothing of it. */
const targetFaults: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'upstream_unreachable',
  'upstream_tls',
  'upstream_address',
  'upstream_reset',
  'mcp_timeout',
  'upstream_invalid',
]);
/** Statuses that say: not now, nothing was done. */
const passing: ReadonlySet<number> = new Set([502, 503, 504]);

/** A message on its way to one target after the other, until a reply begins or no further try may be made. */
export class TargetExchange extends Exchange {
  private readonly data: ServerData;
  private readonly group: TargetGroup;
  private readonly call: UpstreamCall;
  private readonly clock: Clock;
  private readonly random: () => number;
  private at: Target | null = null;
  private probe = false;
  /** Bits of the targets that it was sent to, by their place in the group. */
  private tried = 0;
  private beganAtMs = 0;
  /** The reply has begun: it is the sink's, and nothing is sent again. */
  private begun = false;
  /** Its status speaks against the target. */
  private beganBadly = false;
  private again: NodeJS.Timeout | null = null;
  private total: NodeJS.Timeout | null = null;

  constructor(data: ServerData, group: TargetGroup, call: UpstreamCall, sink: ReplySink, clock: Clock, random: () => number) {
    super(data.name, sink);
    this.data = data;
    this.group = group;
    this.call = call;
    this.clock = clock;
    this.random = random;
  }

  start(): void {
    const { totalTimeoutMs } = this.group.reach;
    this.beganAtMs = this.clock.monotonicMs();
    if (totalTimeoutMs !== null && !this.call.longLived)
      this.total = setTimeout(() => this.stop(new Fault('mcp_timeout', { server: this.server })), totalTimeoutMs);
    this.group.budget.called();
    const target = this.group.choose(this.call, 0);
    if (target instanceof Fault) this.fail(target);
    else this.sendTo(target, this.firstByteMs);
  }

  protected override stop(reason: Error): void {
    if (this.again) clearTimeout(this.again);
    this.again = null;
    super.stop(reason);
  }

  private get firstByteMs(): number {
    const own = this.group.reach.firstByteTimeoutMs ?? this.data.timeoutMs;
    return this.call.firstByteMsMax === null ? own : Math.min(own, this.call.firstByteMsMax);
  }

  private sendTo(target: Target, firstByteMs: number): void {
    const { reach, targets } = this.group;
    this.at = target;
    this.beganBadly = false;
    this.target = target.data.name;
    this.tried |= 1 << targets.indexOf(target);
    this.probe = target.breaker?.enter() ?? false;
    target.inFlight++;
    target.calls++;
    if (this.call.longLived) target.streams.add(this);
    const idleMs = this.call.longLived || this.call.patient === true ? 0 : (reach.idleTimeoutMs ?? this.data.timeoutMs);
    this.dispatch(target.pool, target.data.path, this.call, firstByteMs, idleMs, reach.queueMax);
  }

  protected override refusesHead(status: number, headers: ReplyHeaders): boolean {
    const bad = status >= 500 || status === 429;
    const { at } = this;
    if (bad) at?.noteFailure(`HTTP ${status}`);
    if (at?.breaker) {
      if (bad) at.breaker.failed(this.probe);
      else at.breaker.succeeded(this.probe);
      this.probe = false;
    }
    this.beganBadly = bad;
    // A target that says when to come back is not asked earlier; another may be.
    const elsewhere = this.group.targets.length > 1 && this.call.pinned === null;
    if (passing.has(status) && this.call.repeatable && (elsewhere || headers['retry-after'] === undefined) && this.schedule(null, `http_${status}`)) {
      this.leave();
      return true;
    }
    this.begun = true;
    return false;
  }

  protected override triesAgain(fault: Fault): boolean {
    const { at } = this;
    if (at === null) return false;
    const isTargets = !this.aborted && targetFaults.has(fault.code);
    if (isTargets) {
      at.noteFailure(fault.code);
      // A reply that began well and broke off is one failed call, not one of each; a bad one was counted. That a stream ends which was open
      // for hours says nothing of now.
      if (!this.beganBadly && !(this.begun && this.call.longLived)) at.breaker?.failed(this.probe, this.begun);
    } else at.breaker?.withdrawn(this.probe);
    this.probe = false;
    if (!isTargets || this.begun) return false;
    const unsent = this.controller === null;
    if (!unsent && (!this.call.repeatable || fault.code === 'upstream_invalid')) return false;
    // Its certificate, its name and its address are the same in a moment, and whoever waited for a connection has waited enough.
    const lasting = fault.code === 'upstream_tls' || fault.code === 'upstream_address' || lastingCodes.has(codeOf(fault.cause));
    if (lasting && (this.group.targets.length === 1 || this.call.pinned !== null)) return false;
    if (!this.schedule(fault, fault.code)) return false;
    this.leave();
    return true;
  }

  protected override finish(): void {
    super.finish();
    if (this.total) clearTimeout(this.total);
    this.leave();
  }

  /** Plans one more try, if there may be one. `fault`: what is told where it turns out that there is no target for it. `outcome`: of the try that ends. */
  private schedule(fault: Fault | null, outcome: string): boolean {
    const { reach, budget } = this.group;
    if (this.aborted || this.retries + 1 >= reach.retry.triesMax) return false;
    const delayMs = this.random() * Math.min(bounds.upstreamRetryDelayMs * 2 ** (this.retries + 1), bounds.upstreamRetryDelayMsMax);
    if (this.leftMs() - delayMs < 1 || !budget.spend()) return false;
    this.retries++;
    if (this.at) this.at.retries++;
    this.noteTry(outcome);
    // Nothing is under way until then.
    this.controller = null;
    this.again = setTimeout(() => {
      this.again = null;
      const target = this.group.choose(this.call, this.tried);
      if (target instanceof Fault) return this.fail(fault ?? target);
      this.tries?.push({ target: target.data.name, at: this.clock.monotonicMs(), untilAt: 0, outcome: '' });
      this.sendTo(target, Math.max(1, Math.min(this.firstByteMs, this.leftMs())));
    }, delayMs);
    return true;
  }

  /** A try ends that another one follows. */
  private noteTry(outcome: string): void {
    this.tries ??= [{ target: this.target, at: this.beganAtMs, untilAt: 0, outcome: '' }];
    const last = this.tries.at(-1);
    if (last === undefined) return;
    last.untilAt = this.clock.monotonicMs();
    last.outcome = outcome;
  }

  private leftMs(): number {
    return this.beganAtMs + (this.group.reach.totalTimeoutMs ?? this.firstByteMs) - this.clock.monotonicMs();
  }

  private leave(): void {
    if (this.at === null) return;
    this.at.inFlight--;
    this.at.streams.delete(this);
    this.at = null;
  }
}

const lastingCodes: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);

function codeOf(cause: unknown): string {
  return (cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined) ?? '';
}
