import { StatusWord, Rail } from '../../rail/rail.tsx';
import type { Column } from '../../table/data-table.tsx';
import { Duration, Money } from '../../text/number.tsx';
import { middleCut } from '../../text/format.ts';
import { Clock } from '../../time/time.tsx';
import { whoOf, type TraceRow } from './trace-row.ts';

const dim = (text: string | null) => (text === null ? <span className="text-ink-3">–</span> : text);

export const traceColumns: readonly Column<TraceRow>[] = [
  { id: 'time', title: 'Time', track: 'minmax(72px, max-content)', isFirst: true, cell: ({ time }) => <Clock time={time} /> },
  { id: 'rail', title: 'Rail', track: '84px', cell: ({ stop, status }) => <Rail stop={stop} status={status} /> },
  {
    id: 'what',
    title: 'Server · tool',
    track: 'minmax(160px, 2fr)',
    isFirst: true,
    cell: ({ server, what, spans }) => (
      <>
        <span className="text-ink-2">{server ?? 'all servers'}</span>
        <span className="text-ink-3"> · </span>
        <span className="font-medium">{what}</span>
        {spans > 1 && <span className="text-ink-3"> +{spans - 1}</span>}
      </>
    ),
  },
  { id: 'who', title: 'Who', track: 'minmax(90px, 1fr)', cell: (row) => <span title={row.key ?? undefined}>{whoOf(row)}</span> },
  { id: 'client', title: 'Client', track: 'minmax(80px, 1fr)', cell: ({ client }) => dim(client) },
  { id: 'dur', title: 'Duration', track: '92px', isNumber: true, isFirst: true, cell: ({ durationMs }) => <Duration ms={durationMs} /> },
  { id: 'cost', title: 'Cost', track: '84px', isNumber: true, cell: ({ cost, currency }) => <Money amount={cost} currency={currency} /> },
  {
    id: 'status',
    title: 'Status',
    track: 'minmax(120px, 1.2fr)',
    isFirst: true,
    cell: ({ status, fault }) => (
      <span className="inline-flex max-w-full min-w-0 items-baseline gap-2">
        <StatusWord status={status} />
        {fault !== null && <span className="truncate font-mono text-meta text-ink-3">{fault}</span>}
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

export const columnsByDefault = ['time', 'rail', 'what', 'who', 'client', 'dur', 'cost', 'status'];
