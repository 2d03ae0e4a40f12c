/**
 * The process that exports to a receiver of OpenTelemetry. It is one of its own so that encoding, compressing and waiting cost the drain
 * nothing, and so that the packages that do it are loaded only where something is exported. It is told everything over its channel
 * (`messages.ts`) and ends with it.
 */
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { CallRowReader } from '../call-row-reader.ts';
import { columnsOf } from '../frames.ts';
import { otelMetrics } from '../metrics/otel-metrics.ts';
import { otlpAttributeOf, otlpNameOf, otlpUnitOf } from '../metrics/otlp-names.ts';
import { callSpans } from './call-spans.ts';
import { createExportQueue, type ExportQueue } from './export-queue.ts';
import { callRecord, lineRecord } from './log-records.ts';
import type { CallsMessage, ExportStart, FromExporter, OtlpSignal, ToExporter } from './messages.ts';
import { openExporters } from './open-exporters.ts';

function tell(message: FromExporter): void {
  // A parent that is gone takes this process with it.
  process.send?.(message, () => undefined);
}

interface Running {
  calls(id: number, calls: CallsMessage): void;
  metrics(message: Extract<ToExporter, { kind: 'metrics' }>): void;
  lines(message: Extract<ToExporter, { kind: 'lines' }>): void;
  finish(): Promise<void>;
}

async function begin(start: ExportStart): Promise<Running> {
  const exporters = await openExporters(start);
  const resource = resourceFromAttributes({ ...start.resource });
  const scope = { name: 'gatewayops', version: start.version };
  const queueOf = <Items>(signal: OtlpSignal, exporter: Parameters<typeof createExportQueue<Items>>[0]['exporter']): ExportQueue<Items> | null =>
    start.signals.includes(signal)
      ? createExportQueue({ exporter, onTrouble: (reason, retrying) => tell({ kind: 'trouble', signal, reason, retrying }) })
      : null;
  const traces = queueOf<ReadableSpan[]>('traces', exporters.traces);
  const metrics = queueOf<ResourceMetrics>('metrics', exporters.metrics);
  const logs = queueOf<ReadableLogRecord[]>('logs', exporters.logs);
  /** Readings that wait: a newer one says all that an older one does. */
  let metricsWait = false;

  function readerOf({ columns }: CallsMessage): CallRowReader | null {
    const intent = columnsOf(columns.intent);
    const outcome = columnsOf(columns.outcome);
    return intent === null || outcome === null ? null : new CallRowReader({ intent, outcome });
  }

  function each<Item>(calls: CallsMessage, make: (row: CallRowReader) => Item[]): Item[] {
    const reader = readerOf(calls);
    if (reader === null) return [];
    const { ends } = calls;
    const bytes = Buffer.from(calls.bytes.buffer, calls.bytes.byteOffset, calls.bytes.byteLength);
    const made: Item[] = [];
    for (let index = 0; index < ends.length; index += 2) {
      const [from, middle, to] = [index === 0 ? 0 : (ends[index - 1] ?? 0), ends[index] ?? 0, ends[index + 1] ?? 0];
      if (reader.at(bytes, from, middle, bytes, middle, to)) made.push(...make(reader));
    }
    return made;
  }

  return {
    calls(id, calls) {
      const count = calls.ends.length / 2;
      let open = 0;
      const overOf = (signal: OtlpSignal) => (outcome: 'exported' | 'dropped') => {
        tell({ kind: 'counted', signal, outcome, items: count });
        if (--open === 0) tell({ kind: 'done', id });
      };
      if (traces !== null) {
        open++;
        traces.add({ count, items: () => each(calls, (row) => callSpans(row, { resource, scope, stops: start.stops })), over: overOf('traces') });
      }
      if (logs !== null) {
        open++;
        logs.add({ count, items: () => each(calls, (row) => [callRecord(row, { resource, scope })]), over: overOf('logs') });
      }
      if (open === 0) tell({ kind: 'done', id });
    },
    metrics({ readings, startedMs, nowMs }) {
      if (metrics === null || metricsWait) return;
      metricsWait = true;
      metrics.add({
        count: readings.length,
        items: () => ({
          resource,
          scopeMetrics: [{ scope, metrics: otelMetrics(readings, { startedMs, nowMs, nameOf: otlpNameOf, unitOf: otlpUnitOf, attributeOf: otlpAttributeOf }) }],
        }),
        over(outcome) {
          metricsWait = false;
          tell({ kind: 'counted', signal: 'metrics', outcome, items: readings.length });
        },
      });
    },
    lines({ lines }) {
      logs?.add({
        count: lines.length,
        items: () => lines.map((line) => lineRecord(line, { resource, scope })),
        over: (outcome) => tell({ kind: 'counted', signal: 'logs', outcome, items: lines.length }),
      });
    },
    async finish() {
      await Promise.all([traces?.drained(), metrics?.drained(), logs?.drained()]);
      await Promise.all([exporters.traces.shutdown(), exporters.metrics.shutdown(), exporters.logs.shutdown()]);
    },
  };
}

const running = Promise.withResolvers<Running>();
process.on('message', (message: ToExporter) => void handle(message));
process.on('disconnect', () => process.exit(0));
// The gateway decides how its processes end.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

async function handle(message: ToExporter): Promise<void> {
  if (message.kind === 'start') {
    running.resolve(await begin(message.start));
    return;
  }
  const exports = await running.promise;
  if (message.kind === 'calls') exports.calls(message.id, message.calls);
  else if (message.kind === 'metrics') exports.metrics(message);
  else if (message.kind === 'lines') exports.lines(message);
  else {
    await exports.finish();
    process.exit(0);
  }
}
