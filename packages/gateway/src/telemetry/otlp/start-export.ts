import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OtlpConfig } from '../../config/otlp-config.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { MetricReading } from '../../kernel/metric-table.ts';
import { childEnvironment } from '../../process/child-environment.ts';
import { keepProcess } from '../../process/keep-process.ts';
import { logOutput } from '../../process/log-output.ts';
import type { CallRowReader } from '../call-row-reader.ts';
import { RowBatch } from '../row-batch.ts';
import type { RowShape } from '../read-segment.ts';
import type { Tap } from '../tap.ts';
import { createExportFilter } from './export-filter.ts';
import type { FromExporter, LogLine, OtlpSignal, ToExporter } from './messages.ts';

export interface OtlpExport {
  figures(): ExportFigures;
  /** A line of the gateway's log. */
  addLine(line: LogLine): void;
  /** Sends what waits, as far as it goes in a few seconds, and ends. */
  stop(): Promise<void>;
}

export interface ExportFigures {
  readonly exported: Readonly<Record<OtlpSignal, number>>;
  readonly dropped: Readonly<Record<OtlpSignal, number>>;
  /** Calls that wait for the receiver. */
  readonly waiting: number;
}

export interface OtlpExportOptions {
  readonly config: OtlpConfig;
  /** With the values of secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** What names this node to the receiver. */
  readonly resource: Readonly<Record<string, string>>;
  readonly version: string;
  readonly tap: Tap;
  readonly readings: () => Promise<readonly MetricReading[]>;
  /** Since when what only grows is counted: wall clock, ms. */
  readonly startedMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const restartMs = { first: 500, last: 30_000 };
/** How long what waits may be sent at the end, and how long the last figures are waited for. */
const endTimeoutMs = 3_000;
const lastReadingMs = 1_000;
const linesMax = 1_000;

/**
 * Exports calls, metrics and the log to a receiver of OpenTelemetry, by a process of its own (`exporter-process.ts`). Here it is decided what is
 * exported, and how much may wait: what comes when too much waits is counted and not exported. Nothing of it holds up the drain.
 */
export function startOtlpExport(options: OtlpExportOptions): OtlpExport {
  const { config, tap, readings, clock, log } = options;
  const { signals, batchMax, batchWaitMs, queueMax } = config;
  const exported: Record<OtlpSignal, number> = { traces: 0, metrics: 0, logs: 0 };
  const dropped: Record<OtlpSignal, number> = { traces: 0, metrics: 0, logs: 0 };
  const callSignals = (['traces', 'logs'] as const).filter((signal) => signals.includes(signal));
  const keeps = createExportFilter(config.filter);
  let batch: { readonly shape: RowShape; readonly rows: RowBatch } | null = null;
  let lines: LogLine[] = [];
  let nextId = 1;
  /** Calls of each batch that the process has and is not done with. */
  const underWay = new Map<number, number>();
  let sent = 0;
  let child: ChildProcess | null = null;

  const kept = keepProcess({
    // As this file runs, so does its neighbour: TypeScript in a checkout, JavaScript in a package.
    spawn: () =>
      fork(new URL(`./exporter-process${extname(import.meta.filename)}`, import.meta.url), [], {
        execArgv: [],
        env: childEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
      }),
    onStart(started) {
      child = started;
      logOutput(started, log, 'otlp.process_said');
      started.on('message', (message: FromExporter) => hear(message));
      const { endpoint, protocol, stops, compression, timeoutMs } = config;
      tell({
        kind: 'start',
        start: {
          endpoint,
          protocol,
          signals,
          stops,
          compression,
          timeoutMs,
          headers: options.headers,
          resource: { ...options.resource, ...config.resource },
          version: options.version,
        },
      });
    },
    onDown({ reason, restartMs: delayMs }) {
      child = null;
      // What it had is gone with it.
      for (const rows of underWay.values()) drop(rows);
      underWay.clear();
      sent = 0;
      log.error('otlp.process_died', { reason, restart_ms: delayMs });
    },
    end: (ending) => void ending.send({ kind: 'finish' } satisfies ToExporter, () => undefined),
    endTimeoutMs,
    restartMs,
  });

  function tell(message: ToExporter): boolean {
    if (child === null || !child.connected) return false;
    // One that died between two messages is reported by its end.
    child.send(message, () => undefined);
    return true;
  }

  function hear(message: FromExporter): void {
    if (message.kind === 'done') {
      sent -= underWay.get(message.id) ?? 0;
      underWay.delete(message.id);
    } else if (message.kind === 'counted') (message.outcome === 'exported' ? exported : dropped)[message.signal] += message.items;
    else if (message.reason === null) log.info('otlp.recovered', { signal: message.signal });
    else log[message.retrying ? 'warn' : 'error'](message.retrying ? 'otlp.retrying' : 'otlp.refused', { signal: message.signal, reason: message.reason });
  }

  function drop(rows: number): void {
    for (const signal of callSignals) dropped[signal] += rows;
  }

  function take(row: CallRowReader): void {
    if (!keeps(row)) return;
    if (sent + (batch?.rows.count ?? 0) >= queueMax) return drop(1);
    // Rows of one message have one shape.
    if (batch !== null && batch.shape !== row.shape) flush();
    batch ??= { shape: row.shape, rows: new RowBatch() };
    row.copyTo(batch.rows);
    if (batch.rows.count >= batchMax) flush();
  }

  function flush(): void {
    if (batch !== null) {
      const { shape, rows } = batch;
      const columns = { intent: shape.intent.map(({ name }) => name), outcome: shape.outcome.map(({ name }) => name) };
      const id = nextId++;
      if (tell({ kind: 'calls', id, calls: { columns, bytes: rows.bytes, ends: rows.ends } })) {
        underWay.set(id, rows.count);
        sent += rows.count;
        batch = null;
      } else if (rows.count >= batchMax) {
        // The process starts again: one batch waits for it.
        drop(rows.count);
        batch = null;
      }
    }
    if (lines.length > 0 && tell({ kind: 'lines', lines })) lines = [];
  }

  async function sendMetrics(): Promise<void> {
    try {
      tell({ kind: 'metrics', readings: await readings(), startedMs: options.startedMs, nowMs: clock.nowMs() });
    } catch (error) {
      log.warn('otlp.metrics_unread', { error });
    }
  }

  const unlisten = callSignals.length > 0 ? tap.listen(take) : () => undefined;
  const flushTimer = setInterval(flush, batchWaitMs);
  const metricsTimer = signals.includes('metrics') ? setInterval(() => void sendMetrics(), config.metricsIntervalMs) : undefined;

  return {
    figures: () => ({ exported: { ...exported }, dropped: { ...dropped }, waiting: sent + (batch?.rows.count ?? 0) }),
    addLine(line) {
      if (!signals.includes('logs')) return;
      if (lines.length < linesMax) lines.push(line);
      else dropped.logs++;
    },
    async stop() {
      unlisten();
      clearInterval(flushTimer);
      clearInterval(metricsTimer);
      // What never came up has no figures.
      if (signals.includes('metrics')) await Promise.race([sendMetrics(), delay(lastReadingMs, undefined, { ref: false })]);
      flush();
      await kept.stop();
      if (sent > 0) log.warn('otlp.left_behind', { calls: sent });
    },
  };
}
