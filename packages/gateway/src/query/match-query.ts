import { fitsGlob, type Glob } from '../kernel/glob.ts';
import { fieldOf, textColumns, type MeasureColumn, type WordColumn } from './fields.ts';
import type { Operator, Query, Term, Value } from './query.ts';
import { traceInText } from './trace-in-text.ts';

/** A call as a query sees it: columns of the wide record (record/call-row.ts) by their names. */
export type QueriedCall = Readonly<Record<WordColumn | 'client_trace_id' | 'fault_code' | 'transforms', string>> & {
  /** 32 hex digits. */
  readonly trace_id: string;
  readonly http_status: number;
  readonly rpc_error_code: number;
  /** In the smallest unit: microseconds since the epoch, microseconds, nano-dollars, bytes, one. */
  readonly measures: Readonly<Record<MeasureColumn, bigint>>;
};

/**
 * Whether a call fits a query; `compileQuery` of the ledger decides the same where it looks into no bodies, which a property test of both
 * proves. Here bodies are never known: text is that of the record, and no call fits `request_text` and `response_text`.
 *
 * @public for streams of calls as they are made.
 */
export function matchesQuery({ terms }: Query, call: QueriedCall): boolean {
  return terms.every((term) => (term.kind === 'has' ? hasField(term, call) : term.values.some((value) => fits(term, value, call))) !== term.negated);
}

function fits({ field }: Term, value: Value, call: QueriedCall): boolean {
  const spec = fieldOf(field);
  if (value.kind === 'measure') {
    if (spec.kind === 'measure') return compare(call.measures[spec.column], value.operator, value.amount);
    const status = BigInt(call.http_status);
    if (value.operator === '=') return status === value.amount || BigInt(call.rpc_error_code) === value.amount;
    // A call without an HTTP status has none that could be compared.
    return status !== 0n && compare(status, value.operator, value.amount);
  }
  const { glob } = value;
  switch (spec.kind) {
    case 'word':
      return spec.columns.some((column) => fitsGlob(glob, call[column]));
    case 'lines':
      return call[spec.column] !== '' && call[spec.column].split('\n').some((line) => fitsGlob(glob, line));
    case 'trace':
      return fitsGlob(glob, `tr_${call.trace_id}`) || (call.client_trace_id !== '' && fitsGlob(glob, call.client_trace_id));
    case 'code':
      return fitsGlob(glob, call.fault_code);
    case 'body':
      return false;
    default:
      return fitsText(glob, call);
  }
}

function fitsText(glob: Glob, call: QueriedCall): boolean {
  const trace = traceInText(glob);
  if (trace !== null && call.trace_id.startsWith(trace)) return true;
  const anywhere = ['', ...glob.map(lowerAscii), ''];
  return textColumns.some((column) => fitsGlob(anywhere, lowerAscii(call[column])));
}

function hasField({ field }: Term, call: QueriedCall): boolean {
  const spec = fieldOf(field);
  switch (spec.kind) {
    case 'word':
      return spec.columns.some((column) => call[column] !== '');
    case 'lines':
      return call[spec.column] !== '';
    case 'measure':
      return call.measures[spec.column] !== 0n;
    case 'code':
      return call.fault_code !== '' || call.rpc_error_code !== 0;
    default:
      return true;
  }
}

function compare(amount: bigint, operator: Operator, wanted: bigint): boolean {
  switch (operator) {
    case '=':
      return amount === wanted;
    case '>':
      return amount > wanted;
    case '>=':
      return amount >= wanted;
    case '<':
      return amount < wanted;
    case '<=':
      return amount <= wanted;
  }
}

/** As ClickHouse's `lower`: other letters than A to Z stay. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
