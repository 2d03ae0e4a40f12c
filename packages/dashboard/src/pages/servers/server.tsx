/** One server: how it is, what it offers, how it is reached, and the switch that stops it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { NotFoundError, type Schemas } from '@gatewayops/sdk';
import { Stethoscope } from 'lucide-react';
import { useState, type ReactElement, type ReactNode } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText, durationText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { StateWord } from '../../ui/state-word.tsx';
import { Allowed, Command, Empty, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { JsonView } from '../trace/json-view.tsx';
import { serversQuery, switchesQuery } from './use-servers.ts';
import { SmallTable } from '../../ui/small-table.tsx';

export function Server(): ReactElement {
  return (
    <Allowed permission="servers.read">
      <ServerPage />
    </Allowed>
  );
}

function ServerPage(): ReactElement {
  const { name } = useParams({ from: '/servers/$name' });
  const queries = useQueryClient();
  const [switching, setSwitching] = useState(false);
  const mayTest = useCapability('servers.test');
  const maySwitch = useCapability('switches.write');
  const found = useQuery({
    queryKey: ['server', name],
    queryFn: async ({ signal }) => (await gateway.servers.get(name, { signal })).server,
    refetchInterval: 10_000,
  });
  const switches = useQuery({ ...switchesQuery, enabled: useCapability('policies.read').allowed });
  const test = useMutation({ mutationFn: async () => (await gateway.servers.test(name)).test, onSettled: () => void found.refetch() });
  const refresh = async (): Promise<void> => {
    await Promise.all([queries.invalidateQueries({ queryKey: switchesQuery.queryKey }), queries.invalidateQueries({ queryKey: serversQuery.queryKey })]);
  };
  const enable = useMutation({ mutationFn: () => gateway.switches.enable('server', name), onSuccess: refresh });
  if (found.error instanceof NotFoundError)
    return <Empty title={`There is no server ${name}`}>It may have been deleted, or your role does not reach it.</Empty>;
  if (found.error !== null && found.data === undefined) return <ErrorCard error={found.error} what="The server" onRetry={() => void found.refetch()} />;
  if (found.data === undefined) return <Skeleton rows={10} label="Loading the server" />;
  const server = found.data;
  const off = switches.data?.get(name);
  return (
    <div className="flex flex-col gap-6 px-3 py-4 sm:px-6">
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <h1 className="text-title font-semibold">{server.name}</h1>
          <p className="mt-1 flex flex-wrap gap-x-4 text-ink-2">
            {off === undefined ? <StateWord state={server.state} reason={server.reason} /> : <StateWord state="off" reason={off.reason} />}
            <span>{server.transport}</span>
            <Link to="/traces" search={{ q: `server:${server.name}` }} className="text-accent hover:underline">
              its calls
            </Link>
          </p>
        </div>
        <div className="flex gap-2">
          <Button disabled={!mayTest.allowed || test.isPending} title={mayTest.allowed ? undefined : mayTest.reason} onClick={() => test.mutate()}>
            <Stethoscope size={14} aria-hidden="true" /> {test.isPending ? 'Connecting …' : 'Connect and test'}
          </Button>
          {off === undefined ? (
            <Button look="danger" disabled={!maySwitch.allowed} title={maySwitch.allowed ? undefined : maySwitch.reason} onClick={() => setSwitching(true)}>
              Disable
            </Button>
          ) : (
            <Button disabled={!maySwitch.allowed || enable.isPending} title={maySwitch.allowed ? undefined : maySwitch.reason} onClick={() => enable.mutate()}>
              Enable
            </Button>
          )}
        </div>
      </header>
      <FaultLine error={enable.error ?? test.error} />
      {server.reason !== null && off === undefined && <p className="border-l-2 border-error-solid pl-3 text-body">{server.reason}</p>}
      {off !== undefined && (
        <p className="border-l-2 border-blocked-solid pl-3 text-body">
          Switched off by {off.changed_by}: {off.reason}{' '}
          {off.until !== null && (
            <>
              It is on again at <Clock time={off.until} />.
            </>
          )}
        </p>
      )}
      {test.data !== undefined && <TestResult test={test.data} server={server.name} />}
      <Part title="For clients">
        <Command text={`${gatewayUrl}${server.path}`} />
        <dl className={factList}>
          <Fact name="Sign in with">
            {server.auth === 'none' ? <span className="text-warn">▲ open to everyone who reaches the address</span> : server.auth}
          </Fact>
          <Fact name="Time-out">{durationText(server.timeout_ms)}</Fact>
        </dl>
      </Part>
      <Part title={server.targets.length === 1 ? 'Target' : 'Targets'}>
        <Targets targets={server.targets} />
      </Part>
      {server.managed !== null && (
        <Part title="Configuration">
          <p className="mb-2 text-ink-2">
            {server.managed.file === null ? (
              <>Made by {server.managed.created_by ?? 'the API'}; change it by gateway servers update.</>
            ) : (
              <>
                Said in{' '}
                <code className="font-mono text-meta">
                  {server.managed.file}
                  {server.managed.line === null ? '' : `:${server.managed.line}`}
                </code>
                ; it is changed there.
              </>
            )}
          </p>
          <JsonView text={JSON.stringify(server.managed.spec)} />
        </Part>
      )}
      {switching && (
        <Confirm
          title={`Disable ${server.name}?`}
          verb="Disable the server"
          reason="Why"
          onClose={() => setSwitching(false)}
          onConfirm={async (reason) => {
            await gateway.switches.disable('server', name, { reason });
            await refresh();
          }}
        >
          No call gets through to it, on every node within a second; live calls end. It can be enabled again here.
        </Confirm>
      )}
    </div>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactElement {
  return (
    <section>
      <h2 className="mb-2 text-section font-semibold">{title}</h2>
      {children}
    </section>
  );
}

function Targets({ targets }: { readonly targets: Schemas['Server']['targets'] }): ReactElement {
  return (
    <SmallTable titles={['Name', 'State', 'Role', 'Address', 'Calls', 'Failures', 'Now', 'Last failure']} left={8}>
      {targets.map((target) => (
        <tr key={target.name} className="h-(--row) border-t border-hairline">
          <th scope="row" className="px-3 text-left font-medium">
            {target.name}
          </th>
          <td className="px-3 whitespace-nowrap">
            <StateWord state={target.state} reason={target.reason} />
          </td>
          <td className="px-3">{target.role ?? ''}</td>
          <td className="px-3">
            <code className="font-mono text-meta break-all">{target.address}</code>
          </td>
          <td className="px-3">{countText(target.calls)}</td>
          <td className={`px-3 ${target.failures > 0 ? 'text-error' : 'text-ink-3'}`}>{countText(target.failures)}</td>
          <td className="px-3">{countText(target.in_flight)}</td>
          <td className="px-3">{target.last_failure_at === null ? <span className="text-ink-3">none</span> : <Clock time={target.last_failure_at} />}</td>
        </tr>
      ))}
    </SmallTable>
  );
}

const steps = ['connect', 'handshake', 'tools'] as const;

/** Which step failed and why, or what it offers. */
function TestResult({ test, server }: { readonly test: Schemas['ServerTest']; readonly server: string }): ReactElement {
  const failed = test.failed_at === null ? steps.length : steps.indexOf(test.failed_at);
  return (
    <Part title={test.ok ? `It answers, with ${countText(test.tools?.length ?? 0)} tools` : 'It does not answer as it should'}>
      <ol className="mb-3 flex flex-wrap gap-x-6">
        {steps.map((step, index) => (
          <li key={step} className={index < failed ? 'text-ink-2' : index === failed ? 'text-error' : 'text-ink-3'}>
            {index < failed ? '✓' : index === failed ? '⬣' : '○'} {step}
            {step === 'handshake' && test.handshake_ms !== null && ` ${durationText(test.handshake_ms)}`}
            {step === 'tools' && test.tools_ms !== null && ` ${durationText(test.tools_ms)}`}
          </li>
        ))}
      </ol>
      {test.reason !== null && <p className="mb-3 text-body">{test.reason}</p>}
      {test.server_name !== null && (
        <p className="mb-3 text-ink-2">
          {test.server_name} {test.server_version} · protocol {test.protocol_version} ({test.era})
        </p>
      )}
      {test.tools !== null && test.tools.length > 0 && (
        <ul className="border-y border-hairline bg-surface">
          {test.tools.map((tool) => (
            <li key={tool.name} className="grid gap-x-4 border-b border-hairline px-3 py-1.5 last:border-b-0 sm:grid-cols-[minmax(160px,1fr)_3fr]">
              <Link to="/traces" search={{ q: `server:${server} tool:${tool.name}` }} className="font-medium break-words hover:text-accent hover:underline">
                {tool.name}
              </Link>
              <span className="line-clamp-2 text-ink-2" title={tool.description}>
                {tool.description}
              </span>
            </li>
          ))}
        </ul>
      )}
      {test.tools_cut && <p className="mt-1 text-meta text-ink-3">It has more tools than are shown here.</p>}
    </Part>
  );
}
