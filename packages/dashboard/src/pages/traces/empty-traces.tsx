import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
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
  if (isLive) return <Empty title="Waiting for the next call …">Calls appear here as they end{query === '' ? '' : ', those that fit the query'}.</Empty>;
  if (query === '') return <NoCalls title={`No call in the ${rangeText(search)}`} />;
  return (
    <Empty title={`No call in the ${rangeText(search)} fits the query`}>
      <Culprits query={query} search={search} onChange={onChange} />
    </Empty>
  );
}

/** How many there would be without each of the terms. */
function Culprits({ query, search, onChange }: Omit<EmptyTracesProps, 'isLive'>): ReactElement {
  const terms = termsOf(query);
  const counts = useQuery({
    queryKey: ['culprits', query, search],
    queryFn: ({ signal }) => {
      const { start, end } = windowAt(search, Date.now());
      return Promise.all(
        terms.slice(0, 6).map(async ({ text }, index) => {
          const rest = withoutTerm(query, index);
          const page = await gateway.traces
            .list({ ...(rest === '' ? {} : { query: rest }), start_time: start, end_time: end ?? new Date().toISOString(), limit: 1 }, { signal })
            .page();
          return { text, rest, total: page.estimated_total ?? 0 };
        }),
      );
    },
  });
  return (
    <ul className="flex flex-col items-start gap-1">
      {(counts.data ?? []).map(({ text, rest, total }) => (
        <li key={text}>
          <Button onClick={() => onChange(rest)} disabled={total === 0}>
            without <code className="font-mono text-meta">{text}</code> → {countText(total)}
          </Button>
        </li>
      ))}
    </ul>
  );
}
