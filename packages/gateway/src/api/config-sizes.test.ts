import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestLedger } from '../../../../test/support/ledger.ts';

let ledger: TestLedger;
let control: TestControl;
beforeAll(async () => {
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader });
  // Rows of half a year ago would fall to retention while they are weighed.
  control.clock.advance(Date.now() - control.clock.nowMs());
  await control.request('POST', '/v1/teams', { front: 'admin', body: { id: 'weighed', name: 'Weighed' } });
});
afterAll(async () => {
  await control.end();
  await ledger.end();
});

interface Size {
  readonly name: string;
  readonly keep_days: number;
  readonly bytes: number;
  readonly bytes_per_day: number | null;
  readonly forecast_bytes: number | null;
}

async function sizes(): Promise<readonly [Size, Size, Size]> {
  const answer = await control.request('GET', '/v1/config/sizes', { front: 'admin' });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { sizes: [Size, Size, Size] }).sizes;
}

let made = 0;
const insert = (daysAgo: number, count: number): Promise<void> =>
  ledger.insert(
    Array.from({ length: count }, () => ({
      org_id: 'org_default',
      trace_id: (++made).toString(16).padStart(32, '0'),
      span_id: made.toString(16).padStart(16, '0'),
      started_at: BigInt(control.clock.nowMs() - daysAgo * 86_400_000) * 1000n,
      method: 'tools/call',
      server: 'search',
      tool: `tool-${made}`,
    })),
  );

test('what is kept is weighed, and what it will weigh is told once there is a whole day to go by', async () => {
  await insert(0, 2000);
  const [young, metrics, audit] = await sizes();
  expect(young).toMatchObject({ name: 'traces', keep_days: 30, bytes_per_day: null, forecast_bytes: null });
  expect(young.bytes).toBeGreaterThan(1000);
  expect([metrics.name, metrics.keep_days, audit.name, audit.keep_days]).toEqual(['metrics', 90, 'audit', 365]);

  // Today is not over, and is no part of the mean; days without calls are.
  await insert(2, 2000);
  const [older] = await sizes();
  expect(older.bytes).toBeGreaterThan(young.bytes);
  expect(older.bytes_per_day).toBe(Math.round((older.bytes - young.bytes) / 2));
  expect(older.forecast_bytes).toBe((older.bytes_per_day ?? 0) * 30);
});

test('events of the audit are weighed by all of their time', async () => {
  const { registry, organizationId } = control.context();
  const { oldestMs } = await registry.audit.size(organizationId);
  const days = (control.clock.nowMs() - (oldestMs ?? 0)) / 86_400_000;
  expect(days).toBeGreaterThan(1);
  const [, , audit] = await sizes();
  expect(audit.bytes).toBeGreaterThan(0);
  expect(audit.bytes_per_day).toBe(Math.round(audit.bytes / days));
});

test('a ledger that is not there is told, not waited for', async () => {
  const without = control.variant({ ledger: () => null });
  const answer = await without.request('GET', '/v1/config/sizes', { front: 'admin' });
  expect([answer.status, await answer.json()]).toMatchObject([503, { error: 'unavailable' }]);
});
