/** An embedded ledger for the time of a test file, and rows to put into it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { nanoText } from '../../packages/gateway/src/kernel/nano.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { intentColumns, outcomeColumns, type Column } from '../../packages/gateway/src/record/call-row.ts';
import { createLedgerReader, type LedgerReader } from '../../packages/gateway/src/store/ledger/ledger-reader.ts';
import type { LedgerStore } from '../../packages/gateway/src/store/ledger/ledger-store.ts';
import { openLedger } from '../../packages/gateway/src/store/ledger/open-ledger.ts';
import { until } from './poll.ts';

export interface TestLedger {
  readonly store: LedgerStore;
  readonly reader: LedgerReader;
  /** Puts calls into it; columns that a call leaves out are zero or empty. */
  insert(calls: readonly TestCall[], token?: string): Promise<void>;
  /** Puts what is kept of bodies into it, each call of this function as a part of its own. */
  insertBodies(bodies: readonly TestBody[]): Promise<void>;
  /** Puts tokens into it that were counted after their calls, with their cost in nano-dollars. */
  insertCountedTokens(rows: readonly { readonly call: TestCall; readonly input: number; readonly output: number; readonly costNano: bigint }[]): Promise<void>;
  /** Kills the engine; resolves when it has started again and answers. */
  kill(): Promise<void>;
  end(): Promise<void>;
}

/** Values of columns by name: times in microseconds, costs in nano-dollars. */
export type TestCall = Readonly<Record<string, string | number | bigint>>;

export interface TestBody {
  readonly call: TestCall;
  readonly kind: 'request' | 'response';
  readonly text: string;
}

export async function startLedger(): Promise<TestLedger> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  const store = openLedger({ at: { folder: join(folder, 'ledger'), socketPath: join(folder, 'l.sock') }, retentionDays: 90, log: silentLog });
  await until(() => store.state() === 'ready', { what: 'the embedded ledger', timeoutMs: 180_000 });
  const columns = [...intentColumns, ...outcomeColumns];
  return {
    store,
    reader: createLedgerReader(store),
    insert: (calls, token = randomBytes(8).toString('hex')) =>
      store.insertRows({
        table: 'calls',
        columns: columns.map(({ name }) => name),
        rows: Buffer.concat(calls.flatMap((call) => columns.map((column) => encode(column, call[column.name])))),
        token,
      }),
    async insertBodies(bodies) {
      const parameters: Record<string, string> = {};
      const place = (value: string | number | bigint | undefined): string => {
        const name = `p${Object.keys(parameters).length}`;
        parameters[name] = String(value ?? '');
        return `{${name}:String}`;
      };
      const hex = (value: TestCall[string] | undefined, digits: number): string => place(String(value ?? '').padStart(digits, '0'));
      const rows = bodies.map(
        ({ call, kind, text }) =>
          `SELECT ${place(call['org_id'])}, ${hex(call['trace_id'], 32)}, ${hex(call['span_id'], 16)}, fromUnixTimestamp64Micro(toInt64(${place(call['started_at'])}), 'UTC'), ${place(kind)}, ${place(text)}`,
      );
      await store.command(`INSERT INTO payloads (org_id, trace_id, span_id, started_at, kind, text) ${rows.join(' UNION ALL ')}`, parameters);
    },
    insertCountedTokens: (rows) =>
      store.command(
        `INSERT INTO counted_tokens (org_id, trace_id, span_id, started_at, method, server, tool, currency, team_id, input_tokens, output_tokens, tokens_source, cost, priced_by, call_cost)
         ${rows
           .map(({ call, input, output, costNano }) => {
             const names = ['org_id', 'trace_id', 'span_id'].map((name) => `'${call[name]}'`).join(', ');
             const other = ['method', 'server', 'tool', 'currency', 'team_id'].map((name) => `'${call[name] ?? ''}'`).join(', ');
             return `SELECT ${names}, fromUnixTimestamp64Micro(toInt64(${call['started_at']}), 'UTC'), ${other}, ${input}, ${output}, 'counted', toDecimal64('${nanoText(costNano)}', 9), '${call['priced_by'] ?? ''}', toDecimal64('${nanoText(BigInt(call['cost'] ?? 0))}', 9)`;
           })
           .join(' UNION ALL ')}`,
        {},
      ),
    async kill() {
      const folderPid = (): number => Number(/PID: (\d+)/.exec(readFileSync(join(folder, 'ledger', 'status'), 'utf8'))?.[1]);
      const pid = folderPid();
      process.kill(pid, 'SIGKILL');
      await until(
        async () => {
          // Only a question tells the store that its engine is gone.
          await store.query('SELECT 1 AS one', {}, z.object({ one: z.number() })).catch(() => undefined);
          return store.state() === 'ready' && folderPid() !== pid;
        },
        { what: 'the engine that was killed', timeoutMs: 60_000 },
      );
    },
    async end() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const integerBytes: Readonly<Partial<Record<Column['type'], number>>> = {
  "DateTime64(6, 'UTC')": 8,
  UInt8: 1,
  UInt16: 2,
  UInt32: 4,
  UInt64: 8,
  Int32: 4,
  'Decimal(18, 9)': 8,
};

function encode({ type }: Column, value: string | number | bigint = type.includes('String') ? '' : 0): Buffer {
  const size = integerBytes[type];
  if (size !== undefined) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes.subarray(0, size);
  }
  const text = Buffer.from(String(value));
  const fixed = /^FixedString\((\d+)\)$/.exec(type)?.[1];
  if (fixed !== undefined) return Buffer.from(String(value).padStart(Number(fixed), '0'));
  if (text.length > 16_383) throw new Error('a text of a test is short');
  const length = text.length > 127 ? [(text.length & 127) | 128, text.length >> 7] : [text.length];
  return Buffer.concat([Buffer.from(length), text]);
}
