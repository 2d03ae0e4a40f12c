/** Who changed what, and whether the record of it is whole. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { Filter } from 'lucide-react';
import { useMemo, useState, type FormEvent, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved, type Column } from '../../table/data-table.tsx';
import { middleCut } from '../../text/format.ts';
import { rangeText, useTimeWindow } from '../../time/range.ts';
import { Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Allowed, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { ChainBadge, NotWhole, useChain } from './chain-state.tsx';
import { nameIn } from './changes-of.ts';
import { EventPanel } from './event-panel.tsx';
import { ExportEvents } from './export-events.tsx';

export type AuditEvent = Schemas['AuditEvent'];

const idOf = ({ id }: AuditEvent): string => id;

export function Audit(): ReactElement {
  return (
    <Allowed permission="audit.read">
      <AuditPage />
    </Allowed>
  );
}

function AuditPage(): ReactElement {
  const search = useSearch({ from: '/audit' });
  const navigate = useNavigate({ from: '/audit' });
  const window = useTimeWindow(search, useNow(60_000));
  const filters = {
    ...(search.text === undefined ? {} : { text: search.text }),
    ...(search.action === undefined ? {} : { action: search.action }),
    ...(search.actor === undefined ? {} : { actor: search.actor }),
    ...(search.object === undefined ? {} : { object: search.object }),
    ...(search.result === undefined ? {} : { result: search.result }),
    ...(search.internal === undefined ? {} : { internal: 'true' as const }),
  };
  const asked = { ...filters, start_time: window.start, ...(window.end === undefined ? {} : { end_time: window.end }) };
  const list = useInfiniteQuery({
    queryKey: ['audit', asked],
    queryFn: ({ pageParam, signal }) => gateway.audit.list({ ...asked, limit: 100 }, { signal }).page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ cursor }) => cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const events = useMemo(() => (list.data?.pages ?? []).flatMap((page) => page.events), [list.data]);
  const change = (next: Partial<typeof search>): void => void navigate({ search: (old) => ({ ...old, ...next }), replace: true });
  const cursor = search.event ?? null;
  const listed = events.find(({ id }) => id === cursor);
  // A link names an event that may be on no page of the list that was read yet, or in none of this time.
  const linked = useQuery({
    queryKey: ['audit', 'event', cursor],
    queryFn: async ({ signal }) => {
      const page = await gateway.audit.list({ text: cursor ?? '', internal: 'true', tool_calls: 'none', limit: 50 }, { signal }).page();
      return page.events.find(({ id }) => id === cursor) ?? null;
    },
    enabled: cursor !== null && listed === undefined && list.data !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const chosen = listed ?? (cursor === null ? undefined : (linked.data ?? undefined));
  useShortcuts([
    { keys: 'j', about: 'Next event', run: () => change({ event: moved(events, idOf, cursor, 1) ?? undefined }) },
    { keys: 'k', about: 'Previous event', run: () => change({ event: moved(events, idOf, cursor, -1) ?? undefined }) },
    { keys: 'Escape', about: 'Close the side panel', run: () => change({ event: undefined }) },
  ]);
  const isFiltered = Object.keys(filters).length > 0;
  const chain = useChain();
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2 sm:px-4">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-2">
          <h1 className="text-title font-semibold">Audit</h1>
          <div className="flex min-w-0 items-center gap-2 sm:ml-auto max-sm:order-last max-sm:w-full">
            <ChainBadge chain={chain} />
          </div>
          <ExportEvents asked={asked} />
        </div>
        <NotWhole chain={chain} />
        <Filters key={JSON.stringify(filters)} search={search} onChange={change} />
      </div>
      <div className="flex min-h-0 flex-1 border-t border-hairline">
        {list.error !== null && list.data === undefined ? (
          <ErrorCard error={list.error} what="The audit log" onRetry={() => void list.refetch()} />
        ) : list.isPending ? (
          <Skeleton rows={12} label="Loading the audit" columns={columns} />
        ) : events.length === 0 ? (
          <div className="min-w-0 flex-1">
            <Empty title={isFiltered ? `No events in the ${rangeText(search)} match` : `No changes in the ${rangeText(search)}`}>
              {isFiltered && (
                <Button
                  onClick={() => change({ text: undefined, action: undefined, actor: undefined, object: undefined, result: undefined, internal: undefined })}
                >
                  Clear filters
                </Button>
              )}
            </Empty>
          </div>
        ) : (
          <DataTable
            label="Events, newest first"
            columns={columns}
            shown={columns.map(({ id }) => id)}
            rows={events}
            idOf={idOf}
            cursor={cursor}
            isStale={list.isPlaceholderData}
            onOpen={({ id }) => change({ event: id })}
            {...(list.hasNextPage && !list.isFetchingNextPage ? { onEnd: () => void list.fetchNextPage() } : {})}
          />
        )}
        {chosen !== undefined && <EventPanel event={chosen} onClose={() => change({ event: undefined })} onFilter={change} />}
      </div>
    </div>
  );
}

interface FiltersProps {
  readonly search: Readonly<Partial<Record<'text' | 'action' | 'actor' | 'object' | 'result' | 'internal', string | undefined>>>;
  readonly onChange: (next: {
    text?: string | undefined;
    action?: string | undefined;
    actor?: string | undefined;
    object?: string | undefined;
    result?: 'success' | 'denied' | 'failed' | undefined;
    internal?: '1' | undefined;
  }) => void;
}

/** Asked for with Enter: each of them is a question to the registry. On narrow screens all but the first are folded, and how many of them hold is said. */
function Filters({ search, onChange }: FiltersProps): ReactElement {
  const [draft, setDraft] = useState({ text: search.text ?? '', action: search.action ?? '', actor: search.actor ?? '', object: search.object ?? '' });
  const folded = [search.action, search.actor, search.object, search.result, search.internal].filter((one) => one !== undefined).length;
  const [isOpen, setOpen] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const said = (value: string): string | undefined => (value.trim() === '' ? undefined : value.trim());
    onChange({ text: said(draft.text), action: said(draft.action), actor: said(draft.actor), object: said(draft.object) });
  };
  const field = (name: keyof typeof draft, label: string, placeholder: string): ReactElement => (
    <div className="min-w-28 flex-1">
      <Field
        label={label}
        placeholder={placeholder}
        value={draft[name]}
        maxLength={200}
        onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
      />
    </div>
  );
  return (
    <form role="search" onSubmit={submit} className="flex flex-wrap items-end gap-2">
      {field('text', 'Find', 'Any text')}
      <Button className="xl:hidden" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Filter size={14} aria-hidden="true" /> Filters{folded > 0 && ` (${String(folded)})`}
      </Button>
      <div className={`flex min-w-0 flex-[4] flex-wrap items-end gap-2 max-xl:basis-full ${isOpen ? '' : 'max-xl:hidden'}`}>
        {field('action', 'Action', 'key.*')}
        {field('actor', 'Who', 'key_… or an id')}
        {field('object', 'What', 'An id')}
        <Choice
          label="Result"
          value={search.result ?? ''}
          choices={[
            ['', 'any'],
            ['success', 'success'],
            ['denied', 'denied'],
            ['failed', 'failed'],
          ]}
          onChange={(event) => onChange({ result: event.target.value === '' ? undefined : (event.target.value as 'denied') })}
        />
        <label className="flex h-8 items-center gap-2 pointer-coarse:h-10">
          <input
            type="checkbox"
            checked={search.internal === '1'}
            onChange={(event) => onChange({ internal: event.target.checked ? '1' : undefined })}
            className="size-3.5 accent-(--accent)"
          />
          include actions of the gateway itself
        </label>
      </div>
      <button type="submit" className="sr-only">
        Find
      </button>
    </form>
  );
}

const resultLook: Readonly<Record<AuditEvent['result'], string>> = { success: 'text-ink-3', denied: 'text-blocked', failed: 'text-error' };
const resultMark: Readonly<Record<AuditEvent['result'], string>> = { success: '', denied: '⊘ ', failed: '⬣ ' };

const columns: readonly Column<AuditEvent>[] = [
  { id: 'time', title: 'Time', rank: 3, track: 'minmax(104px, 116px)', cell: ({ time }) => <Clock time={time} /> },
  {
    id: 'actor',
    title: 'Who',
    rank: 2,
    track: 'minmax(130px, 1.2fr)',
    cell: ({ actor }) => (
      <span title={actor.id}>
        <span className="text-ink-3">{actor.kind}</span> {actor.name ?? (actor.id === '' || actor.id === actor.kind ? null : middleCut(actor.id, 12))}
      </span>
    ),
  },
  { id: 'action', title: 'Action', rank: 3, track: 'minmax(140px, 1.2fr)', cell: ({ action }) => <span className="font-medium">{action}</span> },
  {
    id: 'object',
    title: 'What',
    rank: 2,
    track: 'minmax(160px, 1.6fr)',
    cell: ({ object, detail }) => (
      <span title={object.id}>
        <span className="text-ink-3">{object.kind}</span> {nameIn(detail) ?? middleCut(object.id, 12)}
      </span>
    ),
  },
  {
    id: 'result',
    title: 'Result',
    rank: 1,
    track: '96px',
    cell: ({ result }) => <span className={resultLook[result]}>{`${resultMark[result]}${result}`}</span>,
  },
  { id: 'ip', title: 'Address', track: '120px', cell: ({ ip }) => <code className="font-mono text-meta text-ink-2">{ip ?? 'this machine'}</code> },
];
