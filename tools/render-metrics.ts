/** `docs/reference/metrics.md` from the table of metrics. */
import { metricTable, type MetricRow } from '../packages/gateway/src/kernel/metric-table.ts';

export function renderMetrics(): string {
  const rows: [string, MetricRow][] = Object.entries(metricTable);
  return `${[
    '# Metrics',
    '',
    '<!-- Written by tools/generate-docs.ts from packages/gateway/src/kernel/metric-table.ts. Change it there. -->',
    '',
    'Every metric at `/metrics`. Histograms have the series `_bucket`, `_sum` and `_count`. Names of OTLP are made of these:',
    '`gatewayops_calls_total` is `gatewayops.calls` there. How to scrape them, and what to make of them, stands in',
    '[observability](../guides/observability.md).',
    '',
    '| metric | type | labels | what |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help.replaceAll('|', '\\|')} |`,
    ),
  ].join('\n')}\n`;
}
