import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricTable, type MetricRow } from '../packages/gateway/src/kernel/metric-table.ts';
import { describeWith } from '../test/support/requires.ts';

const folder = join(import.meta.dirname, '..', 'deploy', 'grafana');
const alertsFile = join(folder, 'alerts.yaml');

interface Used {
  readonly place: string;
  readonly expression: string;
}

const dashboards = readdirSync(join(folder, 'dashboards')).map((name) => ({
  name,
  panels: (
    JSON.parse(readFileSync(join(folder, 'dashboards', name), 'utf8')) as { panels: { title: string; targets: { expr: string; legendFormat: string }[] }[] }
  ).panels,
}));
const rules = (
  parse(readFileSync(alertsFile, 'utf8')) as { groups: { rules: { alert: string; expr: string; annotations: { summary: string; description: string } }[] }[] }
).groups.flatMap((group) => group.rules);
const all: readonly Used[] = [
  ...dashboards.flatMap(({ name, panels }) =>
    panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ place: `${name}: ${title}`, expression: withValues(expr) }))),
  ),
  ...rules.map(({ alert, expr }) => ({ place: `alerts.yaml: ${alert}`, expression: expr })),
];

/** Grafana puts values in the place of its variables before Prometheus sees the expression. */
function withValues(expression: string): string {
  return expression
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$__range', '6h')
    .replaceAll(/\$[a-z]+/g, '.*');
}

/** Every series that may exist, with its labels: those of the metric, and what scraping adds. */
const series = new Map<string, readonly string[]>([['up', []]]);
for (const [name, { type, labels }] of Object.entries<MetricRow>(metricTable)) {
  if (type === 'histogram') {
    series.set(`${name}_bucket`, [...labels, 'le']);
    series.set(`${name}_sum`, labels);
    series.set(`${name}_count`, labels);
  } else series.set(name, labels);
}
const scraped = ['job', 'instance'];

/** What an expression names, by Prometheus' own grammar. */
function namesIn(expression: string): { metrics: string[]; labels: string[]; errors: number } {
  const metrics: string[] = [];
  const labels: string[] = [];
  let errors = 0;
  parser.parse(expression).iterate({
    enter(node) {
      const text = expression.slice(node.from, node.to);
      if (node.type.isError) errors++;
      if (node.name === 'VectorSelector') metrics.push(/^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(text)?.[0] ?? '');
      if (node.name === 'LabelName') labels.push(text);
    },
  });
  return { metrics, labels, errors };
}

describe('dashboards and alert rules', () => {
  test.each(all)('$place asks for what there is', ({ expression }) => {
    const { metrics, labels, errors } = namesIn(expression);
    expect(errors).toBe(0);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) expect([...series.keys()]).toContain(metric);
    const known = new Set([...scraped, ...metrics.flatMap((metric) => series.get(metric) ?? [])]);
    for (const label of labels) expect([...known]).toContain(label);
  });

  test('a metric that does not exist, a label that it does not have and a slip are seen', () => {
    expect(namesIn('sum by (nobody) (rate(gatewayops_nothing_total[5m]))')).toEqual({ metrics: ['gatewayops_nothing_total'], labels: ['nobody'], errors: 0 });
    expect(namesIn('sum(rate(gatewayops_calls_total[5m])').errors).toBeGreaterThan(0);
  });

  test('show every metric somewhere', () => {
    const shown = new Set(all.flatMap(({ expression }) => namesIn(expression).metrics.map((metric) => metric.replace(/_(?:bucket|sum|count)$/, ''))));
    expect(Object.keys(metricTable).filter((name) => !shown.has(name))).toEqual([]);
  });

  test('the legend of a line names labels that its series have', () => {
    for (const { panels } of dashboards)
      for (const { targets } of panels)
        for (const { expr, legendFormat } of targets) {
          const { metrics, labels } = namesIn(withValues(expr));
          const known = [...scraped, ...labels, ...metrics.flatMap((metric) => series.get(metric) ?? [])];
          for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(known).toContain(label);
        }
  });
});

describeWith('promtool', 'the alert rules', (promtool) => {
  test('are as Prometheus wants them', () => {
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'rules', alertsFile], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`${rules.length} rules found`);
  });
});
