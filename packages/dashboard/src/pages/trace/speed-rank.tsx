import type { Schemas } from '@gatewayops/sdk';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { gateway } from '../../app/gateway.ts';
import { useCapability } from '../../app/session.ts';
import { countText } from '../../text/format.ts';
import { quoted } from '../traces/query-text.ts';

const dayMs = 86_400_000;
/** Of fewer a share says little. */
const callsMin = 20;

/** `p97`: how many of a hundred calls of this tool, in the day up to this one, were faster. Nothing where too few were made, or none may be seen. */
export function SpeedRank({ span }: { readonly span: Schemas['Span'] }): ReactElement | null {
  const may = useCapability('metrics.read').allowed;
  const came = span.stop === 'server' || span.stop === 'reply';
  const found = useQuery({
    queryKey: ['metrics', 'rank', span.id],
    queryFn: async ({ signal }) => {
      const end = Date.parse(span.start_time) + Math.ceil(span.duration_ms) + 1;
      const window = { start_time: new Date(end - dayMs).toISOString(), end_time: new Date(end).toISOString(), limit: 1 };
      // Those that came to the server, as it did.
      const query = `server:${quoted(span.server)} tool:${quoted(span.tool ?? '')} stop:(server OR reply)`;
      const ask = async (more: string): Promise<number> => (await gateway.metrics.calls({ ...window, query: `${query}${more}` }, { signal })).metrics.calls;
      const [all, faster] = await Promise.all([ask(''), ask(` dur:<${Math.round(span.duration_ms * 1000)}us`)]);
      return { all, faster };
    },
    enabled: may && came && span.tool !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (found.data === undefined || found.data.all < callsMin) return null;
  const { all, faster } = found.data;
  const rank = Math.min(99, Math.floor((100 * faster) / all));
  return (
    <span
      title={`${countText(faster)} of the ${countText(all)} calls of ${span.tool ?? ''} in the day up to this one were faster`}
      className={`rounded-control px-1.5 text-meta ${rank >= 95 ? 'bg-warn-soft text-warn' : 'bg-sunken text-ink-2'}`}
    >
      slower than {rank} % of its calls
    </span>
  );
}
