/** One server: how it is, how it is reached, what its calls are like, who may call it, and where it is said. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText, durationText, pluralText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { Fact, factList } from '../../ui/fact.tsx';
import { SmallTable } from '../../ui/small-table.tsx';
import { serverState, StateWord, targetState } from '../../ui/state-word.tsx';
import { Allowed, Command, IfAllowed } from '../../ui/states.tsx';
import { Who } from '../../ui/who.tsx';
import { Part } from '../people/part.tsx';
import { quoted } from '../traces/query-text.ts';
import { authText } from './auth-text.ts';
import { ServerAccess } from './server-access.tsx';
import { ServerConfig } from './server-config.tsx';
import { ServerFrame } from './server-frame.tsx';
import { ServerTraffic } from './server-traffic.tsx';
import { testQuery } from './use-servers.ts';

export function Server(): ReactElement {
  return (
    <Allowed permission="servers.read">
      <ServerPage />
    </Allowed>
  );
}

function ServerPage(): ReactElement {
  const { name } = useParams({ from: '/servers/$name' });
  const { tab = 'overview' } = useSearch({ from: '/servers/$name' });
  return (
    <ServerFrame name={name} tab={tab}>
      {(server) =>
        tab === 'traffic' ? (
          <ServerTraffic name={server.name} />
        ) : tab === 'access' ? (
          <ServerAccess server={server} />
        ) : tab === 'config' ? (
          <ServerConfig server={server} />
        ) : (
          <Overview server={server} />
        )
      }
    </ServerFrame>
  );
}

function Overview({ server }: { readonly server: Schemas['Server'] }): ReactElement {
  const isDown = ['failed', 'degraded', 'unanswered'].includes(serverState(server));
  // What it said when it was last asked, here or beside its tools; one that is down is asked, for whoever looks wants to know at which step it fails.
  const mayTest = useCapability('servers.test').allowed;
  const { data: test } = useQuery({ ...testQuery(server.name), enabled: isDown && mayTest });
  return (
    <div className="flex flex-col gap-6">
      {test !== undefined && <TestResult test={test} server={server.name} />}
      {(isDown || test?.ok === false) && (
        <IfAllowed permission="traces.read">
          <LastAnswer name={server.name} />
        </IfAllowed>
      )}
      <Part title="Connection">
        <Command text={`${gatewayUrl}${server.path}`} />
        <dl className={factList}>
          <Fact name="Authentication">
            {server.auth === 'none' ? <span className="text-warn">▲ open to everyone who can reach the address</span> : authText(server.auth)}
          </Fact>
          <Fact name="Time-out">{durationText(server.timeout_ms)}</Fact>
          {server.active !== null && <Fact name="Receives calls">{server.active}</Fact>}
          {server.canary !== null && (
            <Fact name="Canary">
              {server.canary.target}, {server.canary.share} % of the calls
            </Fact>
          )}
          {server.order !== null && (
            <Fact name="Also requested">
              by <Who id={server.order.changed_by} name={server.order.changed_by_name} />, <Clock time={server.order.changed_at} />
            </Fact>
          )}
        </dl>
      </Part>
      <Part title={server.targets.length === 1 ? 'Target' : 'Targets'}>
        <Targets targets={server.targets} />
      </Part>
    </div>
  );
}

/** So far back it is looked for. */
const lookedBackDays = 7;

/** The last call that it answered. */
function LastAnswer({ name }: { readonly name: string }): ReactElement | null {
  const { data: trace } = useQuery({
    queryKey: ['server', name, 'last answer'],
    queryFn: async ({ signal }) => {
      const end = Date.now();
      const times = { start_time: new Date(end - lookedBackDays * 86_400_000).toISOString(), end_time: new Date(end).toISOString() };
      return (await gateway.traces.list({ ...times, query: `server:${quoted(name)} status:success`, limit: 1 }, { signal }).page()).traces[0] ?? null;
    },
    refetchInterval: 30_000,
  });
  if (trace === undefined) return null;
  return (
    <p className="text-body">
      {trace === null ? (
        `No call has succeeded in the last ${lookedBackDays} days.`
      ) : (
        <>
          The last successful call was at <Clock time={trace.start_time} />, to{' '}
          <Link to="/traces/$traceId" params={{ traceId: trace.id }} className="text-accent hover:underline">
            {trace.tool ?? trace.operation}
          </Link>
          .
        </>
      )}
    </p>
  );
}

function Targets({ targets }: { readonly targets: Schemas['Server']['targets'] }): ReactElement {
  const hasRoles = targets.some(({ role }) => role !== null);
  return (
    <SmallTable titles={['Name', 'State', ...(hasRoles ? ['Role'] : []), 'Address', 'Last failure', 'Calls', 'Failures', 'Active']} left={hasRoles ? 5 : 4}>
      {targets.map((target) => (
        <tr key={target.name} className="h-(--row) border-t border-hairline">
          <th scope="row" className="px-3 text-left font-medium">
            {target.name}
          </th>
          <td className="px-3 whitespace-nowrap">
            <StateWord state={targetState(target)} reason={target.reason} />
          </td>
          {hasRoles && <td className="px-3">{target.role ?? ''}</td>}
          <td className="px-3">
            <code className="font-mono text-meta whitespace-nowrap">{target.address}</code>
          </td>
          <td className="px-3 whitespace-nowrap">
            {target.last_failure_at === null ? <span className="text-ink-3">none</span> : <Clock time={target.last_failure_at} />}
          </td>
          <td className="px-3 text-right">{countText(target.calls)}</td>
          <td className={`px-3 text-right ${target.failures > 0 ? 'text-error' : 'text-ink-3'}`}>{countText(target.failures)}</td>
          <td className="px-3 text-right">{countText(target.in_flight)}</td>
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
    <Part
      title={
        test.ok
          ? `It answers, with ${countText(test.tools?.length ?? 0)} tools`
          : test.failed_at === 'connect'
            ? 'It cannot be reached'
            : 'It does not answer correctly'
      }
    >
      <ol className="mb-3 flex flex-wrap gap-x-6">
        {steps.map((step, index) => (
          <li key={step} className={index < failed ? 'text-ink-2' : index === failed ? 'text-error' : 'text-ink-3'}>
            {index < failed ? '✓' : index === failed ? '⬣' : '○'} {step}
            {step === 'handshake' && test.handshake_ms !== null && ` ${durationText(test.handshake_ms)}`}
            {step === 'tools' && test.tools_ms !== null && ` ${durationText(test.tools_ms)}`}
          </li>
        ))}
      </ol>
      {test.reason !== null && <p className="text-body break-words">{test.reason}</p>}
      {test.fix !== null && <p className="mt-1 max-w-[80ch] text-ink-2">{test.fix}</p>}
      {test.server_name !== null && (
        <p className="mb-3 text-ink-2">
          {test.server_name} {test.server_version} · protocol {test.protocol_version} ({test.era})
        </p>
      )}
      {test.tools !== null && test.tools.length > 0 && (
        <p>
          <Link to="/servers/$name/tools" params={{ name: server }} className="text-accent hover:underline">
            Look at {test.tools_cut ? 'the first ' : 'its '}
            {pluralText(test.tools.length, 'tool')}
          </Link>
        </p>
      )}
    </Part>
  );
}
