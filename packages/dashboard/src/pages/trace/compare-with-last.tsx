import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { Schemas } from '@gatewayops/sdk';
import { GitCompareArrows } from 'lucide-react';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { Button } from '../../ui/button.tsx';
import { FaultLine } from '../../ui/fault-line.tsx';
import { quoted } from '../traces/query-text.ts';

const weekMs = 7 * 86_400_000;

/** From a call of a tool that did not end well to what it was like when it last did. */
export function CompareWithLast({ traceId, span }: { readonly traceId: string; readonly span: Schemas['Span'] }): ReactElement | null {
  const navigate = useNavigate();
  const find = useMutation({
    mutationFn: async () => {
      const end = Date.parse(span.start_time);
      const asked = {
        start_time: new Date(end - weekMs).toISOString(),
        end_time: span.start_time,
        query: `server:${quoted(span.server)} tool:${quoted(span.tool ?? '')} status:ok`,
        limit: 20,
      };
      const { requests } = await gateway.logs.requests(asked).page(undefined);
      const last = requests.find((call) => call.trace_id !== traceId);
      if (last === undefined) return `No other call of ${span.tool ?? ''} succeeded in the week before.`;
      await navigate({ to: '/traces/compare', search: { a: last.trace_id, b: traceId } });
      return null;
    },
  });
  if (span.tool === null || span.status === 'success') return null;
  return (
    <>
      <Button disabled={find.isPending} onClick={() => find.mutate()}>
        <GitCompareArrows size={14} aria-hidden="true" /> Compare with last success
      </Button>
      {find.data !== undefined && find.data !== null && (
        <p role="status" className="w-full text-ink-2">
          {find.data}
        </p>
      )}
      <FaultLine error={find.error} />
    </>
  );
}
