import { useQuery } from '@tanstack/react-query';
import type { Schemas } from '@gatewayops/sdk';
import { useState, type ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { bytesText, pluralText } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { Command, ErrorCard, Skeleton } from '../../ui/states.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { KeepSheet } from './keep-sheet.tsx';
import { Part } from './part.tsx';
import { retentionQuery } from './retention-query.ts';
import { placeText, WrittenIn } from './written-in.tsx';
import { RowAction, SmallTable } from '../../ui/small-table.tsx';

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
  const write = useCapability('config.write');
  const [changing, setChanging] = useState<Schemas['ManagedRetention'] | null>(null);
  const sizes = useQuery({ queryKey: ['config', 'sizes'], queryFn: async ({ signal }) => (await gateway.config.sizes({ signal })).sizes });
  const weighed = new Map<string, Schemas['KeptSize']>((sizes.data ?? []).map((one) => [one.name, one]));
  return (
    <Loaded query={found} what="Retention" rows={3}>
      {(data) => (
        <Part title="Retention" about="Older data is deleted automatically. Daily costs are kept for ever.">
          <SmallTable titles={['Data', 'Kept for', 'Defined in', 'Size', 'Forecast', 'Change']} left={3}>
            {data.map((one) => {
              const size = weighed.get(one.name);
              const why = one.source === 'file' || one.source === 'environment' ? `Managed by a file: defined in ${placeText(one)}.` : write.reason;
              const isOurs = one.source === 'registry' || one.source === 'default';
              return (
                <tr key={one.name} className="border-t border-hairline align-top">
                  <th scope="row" className="min-w-40 px-3 py-1.5 text-left font-medium">
                    {one.name} <span className="block text-meta font-normal text-ink-3">{abouts[one.name]}</span>
                  </th>
                  <td className="px-3 py-1.5 whitespace-nowrap">{daysText(one.spec.keep)}</td>
                  <td className="px-3 py-1.5">
                    <WrittenIn of={one} />
                  </td>
                  <td className="px-3 py-1.5 text-right whitespace-nowrap">{size === undefined ? '–' : bytesText(size.bytes)}</td>
                  <td className="px-3 py-1.5 text-right whitespace-nowrap">
                    {typeof size?.forecast_bytes === 'number' ? `≈ ${bytesText(size.forecast_bytes)}` : <span className="text-ink-3">not known yet</span>}
                  </td>
                  <RowAction capability={{ allowed: write.allowed && isOurs, reason: why }} onAct={() => setChanging(one)}>
                    Change
                  </RowAction>
                </tr>
              );
            })}
          </SmallTable>
          <p className="text-meta text-ink-3">
            {sizes.error === null || sizes.data !== undefined
              ? 'On disk, for the whole gateway. The forecast for full retention is based on the last week.'
              : `Sizes are unavailable: ${sizes.error.message}`}
          </p>
          {changing !== null && <KeepSheet kept={changing} size={weighed.get(changing.name) ?? null} onClose={() => setChanging(null)} />}
        </Part>
      )}
    </Loaded>
  );
}

const abouts: Readonly<Record<string, string>> = {
  traces: 'calls, with requests and responses',
  metrics: 'counts and times per minute',
  audit: 'who changed what',
};

/** `30d` as people say it. */
function daysText(keep: string): string {
  const days = /^(\d+)d$/.exec(keep)?.[1];
  return days === undefined ? keep : pluralText(Number(days), 'day');
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
          ? 'No schedule is set. To set one, add backup to gateway.yaml. To take a backup now:'
          : 'Taken by any node and kept on its disk; a restore verifies the whole record first.'
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
                {one.audit_ok === false ? 'done; its audit log is not intact' : one.state}
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
