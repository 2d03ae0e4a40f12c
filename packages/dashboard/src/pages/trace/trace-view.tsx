/** A trace: its calls on the axis of time, and the one that is looked at beside them. The page and the panel beside a list are made of it. */
import { Link } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
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
import { SpanFilterBar, type SpanFilter } from './span-filter.tsx';
import { treeRows, type OpenCalls } from './tree-rows.ts';
import { traceQuery, useTraceTree } from './use-trace.ts';
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
  const find = (filter.find ?? '').trim();
  const tree = useTraceTree(traceId, { spanId, status: trace.data?.status, find });
  const { outline, spans, chosen: placed } = tree;
  const [open, setOpen] = useState<OpenCalls>(noneOpen);
  const meant = useMemo(() => (find === '' || !outline?.found ? null : new Set(outline.found)), [find, outline]);
  const places = useMemo(
    () => (meant !== null && filter.isHiding ? [...meant] : Array.from({ length: outline?.start_ms.length ?? 0 }, (_, place) => place)),
    [outline, meant, filter.isHiding],
  );
  const rows = useMemo(() => treeRows(places, spans, open), [places, spans, open]);
  useShortcuts([
    { keys: ']', about: 'Expand all calls', run: () => setOpen({ isAll: true, but: new Set() }) },
    { keys: '[', about: 'Collapse all calls', run: () => setOpen(noneOpen) },
  ]);
  const chosen = placed?.span;
  useCallAgain(traceId, chosen);

  const error = trace.error ?? tree.error;
  if (error instanceof NotFoundError)
    return (
      <Empty title="Trace not found" isPage={!isNarrow}>
        It may have been deleted at the end of its retention
        <KeptFor />, belong to another organization, or not have ended yet. Its id is <Id id={traceId} />.{' '}
        <Link to="/traces" className="text-accent underline">
          Show all traces
        </Link>
      </Empty>
    );
  const found = trace.data;
  if (found === undefined || outline === undefined)
    return error === null ? (
      <>
        {!isNarrow && <h1 className="px-3 pt-3 text-title font-semibold sm:px-4">Trace</h1>}
        <Skeleton rows={10} label="Loading the trace" />
      </>
    ) : (
      <ErrorCard
        error={error}
        what="The trace"
        onRetry={() => {
          void trace.refetch();
          tree.refetch();
        }}
      />
    );

  const first = found.spans[0];
  // That whose end is the end of the trace.
  const decided = tree.spans.get(outline.not_ok.find(({ status }) => status === found.status)?.place ?? 0);
  const size = outline.start_ms.length;
  const toggle = (id: string): void => {
    const but = new Set(open.but);
    if (!but.delete(id)) but.add(id);
    setOpen({ isAll: open.isAll, but });
  };
  // Beside a list the page has its title already.
  const Title = isNarrow ? 'h2' : 'h1';
  const who = found.context.user_id ?? found.context.agent_name ?? found.context.key_id;
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
          <Rail stop={decided?.stop ?? ''} status={found.status === 'success' || decided !== undefined ? found.status : 'unknown'} />
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
          style={isNarrow ? { height: 84 + rows.length * 28 + (size > 1 ? 40 : 0) } : undefined}
        >
          {(size > 1 || filter.find !== undefined) && <SpanFilterBar filter={filter} found={meant?.size ?? null} all={size} onChange={onFilter} />}
          <Waterfall
            meant={meant}
            rows={rows}
            outline={outline}
            startMs={Date.parse(found.start_time)}
            lengthMs={Math.max(found.duration_ms, 0.001)}
            chosen={placed?.place ?? null}
            onChoose={({ id }) => onSpan(id)}
            onToggle={toggle}
            onSight={tree.want}
          />
          {outline.truncated && (
            <p className="border-t border-hairline bg-warn-soft px-3 py-1.5 text-meta text-warn">
              The trace has more calls than can be shown; the latest are left out.
            </p>
          )}
          {tree.error !== null && <ErrorCard error={tree.error} what="A part of the trace" onRetry={tree.refetch} />}
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

const noneOpen: OpenCalls = { isAll: false, but: new Set() };

/** ` (30d)`, for whoever may read the configuration. */
function KeptFor(): ReactElement | null {
  const { allowed } = useCapability('config.read');
  const found = useQuery({ ...retentionQuery, enabled: allowed });
  const keep = found.data?.find(({ name, served }) => name === 'traces' && served)?.spec.keep;
  return keep === undefined ? null : <> ({keep})</>;
}
