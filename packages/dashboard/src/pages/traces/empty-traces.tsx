import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useLiveLostMs } from '../../app/live.ts';
import { countText } from '../../text/format.ts';
import { rangeText, windowAt, type RangeSearch } from '../../time/range.ts';
import { Button } from '../../ui/button.tsx';
import { NoCalls } from '../../ui/no-calls.tsx';
import { Empty } from '../../ui/states.tsx';
import { termsOf, withoutTerm } from './query-text.ts';

interface EmptyTracesProps {
  readonly isLive: boolean;
  readonly query: string;
  readonly search: RangeSearch;
  readonly onChange: (query: string) => void;
}

/** Why there is nothing: no call was ever made, none now, or which term keeps all away. */
export function EmptyTraces({ isLive, query, search, onChange }: EmptyTracesProps): ReactElement {
  const isLost = useLiveLostMs() !== null;
  if (isLive)
    return (
      <Empty title={isLost ? 'Live stream lost' : 'Waiting for the next call …'}>
        {isLost ? 'It is reconnecting: calls appear here once it is back.' : `Calls appear here as they end${query === '' ? '' : ', if they match the query'}.`}
      </Empty>
    );
  if (query === '') return <NoCalls title={`No calls in the ${rangeText(search)}`} />;
  return <Culprits query={query} search={search} onChange={onChange} />;
}

/** How many there are, and how many there would be without each of the terms: the one that keeps most away first. */
function Culprits({ query, search, onChange }: Omit<EmptyTracesProps, 'isLive'>): ReactElement {
  const terms = termsOf(query);
  const all = useQuery({ queryKey: ['culprits', '', search], queryFn: ({ signal }) => countOf('', search, signal) });
  const counts = useQuery({
    queryKey: ['culprits', query, search],
    queryFn: async ({ signal }) => {
      const found = await Promise.all(
        terms.slice(0, termsMax).map(async ({ text }, index) => {
          const rest = withoutTerm(query, index);
          return { text, rest, total: await countOf(rest, search, signal) };
        }),
      );
      return found.sort((a, b) => b.total - a.total);
    },
  });
  const total = all.data ?? null;
  if (total === 0) return <NoCalls title={`No calls in the ${rangeText(search)}`} />;
  return (
    <Empty
      title={
        total === null ? `No calls in the ${rangeText(search)} match the query` : `0 of ${countText(total)} traces of the ${rangeText(search)} match the query`
      }
    >
      <ul className="flex flex-col items-start gap-1">
        {(counts.data ?? []).map(({ text, rest, total: found }) => (
          <li key={text}>
            <Button onClick={() => onChange(rest)} disabled={found === 0} title={found === 0 ? 'There would be none without it either.' : undefined}>
              remove <code className="font-mono text-meta">{text}</code> → {countText(found)}
            </Button>
          </li>
        ))}
      </ul>
    </Empty>
  );
}

/** Each is a question of its own. */
const termsMax = 6;

async function countOf(query: string, search: RangeSearch, signal: AbortSignal): Promise<number> {
  const { start, end } = windowAt(search, Date.now());
  const question = { ...(query === '' ? {} : { query }), start_time: start, end_time: end ?? new Date().toISOString(), limit: 1 };
  return (await gateway.traces.list(question, { signal }).page()).estimated_total ?? 0;
}
