import type { Glob } from '../../kernel/glob.ts';
import { formsInBodies, isLongEnoughForBodies } from '../../query/body-text.ts';
import { fieldOf, textColumns, type FieldSpec, type Unit } from '../../query/fields.ts';
import { lowerAscii } from '../../query/match-query.ts';
import { measureText } from '../../query/measure.ts';
import type { Query, Term, Value } from '../../query/query.ts';
import { traceInText } from '../../query/trace-in-text.ts';

/** A query as a condition of SQL on rows of `calls`, with what its `{name:Type}` places stand for. */
export interface CompiledQuery {
  /** Null where every call fits. */
  readonly condition: string | null;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Which rows of other tables are of the calls that are looked at. */
export interface BesideCalls {
  /** A condition on `org_id` and `started_at`. */
  readonly where: string;
  /** Text is looked for in `payloads` too. Else `matchesQuery` decides the same in memory. */
  readonly bodies: boolean;
}

/** `traceHexFor` gives the trace that an id names. */
export function compileQuery({ terms }: Query, traceHexFor: (id: string) => string, beside: BesideCalls): CompiledQuery {
  const parameters: Record<string, string> = {};
  const place: Place = (value, type = 'String') => {
    const name = `q${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `{${name}:${type}}`;
  };
  const conditions = terms.map((term) => termCondition(term, { place, traceHexFor, beside }));
  return { condition: conditions.length === 0 ? null : conditions.join(' AND '), parameters };
}

/** Makes a place for a value; nothing of a query stands in the SQL itself. */
type Place = (value: string, type?: 'String' | 'Int64' | 'Decimal(18, 9)') => string;

interface Means {
  readonly place: Place;
  readonly traceHexFor: (id: string) => string;
  readonly beside: BesideCalls;
}

function termCondition(term: Term, means: Means): string {
  const spec = fieldOf(term.field);
  const any = term.kind === 'has' ? known(spec, means.beside) : term.values.map((value) => valueCondition(spec, value, means)).join(' OR ');
  return term.negated ? `NOT (${any})` : `(${any})`;
}

function valueCondition(spec: FieldSpec, value: Value, means: Means): string {
  const { place, traceHexFor } = means;
  if (value.kind === 'measure') return measureCondition(spec, value, means);
  const { glob } = value;
  switch (spec.kind) {
    case 'word':
      return spec.columns.map((column) => wordCondition(column, glob, place)).join(' OR ');
    case 'lines':
      return `${spec.column} != '' AND arrayExists(line -> ${wordCondition('line', glob, place)}, splitByChar('\\n', ${spec.column}))`;
    case 'trace': {
      const [id = ''] = glob;
      if (glob.length === 1) return `trace_id = ${place(traceHexFor(id))}`;
      return `${wordCondition("concat('tr_', trace_id)", glob, place)} OR client_trace_id != '' AND ${wordCondition('client_trace_id', glob, place)}`;
    }
    case 'code':
      return wordCondition('fault_code', glob, place);
    case 'body':
      return bodyCondition(glob, spec.body, means) ?? '0';
    default:
      return textCondition(glob, means);
  }
}

function measureCondition(spec: FieldSpec, value: Extract<Value, { kind: 'measure' }>, { place, beside }: Means): string {
  const { operator, amount } = value;
  if (spec.kind === 'measure' && spec.column === 'cost') return costCondition(value, place, beside);
  if (spec.kind === 'measure') return `${spec.column} ${operator} ${amountOf(spec.unit, amount, place)}`;
  const wanted = place(String(amount), 'Int64');
  return operator === '=' ? `http_status = ${wanted} OR rpc_error_code = ${wanted}` : `http_status != 0 AND http_status ${operator} ${wanted}`;
}

/**
 * Of a call and the tokens that were counted after it together. Counted tokens make a call dearer and never cheaper: so only the counts that change
 * the answer have to be remembered while calls are read.
 */
function costCondition({ operator, amount }: Extract<Value, { kind: 'measure' }>, place: Place, beside: BesideCalls): string {
  const wanted = amountOf('money', amount, place);
  const fits = `cost ${operator} ${wanted}`;
  const total = `call_cost + cost ${operator} ${wanted}`;
  switch (operator) {
    case '>':
    case '>=':
      return `${fits} OR ${counted(total, beside)}`;
    case '<':
    case '<=':
      return `${fits} AND NOT ${counted(`NOT ${total}`, beside)}`;
    case '=':
      return `${fits} AND NOT ${counted(`cost != 0 AND call_cost = ${wanted}`, beside)} OR ${counted(total, beside)}`;
  }
}

/** Calls whose counted tokens fit. */
function counted(condition: string, { where }: BesideCalls): string {
  return `(trace_id, span_id) IN (SELECT trace_id, span_id FROM counted_tokens WHERE ${where} AND ${condition})`;
}

/** As the column's own type: then its place in the sorting key is used, and no digit is lost. */
function amountOf(unit: Unit, amount: bigint, place: Place): string {
  if (unit === 'time') return `fromUnixTimestamp64Micro(${place(String(amount), 'Int64')}, 'UTC')`;
  if (unit === 'money') return place(measureText(amount, unit), 'Decimal(18, 9)');
  return place(String(amount), 'Int64');
}

function textCondition(glob: Glob, means: Means): string {
  const { place } = means;
  const pattern = place(likePattern(['', ...glob.map(lowerAscii), '']));
  const found = textColumns.map((column) => `lower(${column}) LIKE ${pattern}`);
  const trace = traceInText(glob);
  if (trace !== null) found.unshift(`startsWith(toString(trace_id), ${place(trace)})`);
  const inBodies = bodyCondition(glob, null, means);
  if (inBodies !== null) found.push(inBodies);
  return found.join(' OR ');
}

/** Calls with this text in what is kept of their request, their response, or (null) one of them; found by `text_index`. */
function bodyCondition(glob: Glob, body: 'request' | 'response' | null, { place, beside }: Means): string | null {
  if (!beside.bodies || !isLongEnoughForBodies(glob)) return null;
  const forms = formsInBodies(glob).map((form) => `lower(text) LIKE ${place(likePattern(['', ...form.map(lowerAscii), '']))}`);
  const ofKind = body === null ? '' : ` AND kind = '${body}'`;
  return `(trace_id, span_id) IN (SELECT trace_id, span_id FROM payloads WHERE ${beside.where}${ofKind} AND (${forms.join(' OR ')}))`;
}

function wordCondition(column: string, glob: Glob, place: Place): string {
  const [only = ''] = glob;
  return glob.length === 1 ? `${column} = ${place(only)}` : `${column} LIKE ${place(likePattern(glob))}`;
}

function likePattern(glob: Glob): string {
  return glob.map((part) => part.replace(/[\\%_]/g, '\\$&')).join('%');
}

function known(spec: FieldSpec, beside: BesideCalls): string {
  switch (spec.kind) {
    case 'word':
      return spec.columns.map((column) => `${column} != ''`).join(' OR ');
    case 'lines':
      return `${spec.column} != ''`;
    case 'measure':
      if (spec.column === 'cost') return `cost != 0 OR ${counted('cost != 0', beside)}`;
      return spec.column === 'started_at' ? '1' : `${spec.column} != 0`;
    case 'code':
      return "fault_code != '' OR rpc_error_code != 0";
    default:
      return '1';
  }
}
