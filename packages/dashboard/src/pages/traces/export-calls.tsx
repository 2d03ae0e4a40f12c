import { Popover } from '@base-ui/react/popover';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState, type ReactElement } from 'react';
import type { ExportColumn } from './columns.tsx';
import { gateway, gatewayUrl } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { bytesText, countText } from '../../text/format.ts';
import { Button, buttonLook } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { Choice } from '../../ui/field.tsx';

interface ExportCallsProps {
  readonly title?: string;
  /** What the list is of: the file has all of it, not the rows on screen. */
  /** Members of what is shown, in the order of the columns. */
  readonly columns: readonly ExportColumn[];
  readonly question: () => { readonly query?: string; readonly start_time: string; readonly end_time: string };
}

/** All calls of the query as a file, which the gateway writes. */
export function ExportCalls({ question, columns, title = 'All calls of this query' }: ExportCallsProps): ReactElement {
  const may = useCapability('logs.export');
  const [format, setFormat] = useState<'csv' | 'jsonl'>('csv');
  const [which, setWhich] = useState<'shown' | 'all'>('shown');
  const begun = useMutation({
    mutationFn: async () => (await gateway.logs.export({ ...question(), format, ...(which === 'shown' ? { columns: [...columns] } : {}) })).export,
  });
  const id = begun.data?.id;
  const job = useQuery({
    queryKey: ['export', id],
    queryFn: async ({ signal }) => (await gateway.logs.getExport(id ?? '', { signal })).export,
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (state.data === undefined || state.data.state === 'running' ? 500 : false),
  });
  const made = job.data;
  return (
    <Popover.Root>
      <Popover.Trigger className={buttonLook()} disabled={!may.allowed} title={may.allowed ? undefined : may.reason}>
        <Download size={14} aria-hidden="true" /> <span className="max-sm:sr-only">Export</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner align="end" sideOffset={6} className="z-30">
          <Popover.Popup className="flex w-72 flex-col gap-3 rounded-panel border border-hairline bg-surface p-3 shadow-[0_8px_24px_var(--shadow)] outline-none">
            <Popover.Title className="font-medium">{title}</Popover.Title>
            <Choice
              label="As"
              value={format}
              choices={[
                ['csv', 'CSV, for spreadsheets'],
                ['jsonl', 'JSON Lines'],
              ]}
              onChange={(event) => setFormat(event.target.value === 'jsonl' ? 'jsonl' : 'csv')}
            />
            <Choice
              label="With"
              value={which}
              choices={[
                ['shown', 'the columns shown'],
                ['all', 'all columns'],
              ]}
              onChange={(event) => setWhich(event.target.value === 'all' ? 'all' : 'shown')}
            />
            <p aria-live="polite" className="text-meta text-ink-2">
              {made === undefined
                ? 'One row per call, at most 5,000,000. The export is recorded in the audit log.'
                : made.state === 'running'
                  ? `Writing: ${countText(made.rows)}${made.estimated_rows === null ? '' : ` of about ${countText(made.estimated_rows)}`} rows…`
                  : made.state === 'failed'
                    ? `It failed: ${made.reason ?? 'for an unknown reason'}`
                    : `${countText(made.rows)} rows, ${bytesText(made.bytes)}${made.truncated ? '; only the newest, as it reached its limit' : ''}. It is kept for a day.`}
            </p>
            <FaultLine error={begun.error ?? job.error} />
            {made?.state === 'done' ? (
              <a href={`${gatewayUrl}/v1/logs/exports/${encodeURIComponent(made.id)}/file`} download className={buttonLook('primary')}>
                Save the file
              </a>
            ) : (
              <Button look="primary" disabled={begun.isPending || made?.state === 'running'} onClick={() => begun.mutate()}>
                Create the file
              </Button>
            )}
            {made?.state === 'done' && (
              <Button look="quiet" onClick={() => begun.reset()}>
                Another
              </Button>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
