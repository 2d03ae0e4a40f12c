import type { Schemas } from '@gatewayops/sdk';
import type { ReactElement } from 'react';
import type { Capability } from '../../app/session.ts';
import { Ago, Clock } from '../../time/time.tsx';
import { useNow } from '../../time/use-now.ts';
import { browserText } from './browser-text.ts';
import { RowAction, SmallTable } from '../../ui/small-table.tsx';

interface SessionTableProps {
  readonly sessions: readonly Schemas['Session'][];
  readonly write: Pick<Capability, 'allowed' | 'reason'>;
  readonly onEnd: (session: Schemas['Session']) => void;
}

export function SessionTable({ sessions, write, onEnd }: SessionTableProps): ReactElement {
  const now = useNow(60_000);
  return (
    <SmallTable titles={['Browser', 'From', 'Signed in with', 'Since', 'Last seen', 'Expires if unused', 'End']} left={6}>
      {sessions.map((session) => (
        <tr key={session.id} className="h-(--row) border-t border-hairline">
          <th scope="row" title={session.user_agent} className="px-3 text-left font-medium whitespace-nowrap">
            {browserText(session.user_agent)} {session.current && <span className="ml-2 font-normal text-accent">this browser</span>}
          </th>
          <td className="px-3">
            <code className="font-mono text-meta">{session.ip}</code>
          </td>
          <td className="px-3">{session.provider ?? 'a link'}</td>
          <td className="px-3">
            <Clock time={session.created_at} />
          </td>
          <td className="px-3">{session.last_seen_at === null ? <span className="text-ink-3">–</span> : <Ago time={session.last_seen_at} now={now} />}</td>
          <td className="px-3">
            <Ago time={session.expires_at} now={now} />
          </td>
          <RowAction capability={write} onAct={() => onEnd(session)}>
            End
          </RowAction>
        </tr>
      ))}
    </SmallTable>
  );
}
