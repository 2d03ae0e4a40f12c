import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { until } from '../../../../test/support/poll.ts';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { defaultOrganizationId } from '../kernel/id.ts';
import { silentLog } from '../kernel/log.ts';
import type { PriceList } from '../kernel/price-list.ts';
import type { PriceReads } from '../store/registry/registry-store.ts';
import { createServedPrices, type PriceKeeper } from './served-prices.ts';

let control: TestControl;
let reads: PriceReads;
const folder = mkdtempSync(join(tmpdir(), 'gwo-served-'));
const keepers: PriceKeeper[] = [];
beforeAll(async () => {
  control = await startControl();
  reads = control.dependencies.registry.prices;
}, 300_000);
afterAll(async () => {
  for (const keeper of keepers) keeper.close();
  await control.end();
  rmSync(folder, { recursive: true, force: true });
});

function open(name: string, onChange: () => void = () => undefined): PriceKeeper {
  const keeper = createServedPrices({
    file: join(folder, name),
    organizationId: defaultOrganizationId,
    clock: systemClock,
    log: silentLog,
    onChange: async () => onChange(),
  });
  keepers.push(keeper);
  return keeper;
}

const list = (perCallNano: bigint): PriceList => ({ currency: 'USD', default: { perCallNano }, overrides: [] });
let versions = 0;
async function set(perCallNano: bigint, effectiveFromMs = Date.now()): Promise<number> {
  const number = ++versions;
  await control.dependencies.registry.transaction(({ prices }) =>
    prices.insert({
      organizationId: defaultOrganizationId,
      number,
      source: 'api',
      list: list(perCallNano),
      effectiveFromMs,
      createdAtMs: Date.now(),
      createdBy: 'test',
    }),
  );
  return number;
}

test('a list that another node sets is followed within a second or so, and one of a time to come from then on', async () => {
  let changes = 0;
  const keeper = open('shared', () => changes++);
  await keeper.follow(reads, true);
  const first = await set(5n);
  await until(() => keeper.served().version === first, { timeoutMs: 30_000 });
  expect(changes).toBe(1);
  const later = await set(6n, Date.now() + 1500);
  expect(keeper.served().version).toBe(first);
  await until(() => keeper.served().version === later, { timeoutMs: 30_000 });
  expect(keeper.served().list).toEqual(list(6n));
});

test('the list that served last serves at the next start, before the registry is open, and one that is spoilt is none', async () => {
  const keeper = open('kept');
  await keeper.follow(reads, false);
  const { version } = keeper.served();
  expect(version).toBe(versions);
  expect(open('kept').served()).toEqual({ version, list: list(6n) });
  writeFileSync(join(folder, 'kept'), '{"version":1,"prices":{"currency":"USD","default":{"per_call":"x"},"overrides":[]}}');
  expect(open('kept').served()).toMatchObject({ version: 0, list: { default: {} } });
});

test('what the file says holds at once, and its number follows', async () => {
  const keeper = open('file');
  await keeper.follow(reads, false);
  void keeper.configure(list(9n));
  expect(keeper.served()).toEqual({ version: 0, list: list(9n) });
  await keeper.configure(null);
  await until(() => keeper.served().version === versions);
});

test('a registry that is away is asked again, and the list that holds stays meanwhile', async () => {
  let away = false;
  const flaky: PriceReads = {
    ...reads,
    inForce: (...asked) => (away ? Promise.reject(new Fault('unavailable', { reason: 'away' })) : reads.inForce(...asked)),
  };
  const keeper = open('flaky');
  await keeper.follow(flaky, true);
  const before = keeper.served();
  away = true;
  const next = await set(77n);
  await expect(keeper.refresh()).rejects.toMatchObject({ code: 'unavailable' });
  expect(keeper.served()).toEqual(before);
  away = false;
  await until(() => keeper.served().version === next, { timeoutMs: 30_000 });
});
