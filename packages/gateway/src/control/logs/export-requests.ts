import type { Readable } from 'node:stream';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { CallRow } from '../../store/ledger/call-columns.ts';
import type { LedgerReader } from '../../store/ledger/ledger-reader.ts';
import type { Selection } from '../../store/ledger/selection.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { requireLedger } from '../require-ledger.ts';
import { selectCalls, type CallQuestion } from '../traces/select-calls.ts';
import { csvLine } from './csv.ts';
import type { ExportFormat, ExportJob } from './export-desk.ts';

export interface ExportQuestion extends CallQuestion {
  readonly format: ExportFormat;
  /** Members of `rowOf` in the order wanted. */
  readonly columns: readonly string[];
  /** A call as the request log shows it. */
  readonly rowOf: (call: CallRow) => Readonly<Record<string, unknown>>;
}

/**
 * Begins to write all calls of a question to a file, newest first. Who asked, and for what, is recorded first. Faults:
 * `invalid_params`, `query_invalid`, `too_many_exports`, `unavailable`.
 */
export async function startExport(context: ControlContext, question: ExportQuestion): Promise<ExportJob> {
  const { organizationId, registry, exports } = context;
  const { format, columns, rowOf } = question;
  const selection = selectCalls(context, question);
  const ledger = requireLedger(context);
  const estimatedRows = await ledger.estimateCalls(selection, selection.startUs).catch((error: unknown) => {
    // Calls that cannot be counted in time can be written all the same.
    if (error instanceof Fault && error.code === 'unavailable') return null;
    throw error;
  });
  const lineOf =
    format === 'csv'
      ? (call: CallRow): string => csvLine(columns.map((name) => rowOf(call)[name]))
      : (call: CallRow): string => {
          const row = rowOf(call);
          return JSON.stringify(Object.fromEntries(columns.map((name) => [name, row[name]])));
        };
  const job = exports.begin({
    organizationId,
    format,
    estimatedRows,
    head: format === 'csv' ? csvLine(columns) : null,
    lines: linesOf(ledger, selection, lineOf),
  });
  const { startMs, endMs, query } = question;
  const detail = { format, columns: [...columns], query, start_time: new Date(startMs).toISOString(), end_time: new Date(endMs).toISOString() };
  await registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'export.created', job.id, detail)));
  return job;
}

/** Faults: `unknown_export`. */
export function getExport({ exports, organizationId }: ControlContext, id: string): ExportJob {
  const job = exports.find(organizationId, id);
  if (job === null) throw new Fault('unknown_export', { name: id });
  return job;
}

/** The file of an export that is done. Who took it is recorded first. Faults: `unknown_export`, `unavailable`. */
export async function openExport(context: ControlContext, id: string): Promise<{ readonly job: ExportJob; readonly file: Readable }> {
  const job = getExport(context, id);
  if (job.state === 'failed') throw new Fault('unknown_export', { name: id });
  if (job.state === 'running') throw new Fault('unavailable', { reason: 'the export is still being written' });
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'export.downloaded', id, { rows: job.rows })));
  const file = context.exports.open(context.organizationId, id);
  if (file === null) throw new Fault('unknown_export', { name: id });
  return { job, file };
}

async function* linesOf(ledger: LedgerReader, selection: Selection, lineOf: (call: CallRow) => string): AsyncGenerator<string> {
  const limit = bounds.exportPageRows;
  for (let after = null as { startUs: bigint; traceHex: string; spanHex: string } | null; ;) {
    const calls = await ledger.listCalls({ ...selection, after, limit });
    for (const call of calls) yield lineOf(call);
    const last = calls.at(-1);
    if (last === undefined || calls.length < limit) return;
    after = { startUs: last.start_us, traceHex: last.trace_hex, spanHex: last.span_hex };
  }
}
