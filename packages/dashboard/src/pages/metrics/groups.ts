/** Lines of servers or tools: as the ledger has them, or of the seconds that were seen live. */
import type { Schemas } from '@gatewayops/sdk';
import type { Line } from '../../charts/line-chart.tsx';

export type GroupBy = 'server' | 'tool';

/** So many have a colour of their own; the rest is one line. */
export const groupsMax = 7;

export interface Group {
  /** Null: all others together. */
  readonly server: string | null;
  readonly tool: string | null;
  readonly rate: readonly number[];
  readonly failed: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
}

export function groupsOf({ groups }: Schemas['CallMetricSeries']): readonly Group[] {
  return groups.map(({ server, tool, series }) => ({ server, tool, rate: series.rate, failed: series.error_percent, p95: series.p95_ms }));
}

/** What a second says of a server, or of a tool. */
export type LiveGroup = Pick<Schemas['CallMetrics']['tools'][number], 'server' | 'calls' | 'errors' | 'latency_ms'> & { readonly tool?: string };

/** The same of seconds: those with the most calls by name, then all others. How long others took together, seconds of each cannot say. */
export function liveGroupsOf(seconds: readonly (readonly LiveGroup[])[]): readonly Group[] {
  const nameOf = ({ server, tool }: LiveGroup): string => `${server}\n${tool ?? ''}`;
  const totals = new Map<string, number>();
  for (const group of seconds.flat()) totals.set(nameOf(group), (totals.get(nameOf(group)) ?? 0) + group.calls);
  const most = [...totals].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
  const shown = most.slice(0, groupsMax).toSorted();
  const lines = [...shown.map((name): readonly (string | null)[] => name.split('\n')), ...(most.length > groupsMax ? [[null, null]] : [])].map(
    ([server = null, tool = null]) => ({
      server,
      tool: tool === '' ? null : tool,
      rate: seconds.map(() => 0),
      failed: seconds.map((): number | null => null),
      p95: seconds.map((): number | null => null),
    }),
  );
  const places = new Map(shown.map((name, place) => [name, place]));
  for (const [at, second] of seconds.entries())
    for (const [place, own] of Map.groupBy(second, (group) => places.get(nameOf(group)) ?? groupsMax)) {
      const line = lines[place];
      if (line === undefined) continue;
      const [calls, errors] = [own.reduce((sum, group) => sum + group.calls, 0), own.reduce((sum, group) => sum + group.errors, 0)];
      line.rate[at] = calls;
      line.failed[at] = calls === 0 ? null : (100 * errors) / calls;
      line.p95[at] = own.length === 1 ? (own[0]?.latency_ms?.p95 ?? null) : null;
    }
  return lines;
}

/** A server is not named again where there is but one of them. */
export function labelOf({ server, tool }: Pick<Group, 'server' | 'tool'>, isOneServer: boolean): string {
  if (server === null) return 'all others';
  const name = server === '' ? 'several servers' : server;
  if (tool === null) return name;
  return isOneServer ? tool : `${name} · ${tool}`;
}

/** Colours go by the order of names, so that whoever looks at the same sees the same. */
export function linesOf(groups: readonly Group[], of: 'rate' | 'failed' | 'p95'): readonly Line[] {
  const isOneServer = new Set(groups.flatMap(({ server }) => server ?? [])).size === 1;
  return groups.map((group, index) => ({
    label: labelOf(group, isOneServer),
    colour: group.server === null ? '--ink-3' : `--series-${index + 1}`,
    values: group[of],
  }));
}
