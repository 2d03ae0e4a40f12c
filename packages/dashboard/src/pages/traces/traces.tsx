/** What agents did: the query, how its calls are spread over time and values, the list, one beside it. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Columns2, Filter, Radio } from 'lucide-react';
import { useCallback, useEffect, useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { OutcomeBars } from '../../charts/outcome-bars.tsx';
import { DataTable, moved } from '../../table/data-table.tsx';
import { Ago } from '../../time/time.tsx';
import { countText, pluralText, shortCount } from '../../text/format.ts';
import { rangeText, useTimeWindow } from '../../time/range.ts';
import { Button } from '../../ui/button.tsx';
import { copyText } from '../../ui/copy.tsx';
import { useNow } from '../../time/use-now.ts';
import { Allowed, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { SavedViews, SaveView } from '../../views/saved-views.tsx';
import { useView } from '../../views/use-views.ts';
import { isLink, searchOf, unknownParameters } from '../../views/view-state.ts';
import { ColumnChooser } from './column-chooser.tsx';
import { chooseColumn, chosenMax } from './choose-column.tsx';
import { columnsByDefault, exportedColumns, traceColumns } from './columns.tsx';
import { EmptyTraces } from './empty-traces.tsx';
import { ExportCalls } from './export-calls.tsx';
import { Facets } from './facets.tsx';
import { Peek } from './peek.tsx';
import { problemOf, QueryBar, QueryChips } from './query-bar.tsx';
import { RowMenu } from './row-menu.tsx';
import { rowOfTrace, type TraceRow } from './trace-row.ts';
import { useLive } from './use-live.ts';

const idOf = ({ id }: TraceRow): string => id;
const pageSize = 200;

type TracePage = Awaited<ReturnType<ReturnType<typeof gateway.traces.list>['page']>>;

export function Traces(): ReactElement {
  return (
    <Allowed permission="traces.read">
      <TracesPage />
    </Allowed>
  );
}

function TracesPage(): ReactElement {
  const search = useSearch({ from: '/traces' });
  const navigate = useNavigate({ from: '/traces' });
  const query = search.q ?? '';
  const now = useNow(60_000);
  const window = useTimeWindow(search, now);
  const view = useView(search.view);
  const isArriving = isLink(search) && view !== null;
  const asked = { ...(query === '' ? {} : { query }), start_time: window.start, until: window.end };
  const isLive = search.live === '1';
  const [cursor, setCursor] = useState<string | null>(search.peek ?? null);
  const [scrolled, setScrolled] = useState(false);
  const [hasMenu, setHasMenu] = useState(false);
  const [facetsOpen, setFacetsOpen] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());

  const list = useInfiniteQuery({
    queryKey: ['traces', asked],
    // A cursor is good for the window it came from: where that ends now, it ends for all pages when the first was asked for.
    queryFn: async ({ pageParam, signal }) => {
      const question = pageParam?.question ?? questionOf(asked);
      return { question, page: await gateway.traces.list({ ...question, limit: pageSize }, { signal }).page(pageParam?.cursor) };
    },
    initialPageParam: undefined as { readonly cursor: string; readonly question: ReturnType<typeof questionOf> } | undefined,
    getNextPageParam: ({ question, page }) => (page.cursor === null ? undefined : { cursor: page.cursor, question }),
    placeholderData: keepPreviousData,
    enabled: !isLive && !isArriving,
  });
  const facets = useQuery({
    queryKey: ['facets', asked],
    queryFn: ({ signal }) => gateway.traces.facets(questionOf(asked), { signal }),
    placeholderData: keepPreviousData,
    enabled: !isArriving,
  });
  const histogram = useQuery({
    queryKey: ['histogram', asked],
    queryFn: ({ signal }) => gateway.traces.histogram({ ...questionOf(asked), buckets: 90 }, { signal }),
    placeholderData: keepPreviousData,
    enabled: !isArriving,
    ...(isLive ? { refetchInterval: 10_000 } : {}),
  });
  const live = useLive(query, isLive, scrolled || search.peek !== undefined);

  // A query that is not understood hides nothing of what was there.
  const isUnanswered = problemOf(list.error) !== null;
  const [last, setLast] = useState(list.data);
  if (list.data !== undefined && list.data !== last) setLast(list.data);
  const answer = list.data ?? (isUnanswered ? last : undefined);

  const found = useMemo(() => (answer?.pages ?? []).flatMap(({ page }) => rowsOfPage(page)), [answer]);
  const rows = isLive ? live.rows : found;
  const shown = shownColumns(search.cols);
  const exported = [...new Set(shown.flatMap((id) => exportedColumns[id] ?? []))];
  const known = useMemo(
    () => new Map((facets.data?.facets ?? []).map(({ name, values }) => [name as string, values.flatMap(({ value }) => value ?? [])])),
    [facets.data],
  );

  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }) });
  // A link names the view and what is to differ from it: the address says all of it from then on.
  useEffect(() => {
    if (!isLink(search) || view === null || view === undefined) return;
    const own = Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
    void navigate({ search: { ...searchOf('traces', view.state), ...own }, replace: true });
  }, [search, view, navigate]);
  // What a view of before, or of another version, says that is known no more is said; a query that is not understood says its own.
  const lost = [
    ...(view === null || view === undefined ? [] : unknownParameters('traces', view)),
    ...(search.cols ?? '')
      .split(',')
      .filter((id) => id !== '' && !traceColumns.some((column) => column.id === id))
      .map((id) => `the column ${id}`),
  ];
  const chooseView = (next: ReturnType<typeof searchOf> & { readonly view: string | undefined }): void => change({ ...next, peek: undefined });
  const ask = (next: string): void => change({ q: next === '' ? undefined : next, peek: undefined });
  const open = (id: string | null): void => {
    setCursor(id);
    // The way back leads through what was open; going from row to row does not fill it.
    if (search.peek !== (id ?? undefined))
      void navigate({ search: (old) => ({ ...old, peek: id ?? undefined }), replace: search.peek !== undefined && id !== null });
  };
  const move = (by: 1 | -1): void => {
    const next = moved(rows, idOf, cursor, by);
    setCursor(next);
    if (search.peek !== undefined && next !== null) void navigate({ search: (old) => ({ ...old, peek: next }), replace: true });
  };
  const toggle = useCallback(
    (id: string): void =>
      setChosen((old) => {
        const next = new Set(old);
        if (!next.delete(id) && next.size < chosenMax) next.add(id);
        return next;
      }),
    [],
  );
  const columns = useMemo(() => [chooseColumn(chosen, toggle), ...traceColumns], [chosen, toggle]);
  // Hundreds of bars: not drawn anew with each call that comes in live.
  const bars = useMemo(
    () =>
      histogram.data !== undefined && (
        <OutcomeBars
          buckets={histogram.data.buckets}
          bucketMs={histogram.data.bucket_ms}
          onChoose={(from, to) => void navigate({ search: (old) => ({ ...old, range: undefined, from, to }) })}
        />
      ),
    [histogram.data, navigate],
  );
  const [a, b] = chosen;
  const compare = (): void => {
    // The older stands first: what changed since is read from left to right.
    const [older, newer] = rows.findIndex(({ id }) => id === a) > rows.findIndex(({ id }) => id === b) ? [a, b] : [b, a];
    if (chosen.size === 2) void navigate({ to: '/traces/compare', search: { a: older, b: newer } });
  };
  const rowAt = rows.find(({ id }) => id === cursor);
  useShortcuts([
    { keys: 'x', about: 'Select the row', run: () => cursor !== null && toggle(cursor) },
    { keys: '=', about: 'Compare the two selected traces', run: compare },
    { keys: 'j', about: 'Next row', run: () => move(1) },
    { keys: 'k', about: 'Previous row', run: () => move(-1) },
    { keys: 'Enter', about: 'Open the row beside the list', run: () => cursor !== null && open(cursor) },
    {
      keys: 'shift+Enter',
      about: 'Open the row as a page',
      run: () => cursor !== null && void navigate({ to: '/traces/$traceId', params: { traceId: cursor } }),
    },
    { keys: 'Escape', about: 'Close the side panel', run: () => open(null) },
    { keys: 'l', about: 'Follow calls as they end', run: () => change({ live: isLive ? undefined : '1', peek: undefined }) },
    { keys: 'f', about: 'Filters', run: () => setFacetsOpen(!facetsOpen) },
    { keys: '.', about: 'Actions for the row', run: () => setHasMenu(rowAt !== undefined) },
    { keys: 'y', about: 'Copy the ID', run: () => cursor !== null && void copyText(cursor) },
  ]);

  const total = answer?.pages[0]?.page.estimated_total ?? null;
  const scannedTo = answer?.pages.at(-1)?.page.scanned_range.start_time;
  const footer = isLive ? (
    `${pluralText(rows.length, 'call')} since you started${live.sampled === null ? '' : ` · showing ${countText(live.sampled.shown)}/s of ${countText(live.sampled.of)}/s`}`
  ) : list.isFetchingNextPage ? (
    'Loading more…'
  ) : (
    <>
      {found.length > 0 && `1–${countText(found.length)} of ${list.hasNextPage ? '~' : ''}${countText(total ?? found.length)} · ${rangeText(search)}`}
      {list.hasNextPage && scannedTo !== undefined && (
        <>
          {' '}
          · searched back to <Ago time={scannedTo} />
        </>
      )}
    </>
  );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2 sm:px-4">
        <div className="flex items-center justify-between gap-3">
          <h1 className="text-title font-semibold">Traces</h1>
          <div className="flex gap-1.5">
            <Button className="xl:hidden" aria-pressed={facetsOpen} onClick={() => setFacetsOpen(!facetsOpen)}>
              <Filter size={14} aria-hidden="true" /> <span className="max-sm:sr-only">Filters</span>
            </Button>
            <ColumnChooser
              columns={traceColumns}
              shown={shown}
              byDefault={columnsByDefault}
              onChange={(ids) => change({ cols: ids === null ? undefined : ids.join(',') })}
            />
            <SaveView page="traces" search={search} onChoose={chooseView} />
            <ExportCalls columns={exported} question={() => questionOf(asked)} />
            <Button
              aria-pressed={isLive}
              onClick={() => change({ live: isLive ? undefined : '1', peek: undefined })}
              className={isLive ? '!border-accent !text-accent' : ''}
            >
              <Radio size={14} aria-hidden="true" className={isLive ? 'animate-[waiting_2s_ease-in-out_infinite]' : ''} /> {isLive ? 'LIVE' : 'Live'}
            </Button>
          </div>
        </div>
        <SavedViews page="traces" title="All traces" search={search} view={view ?? null} onChoose={chooseView} />
        {search.view !== undefined && view === null && (
          <p role="status" className="text-meta text-ink-2">
            The view in this address does not exist, or is not shared with you.{' '}
            <button type="button" className="text-accent hover:underline" onClick={() => change({ view: undefined })}>
              Continue without it
            </button>
          </p>
        )}
        {lost.length > 0 && (
          <p role="status" className="text-meta text-ink-2">
            Ignored, as it no longer exists: <span className="font-mono">{lost.join(', ')}</span>
          </p>
        )}
        <QueryBar query={query} onCommit={ask} error={list.error ?? facets.error ?? histogram.error} known={known} />
        <QueryChips query={query} onChange={ask} />
      </div>
      <div className="relative flex min-h-0 flex-1 border-t border-hairline">
        <aside
          aria-label="Filters"
          className={`w-60 shrink-0 overflow-y-auto border-r border-hairline p-3 xl:block ${facetsOpen ? 'max-xl:absolute max-xl:inset-y-0 max-xl:left-0 max-xl:z-20 max-xl:bg-surface max-xl:shadow-[0_8px_24px_var(--shadow)]' : 'hidden'}`}
        >
          {facets.isLoadingError ? (
            !isUnanswered && <ErrorCard error={facets.error} onRetry={() => void facets.refetch()} what="The filters" />
          ) : facets.data === undefined ? (
            <Skeleton rows={6} label="Loading filters" />
          ) : (
            <Facets facets={facets.data.facets} query={query} onChange={ask} isStale={facets.isPlaceholderData} />
          )}
        </aside>
        <section aria-label="Calls" className="relative flex min-w-0 flex-1 flex-col">
          <div className="h-[72px] shrink-0 border-b border-hairline bg-surface">
            <div className={histogram.isPlaceholderData ? 'opacity-60' : ''}>{bars}</div>
          </div>
          {chosen.size > 0 && (
            <div role="status" className="flex shrink-0 flex-wrap items-center gap-2 border-b border-hairline bg-accent-soft px-3 py-1.5">
              <span className="mr-2">{pluralText(chosen.size, 'trace')} selected</span>
              <Button disabled={chosen.size !== 2} title={chosen.size === 2 ? '=' : 'Select two traces to compare.'} onClick={compare}>
                <Columns2 size={14} aria-hidden="true" /> Compare
              </Button>
              <ExportCalls
                key={chosenQuery(chosen)}
                title="All calls of the selection"
                columns={exported}
                question={() => questionOf({ ...asked, query: chosenQuery(chosen) })}
              />
              <Button look="quiet" onClick={() => setChosen(new Set())}>
                Clear selection
              </Button>
            </div>
          )}
          {live.waiting > 0 && (
            <button
              type="button"
              onClick={({ currentTarget }) => {
                // The list goes on where its newest row stands, and nothing lies beside it.
                currentTarget.parentElement?.querySelector('[role=grid]')?.parentElement?.scrollTo({ top: 0 });
                open(null);
              }}
              className="absolute top-28 left-1/2 z-10 -translate-x-1/2 rounded-control bg-ink px-3 py-1 text-meta text-canvas"
            >
              ▲ {shortCount(live.waiting)} new
            </button>
          )}
          {list.isLoadingError && !isUnanswered && !isLive ? (
            <ErrorCard error={list.error} onRetry={() => void list.refetch()} what="The list of traces" />
          ) : live.error !== null && isLive && problemOf(live.error) === null ? (
            <ErrorCard error={live.error} onRetry={() => change({ live: undefined })} what="The live list" />
          ) : list.isPending && !isLive && !isUnanswered ? (
            <Skeleton rows={14} label="Loading traces" columns={['choose', ...shown].flatMap((id) => columns.find((column) => column.id === id) ?? [])} />
          ) : rows.length === 0 && isUnanswered ? (
            <Empty title="The query cannot be read">The mark above shows where, and what could stand there.</Empty>
          ) : rows.length === 0 ? (
            <EmptyTraces isLive={isLive} query={query} search={search} onChange={ask} />
          ) : (
            <DataTable
              label="Traces, newest first"
              columns={columns}
              shown={['choose', ...shown]}
              selected={chosen}
              rows={rows}
              idOf={idOf}
              cursor={search.peek ?? cursor}
              isStale={!isLive && (list.isPlaceholderData || isUnanswered)}
              onOpen={({ id }) => open(id)}
              onScroll={(top) => setScrolled(top > 8)}
              {...(list.hasNextPage && !isLive && !list.isFetchingNextPage ? { onEnd: () => void list.fetchNextPage() } : {})}
              footer={footer}
              rowClass={({ status }) => (status === 'success' ? '' : 'font-medium')}
            />
          )}
        </section>
        {hasMenu && rowAt !== undefined && (
          <RowMenu
            row={rowAt}
            query={query}
            isChosen={chosen.has(rowAt.id)}
            onOpen={() => open(rowAt.id)}
            onAsk={ask}
            onChoose={() => toggle(rowAt.id)}
            onClose={() => setHasMenu(false)}
          />
        )}
        {search.peek !== undefined && <Peek traceId={search.peek} onClose={() => open(null)} />}
      </div>
    </div>
  );
}

const rowsOf = new WeakMap<TracePage, readonly TraceRow[]>();

/** A page that was there before another came below it has the rows it had. */
function rowsOfPage(page: TracePage): readonly TraceRow[] {
  const known = rowsOf.get(page) ?? page.traces.map(rowOfTrace);
  rowsOf.set(page, known);
  return known;
}

/** A window that is open ends now. */
function questionOf({ until, ...rest }: { readonly query?: string; readonly start_time: string; readonly until: string | undefined }): {
  query?: string;
  start_time: string;
  end_time: string;
} {
  return { ...rest, end_time: until ?? new Date().toISOString() };
}

/** All calls of these traces, whatever the list was asked for. */
function chosenQuery(chosen: ReadonlySet<string>): string {
  return `trace:(${[...chosen].join(' OR ')})`;
}

function shownColumns(cols: string | undefined): readonly string[] {
  const known = (cols ?? '').split(',').filter((id) => traceColumns.some((column) => column.id === id));
  return known.length > 0 ? known : columnsByDefault;
}
