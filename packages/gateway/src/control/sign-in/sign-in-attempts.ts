import { isIPv6 } from 'node:net';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ControlDependencies } from '../context.ts';

const minuteMs = 60_000;

type Counting = Pick<ControlDependencies, 'state' | 'clock'>;

/** Slows whoever begins without end. Faults: `rate_limit_exceeded`, `unavailable`. */
export function countBegun(dependencies: Counting, peer: string): Promise<void> {
  return count(dependencies, `begun:${networkOf(peer)}`, bounds.signInsBegunPerMinute);
}

/** Slows whoever fails again and again, from where they are: nobody else is kept out by that. Faults: `rate_limit_exceeded`, `unavailable`. */
export async function countFailed(dependencies: Counting, peer: string): Promise<void> {
  // The owner-only socket: whoever opens it needs to guess nothing.
  if (peer !== '') await count(dependencies, `failed:${networkOf(peer)}`, bounds.signInsFailedPerMinute);
}

async function count({ state, clock }: Counting, what: string, limit: number): Promise<void> {
  const nowMs = clock.nowMs();
  const { granted, resetAtMs } = await state.takeTokens(`sign-in:${what}`, { limit, windowMs: minuteMs, burst: 0 }, 1, nowMs);
  if (granted > 0) return;
  throw new Fault('rate_limit_exceeded', { retryAfter: Math.max(1, Math.ceil((resetAtMs - nowMs) / 1_000)) });
}

/** Of IPv6 somebody has a whole network: /64. */
export function networkOf(peer: string): string {
  if (!isIPv6(peer) || peer.includes('.')) return peer;
  const [head = '', tail] = peer.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const whole = tail === undefined ? before : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after];
  return whole
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
