import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { Command, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { StateWord } from '../../ui/state-word.tsx';
import { Part } from './part.tsx';
import { WrittenIn } from './written-in.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

const states = { ok: 'ready', failing: 'failing', starting: 'starting', standby: 'standby' } as const;

/** Where the events of the audit go, how far each stream is, and where it is written. */
export function ExportTargets(): ReactElement {
  const now = useNow(15_000);
  const mayAudit = useCapability('audit.read').allowed;
  const targets = useQuery({ queryKey: ['export-targets'], queryFn: ({ signal }) => gateway.exportTargets.list({ limit: 200 }, { signal }).take(200) });
  const streams = useQuery({
    queryKey: ['audit-streams'],
    queryFn: ({ signal }) => gateway.audit.streams({ signal }).take(200),
    enabled: mayAudit,
    refetchInterval: 5_000,
  });
  if (targets.error !== null && targets.data === undefined)
    return <ErrorCard error={targets.error} what="The list of export targets" onRetry={() => void targets.refetch()} />;
  if (targets.data === undefined) return <Skeleton rows={4} label="Loading export targets" />;
  const byName = new Map((streams.data ?? []).map((one) => [one.name, one]));
  return (
    <Part title="Event export" about="Sends every audit event at least once, in order, by syslog or signed webhook; targets can include calls too.">
      {targets.data.length === 0 ? (
        <>
          <p>No targets yet. Add one under audit.streams in gateway.yaml, or see how to create one:</p>
          <Command text="npx --no gateway export-targets create --help" />
        </>
      ) : (
        <SmallTable titles={['Name', 'State', 'To', 'Defined in', 'Waiting', 'Delivered']} left={4}>
          {targets.data.map((one) => {
            const stream = byName.get(one.name);
            return (
              <tr key={one.name} className="border-t border-hairline align-top">
                <th scope="row" className="px-3 py-1.5 text-left font-medium">
                  {one.name}
                </th>
                <td className="px-3 py-1.5">
                  {stream === undefined ? (
                    <span className="text-ink-3">{mayAudit ? 'not sent by this node' : '–'}</span>
                  ) : (
                    <StateWord state={states[stream.state]} reason={stream.reason} />
                  )}
                  {stream?.reason !== undefined && stream.reason !== null && <span className="block max-w-[44ch] text-meta text-ink-2">{stream.reason}</span>}
                  {stream?.failing_since !== undefined && stream.failing_since !== null && (
                    <span className="block text-meta text-ink-2">
                      since <Ago time={stream.failing_since} now={now} />
                    </span>
                  )}
                </td>
                <td className="px-3 py-1.5 break-all">{stream === undefined ? '–' : `${stream.kind} ${stream.target} · ${stream.format}`}</td>
                <td className="px-3 py-1.5">
                  <WrittenIn of={one} />
                </td>
                <td className="px-3 py-1.5 text-right">{stream?.waiting === undefined || stream.waiting === null ? '–' : countText(stream.waiting)}</td>
                <td className="px-3 py-1.5 text-right">{stream === undefined ? '–' : countText(stream.delivered)}</td>
              </tr>
            );
          })}
        </SmallTable>
      )}
    </Part>
  );
}
