import type { Column } from '../../table/data-table.tsx';
import type { TraceRow } from './trace-row.ts';

/** So many at once: their ids make a query, and nobody compares more. */
export const chosenMax = 50;

/** Marks rows that something is done with. */
export function chooseColumn(chosen: ReadonlySet<string>, toggle: (id: string) => void): Column<TraceRow> {
  return {
    id: 'choose',
    title: '',
    track: '16px',
    rank: 1,
    cell: ({ id }) => (
      <input
        type="checkbox"
        aria-label={`Choose ${id}`}
        tabIndex={-1}
        checked={chosen.has(id)}
        disabled={chosen.size >= chosenMax && !chosen.has(id)}
        onClick={(event) => event.stopPropagation()}
        onChange={() => toggle(id)}
        className="block size-3.5 accent-(--accent)"
      />
    ),
  };
}
