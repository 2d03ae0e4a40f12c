import { intentColumns, outcomeColumns, type Column } from '../record/call-row.ts';
import { CallRowReader } from './call-row-reader.ts';

/** Tokens of a tool that reported none, counted after its call, with what they cost. */
export interface CountedTokens {
  readonly organizationId: string;
  readonly server: string;
  readonly tool: string;
  readonly currency: string;
  /** 16 hex digits: of the call. */
  readonly spanHex: string;
  readonly input: number;
  readonly output: number;
  /** `counted`, or `estimated` of bodies that were cut. */
  readonly source: string;
  /** Nano-dollars, to be added to those of the call. */
  readonly costNano: number;
}

const known = new Map<string, Column>(
  [...intentColumns, ...outcomeColumns, { name: 'call_cost', type: 'Decimal(18, 9)' } as const].map((column) => [column.name, column]),
);
const empty = Buffer.alloc(0);

/** Reads rows of `counted_tokens` with these columns, in RowBinary; none where this program does not know one of the columns, or a row has another shape. */
export function readCountedTokens(columns: readonly string[], rows: readonly Buffer[]): CountedTokens[] {
  const shape = columns.flatMap((name) => known.get(name) ?? []);
  if (shape.length < columns.length) return [];
  const reader = new CallRowReader({ intent: shape, outcome: [] });
  return rows.flatMap((row) =>
    reader.at(row, 0, row.length, empty, 0, 0)
      ? [
          {
            organizationId: reader.text('org_id'),
            server: reader.text('server'),
            tool: reader.text('tool'),
            currency: reader.text('currency'),
            spanHex: reader.text('span_id'),
            input: reader.number('input_tokens'),
            output: reader.number('output_tokens'),
            source: reader.text('tokens_source'),
            costNano: reader.number('cost'),
          },
        ]
      : [],
  );
}
