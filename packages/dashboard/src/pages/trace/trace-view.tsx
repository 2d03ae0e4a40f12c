/** A trace: its calls on the axis of time, and the one that is looked at beside them. The page and the panel beside a list are made of it. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState, type ReactElement } from 'react';
import { NotFoundError } from '@gatewayops/sdk';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { Rail, StatusWord } from '../../rail/rail.tsx';
import { pluralText } from '../../text/format.ts';
import { Duration, Money } from '../../text/number.tsx';
import { Clock } from '../../time/time.tsx';
import { Id } from '../../ui/copy.tsx';
import { Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { retentionQuery } from '../settings/retention-query.ts';
import { operationText } from '../traces/trace-row.ts';
import { useCallAgain } from './call-again.tsx';
import { SpanDetail, type SpanTab } from './span-detail.tsx';
import { foundSpans, SpanFilterBar, type SpanFilter } from './span-filter.tsx';
import { criticalPath, treeRows } from './tree-rows.ts';
import { spansQuery, traceQuery } from './use-trace.ts';
import { Waterfall } from './waterfall.tsx';

interface TraceViewProps {
  readonly traceId: string;
  readonly spanId: string | null;
  readonly tab: SpanTab;
  readonly onSpan: (id: string) => void;
  readonly onTab: (tab: SpanTab) => void;
  readonly filter: SpanFilter;
  readonly onFilter: (filter: SpanFilter) => void;
  /** Beside a list there is room for one below the other only. */
  readonly isNarrow: boolean;
  readonly actions: ReactElement;
}

export function TraceView({ traceId, spanId, tab, onSpan, onTab, filter, onFilter, isNarrow, actions }: TraceViewProps): ReactElement {
  const trace = useQuery(traceQuery(traceId));
  const tree = useInfiniteQuery(spansQuery(traceId));
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const spans = useMemo(() => (tree.data?.pages ?? []).flatMap((page) => page.spans), [tree.data]);
  const meant = useMemo(() => foundSpans(spans, filter.find), [spans, filter.find]);
  const rows = useMemo(
    () => treeRows(meant === null || !filter.isHiding ? spans : spans.filter(({ id }) => meant.has(id)), open),
    [spans, open, meant, filter.isHiding],
  );
  const critical = useMemo(() => criticalPath(spans), [spans]);
  useShortcuts([
    { keys: ']', about: 'Open all calls', run: () => setOpen(new Set(spans.map(({ id }) => id))) },
    { keys: '[', about: 'Close all calls', run: () => setOpen(new Set()) },
  ]);
  // The call that decides how the trace ended is the one to look at first.
  const chosen = spans.find(({ id }) => id === spanId) ?? spans.find(({ status }) => status === trace.data?.status) ?? spans[0];
  useCallAgain(traceId, chosen);

  const error = trace.error ?? tree.error;
  if (error instanceof NotFoundError)
    return (
      <Empty title="There is no such trace here">
        It may be older than traces are kept
        <KeptFor />, of another organization, or it has not ended yet. Its id is <Id id={traceId} />.
      </Empty>
    );
  const found = trace.data;
  if (found === undefined || tree.data === undefined)
    return error === null ? (
      <Skeleton rows={10} label="Loading the trace" />
    ) : (
      <ErrorCard error={error} what="The trace" onRetry={() => void Promise.all([trace.refetch(), tree.refetch()])} />
    );

  const first = found.spans[0];
  const startMs = Date.parse(found.start_time);
  const toggle = (id: string): void => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  // Beside a list the page has its title already.
  const Title = isNarrow ? 'h2' : 'h1';
  const who = found.context.agent_name ?? found.context.user_id ?? found.context.key_id;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex shrink-0 flex-col gap-2 border-b border-hairline px-3 py-3 sm:px-4">
        <div className="flex flex-wrap items-start justify-between gap-2">
          <Title className={`min-w-0 font-semibold break-words ${isNarrow ? 'text-section' : 'text-title'}`}>
            {first === undefined ? 'Trace' : `${first.server} · ${first.tool ?? first.name ?? operationText(first.operation)}`}
            {found.span_count > 1 && <span className="font-normal text-ink-3"> and {pluralText(found.span_count - 1, 'other call')}</span>}
          </Title>
          {actions}
        </div>
        <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-ink-2">
          <Rail stop={chosen?.stop ?? 'reply'} status={found.status} />
          <StatusWord status={found.status} />
          <Duration ms={found.duration_ms} />
          <Money amount={found.total_cost} currency={found.currency} />
          {who !== null && <span>{who}</span>}
          {found.context.client_name !== null && found.context.client_name !== who && <span className="text-ink-3">{found.context.client_name}</span>}
          <Clock time={found.start_time} />
          <Id id={found.id} />
        </div>
      </header>
      <div className={`flex min-h-0 flex-1 ${isNarrow ? 'flex-col' : 'flex-col lg:flex-row'}`}>
        <section
          aria-label="Timeline"
          className={`flex min-h-32 min-w-0 flex-col ${isNarrow ? 'max-h-[45%] shrink-0 border-b border-hairline' : 'flex-1'}`}
          style={isNarrow ? { height: 84 + rows.length * 28 + (spans.length > 1 ? 40 : 0) } : undefined}
        >
          {(spans.length > 1 || filter.find !== undefined) && (
            <SpanFilterBar filter={filter} found={meant?.size ?? null} all={spans.length} onChange={onFilter} />
          )}
          <Waterfall
            meant={meant}
            rows={rows}
            spans={spans}
            startMs={startMs}
            lengthMs={Math.max(found.duration_ms, 0.001)}
            critical={critical}
            chosen={chosen?.id ?? null}
            onChoose={({ id }) => onSpan(id)}
            onToggle={toggle}
            {...(tree.hasNextPage && !tree.isFetchingNextPage ? { onEnd: () => void tree.fetchNextPage() } : {})}
          />
          {tree.data.pages[0]?.truncated === true && (
            <p className="border-t border-hairline bg-warn-soft px-3 py-1.5 text-meta text-warn">
              The trace has more calls than are shown as a tree; those that began last are left out.
            </p>
          )}
        </section>
        {chosen !== undefined && (
          <section
            aria-label="The call"
            className={`flex min-h-0 flex-col ${isNarrow ? 'flex-1' : 'border-hairline max-lg:border-t lg:w-[420px] lg:border-l xl:w-[520px]'}`}
          >
            <SpanDetail traceId={traceId} span={chosen} context={found.context} currency={found.currency} tab={tab} onTab={onTab} />
          </section>
        )}
      </div>
    </div>
  );
}

/** ` (30d)`, for whoever may read the configuration. */
function KeptFor(): ReactElement | null {
  const { allowed } = useCapability('config.read');
  const found = useQuery({ ...retentionQuery, enabled: allowed });
  const keep = found.data?.find(({ name, served }) => name === 'traces' && served)?.spec.keep;
  return keep === undefined ? null : <> ({keep}: what they asked and answered goes with them)</>;
}
