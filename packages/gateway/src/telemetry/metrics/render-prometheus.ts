import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { emptyResource } from '@opentelemetry/resources';
import type { MetricReading } from '../../kernel/metric-table.ts';
import { otelMetrics } from './otel-metrics.ts';

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);

/** Prometheus' text format. A metric without points is there with its help and type, so that who looks for it finds it. */
export function renderPrometheus(readings: readonly MetricReading[]): string {
  const metrics = otelMetrics(readings, {
    startedMs: 0,
    nowMs: 0,
    nameOf: (name) => name,
    // The unit is part of the name here; the text format has no line for it.
    unitOf: () => '',
    // An empty label and none are the same there.
    attributeOf: (label, value) => (value === '' ? null : [label, value]),
  });
  return serializer.serialize({ resource: emptyResource(), scopeMetrics: [{ scope: { name: 'gatewayops' }, metrics }] });
}
