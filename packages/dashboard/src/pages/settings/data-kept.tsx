import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { bytesText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { Command, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Part } from './part.tsx';
import { retentionQuery } from './retention-query.ts';
import { WrittenIn } from './written-in.tsx';
import { SmallTable } from '../../ui/small-table.tsx';

/** How long what is kept, and the backups. */
export function DataKept(): ReactElement {
  const mayBackups = useCapability('backup.read').allowed;
  return (
    <>
      <Retention />
      {mayBackups && <Backups />}
    </>
  );
}

function Retention(): ReactElement {
  const found = useQuery(retentionQuery);
  return (
    <Loaded query={found} what="What is kept" rows={3}>
      {(data) => (
        <Part title="Kept for" about="What is older is deleted by itself.">
          <SmallTable titles={['What', 'How long', 'Written in']} left={3}>
            {data.map((one) => (
              <tr key={one.name} className="border-t border-hairline">
                <th scope="row" className="px-3 py-1.5 text-left font-medium">
                  {one.name}
                </th>
                <td className="px-3 py-1.5">{one.spec.keep}</td>
                <td className="px-3 py-1.5">
                  <WrittenIn of={one} />
                </td>
              </tr>
            ))}
          </SmallTable>
          <Command text="npx --no gateway retention create metrics --set keep=180d" />
        </Part>
      )}
    </Loaded>
  );
}

function Backups(): ReactElement {
  const found = useQuery({ queryKey: ['backups'], queryFn: ({ signal }) => gateway.backups.list({ limit: 20 }, { signal }).page() });
  if (found.error !== null && found.data === undefined)
    return <ErrorCard error={found.error} what="The list of backups" onRetry={() => void found.refetch()} />;
  if (found.data === undefined) return <Skeleton rows={3} label="Loading backups" />;
  const { backups, schedule } = found.data;
  return (
    <Part
      title="Backups"
      about={
        schedule === null
          ? 'The gateway takes none by itself: the section backup of gateway.yaml says how often and where to. By hand, while it runs:'
          : 'Taken by any node, kept on its disk; a restore tries the whole record first.'
      }
    >
      {schedule === null && <Command text="npx --no gateway backup" />}
      {backups.length > 0 && (
        <SmallTable titles={['Began', 'State', 'Node', 'File', 'Size']} left={4}>
          {backups.map((one) => (
            <tr key={one.id} className="border-t border-hairline">
              <td className="px-3 py-1.5">
                <Clock time={one.started_at} />
              </td>
              <td className={`px-3 py-1.5 ${one.state === 'failed' || one.audit_ok === false ? 'text-error' : ''}`}>
                {one.audit_ok === false ? 'done; its audit is not whole' : one.state}
                {one.reason !== null && <span className="block text-meta">{one.reason}</span>}
              </td>
              <td className="px-3 py-1.5">{one.node}</td>
              <td className="px-3 py-1.5 font-mono text-meta break-all">{one.file}</td>
              <td className="px-3 py-1.5 text-right">{one.bytes === null ? '–' : bytesText(one.bytes)}</td>
            </tr>
          ))}
        </SmallTable>
      )}
    </Part>
  );
}
