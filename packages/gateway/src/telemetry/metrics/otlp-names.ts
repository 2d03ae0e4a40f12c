import { metricTable, type MetricName, type MetricRow } from '../../kernel/metric-table.ts';

/** Names of figures in OTLP: by convention where there is one, else the gateway's own, without what Prometheus puts into a name. */
const byConvention: Partial<Record<MetricName, string>> = {
  // https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/mcp.md
  gatewayops_call_duration_seconds: 'mcp.server.operation.duration',
};

const labelsByConvention: Readonly<Record<string, string>> = {
  server: 'gatewayops.server.name',
  target: 'gatewayops.target.name',
  tool: 'gen_ai.tool.name',
  method: 'mcp.method.name',
};

export function otlpNameOf(name: MetricName): string {
  const row: MetricRow = metricTable[name];
  const unit = row.unit === 's' ? /_seconds$/ : row.unit === 'By' ? /_bytes$/ : /_(?:ratio|info)$/;
  return (
    byConvention[name] ??
    `gatewayops.${name
      .slice('gatewayops_'.length)
      .replace(/_total$/, '')
      .replace(unit, '')}`
  );
}

export function otlpUnitOf({ unit }: MetricRow): string {
  return unit;
}

export function otlpAttributeOf(label: string, value: string): readonly [name: string, value: string] | null {
  // `error.type` is there if, and only if, an operation failed; `_OTHER` where it is not said how.
  if (label === 'outcome') return value === 'failed' ? ['error.type', '_OTHER'] : null;
  return value === '' ? null : [labelsByConvention[label] ?? `gatewayops.${label}`, value];
}
