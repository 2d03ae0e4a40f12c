import { bounds } from '../../kernel/bounds.ts';
import { LatencySketch } from './latency-sketch.ts';
import type { LiveCall } from './live-call.ts';

/** Which calls are counted together: by what sums of the ledger know of a call too. */
export interface MeteredKind {
  readonly server: string;
  readonly tool: string;
  readonly method: string;
  readonly status: string;
}

/** Calls of one kind. */
interface MeteredCell extends MeteredKind {
  calls: number;
  readonly latency: LatencySketch;
}

/** The calls of a second. */
export interface MeteredSecond {
  readonly cells: readonly MeteredCell[];
  /** Who called, by agent or key; bounded. */
  readonly agents: ReadonlySet<string>;
}

export interface MeterFigures {
  readonly calls: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of calls that came to a server, in microseconds, each within a hundredth; null where none did. */
  readonly latencyUs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
}

export interface MeterSummary {
  readonly total: MeterFigures;
  /** Most calls first, at most `meterGroupsMax`. */
  readonly servers: readonly (MeterFigures & { readonly server: string })[];
  readonly tools: readonly (MeterFigures & { readonly server: string; readonly tool: string })[];
}

/** Outcomes that say how long a server took. */
const timed: ReadonlySet<string> = new Set(['success', 'error', 'timeout']);

/** Counts the calls of a second. Names come from callers: past the bound what is new is counted without them. */
export class CallMeter {
  private cells = new Map<string, MeteredCell>();
  private agents = new Set<string>();

  add({ server, tool, method, status, agent, key_id: key, duration_us: durationUs }: LiveCall): void {
    const cell =
      this.cellOf({ server, tool, method, status }, bounds.meterCellsMax) ??
      this.cellOf({ server, tool: '', method: '', status }, 2 * bounds.meterCellsMax) ??
      this.cellOf({ server: '', tool: '', method: '', status }, Infinity);
    if (cell === null) return;
    cell.calls++;
    if (timed.has(status)) cell.latency.add(durationUs);
    const who = agent === '' ? key : `agent ${agent}`;
    if (who !== '' && this.agents.size < bounds.meterCellsMax) this.agents.add(who);
  }

  /** What was counted since it was last taken. */
  take(): MeteredSecond {
    const taken = { cells: [...this.cells.values()], agents: this.agents };
    this.cells = new Map();
    this.agents = new Set();
    return taken;
  }

  private cellOf(kind: MeteredKind, cellsMax: number): MeteredCell | null {
    const name = `${kind.server}\n${kind.tool}\n${kind.method}\n${kind.status}`;
    const known = this.cells.get(name);
    if (known !== undefined) return known;
    if (this.cells.size >= cellsMax) return null;
    const made = { ...kind, calls: 0, latency: new LatencySketch() };
    this.cells.set(name, made);
    return made;
  }
}

/** The cells of one second or several together, in all, by server and by tool. */
export function summarizeCells(cells: readonly MeteredCell[]): MeterSummary {
  const byServer = Object.entries(Object.groupBy(cells, ({ server }) => server));
  const byTool = Object.entries(
    Object.groupBy(
      cells.filter(({ method, tool }) => method === 'tools/call' && tool !== ''),
      ({ server, tool }) => `${server}\n${tool}`,
    ),
  );
  return {
    total: figuresOf(cells),
    servers: busiest(byServer.map(([server, own = []]) => ({ server, ...figuresOf(own) }))),
    tools: busiest(byTool.map(([, own = []]) => ({ server: own[0]?.server ?? '', tool: own[0]?.tool ?? '', ...figuresOf(own) }))),
  };
}

function busiest<Group extends MeterFigures>(groups: readonly Group[]): Group[] {
  return groups.toSorted((a, b) => b.calls - a.calls).slice(0, bounds.meterGroupsMax);
}

function figuresOf(cells: readonly MeteredCell[]): MeterFigures {
  const outcomes: Record<string, number> = {};
  const latency = new LatencySketch();
  let calls = 0;
  for (const cell of cells) {
    calls += cell.calls;
    outcomes[cell.status] = (outcomes[cell.status] ?? 0) + cell.calls;
    latency.merge(cell.latency);
  }
  const [p50, p95, p99] = [latency.quantile(0.5), latency.quantile(0.95), latency.quantile(0.99)];
  return { calls, outcomes, latencyUs: p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 } };
}
