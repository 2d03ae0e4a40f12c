import { Agent } from 'node:http';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { ClickHouseError, ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { z, type ZodType } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { startEmbeddedLedger } from './embedded-ledger.ts';
import type { LedgerParameter, LedgerRows, LedgerState, LedgerStore } from './ledger-store.ts';
import { keepRetention, migrate } from './migrate.ts';

export interface LedgerOptions {
  /** `http(s)://user:password@host:port/database`, or the folder and socket of an embedded engine. */
  readonly at: { readonly url: string; readonly cluster?: string | null } | { readonly folder: string; readonly socketPath: string };
  /** How long calls are kept. */
  readonly retentionDays: number;
  /** How long calls summed up by minute and by day are kept; by default for 90 days. */
  readonly metricsDays?: number;
  readonly log: Log;
}

const retryDelayMs = { first: 50, last: 2000 };
/** One that hangs is asked anew: it may be well again long before its last answer comes. */
const pingTimeoutMs = 3000;

/**
 * Opens the ledger and returns at once: it connects and migrates in the background, and again whenever it was away.
 * `close` ends an embedded engine too.
 */
export function openLedger({ at, retentionDays, metricsDays = 90, log }: LedgerOptions): LedgerStore {
  const cluster = 'url' in at ? (at.cluster ?? null) : null;
  const engine = 'url' in at ? null : startEmbeddedLedger({ ...at, log });
  const client = createClient({
    ...('url' in at ? { url: at.url, max_open_connections: bounds.ledgerConnectionsMax } : { url: 'http://ledger', http_agent: socketAgent(at.socketPath) }),
    application: 'gatewayops',
    request_timeout: bounds.ledgerInsertTimeoutMs,
    log: { level: ClickHouseLogLevel.OFF },
  });
  const closing = new AbortController();
  let state: LedgerState = 'opening';
  let reason: string | null = 'it is being opened';
  let connecting: Promise<void> | null = null;
  let kept = { tracesDays: retentionDays, metricsDays };
  let keeping: Promise<void> = Promise.resolve();

  connect();

  async function keep(): Promise<void> {
    const { tracesDays, metricsDays: ofSums } = kept;
    const retention = {
      calls: ['started_at', tracesDays],
      call_chain: ['day', tracesDays + 2],
      payloads: ['started_at', tracesDays],
      counted_tokens: ['started_at', tracesDays],
      calls_by_minute: ['minute', ofSums],
      // As long as its last minute.
      calls_by_day: ['day', ofSums + 1],
    } as const;
    await keepRetention(client, cluster, retention, log);
  }

  function connect(): void {
    connecting ??= becomeReady().finally(() => {
      connecting = null;
    });
  }

  async function becomeReady(): Promise<void> {
    for (let delayMs = retryDelayMs.first; !closing.signal.aborted; delayMs = Math.min(delayMs * 2, retryDelayMs.last)) {
      try {
        const answer = await client.ping({ select: false, abort_signal: AbortSignal.any([closing.signal, AbortSignal.timeout(pingTimeoutMs)]) });
        if (!answer.success) throw answer.error;
        await migrate(client, cluster, log);
        await keep();
        state = 'ready';
        reason = null;
        log.info('ledger.ready', { embedded: engine !== null });
        return;
      } catch (error) {
        const why = engine?.failure() ?? describe(error);
        // An engine that is still starting is no news.
        if (why !== reason && (engine === null || !isUnreached(error))) log.warn('ledger.unavailable', { reason: why });
        reason = why;
      }
      await pause(delayMs, closing.signal);
    }
  }

  /** A statement that the ledger refuses leaves it ready; a ledger that is not reached is down until it answers again. */
  function noteFailure(error: unknown): void {
    if (error instanceof ClickHouseError || closing.signal.aborted) return;
    if (state === 'ready') {
      state = 'down';
      reason = describe(error);
      log.warn('ledger.down', { reason });
    }
    connect();
  }

  function requireReady(): void {
    if (state !== 'ready') throw new Fault('unavailable', { reason: state === 'opening' ? 'the ledger is opening' : 'the ledger is not reached' });
  }

  async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    requireReady();
    try {
      return await ask();
    } catch (error) {
      noteFailure(error);
      if (error instanceof ClickHouseError && !tooMuch.has(error.type ?? '')) throw error;
      throw new Fault(
        'unavailable',
        { reason: error instanceof ClickHouseError ? 'the ledger could not answer this within its bounds; ask for less' : 'the ledger does not answer' },
        { cause: error },
      );
    }
  }

  return {
    cluster,
    state: () => state,
    reason: () => reason,
    async insertRows(rows) {
      requireReady();
      try {
        const { stream } = await client.exec({ query: insertStatement(rows, cluster), values: Readable.from([rows.rows], { objectMode: false }) });
        for await (const _ of stream) continue;
      } catch (error) {
        noteFailure(error);
        if (error instanceof ClickHouseError && !tooMuch.has(error.type ?? '')) throw error;
        throw new Fault('unavailable', { reason: 'the ledger does not take rows now' }, { cause: error });
      }
    },
    async query<Row>(sql: string, parameters: Readonly<Record<string, LedgerParameter>>, row: ZodType<Row>) {
      return z.array(row).parse(await asked(() => select(client, cluster, sql, parameters)));
    },
    read: (sql, parameters, format = 'RowBinaryWithNamesAndTypes') => asked(() => readBytes(client, cluster, sql, parameters, format)),
    async command(sql, parameters) {
      await asked(() => client.command({ query: `${sql}\nSETTINGS ${writeSettings}${clusterSettings(cluster)}`, query_params: { ...parameters } }));
    },
    retain(days) {
      if (isDeepStrictEqual(days, kept)) return;
      kept = days;
      if (state !== 'ready') return;
      // One after the other: the last that was said holds.
      keeping = keeping.then(keep).catch((error: unknown) => {
        log.warn('ledger.retention_unkept', { reason: describe(error) });
        noteFailure(error);
      });
    },
    async close() {
      closing.abort();
      // Ends what is under way too: a ledger that hangs is not waited for.
      await client.close();
      await Promise.all([connecting, keeping]);
      await engine?.close();
    },
  };
}

/** Errors of ClickHouse that say it cannot now, not that it will not. */
const tooMuch = new Set([
  'TIMEOUT_EXCEEDED',
  'MEMORY_LIMIT_EXCEEDED',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'TOO_MANY_PARTS',
  'NOT_ENOUGH_SPACE',
  'TABLE_IS_READ_ONLY',
]);

const boundSettings = [
  `max_memory_usage = ${bounds.ledgerQueryMemoryBytesMax}`,
  // Large groupings go on on disk.
  `max_bytes_before_external_group_by = ${bounds.ledgerQueryMemoryBytesMax / 4}`,
  `max_bytes_before_external_sort = ${bounds.ledgerQueryMemoryBytesMax / 4}`,
].join(', ');

/** 64-bit integers and decimals as text: JSON's numbers would round them. */
const readSettings = `output_format_json_quote_64bit_integers = 1, output_format_json_quote_decimals = 1, max_execution_time = ${bounds.ledgerQueryTimeoutMs / 1000}, ${boundSettings}`;
/** Nobody waits for a statement that writes, as for an insert. */
const writeSettings = `max_execution_time = ${bounds.ledgerInsertTimeoutMs / 1000}, ${boundSettings}`;

/** What is written is there when the statement ends, and a statement within another one asks all shards. */
function clusterSettings(cluster: string | null): string {
  return cluster === null ? '' : ", distributed_foreground_insert = 1, distributed_product_mode = 'global'";
}

async function readBytes(
  client: ClickHouseClient,
  cluster: string | null,
  sql: string,
  parameters: Readonly<Record<string, LedgerParameter>>,
  format: string,
): Promise<Buffer> {
  const { stream } = await client.exec({
    query: `${sql}\nSETTINGS ${readSettings}${clusterSettings(cluster)}\nFORMAT ${format}`,
    query_params: { ...parameters },
    abort_signal: AbortSignal.timeout(bounds.ledgerQueryTimeoutMs + 2000),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function select(client: ClickHouseClient, cluster: string | null, sql: string, parameters: Readonly<Record<string, LedgerParameter>>): Promise<unknown> {
  const result = await client.query({
    query: `${sql}\nSETTINGS ${readSettings}${clusterSettings(cluster)}`,
    query_params: { ...parameters },
    format: 'JSONEachRow',
    // The ledger itself gives up first; this is for one that does not answer at all.
    abort_signal: AbortSignal.timeout(bounds.ledgerQueryTimeoutMs + 2000),
  });
  return result.json();
}

function insertStatement({ table, columns, token, format = 'RowBinary' }: LedgerRows, cluster: string | null): string {
  if (!/^[\w.:-]+$/.test(token)) throw new Error(`not a token: ${token}`);
  return `INSERT INTO ${table} (${columns.join(', ')}) SETTINGS insert_deduplicate = 1, insert_deduplication_token = '${token}', async_insert = 0, materialize_skip_indexes_on_insert = 0${clusterSettings(cluster)} FORMAT ${format}`;
}

function socketAgent(socketPath: string): Agent {
  // Node's agent hands `socketPath` to net.connect; its type leaves the option out.
  const options: ConstructorParameters<typeof Agent>[0] & { socketPath: string } = { socketPath, keepAlive: true, maxSockets: bounds.ledgerConnectionsMax };
  return new Agent(options);
}

function isUnreached(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED');
}

function describe(error: unknown): string {
  if (error instanceof ClickHouseError) return `it answers ${error.type ?? 'an error'}: ${error.message.slice(0, 300).trim()}`;
  if (error instanceof Fault) return error.message;
  return `it cannot be reached${error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
