/**
 * What of the ledger is a person's, by the keys that they had and the pseudonym that stands for one: taken out, or put under their pseudonym. Rows of calls are links of a
 * chain: what their hashes will be is known before they are changed, so that it can be signed first.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { ChainedEntry } from '../../chain/call-entry.ts';
import { entryOf, entryRow, readEntryRows } from './call-proof.ts';
import type { LedgerStore } from './ledger-store.ts';
import { costDimensions, costSums } from './rollups.ts';
import { alteredTable } from './statements.ts';

export interface ErasedPerson {
  readonly organizationId: string;
  readonly keyIds: readonly string[];
  readonly pseudonym: string;
}

/** An entry whose rows change, with the hash that they have and the one that they will have. */
export interface ChangedEntry {
  readonly entry: ChainedEntry;
  readonly before: string;
  readonly after: string;
}

export interface LedgerErasure {
  /** Days (`YYYY-MM-DD`) with calls that still name the person. */
  days(person: ErasedPerson): Promise<readonly string[]>;
  /** The entries of a day with such calls, some at a time. */
  entries(person: ErasedPerson, day: string): AsyncIterable<readonly ChangedEntry[]>;
  /** Calls under the pseudonym and without addresses, bodies gone. Resolves when it is so. Faults: `unavailable`, also where it takes too long. */
  eraseDay(person: ErasedPerson, day: string): Promise<void>;
  /** The same of costs by day, which are kept for ever. */
  eraseCosts(person: ErasedPerson): Promise<void>;
}

const ofDay = "started_at >= toDateTime64({day:String}, 6, 'UTC') AND started_at < toDateTime64({day:String}, 6, 'UTC') + INTERVAL 1 DAY";
const ofKeys = 'org_id = {org:String} AND key_id IN {keys:Array(String)}';
const named = `${ofKeys} AND (user_id != {pseudonym:String} OR peer != '')`;
const found = z.object({ found: z.coerce.number() });

/** Entries that are read at once. */
const pageEntries = 500;
const lookMs = 200;
const mutationMs = 600_000;

export function createErasure(ledger: Pick<LedgerStore, 'query' | 'read' | 'command' | 'cluster'>): LedgerErasure {
  const parametersOf = ({ organizationId, keyIds, pseudonym }: ErasedPerson, day = ''): Record<string, string | readonly string[]> => ({
    org: organizationId,
    // Who signed in without a key is found by their pseudonym.
    keys: [...keyIds, pseudonym],
    pseudonym,
    ...(day === '' ? {} : { day }),
  });
  const altered = (table: string): string => alteredTable(table, ledger.cluster);

  async function count(table: string, where: string, parameters: Record<string, string | readonly string[]>): Promise<number> {
    const [row] = await ledger.query(`/* privacy/count */ SELECT count() AS found FROM ${table} WHERE ${where}`, parameters, found);
    return row?.found ?? 0;
  }

  /** A mutation goes on when its statement has ended. */
  async function change(table: string, how: string, where: string, parameters: Record<string, string | readonly string[]>): Promise<void> {
    if ((await count(table, where, parameters)) === 0) return;
    await ledger.command(`/* privacy/erase */ ALTER TABLE ${altered(table)} ${how} WHERE ${where}`, parameters);
    for (const untilMs = performance.now() + mutationMs; performance.now() < untilMs; await delay(lookMs))
      if ((await count(table, where, parameters)) === 0) return;
    throw new Error(`the ledger has not changed ${table} within ${mutationMs / 1000} s`);
  }

  return {
    async days(person) {
      const sql = `/* privacy/days */ SELECT DISTINCT toString(toDate(started_at)) AS day FROM calls WHERE ${named} ORDER BY day`;
      const bodies = `/* privacy/days */ SELECT DISTINCT toString(toDate(started_at)) AS day FROM payloads WHERE ${ofKeys} ORDER BY day`;
      const row = z.object({ day: z.string() });
      const rows = [...(await ledger.query(sql, parametersOf(person), row)), ...(await ledger.query(bodies, parametersOf(person), row))];
      return [...new Set(rows.map(({ day }) => day))].sort();
    },
    async *entries(person, day) {
      const sql = `/* privacy/entries */
        SELECT DISTINCT org_id, toString(chain) AS chain, entry, toString(call_chain.day) AS day, first_seq, row_count, rows_hash, columns, previous_hash, hash
        FROM (SELECT toString(chain) AS chain, chain_seq FROM calls WHERE ${named} AND ${ofDay} AND chain != '') AS touched
        ASOF INNER JOIN (SELECT * REPLACE toString(chain) AS chain FROM call_chain WHERE org_id = {org:String} AND call_chain.day = toDate({day:String})) AS call_chain
          ON touched.chain = call_chain.chain AND touched.chain_seq >= call_chain.first_seq
        ORDER BY chain, entry`;
      const entries = (await ledger.query(sql, parametersOf(person, day), entryRow)).map(entryOf);
      for (let at = 0; at < entries.length; at += pageEntries) {
        const changed: ChangedEntry[] = [];
        for (const entry of entries.slice(at, at + pageEntries)) {
          const [before, after] = [await hashOf(entry, null), await hashOf(entry, person)];
          if (before !== after) changed.push({ entry, before, after });
        }
        yield changed;
      }
    },
    async eraseDay(person, day) {
      const parameters = parametersOf(person, day);
      await change('calls', "UPDATE user_id = {pseudonym:String}, peer = ''", `${named} AND ${ofDay}`, parameters);
      await change('payloads', 'DELETE', `${ofKeys} AND ${ofDay}`, parameters);
      await change('counted_tokens', 'UPDATE user_id = {pseudonym:String}', `${ofKeys} AND user_id != {pseudonym:String} AND ${ofDay}`, parameters);
    },
    async eraseCosts(person) {
      const parameters = parametersOf(person);
      const old = `${ofKeys} AND user_id != {pseudonym:String}`;
      if ((await count('costs_by_day', old, parameters)) === 0) return;
      // The user is part of the sorting key, which cannot be changed: what an earlier try has added goes first.
      await change('costs_by_day', 'DELETE', `${ofKeys} AND user_id = {pseudonym:String}`, parameters);
      const columns = ['org_id', 'day', 'version', ...costDimensions, ...costSums, 'source_rows'];
      const values = columns.map((name) => (name === 'user_id' ? '{pseudonym:String}' : name));
      await ledger.command(
        `/* privacy/move-costs */ INSERT INTO costs_by_day (${columns.join(', ')}) SELECT ${values.join(', ')} FROM costs_by_day WHERE ${old}`,
        parameters,
      );
      await change('costs_by_day', 'DELETE', old, parameters);
    },
  };

  async function hashOf(entry: ChainedEntry, person: ErasedPerson | null): Promise<string> {
    for await (const rows of readEntryRows(ledger, [entry], person)) return rows.hash;
    return '';
  }
}
