import type { ReactElement } from 'react';
import type { gateway } from '../../app/gateway.ts';
import { StatusWord, Rail } from '../../rail/rail.tsx';
import type { Column } from '../../table/data-table.tsx';
import { Duration, Money } from '../../text/number.tsx';
import { middleCut } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { whoOf, type TraceRow } from './trace-row.ts';

export type ExportColumn = NonNullable<Parameters<typeof gateway.logs.export>[0]['columns']>[number];

const dim = (text: string | null) => (text === null ? <span className="text-ink-3">–</span> : text);

export const traceColumns: readonly Column<TraceRow>[] = [
  { id: 'time', title: 'Time', track: 'minmax(72px, 108px)', rank: 3, cell: ({ time }) => <Clock time={time} /> },
  { id: 'rail', title: 'Rail', track: '84px', rank: 1, cell: ({ stop, status }) => <Rail stop={stop} status={status} /> },
  {
    id: 'what',
    title: 'Server · tool',
    track: 'minmax(96px, 2fr)',
    rank: 3,
    cell: ({ server, what, spans, decidedBy }) => (
      <>
        {decidedBy !== null && (
          <>
            <ServerTool server={decidedBy.server} what={decidedBy.what} />
            <span className="text-ink-3"> in </span>
          </>
        )}
        <span className={decidedBy === null ? '' : 'font-normal text-ink-3'}>
          <ServerTool server={server} what={what} isDim={decidedBy !== null} />
        </span>
        {spans > 1 && <span className="text-ink-3"> +{spans - 1}</span>}
      </>
    ),
  },
  { id: 'who', title: 'Who', track: 'minmax(90px, 1fr)', rank: 1, cell: (row) => <span title={row.key ?? undefined}>{whoOf(row)}</span> },
  { id: 'client', title: 'Client', track: 'minmax(80px, 1fr)', cell: ({ client }) => dim(client) },
  { id: 'dur', title: 'Duration', track: '96px', isNumber: true, rank: 2, cell: ({ durationMs }) => <DurationBar ms={durationMs} /> },
  { id: 'cost', title: 'Cost', track: '84px', isNumber: true, rank: 1, cell: ({ cost, currency }) => <Money amount={cost} currency={currency} /> },
  {
    id: 'status',
    title: 'Status',
    track: 'minmax(96px, 1.6fr)',
    rank: 3,
    cell: ({ status, fault }) =>
      fault === null ? (
        <StatusWord status={status} />
      ) : (
        <span className="inline-flex max-w-full min-w-0 items-baseline gap-2">
          <StatusWord status={status} />
          <span className="truncate font-mono text-meta text-ink-3">{fault}</span>
        </span>
      ),
  },
  { id: 'team', title: 'Team', track: 'minmax(80px, 1fr)', cell: ({ team }) => dim(team) },
  { id: 'user', title: 'User', track: 'minmax(80px, 1fr)', cell: ({ user }) => dim(user) },
  {
    id: 'key',
    title: 'Key',
    track: 'minmax(110px, 1fr)',
    cell: ({ key }) => (key === null ? dim(null) : <code className="font-mono text-meta">{middleCut(key)}</code>),
  },
  { id: 'env', title: 'Environment', track: 'minmax(80px, 1fr)', cell: ({ environment }) => dim(environment) },
  { id: 'id', title: 'Trace', track: '132px', cell: ({ id }) => <code className="font-mono text-meta text-ink-2">{middleCut(id)}</code> },
];

/** Members of the request log that stand in a column. */
export const exportedColumns: Readonly<Record<string, readonly ExportColumn[]>> = {
  time: ['time'],
  rail: ['stop'],
  what: ['server', 'tool', 'operation'],
  who: ['user_id', 'agent_name', 'key_id'],
  client: ['client_name'],
  dur: ['latency_ms'],
  cost: ['cost', 'currency'],
  status: ['status', 'fault'],
  team: ['team_id'],
  user: ['user_id'],
  key: ['key_id'],
  env: ['environment'],
  id: ['trace_id'],
};

function ServerTool({ server, what, isDim = false }: { readonly server: string | null; readonly what: string; readonly isDim?: boolean }): ReactElement {
  return (
    <>
      <span className={isDim ? '' : 'text-ink-2'}>{server ?? 'all servers'}</span>
      <span className="text-ink-3"> · </span>
      <span className={isDim ? '' : 'font-medium'}>{what}</span>
    </>
  );
}

/** A length of time beside a line: from a millisecond to a hundred seconds, each fifth of it ten times longer. */
function DurationBar({ ms }: { readonly ms: number }): ReactElement {
  const share = Math.min(1, Math.max(0, Math.log10(Math.max(1, ms)) / 5));
  // A picture behind the figure: no parts of its own in each of hundreds of rows.
  return (
    <span
      className="block bg-[linear-gradient(var(--bar),var(--bar))] bg-left bg-no-repeat [--bar:color-mix(in_srgb,var(--control)_60%,transparent)]"
      style={{ backgroundSize: `${Math.max(1, share * barPx).toFixed(0)}px 6px` }}
    >
      <Duration ms={ms} />
    </span>
  );
}

/** What the figure leaves of its column. */
const barPx = 40;

export const columnsByDefault = ['time', 'rail', 'what', 'who', 'client', 'dur', 'cost', 'status'];
