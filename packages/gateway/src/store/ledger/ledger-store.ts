/**
 * store/ledger: where the record of every call is kept and asked. ClickHouse, as a server or embedded in a process of its
 * own: one adapter and one set of SQL speak its HTTP interface to both. Imports `kernel/`. Promises: SQL is written only
 * here, with parameters; rows inserted twice with the same token are there once; a ledger that is away is a state that is
 * named, never a wait without end.
 */
import type { ZodType } from 'zod';

/** `opening`: never ready yet; `down`: was ready and is not reached now. Both end by themselves. */
export type LedgerState = 'opening' | 'ready' | 'down';

/** Rows for one table, as one unit. */
export interface LedgerRows {
  readonly table: string;
  readonly columns: readonly string[];
  /** RowBinary of `columns`, in their order; or in `format`. */
  readonly rows: Buffer;
  /** `Native`: as `read` gives it. */
  readonly format?: 'RowBinary' | 'Native';
  /** Names this unit: a second insert with it is acknowledged and adds nothing. */
  readonly token: string;
}

export type LedgerParameter = string | number | readonly string[];

export interface LedgerStore {
  /** The name of the cluster that its statements of rows are for; null: one server. */
  readonly cluster: string | null;
  state(): LedgerState;
  /** Why it is not ready, fit for an administrator's eyes; null when it is. */
  reason(): string | null;
  /**
   * Resolves when the ledger has the rows. Faults: `unavailable` where it is not reached or has no room now; whether it has the
   * rows is then unknown. Any other error: it refuses them.
   */
  insertRows(rows: LedgerRows): Promise<void>;
  /**
   * The rows of one SELECT with `{name:Type}` parameters, each checked against `row`. 64-bit integers and decimals come as
   * text. Faults: `unavailable` where the ledger is not ready or does not answer in time.
   */
  query<Row>(sql: string, parameters: Readonly<Record<string, LedgerParameter>>, row: ZodType<Row>): Promise<Row[]>;
  /**
   * The rows of one SELECT as bytes, in RowBinaryWithNamesAndTypes: those that were once inserted; or in Native, for all types of
   * columns. Held in memory: ask for what has a bound. Faults: as for `query`.
   */
  read(sql: string, parameters: Readonly<Record<string, LedgerParameter>>, format?: 'RowBinaryWithNamesAndTypes' | 'Native'): Promise<Buffer>;
  /** Runs a statement that writes and gives nothing, within the memory of a query and the time of an insert. Faults: as for `query`. */
  command(sql: string, parameters: Readonly<Record<string, LedgerParameter>>): Promise<void>;
  /** How long what it has is kept from now on; done in the background, and again when it was away. */
  retain(days: { readonly tracesDays: number; readonly metricsDays: number }): void;
  close(): Promise<void>;
}
