/** Figures of each second as they are counted, the last quarter of an hour. */
import { useEffect, useState } from 'react';
import type { LiveFigures } from '@gatewayops/sdk';
import { followLive } from '../../app/live.ts';
import type { LiveGroup } from './groups.ts';
import type { Step } from './steps.ts';

const secondsMax = 900;

/** A second, with those servers and tools that were called in it. */
interface LiveStep extends Step {
  readonly servers: readonly LiveGroup[];
  readonly tools: readonly LiveGroup[];
}

export interface LiveMetrics {
  readonly steps: readonly LiveStep[];
  readonly error: unknown;
}

const nothing: LiveMetrics = { steps: [], error: null };

export function useLiveMetrics(query: string, on: boolean): LiveMetrics {
  const of = on ? `on ${query}` : 'off';
  const [live, setLive] = useState({ of, ...nothing });
  useEffect(() => {
    if (!on) return undefined;
    return follow(query, (change) => setLive((old) => ({ of, ...change(old.of === of ? old : nothing) })));
  }, [query, on, of]);
  return live.of === of ? live : nothing;
}

/** Until the function that it gives is called. */
function follow(query: string, draw: (change: (old: LiveMetrics) => LiveMetrics) => void): () => void {
  const ending = new AbortController();
  const read = async (): Promise<void> => {
    for await (const event of followLive({ query, events: ['metrics'] }, ending.signal)) {
      if (event.type !== 'metrics') continue;
      const step = stepOf(event.data);
      draw(({ steps }) => ({ error: null, steps: [...steps, step].slice(-secondsMax) }));
    }
  };
  read().catch((error: unknown) => {
    if (!ending.signal.aborted) draw(({ steps }) => ({ error, steps }));
  });
  return () => ending.abort();
}

function stepOf(figures: LiveFigures): LiveStep {
  const { rate, error_percent: failed, latency_ms: latency, servers, tools } = figures as LiveFigures & Omit<LiveStep, 'start_time' | 'calls'>;
  return { start_time: figures.time, calls: figures.calls, rate, error_percent: failed, latency_ms: latency, servers, tools };
}
