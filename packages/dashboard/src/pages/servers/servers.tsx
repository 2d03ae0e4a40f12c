/** The servers behind the gateway: how they are, and what their calls were like. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { Plus } from 'lucide-react';
import { useMemo, useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { useShortcuts } from '../../app/shortcuts.ts';
import { DataTable, moved, type Column } from '../../table/data-table.tsx';
import { countText, percentText } from '../../text/format.ts';
import { Duration } from '../../text/number.tsx';
import { useTimeWindow } from '../../time/range.ts';
import { useNow } from '../../time/use-now.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Sheet } from '../../ui/sheet.tsx';
import { serverState, StateWord } from '../../ui/state-word.tsx';
import { Allowed, Command, Empty } from '../../ui/states.tsx';
import { AddServer } from '../connect/add-server.tsx';
import { authText } from './auth-text.ts';
import { HealthRail } from './health-rail.tsx';
import { serversQuery, switchesQuery } from './use-servers.ts';
import { Loaded } from '../../ui/loaded.tsx';

interface ServerRow {
  readonly server: Schemas['Server'];
  readonly off: Schemas['Switch'] | undefined;
  readonly figures: Schemas['CallMetrics']['servers'][number] | undefined;
}

const idOf = ({ server }: ServerRow): string => server.name;

export function Servers(): ReactElement {
  return (
    <Allowed permission="servers.read">
      <ServersPage />
    </Allowed>
  );
}

function ServersPage(): ReactElement {
  const search = useSearch({ from: '/servers' });
  const navigate = useNavigate({ from: '/servers' });
  const window = useTimeWindow(search, useNow(60_000));
  const [cursor, setCursor] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const may = useCapability('config.write');
  const servers = useQuery(serversQuery);
  const switches = useQuery({ ...switchesQuery, enabled: useCapability('policies.read').allowed });
  const metrics = useQuery({
    queryKey: ['metrics', 'servers', window],
    queryFn: ({ signal }) =>
      gateway.metrics.calls({ start_time: window.start, ...(window.end === undefined ? {} : { end_time: window.end }), limit: 200 }, { signal }),
    enabled: useCapability('metrics.read').allowed,
    refetchInterval: 30_000,
  });
  const find = (search.find ?? '').toLowerCase();
  const rows = useMemo(() => {
    const figures = new Map((metrics.data?.servers ?? []).map((one) => [one.server, one]));
    return (servers.data ?? [])
      .filter(({ name, target }) => `${name} ${target}`.toLowerCase().includes(find))
      .map((server): ServerRow => ({ server, off: switches.data?.get(server.name), figures: figures.get(server.name) }));
  }, [servers.data, switches.data, metrics.data, find]);
  // Whatever failed beside the list is asked for with it.
  const again = (): ReturnType<typeof servers.refetch> => {
    if (switches.isLoadingError) void switches.refetch();
    if (metrics.isLoadingError) void metrics.refetch();
    return servers.refetch();
  };
  const open = (name: string): void => void navigate({ to: '/servers/$name', params: { name } });
  useShortcuts([
    { keys: 'j', about: 'Next server', run: () => setCursor(moved(rows, idOf, cursor, 1)) },
    { keys: 'k', about: 'Previous server', run: () => setCursor(moved(rows, idOf, cursor, -1)) },
    { keys: 'n', about: 'Add servers', run: () => may.allowed && setAdding(true) },
    { keys: 'Enter', about: 'Open the server', run: () => cursor !== null && open(cursor) },
  ]);
  const missing = [metrics.isLoadingError ? 'call figures' : '', switches.isLoadingError ? 'which servers are switched off' : ''].filter((one) => one !== '');
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex flex-col gap-2 px-3 pt-3 pb-2 sm:px-4">
        <div className="flex items-center justify-between gap-3">
          <h1 className="text-title font-semibold">Servers</h1>
          <Button look="primary" disabled={!may.allowed} title={may.allowed ? 'Add servers (n)' : may.reason} onClick={() => setAdding(true)}>
            <Plus size={14} aria-hidden="true" /> Add servers
          </Button>
        </div>
        <div className="max-w-md">
          <Field
            label="Find"
            placeholder="Part of the name or address"
            value={search.find ?? ''}
            maxLength={100}
            onChange={(event) =>
              void navigate({ search: (old) => ({ ...old, find: event.target.value === '' ? undefined : event.target.value }), replace: true })
            }
          />
        </div>
      </div>
      <div className="flex min-h-0 flex-1 border-t border-hairline">
        <Loaded query={{ data: servers.data, error: servers.error, refetch: again }} what="The list of servers" rows={8} columns={columns}>
          {(data) =>
            data.length === 0 ? (
              <Empty title="No servers yet">
                Add them under <code className="font-mono text-meta">servers</code> in gateway.yaml, or while the gateway is running:
                <Command text="npx --no gateway servers create docs --set url=https://docs.example/mcp" />
              </Empty>
            ) : rows.length === 0 ? (
              <Empty title={`None of ${countText(data.length)} servers matches “${search.find ?? ''}”`} />
            ) : (
              <DataTable
                label="Servers"
                columns={columns}
                shown={columns.map(({ id }) => id)}
                rows={rows}
                idOf={idOf}
                cursor={cursor}
                onOpen={({ server }) => open(server.name)}
                {...(missing.length === 0 ? {} : { footer: `Unavailable: ${missing.join(', and ')}. Retried automatically.` })}
              />
            )
          }
        </Loaded>
      </div>
      {adding && (
        <Sheet title="Add servers" onClose={() => setAdding(false)} wide>
          <div className="p-4">
            <AddServer />
          </div>
        </Sheet>
      )}
    </div>
  );
}

const none = <span className="text-ink-3">–</span>;

const columns: readonly Column<ServerRow>[] = [
  { id: 'name', title: 'Server', rank: 3, track: 'minmax(120px, 1fr)', cell: ({ server }) => <span className="font-medium">{server.name}</span> },
  { id: 'health', title: 'Health', rank: 1, track: '84px', cell: ({ server, off }) => <HealthRail state={off === undefined ? serverState(server) : 'off'} /> },
  {
    id: 'state',
    title: 'State',
    rank: 3,
    track: 'minmax(120px, 1fr)',
    cell: ({ server, off }) =>
      off === undefined ? <StateWord state={serverState(server)} reason={server.reason} /> : <StateWord state="off" reason={off.reason} />,
  },
  {
    id: 'transport',
    title: 'Transport',
    track: '72px',
    cell: ({ server }) => <span className="rounded-control border border-hairline px-1.5 text-meta text-ink-2">{server.transport}</span>,
  },
  {
    id: 'auth',
    title: 'Authentication',
    track: 'minmax(120px, 1fr)',
    cell: ({ server }) => (server.auth === 'none' ? <span className="text-warn">▲ open</span> : authText(server.auth)),
  },
  {
    id: 'target',
    title: 'Address',
    track: 'minmax(160px, 2fr)',
    cell: ({ server }) => <code className="font-mono text-meta text-ink-2">{server.target}</code>,
  },
  {
    id: 'tools',
    title: 'Tools',
    rank: 1,
    track: '52px',
    isNumber: true,
    cell: ({ server }) => (server.tools_listed === null ? none : countText(server.tools_listed)),
  },
  { id: 'calls', title: 'Calls', rank: 1, track: '64px', isNumber: true, cell: ({ figures }) => (figures === undefined ? none : countText(figures.calls)) },
  {
    id: 'failed',
    title: 'Failed',
    rank: 2,
    track: '64px',
    isNumber: true,
    cell: ({ figures }) =>
      figures === undefined ? none : <span className={figures.errors > 0 ? 'text-error' : 'text-ink-3'}>{percentText(figures.error_percent)}</span>,
  },
  {
    id: 'p95',
    title: 'p95',
    rank: 2,
    track: '76px',
    isNumber: true,
    cell: ({ figures }) => (figures?.latency_ms ? <Duration ms={figures.latency_ms.p95} /> : none),
  },
];
