import type { Schemas } from '@gatewayops/sdk';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { countText, pluralText } from '../../text/format.ts';
import { Ago } from '../../time/time.tsx';
import { quoted } from '../traces/query-text.ts';
import { TableHead } from '../../ui/table-head.tsx';

type DryRun = Schemas['AccessDryRun'];

const words: Readonly<Record<DryRun['groups'][number]['outcome'], string>> = {
  denied: 'newly refused',
  held: 'newly held',
  allowed: 'newly allowed',
  depends: 'it depends',
};

/** What a change would have done with the calls of the last days, each kind of them with a call to look at. */
export function DryRunResult({ found, days, now }: { readonly found: DryRun; readonly days: number; readonly now: number }): ReactElement {
  const parts = (['denied', 'held', 'allowed'] as const).flatMap((outcome) => {
    const { calls, callers } = found[outcome];
    return calls === 0 ? [] : [`${countText(calls)} of ${pluralText(found.calls, 'call')} ${words[outcome]}, from ${pluralText(callers, 'caller')}`];
  });
  return (
    <section aria-label="On recorded calls" aria-live="polite" className="flex flex-col gap-2 border-t border-hairline pt-3">
      <p className="text-body font-medium">
        {found.calls === 0
          ? `There is no call in the last ${days} days to try it on.`
          : parts.length === 0
            ? `None of ${pluralText(found.calls, 'call')} of the last ${days} days would have ended differently.`
            : `In the last ${days} days: ${parts.join('; ')}.`}
      </p>
      {found.depends.calls > 0 && (
        <p className="text-meta text-ink-2">
          Of {pluralText(found.depends.calls, 'other call')} it depends on arguments, address or time, which are not evaluated here.
        </p>
      )}
      {found.truncated && <p className="text-meta text-warn">There are more; only the newest were tried.</p>}
      {found.unknown_callers_calls > 0 && (
        <p className="text-meta text-ink-2">{pluralText(found.unknown_callers_calls, 'call')} were by callers that no longer exist.</p>
      )}
      {found.groups.length > 0 && (
        <div className="max-h-64 overflow-auto border-y border-hairline">
          <table className="w-full text-table">
            <TableHead titles={['Would be', 'Who', 'What', 'Last', 'Calls']} left={4} sticky />
            <tbody>
              {found.groups.map((group) => (
                <tr key={`${group.trace_id} ${group.kind} ${group.name} ${group.key_id ?? ''} ${group.user_id ?? ''}`} className="border-t border-hairline">
                  <td className="px-3 py-1 whitespace-nowrap">{words[group.outcome]}</td>
                  <td className="px-3 py-1 break-all">{group.user_id ?? group.agent_name ?? group.key_id ?? 'nobody with a key'}</td>
                  <td className="px-3 py-1 break-all">
                    <Link to="/traces/$traceId" params={{ traceId: group.trace_id }} className="text-accent hover:underline">
                      {group.server} · {group.name}
                    </Link>
                  </td>
                  <td className="px-3 py-1">
                    <Ago time={group.last_time} now={now} />
                  </td>
                  <td className="px-3 py-1 text-right">
                    <Link to="/traces" search={{ q: queryOf(group), range: `${days}d` }} title="These calls" className="text-accent hover:underline">
                      {countText(group.calls)}
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** The calls of a group, as a query. */
function queryOf({ server, name, user_id: user, agent_name: agent, key_id: key }: DryRun['groups'][number]): string {
  const who = user !== null ? ['user', user] : agent !== null ? ['agent', agent] : ['key', key];
  return [['server', server], ['tool', name], who]
    .flatMap(([field, value]) => (typeof value === 'string' ? [`${field ?? ''}:${quoted(value)}`] : []))
    .join(' ');
}
