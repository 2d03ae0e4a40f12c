/** The gateway's figures as the OpenTelemetry SDK has them. Loaded only where metrics are asked for or exported. */
import { ValueType } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { AggregationTemporality, DataPointType, type DataPoint, type Histogram, type MetricData } from '@opentelemetry/sdk-metrics';
import { metricTable, type HistogramReading, type MetricName, type MetricReading, type MetricRow } from '../../kernel/metric-table.ts';

export interface OtelMetricsOptions {
  /** Wall clock, ms: since when what only grows is counted, and now. */
  readonly startedMs: number;
  readonly nowMs: number;
  readonly nameOf: (name: MetricName) => string;
  readonly unitOf: (row: MetricRow) => string;
  /** Null: left out. */
  readonly attributeOf: (label: string, value: string) => readonly [name: string, value: string] | null;
}

export function otelMetrics(readings: readonly MetricReading[], { startedMs, nowMs, nameOf, unitOf, attributeOf }: OtelMetricsOptions): MetricData[] {
  const startTime = millisToHrTime(startedMs);
  const endTime = millisToHrTime(nowMs);
  return readings.map(({ name, points }): MetricData => {
    const row: MetricRow = metricTable[name];
    const descriptor = { name: nameOf(name), description: row.help, unit: unitOf(row), valueType: ValueType.DOUBLE };
    const point = <Value>(labels: readonly string[], value: Value): DataPoint<Value> => ({
      startTime,
      endTime,
      attributes: Object.fromEntries(row.labels.map((label, index) => attributeOf(label, labels[index] ?? '')).filter((attribute) => attribute !== null)),
      value,
    });
    const temporality = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE } as const;
    if (row.type === 'histogram')
      return {
        ...temporality,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: points.flatMap(({ labels, value }) => (typeof value === 'number' ? [] : [point(labels, histogramOf(value))])),
      };
    const dataPoints = points.flatMap(({ labels, value }) => (typeof value === 'number' ? [point(labels, value)] : []));
    return row.type === 'counter'
      ? { ...temporality, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
      : { ...temporality, dataPointType: DataPointType.GAUGE, dataPoints };
  });
}

function histogramOf({ boundaries, counts, sum, count }: HistogramReading): Histogram {
  return { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count };
}
