import { expect, test } from 'vitest';
import { createCallMetrics } from './call-metrics.ts';

test('tokens that are counted after their calls are added to those of the tool, and to what it cost', () => {
  const metrics = createCallMetrics({ toolsMax: () => 10, methodLabel: (method) => method });
  const counted = { organizationId: 'org_1', server: 'search', tool: 'query', currency: 'USD', spanHex: 'a'.repeat(16), source: 'counted' };
  for (const costNano of [500_000_000, 250_000_000, 0]) metrics.addCounted({ ...counted, input: 3, output: 4, costNano });
  const points = (name: string): unknown => metrics.readings().find((reading) => reading.name === name)?.points;
  // No call of it went well yet: its name may be anybody's invention.
  expect(points('gatewayops_cost_total')).toEqual([{ labels: ['search', 'other', 'USD'], value: 0.75 }]);
  expect(points('gatewayops_tokens_total')).toEqual([
    { labels: ['search', 'other', 'input'], value: 9 },
    { labels: ['search', 'other', 'output'], value: 12 },
  ]);
});
