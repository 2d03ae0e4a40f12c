/** What stands above every part of a server: its name and state, its switch, and the parts themselves. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { NotFoundError, type Schemas } from '@gatewayops/sdk';
import { Stethoscope } from 'lucide-react';
import { useState, type ReactElement, type ReactNode } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { serverState, StateWord } from '../../ui/state-word.tsx';
import { Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { quoted } from '../traces/query-text.ts';
import { serverQuery, serversQuery, switchesQuery, testQuery } from './use-servers.ts';
import { SwitchedOff } from './switched-off.tsx';

const tabs = [
  ['overview', 'Overview'],
  ['tools', 'Tools'],
  ['traffic', 'Traffic'],
  ['access', 'Access'],
  ['config', 'Configuration'],
] as const;
export type ServerTab = (typeof tabs)[number][0];

interface ServerFrameProps {
  readonly name: string;
  readonly tab: ServerTab;
  /** A part that scrolls by itself fills what is left of the page. */
  readonly fills?: boolean;
  readonly children: (server: Schemas['Server'], off: Schemas['Switch'] | undefined) => ReactNode;
}

export function ServerFrame({ name, tab, fills = false, children }: ServerFrameProps): ReactElement {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [switching, setSwitching] = useState(false);
  const mayTest = useCapability('servers.test');
  const maySwitch = useCapability('switches.write');
  const found = useQuery(serverQuery(name));
  const switches = useQuery({ ...switchesQuery, enabled: useCapability('policies.read').allowed });
  const test = useMutation({
    mutationFn: () => queries.fetchQuery({ ...testQuery(name), staleTime: 0 }),
    onSuccess: () => void navigate({ to: '/servers/$name', params: { name } }),
    onSettled: () => void found.refetch(),
  });
  const refresh = async (): Promise<void> => {
    await Promise.all([queries.invalidateQueries({ queryKey: switchesQuery.queryKey }), queries.invalidateQueries({ queryKey: serversQuery.queryKey })]);
  };
  const enable = useMutation({ mutationFn: () => gateway.switches.enable('server', name), onSuccess: refresh });
  if (found.error instanceof NotFoundError)
    return (
      <Empty title={`There is no server “${name}”`} isPage>
        It may have been deleted, or your roles may not let you see it.{' '}
        <Link to="/servers" className="text-accent underline">
          Show all servers
        </Link>
      </Empty>
    );
  if (found.error !== null && found.data === undefined) return <ErrorCard error={found.error} what="The server" onRetry={() => void found.refetch()} />;
  if (found.data === undefined) return <Skeleton rows={10} label="Loading the server" />;
  const server = found.data;
  const off = switches.data?.get(name);
  const choose = (chosen: ServerTab): void =>
    void (chosen === 'tools'
      ? navigate({ to: '/servers/$name/tools', params: { name } })
      : navigate({ to: '/servers/$name', params: { name }, search: chosen === 'overview' ? {} : { tab: chosen } }));
  return (
    <div className={fills ? 'flex h-full min-h-0 flex-col' : 'flex flex-col'}>
      <header className="flex flex-col gap-3 px-3 pt-4 sm:px-4">
        <div className="flex flex-wrap items-start justify-between gap-3">
          <div>
            <h1 className="text-title font-semibold">{server.name}</h1>
            <p className="mt-1 flex flex-wrap gap-x-4 text-ink-2">
              {off === undefined ? <StateWord state={serverState(server)} reason={server.reason} /> : <StateWord state="off" reason={off.reason} />}
              <span>{server.transport}</span>
              <Link to="/traces" search={{ q: `server:${quoted(server.name)}` }} className="text-accent hover:underline">
                traces
              </Link>
            </p>
          </div>
          <div className="flex gap-2">
            <Button disabled={!mayTest.allowed || test.isPending} title={mayTest.allowed ? undefined : mayTest.reason} onClick={() => test.mutate()}>
              <Stethoscope size={14} aria-hidden="true" /> {test.isPending ? 'Connecting…' : 'Connect and test'}
            </Button>
            {off === undefined ? (
              <Button look="danger" disabled={!maySwitch.allowed} title={maySwitch.allowed ? undefined : maySwitch.reason} onClick={() => setSwitching(true)}>
                Disable
              </Button>
            ) : (
              <Button
                disabled={!maySwitch.allowed || enable.isPending}
                title={maySwitch.allowed ? undefined : maySwitch.reason}
                onClick={() => enable.mutate()}
              >
                Enable
              </Button>
            )}
          </div>
        </div>
        <FaultLine error={enable.error ?? test.error} />
        {server.reason !== null && off === undefined && <p className="border-l-2 border-error-solid pl-3 text-body">{server.reason}</p>}
        {off !== undefined && <SwitchedOff off={off} />}
        <Tabs label="Parts of the server" tabs={tabs} chosen={tab} onChoose={choose} />
      </header>
      <div
        role="tabpanel"
        aria-label={tabs.find(([id]) => id === tab)?.[1]}
        className={fills ? 'flex min-h-0 flex-1 flex-col' : '[--state-inset:0px] px-3 py-5 sm:px-4'}
      >
        {children(server, off)}
      </div>
      {switching && (
        <Confirm
          title={`Disable ${server.name}?`}
          verb="Disable the server"
          reason="Reason"
          onClose={() => setSwitching(false)}
          onConfirm={async (reason) => {
            await gateway.switches.disable('server', name, { reason });
            await refresh();
          }}
        >
          No call reaches it, on every node within a second; live calls end. It can be enabled again here.
        </Confirm>
      )}
    </div>
  );
}
