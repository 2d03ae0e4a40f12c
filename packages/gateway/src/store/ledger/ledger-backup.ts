/** The ledger as parts of a backup, each with a bound on its rows and bytes, and their way back into an empty ledger. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { CallHead, ChainedEntry } from '../../chain/call-entry.ts';
import { bounds } from '../../kernel/bounds.ts';
import { insertEntries } from './call-chain.ts';
import type { LedgerParameter, LedgerStore } from './ledger-store.ts';
import { costArms, costDimensions, costSums, sealedIn, viewRollup } from './rollups.ts';

/** How far the chains of calls of each organization go in a backup. */
export type LedgerHeads = Readonly<Record<string, readonly CallHead[]>>;

export interface LedgerBackupInput {
  /** `costs`: what each day has cost. `all`: the calls of these days too, with all that belongs to them. */
  readonly scope: 'costs' | 'all';
  /** `YYYY-MM-DD`, UTC, both included; null: open. */
  readonly from: string | null;
  readonly to: string | null;
  readonly heads: LedgerHeads;
}

/** Rows of a table as bytes in Native. */
export interface LedgerPart {
  readonly table: string;
  readonly rows: number;
  readonly bytes: Buffer;
}

export interface LedgerBackup {
  /** Columns of the tables that can be parts, by table. */
  columns(): Promise<Readonly<Record<string, readonly string[]>>>;
  /** Entries of the chains of calls, in pages. */
  entries(heads: LedgerHeads): AsyncGenerator<readonly ChainedEntry[]>;
  parts(input: LedgerBackupInput): AsyncGenerator<LedgerPart>;
}

type Reader = Pick<LedgerStore, 'query' | 'read'>;

/** Rows of calls, each with what of a row is large. */
const callTables = [
  { table: 'calls', size: '400' },
  { table: 'payloads', size: '400 + length(headers) + length(text) + length(masked)' },
  { table: 'counted_tokens', size: '200' },
] as const;
const restoredTables = ['calls', 'payloads', 'counted_tokens', 'restored_costs', 'calls_by_minute', 'calls_by_day', 'rollup_seals'];
const dayUs = 86_400_000_000n;

export function createLedgerBackup(ledger: Reader): LedgerBackup {
  return {
    async columns() {
      const sql = `/* backup/columns */
        SELECT table, groupArray(name) AS names FROM
          (SELECT table, name FROM system.columns WHERE database = currentDatabase() AND has({tables:Array(String)}, table) AND default_kind IN ('', 'DEFAULT') ORDER BY table, position)
        GROUP BY table ORDER BY table`;
      const rows = await ledger.query(sql, { tables: restoredTables }, z.object({ table: z.string(), names: z.array(z.string()) }));
      return Object.fromEntries(rows.map(({ table, names }) => [table, names]));
    },
    entries: (heads) => readEntries(ledger, heads),
    async *parts({ scope, from, to, heads }) {
      const kept = scope === 'all' ? await listDays(ledger, 'calls', from, to) : [];
      if (scope === 'all')
        for (const { table, size } of callTables)
          for (const day of table === 'calls' ? kept : await listDays(ledger, table, from, to)) yield* readDay(ledger, table, size, day, heads);
      yield* readCosts(ledger, new Set(kept));
      if (scope === 'all') for (const sums of callSums) yield* readCallSums(ledger, sums, kept);
    },
  };
}

async function* readEntries(ledger: Reader, heads: LedgerHeads): AsyncGenerator<readonly ChainedEntry[]> {
  const entryRow = z.object({
    entry: z.coerce.number(),
    day: z.string(),
    first_seq: z.coerce.number(),
    row_count: z.coerce.number(),
    rows_hash: z.string(),
    columns: z.string(),
    previous_hash: z.string(),
    hash: z.string(),
  });
  for (const [organizationId, chains] of Object.entries(heads))
    for (const { chain, entry: last } of chains)
      for (let after = 0; after < last;) {
        const sql = `/* backup/entries */
          SELECT entry, toString(day) AS day, first_seq, row_count, rows_hash, columns, previous_hash, hash
          FROM call_chain
          WHERE org_id = {org:String} AND call_chain.chain = {chain:String} AND entry > {after:UInt64} AND entry <= {last:UInt64}
          ORDER BY call_chain.entry, hash LIMIT {limit:UInt32} WITH TIES`;
        const rows = await ledger.query(sql, { org: organizationId, chain, after, last, limit: 5_000 }, entryRow);
        if (rows.length === 0) break;
        yield rows.map((row) => ({
          organizationId,
          chain,
          entry: row.entry,
          day: row.day,
          firstSequence: row.first_seq,
          rows: row.row_count,
          rowsHash: row.rows_hash,
          columns: row.columns,
          previousHash: row.previous_hash,
          hash: row.hash,
        }));
        after = rows.at(-1)?.entry ?? last;
      }
}

async function listDays(ledger: Reader, table: string, from: string | null, to: string | null): Promise<readonly string[]> {
  const sql = `/* backup/days */
    SELECT toString(date) AS day FROM (SELECT DISTINCT toDate(toStartOfHour(started_at)) AS date FROM ${table})
    WHERE date >= toDate({from:String}) AND date <= toDate({to:String}) ORDER BY date`;
  return (await ledger.query(sql, { from: from ?? '1970-01-01', to: to ?? '2149-06-06' }, z.object({ day: z.string() }))).map(({ day }) => day);
}

/** Which calls are in a backup: those that the chains reach to, and those of before there were chains. */
function reached(heads: LedgerHeads): { readonly sql: string; readonly parameters: Readonly<Record<string, LedgerParameter>> } {
  const all = Object.entries(heads).flatMap(([organization, chains]) => chains.map((head) => ({ name: `${organization} ${head.chain}`, end: head.sequence })));
  if (all.length === 0) return { sql: "chain = ''", parameters: {} };
  return {
    sql: "(chain = '' OR chain_seq <= transform(concat(toString(org_id), ' ', toString(chain)), {chains:Array(String)}, arrayMap(end -> toUInt64(end), {ends:Array(String)}), toUInt64(0)))",
    parameters: { chains: all.map(({ name }) => name), ends: all.map(({ end }) => String(end)) },
  };
}

async function* readDay(ledger: Reader, table: string, size: string, day: string, heads: LedgerHeads): AsyncGenerator<LedgerPart> {
  const { sql: condition, parameters } = reached(heads);
  const startUs = BigInt(Date.parse(day)) * 1000n;
  for await (const { fromUs, toUs } of slices(ledger, table, size, startUs, startUs + dayUs)) {
    const within = "started_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND started_at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')";
    // What belongs to a call begins with it: its call lies in the same slice.
    const where =
      table === 'calls' ? condition : `(org_id, trace_id, span_id) IN (SELECT org_id, trace_id, span_id FROM calls WHERE ${within} AND ${condition})`;
    const range = { ...parameters, from: String(fromUs), to: String(toUs) };
    const [found] = await ledger.query(
      `/* backup/count */ SELECT count() AS found FROM ${table} WHERE ${within} AND ${where}`,
      range,
      z.object({ found: z.coerce.number() }),
    );
    if (found === undefined || found.found === 0) continue;
    yield { table, rows: found.found, bytes: await ledger.read(`/* backup/rows */ SELECT * FROM ${table} WHERE ${within} AND ${where}`, range, 'Native') };
  }
}

const slotRow = z.object({ slot: z.coerce.bigint(), rows: z.coerce.number(), bytes: z.coerce.number() });
const slotsMax = 1_440n;

/** Spans of time that together are the whole one, each with no more rows and bytes than a part may have, as far as time tells rows apart. */
async function* slices(
  ledger: Reader,
  table: string,
  size: string,
  fromUs: bigint,
  toUs: bigint,
): AsyncGenerator<{ readonly fromUs: bigint; readonly toUs: bigint }> {
  const span = toUs - fromUs;
  const width = (span + slotsMax - 1n) / slotsMax;
  const sql = `/* backup/slots */
    SELECT intDiv(toUnixTimestamp64Micro(started_at) - {from:Int64}, {width:Int64}) AS slot, count() AS rows, sum(${size}) AS bytes
    FROM ${table}
    WHERE started_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND started_at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY slot ORDER BY slot`;
  let begin: bigint | null = null;
  let rows = 0;
  let bytes = 0;
  let end = fromUs;
  for (const slot of await ledger.query(sql, { from: String(fromUs), to: String(toUs), width: String(width) }, slotRow)) {
    const slotFrom = fromUs + slot.slot * width;
    const isLarge = slot.rows > bounds.backupPartRows || slot.bytes > bounds.backupPartBytes;
    if (begin !== null && (isLarge || rows + slot.rows > bounds.backupPartRows || bytes + slot.bytes > bounds.backupPartBytes)) {
      yield { fromUs: begin, toUs: end };
      begin = null;
    }
    if (isLarge && width > 1n) yield* slices(ledger, table, size, slotFrom, slotFrom + width < toUs ? slotFrom + width : toUs);
    else {
      if (begin === null) [begin, rows, bytes] = [slotFrom, 0, 0];
      rows += slot.rows;
      bytes += slot.bytes;
      end = slotFrom + width;
    }
  }
  if (begin !== null) yield { fromUs: begin, toUs: end };
}

/** What days have cost, as the rows of `restored_costs` that a restored ledger has instead of their calls. */
async function* readCosts(ledger: Reader, daysWithCalls: ReadonlySet<string>): AsyncGenerator<LedgerPart> {
  const view = await viewRollup(ledger, 'day', 0, Date.parse('2106-01-01'));
  const stale = view.fromSources.map((seconds) => `toDate(${seconds / 86_400})`).join(', ');
  const live = stale === '' ? [] : costArms(['org_id', ...costDimensions], `toDate(started_at) IN (${stale})`);
  const keys = ['org_id', 'day', ...costDimensions].join(', ');
  const whole = [
    `SELECT ${keys}, ${costSums.map((name) => `${name} AS sum_${name}`).join(', ')} FROM costs_by_day WHERE ${sealedIn('day', view, "toStartOfDay(day, 'UTC')")}`,
    ...live.map((arm) => `SELECT ${keys}, ${costSums.map((name) => `sum_${name}`).join(', ')} FROM (${arm})`),
  ].join(' UNION ALL ');
  const days = await ledger.query(
    `/* backup/cost-days */ SELECT toString(date) AS day, count() AS rows FROM (SELECT DISTINCT day AS date, ${keys} FROM (${whole})) GROUP BY date ORDER BY date`,
    {},
    z.object({ day: z.string(), rows: z.coerce.number() }),
  );
  const started = "toDateTime64(day, 6, 'UTC') AS started_at";
  const summed = costSums.map((name) => `${name === 'cost' ? 'toDecimal128(sum(sum_cost), 9)' : `toUInt64(sum(sum_${name}))`} AS ${name}`).join(', ');
  for (const { day, rows } of days) {
    if (daysWithCalls.has(day)) {
      // Its calls are in the backup; what an earlier restore brought is not in them.
      const where = `toDate(started_at) = toDate({day:String})`;
      const [found] = await ledger.query(
        `/* backup/restored */ SELECT count() AS found FROM restored_costs WHERE ${where}`,
        { day },
        z.object({ found: z.coerce.number() }),
      );
      if (found !== undefined && found.found > 0)
        yield {
          table: 'restored_costs',
          rows: found.found,
          bytes: await ledger.read(`/* backup/restored */ SELECT * FROM restored_costs WHERE ${where}`, { day }, 'Native'),
        };
      continue;
    }
    const sql = `/* backup/costs */ SELECT org_id, ${started}, ${costDimensions.join(', ')}, ${summed}
      FROM (${whole}) WHERE day = toDate({day:String}) GROUP BY ${keys}`;
    yield { table: 'restored_costs', rows, bytes: await ledger.read(sql, { day }, 'Native') };
  }
}

/** Sums of calls by minute and day: of a row, its day and the beginning of the period that it was summed up with. */
const callSums = [
  { rollup: 'minute', table: 'calls_by_minute', date: 'toDate(minute)', period: 'toStartOfHour(minute)' },
  { rollup: 'calls-of-day', table: 'calls_by_day', date: 'calls_by_day.day', period: "toStartOfDay(calls_by_day.day, 'UTC')" },
] as const;

/** Sums of days whose calls are not in the backup, with their seals. */
async function* readCallSums(
  ledger: Reader,
  { rollup, table, date, period }: (typeof callSums)[number],
  daysWithCalls: readonly string[],
): AsyncGenerator<LedgerPart> {
  const view = await viewRollup(ledger, rollup, 0, Date.parse('2106-01-01'));
  const without = daysWithCalls.length === 0 ? '1' : `date NOT IN (${daysWithCalls.map((day) => `toDate('${day}')`).join(', ')})`;
  const sealed = sealedIn(rollup, view, period);
  const days = await ledger.query(
    `/* backup/sum-days */ SELECT toString(date) AS day, count() AS rows FROM (SELECT ${date} AS date FROM ${table} WHERE ${sealed}) WHERE ${without} GROUP BY date ORDER BY date`,
    {},
    z.object({ day: z.string(), rows: z.coerce.number() }),
  );
  for (const { day, rows } of days)
    yield {
      table,
      rows,
      bytes: await ledger.read(`/* backup/sums */ SELECT * FROM ${table} WHERE ${date} = toDate({day:String}) AND ${sealed}`, { day }, 'Native'),
    };
  const seals = `rollup = '${rollup}' AND toDate(period) IN (${days.map(({ day }) => `toDate('${day}')`).join(', ')})
    AND (period, version) IN (SELECT period, max(version) FROM rollup_seals WHERE rollup = '${rollup}' AND version <= ${view.version} GROUP BY period)`;
  if (days.length === 0) return;
  const [found] = await ledger.query(`/* backup/seals */ SELECT count() AS found FROM rollup_seals WHERE ${seals}`, {}, z.object({ found: z.coerce.number() }));
  if (found !== undefined && found.found > 0)
    yield { table: 'rollup_seals', rows: found.found, bytes: await ledger.read(`/* backup/seals */ SELECT * FROM rollup_seals WHERE ${seals}`, {}, 'Native') };
}

export interface LedgerRestore {
  /** What is there already: the first table with rows, or null. */
  occupied(): Promise<string | null>;
  entries(entries: readonly ChainedEntry[]): Promise<void>;
  /** `columns`: those that the bytes have. */
  part(table: string, columns: readonly string[], bytes: Buffer): Promise<void>;
}

export function createLedgerRestore(ledger: Pick<LedgerStore, 'query' | 'insertRows'>): LedgerRestore {
  // Each restore is another one: a ledger that was emptied may remember the names of what it once took.
  const run = randomBytes(8).toString('hex');
  let number = 0;
  return {
    async occupied() {
      for (const table of [...restoredTables, 'call_chain', 'costs_by_day']) {
        const [row] = await ledger.query(`/* restore/look */ SELECT count() AS found FROM ${table}`, {}, z.object({ found: z.coerce.number() }));
        if (row !== undefined && row.found > 0) return table;
      }
      return null;
    },
    entries: (entries) => insertEntries(ledger, entries, `restore-${run}-${++number}`),
    part(table, columns, bytes) {
      if (!restoredTables.includes(table)) throw new Error(`a backup has no ${table}`);
      return ledger.insertRows({ table, columns, rows: bytes, format: 'Native', token: `restore-${run}-${++number}` });
    },
  };
}
