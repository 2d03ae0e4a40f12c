/** Figures of each second as they are counted, the last quarter of an hour. */
import { useEffect, useState } from 'react';
import type { LiveFigures } from '@gatewayops/sdk';
import { gateway } from '../../app/gateway.ts';
import type { Step } from './steps.ts';

const secondsMax = 900;

export interface LiveMetrics {
  readonly steps: readonly Step[];
  readonly error: unknown;
}

const nothing: LiveMetrics = { steps: [], error: null };

export function useLiveMetrics(query: string, on: boolean): LiveMetrics {
  const of = on ? `on ${query}` : 'off';
  const [live, setLive] = useState({ of, ...nothing });
  useEffect(() => {
    if (!on) return undefined;
    const ending = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const event of gateway.traces.tail({ query, events: ['metrics'] }, { signal: ending.signal })) {
        if (event.type !== 'metrics') continue;
        const step = stepOf(event.data);
        setLive((old) => ({ of, error: null, steps: [...(old.of === of ? old.steps : []), step].slice(-secondsMax) }));
      }
    };
    follow().catch((error: unknown) => {
      if (!ending.signal.aborted) setLive((old) => ({ of, error, steps: old.of === of ? old.steps : [] }));
    });
    return () => ending.abort();
  }, [query, on, of]);
  return live.of === of ? live : nothing;
}

function stepOf(figures: LiveFigures): Step {
  const { rate, error_percent: failed, latency_ms: latency } = figures as LiveFigures & Pick<Step, 'rate' | 'error_percent' | 'latency_ms'>;
  return { start_time: figures.time, calls: figures.calls, rate, error_percent: failed, latency_ms: latency };
}
