/**
 * The list of every page: columns that are chosen and ordered, only the rows on screen in the document, a cursor that keys move. Rows are of one
 * height, that of the density.
 */
import { columnOrderingFeature, columnVisibilityFeature, createColumnHelper, tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useMemo, useRef, useState, type ReactElement, type ReactNode } from 'react';
import { useAppearance } from '../app/appearance.ts';

const noRows: readonly never[] = [];
const features = tableFeatures({ columnVisibilityFeature, columnOrderingFeature });

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** A track of a CSS grid: `minmax(120px, 2fr)`, `84px`. */
  readonly track: string;
  readonly isNumber?: boolean;
  /** Columns without room are left out, those of the lowest rank first, of one rank from the right; the footer names them. 0 where none is said. */
  readonly rank?: number;
  readonly cell: (row: Row) => ReactNode;
}

interface DataTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  /** The ids of the columns to show, in their order. */
  readonly shown: readonly string[];
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  readonly cursor: string | null;
  readonly selected?: ReadonlySet<string>;
  /** Rows of before, while others are on their way. */
  readonly isStale?: boolean;
  readonly onOpen: (row: Row) => void;
  readonly onEnd?: () => void;
  readonly onScroll?: (top: number) => void;
  readonly footer?: ReactNode;
  readonly rowClass?: (row: Row) => string;
}

/** Rows above and below what is seen. */
const overscan = 8;
/** So many rows before the end more are asked for. */
const fetchAhead = 60;
const heights = { compact: 28, normal: 32, roomy: 40 } as const;

export function DataTable<Row extends object>(props: DataTableProps<Row>): ReactElement {
  const { label, columns, shown, rows, isStale = false, onScroll, footer } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const defined = useMemo(() => defineColumns(columns), [columns]);
  const table = useTable({
    features,
    columns: defined,
    // Rows are drawn from the list itself: a model of each of ten thousand would be made anew whenever more come.
    data: noRows,
    state: {
      columnOrder: [...shown],
      columnVisibility: Object.fromEntries(columns.map(({ id }) => [id, shown.includes(id)])),
    },
  });
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const order = table
    .getVisibleLeafColumns()
    .map(({ id }) => id)
    .join(' ');
  const width = useWidth(scroller);
  const wanted = useMemo(() => order.split(' ').flatMap((id) => byId.get(id) ?? []), [order, byId]);
  const visible = useMemo(() => (width > 0 ? fitted(wanted, width) : wanted), [wanted, width]);
  const without = wanted.filter((column) => column.title !== '' && !visible.includes(column));
  return (
    <div ref={scroller} onScroll={(event) => onScroll?.(event.currentTarget.scrollTop)} className="min-h-0 flex-1 overflow-auto bg-surface" tabIndex={-1}>
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        aria-busy={isStale}
        className={`min-w-fit ${isStale ? 'opacity-60' : ''}`}
        style={{ ['--tracks' as string]: visible.map(({ track }) => track).join(' ') }}
      >
        <div
          role="row"
          aria-rowindex={1}
          className="sticky top-0 z-10 grid h-8 grid-cols-(--tracks) items-center gap-x-4 border-b border-hairline bg-sunken px-3 text-meta text-ink-3"
        >
          {visible.map(({ id, title, isNumber }) => (
            <div key={id} role="columnheader" className={`truncate ${isNumber === true ? 'text-right' : ''}`}>
              {title}
            </div>
          ))}
        </div>
        <Rows {...props} columns={visible} scroller={scroller} />
      </div>
      {(footer !== undefined || without.length > 0) && (
        <div className="sticky left-0 px-3 py-2 text-meta text-ink-3">
          {footer}
          {without.length > 0 && `${footer === undefined ? '' : ' · '}no room for ${without.map(({ title }) => title).join(', ')}`}
        </div>
      )}
    </div>
  );
}

/** The width of what rows have, in pixels; 0 until it is known. */
function useWidth(scroller: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);
  return width;
}

const gapPx = 16;
const paddingPx = 24;

/** Those for which there is room, at least one. */
export function fitted<One extends Pick<Column<object>, 'track' | 'rank'>>(columns: readonly One[], widthPx: number): readonly One[] {
  const kept = [...columns];
  const needed = (): number => kept.reduce((sum, { track }) => sum + leastPx(track) + gapPx, paddingPx - gapPx);
  while (kept.length > 1 && needed() > widthPx) {
    const lowest = Math.min(...kept.map(({ rank = 0 }) => rank));
    kept.splice(
      kept.findLastIndex(({ rank = 0 }) => rank === lowest),
      1,
    );
  }
  return kept;
}

/** Of `84px` and `minmax(120px, 2fr)` alike. */
function leastPx(track: string): number {
  return Number(/(\d+)px/.exec(track)?.[1] ?? 0);
}

interface RowsProps<Row> extends DataTableProps<Row> {
  readonly scroller: { readonly current: HTMLDivElement | null };
}

/** What is drawn while the list is scrolled, and nothing else. */
function Rows<Row extends object>({ columns, rows, idOf, cursor, selected, onOpen, onEnd, rowClass, scroller }: RowsProps<Row>): ReactElement {
  const { density } = useAppearance();
  const height = heights[density];
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan });
  useEffect(() => virtual.measure(), [virtual, height]);

  const place = useMemo(() => (cursor === null ? -1 : rows.findIndex((row) => idOf(row) === cursor)), [cursor, rows, idOf]);
  useEffect(() => {
    if (place >= 0) virtual.scrollToIndex(place, { align: 'auto' });
    // Only where the cursor moves, not where rows come in.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [cursor]);

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - fetchAhead) onEnd?.();
  }, [last, rows.length, onEnd]);
  // A row is drawn again where it changes, not where what is to be done with it is a new function.
  const latest = useRef(onOpen);
  useEffect(() => {
    latest.current = onOpen;
  });
  const open = useCallback((row: Row) => latest.current(row), []);
  return (
    <div className="relative" style={{ height: virtual.getTotalSize() }}>
      {items.map(({ index, start }) => {
        const row = rows[index];
        if (row === undefined) return null;
        const id = idOf(row);
        const isAt = id === cursor;
        return (
          <TableRow
            key={id}
            row={row}
            index={index}
            top={start}
            columns={columns}
            isAt={isAt}
            isChosen={selected?.has(id) ?? isAt}
            isReached={isAt || (cursor === null && index === 0)}
            look={rowClass?.(row) ?? ''}
            onOpen={open}
          />
        );
      })}
    </div>
  );
}

interface TableRowProps<Row> {
  readonly row: Row;
  readonly index: number;
  readonly top: number;
  readonly columns: readonly Column<Row>[];
  readonly isAt: boolean;
  readonly isChosen: boolean;
  readonly isReached: boolean;
  readonly look: string;
  readonly onOpen: (row: Row) => void;
}

const TableRow = memo(function TableRow<Row>({ row, index, top, columns, isAt, isChosen, isReached, look, onOpen }: TableRowProps<Row>): ReactElement {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      tabIndex={isReached ? 0 : -1}
      onClick={() => onOpen(row)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || event.target !== event.currentTarget || event.shiftKey) return;
        event.preventDefault();
        onOpen(row);
      }}
      className={`absolute inset-x-0 grid h-(--row) cursor-pointer outline-offset-[-2px] grid-cols-(--tracks) items-center gap-x-4 border-b border-hairline px-3 ${
        isAt ? 'bg-accent-soft shadow-[inset_2px_0_0_var(--accent)]' : isChosen ? 'bg-accent-soft' : 'hover:bg-canvas'
      } ${look}`}
      // Not moved by a transform: a layer's worth of bookkeeping for each row, for what never moves.
      style={{ top }}
    >
      <Cells row={row} columns={columns} />
    </div>
  );
}) as <Row>(props: TableRowProps<Row>) => ReactElement;

interface CellsProps<Row> {
  readonly row: Row;
  readonly columns: readonly Column<Row>[];
}

/** Drawn once for a row, though the list is scrolled and rows come in above it. */
const Cells = memo(function Cells<Row>({ row, columns }: CellsProps<Row>): ReactElement[] {
  return columns.map(({ id, isNumber, cell }) => (
    // Clipped, not hidden: what is hidden could be scrolled to, and the browser keeps a layer for each such cell.
    <div key={id} role="gridcell" className={`min-w-0 overflow-clip text-ellipsis whitespace-nowrap ${isNumber === true ? 'text-right' : ''}`}>
      {cell(row)}
    </div>
  ));
}) as <Row>(props: CellsProps<Row>) => ReactElement;

function defineColumns<Row extends object>(columns: readonly Column<Row>[]): ColumnDef<typeof features, Row>[] {
  const helper = createColumnHelper<typeof features, Row>();
  return columns.map(({ id, title }) => helper.display({ id, header: title }));
}

/** The row before or behind the cursor; the first where there is none. */
export function moved<Row>(rows: readonly Row[], idOf: (row: Row) => string, cursor: string | null, by: 1 | -1): string | null {
  if (rows.length === 0) return null;
  const at = cursor === null ? -1 : rows.findIndex((row) => idOf(row) === cursor);
  const next = rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))];
  return next === undefined ? null : idOf(next);
}
