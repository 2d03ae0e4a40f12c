import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Allowed } from '../../ui/states.tsx';
import { TraceActions } from './trace-actions.tsx';
import { TraceView } from './trace-view.tsx';

export function Trace(): ReactElement {
  return (
    <Allowed permission="traces.read">
      <TracePage />
    </Allowed>
  );
}

function TracePage(): ReactElement {
  const { traceId } = useParams({ from: '/traces/$traceId' });
  const search = useSearch({ from: '/traces/$traceId' });
  const navigate = useNavigate({ from: '/traces/$traceId' });
  return (
    <TraceView
      traceId={traceId}
      spanId={search.span ?? null}
      tab={search.tab ?? 'summary'}
      onSpan={(span) => void navigate({ search: (old) => ({ ...old, span }), replace: true })}
      onTab={(tab) => void navigate({ search: (old) => ({ ...old, tab }), replace: true })}
      filter={{ find: search.find, isHiding: search.hide === '1' }}
      onFilter={({ find, isHiding }) => void navigate({ search: (old) => ({ ...old, find, hide: isHiding ? '1' : undefined }), replace: true })}
      isNarrow={false}
      actions={<TraceActions traceId={traceId} />}
    />
  );
}
