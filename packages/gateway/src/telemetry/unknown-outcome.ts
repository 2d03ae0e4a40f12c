import type { Column } from '../record/call-row.ts';
import { widths } from './frames.ts';

/** Texts of the outcome of a call whose end nobody wrote down; every other column is zero or empty. */
const texts: Readonly<Record<string, string>> = { status: 'unknown', stop: 'server' };

/** RowBinary of `columns` for a call whose writer is gone: it may have run upstream, and nobody knows how it ended. */
export function encodeUnknownOutcome(columns: readonly Column[]): Buffer {
  return Buffer.concat(
    columns.map(({ name, type }) => {
      const width = widths[type];
      if (width !== null) return Buffer.alloc(width);
      const text = Buffer.from(texts[name] ?? '');
      return Buffer.concat([Buffer.from([text.length]), text]);
    }),
  );
}
