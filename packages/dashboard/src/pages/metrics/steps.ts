import type { Schemas } from '@gatewayops/sdk';

/** One step of time, of the ledger or of the last seconds. */
export type Step = Pick<Schemas['CallMetrics']['series'][number], 'start_time' | 'calls' | 'rate' | 'error_percent' | 'latency_ms'>;

export function secondsOf(steps: readonly Step[]): readonly number[] {
  return steps.map(({ start_time: start }) => Date.parse(start) / 1000);
}
