import type { MetricReading } from '../../kernel/metric-table.ts';
import type { Tap } from '../tap.ts';
import { createCallMetrics, type CallMetricsOptions } from './call-metrics.ts';

/** The figures of this node: those of calls, which are added up from when they are first wanted, and those that are read when asked for. */
export interface Exposition {
  /** Begins to add up calls. What they add up to from then on never falls for the life of the process. */
  begin(): void;
  readings(): Promise<readonly MetricReading[]>;
  /** The same in Prometheus' text format. All who ask at one time get one answer. */
  text(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface ExpositionOptions extends CallMetricsOptions {
  readonly tap: Tap;
  /** What is not of calls, read now. */
  readonly readNode: () => Promise<readonly MetricReading[]>;
}

export function createExposition({ tap, readNode, ...options }: ExpositionOptions): Exposition {
  const calls = createCallMetrics(options);
  let begun = false;
  let asked: ReturnType<Exposition['text']> | null = null;

  function begin(): void {
    if (begun) return;
    begun = true;
    tap.listen((row) => calls.add(row));
    tap.listenCounted((tokens) => tokens.forEach((one) => calls.addCounted(one)));
  }

  async function readings(): Promise<readonly MetricReading[]> {
    begin();
    return [...calls.readings(), ...(await readNode())];
  }

  async function render(): ReturnType<Exposition['text']> {
    const [{ prometheusContentType, renderPrometheus }, read] = await Promise.all([import('./render-prometheus.ts'), readings()]);
    return { contentType: prometheusContentType, text: renderPrometheus(read) };
  }

  return {
    begin,
    readings,
    text() {
      asked ??= render().finally(() => {
        asked = null;
      });
      return asked;
    },
  };
}
