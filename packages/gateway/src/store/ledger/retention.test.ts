/** How long each thing is kept, on a real ledger: rows of known ages, and which of them are forgotten. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { until } from '../../../../../test/support/poll.ts';
import { loadConfig } from '../../config/load.ts';
import { silentLog } from '../../kernel/log.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedger } from './open-ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configOf(text: string): { tracesDays: number; metricsDays: number } {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env: {} }).retention;
}

async function open(config: string): Promise<LedgerStore> {
  const { tracesDays, metricsDays } = configOf(config);
  const at = { folder: join(folder, 'ledger'), socketPath: join(folder, 'l.sock') };
  const ledger = openLedger({ at, retentionDays: tracesDays, metricsDays, log: silentLog });
  await until(() => ledger.state() === 'ready', { timeoutMs: 180_000, what: 'the ledger' });
  return ledger;
}

/** Rows that are a day older or younger than a bound, and some that are very old. */
const ages = [0, 29, 31, 32, 34, 89, 91, 3000];
const ageList = `arrayJoin([${ages.join(', ')}]) AS age`;
const place =
  "'org_default' AS org_id, toFixedString(leftPad(toString(age), 32, '0'), 32) AS trace_id, toFixedString(leftPad(toString(age), 16, '0'), 16) AS span_id";
const ago = 'now() - toIntervalDay(age)';
/** Table → how its rows are made, and what says how old one is. */
const tables: Readonly<Record<string, { readonly insert: string; readonly age: string }>> = {
  calls: {
    insert: `(org_id, trace_id, span_id, started_at) SELECT org_id, trace_id, span_id, ${ago} FROM (SELECT ${ageList}, ${place})`,
    age: 'toUInt32(trace_id)',
  },
  payloads: {
    insert: `(org_id, trace_id, span_id, started_at) SELECT org_id, trace_id, span_id, ${ago} FROM (SELECT ${ageList}, ${place})`,
    age: 'toUInt32(trace_id)',
  },
  counted_tokens: {
    insert: `(org_id, trace_id, span_id, started_at) SELECT org_id, trace_id, span_id, ${ago} FROM (SELECT ${ageList}, ${place})`,
    age: 'toUInt32(trace_id)',
  },
  call_chain: { insert: `(org_id, chain, entry, day) SELECT 'org_default', 'c', age, toDate(${ago}) FROM (SELECT ${ageList})`, age: 'entry' },
  calls_by_minute: { insert: `(org_id, minute, calls) SELECT 'org_default', ${ago}, age FROM (SELECT ${ageList})`, age: 'calls' },
  calls_by_day: { insert: `(org_id, day, calls) SELECT 'org_default', toDate(${ago}), age FROM (SELECT ${ageList})`, age: 'calls' },
  costs_by_day: { insert: `(org_id, day, calls) SELECT 'org_default', toDate(${ago}), age FROM (SELECT ${ageList})`, age: 'calls' },
  restored_costs: { insert: `(org_id, started_at, calls) SELECT 'org_default', ${ago}, age FROM (SELECT ${ageList})`, age: 'calls' },
  rollup_seals: { insert: `(rollup, period, source_rows) SELECT 'day', ${ago}, age FROM (SELECT ${ageList})`, age: 'source_rows' },
};

async function kept(ledger: LedgerStore): Promise<Record<string, number[]>> {
  const row = z.object({ age: z.coerce.number() });
  const found: Record<string, number[]> = {};
  for (const [table, { age }] of Object.entries(tables))
    found[table] = (await ledger.query(`SELECT ${age} AS age FROM ${table} ORDER BY age`, {}, row)).map((one) => one.age);
  return found;
}

/** What is expired is dropped in the background: soon, at no known moment. What is not must then still be there. */
async function expectKept(ledger: LedgerStore, expected: Record<string, number[]>): Promise<void> {
  let found: Record<string, number[]> = {};
  await until(
    async () => {
      found = await kept(ledger);
      return JSON.stringify(found) === JSON.stringify(expected);
    },
    { timeoutMs: 120_000, everyMs: 250 },
  ).catch(() => undefined);
  expect(found).toEqual(expected);
}

const forEver = { costs_by_day: ages, restored_costs: ages, rollup_seals: ages };

test('traces and the request log are kept for as long as is said, up to 90 days, metrics for 90, and costs for ever; by default traces for 30', async () => {
  let ledger = await open('version: 1\nretention: { traces: 90d }\n');
  try {
    for (const [table, { insert }] of Object.entries(tables)) await ledger.command(`INSERT INTO ${table} ${insert}`, {});
    const traces = ages.filter((age) => age < 90);
    await expectKept(ledger, {
      calls: traces,
      payloads: traces,
      counted_tokens: traces,
      // Entries outlive their calls by a day or two: the check of the chain tells an end of retention by them. A month is dropped as a whole.
      call_chain: ages.filter((age) => age < 92),
      calls_by_minute: traces,
      calls_by_day: traces,
      ...forEver,
    });
  } finally {
    await ledger.close();
  }
  ledger = await open('version: 1\n');
  try {
    const traces = ages.filter((age) => age < 30);
    await expectKept(ledger, {
      calls: traces,
      payloads: traces,
      counted_tokens: traces,
      call_chain: ages.filter((age) => age < 32),
      calls_by_minute: ages.filter((age) => age < 90),
      calls_by_day: ages.filter((age) => age < 90),
      ...forEver,
    });
  } finally {
    await ledger.close();
  }
}, 600_000);
