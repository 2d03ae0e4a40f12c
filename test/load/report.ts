/** What the bench found, for people and for programs. */
import { cpus } from 'node:os';
import type { Load } from './measure.ts';
import type { StartTime, StartTimes } from './targets.ts';

export interface Figures {
  readonly target: string;
  readonly load: Load;
  /** Right replies a second. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
  readonly failures: number;
  readonly firstFailure: string | null;
}

export interface BenchResult {
  readonly quick: boolean;
  readonly figures: readonly Figures[];
  readonly start: StartTimes | null;
  /** All processes of the gateway together, before any load. */
  readonly idle: { readonly processes: number; readonly bytes: number } | null;
  readonly notes: readonly string[];
}

/** What these numbers can say and what they cannot. */
const limits = [
  'The load generator, the upstream and the target share the cores of one machine: requests per second say how targets compare in this run, not what they carry elsewhere.',
  'Only the ratio of one run counts; absolute figures move with the machine and with what else it does.',
  'Processor time is that of the one process that carries the calls, in steps of 10 ms; the kernel work of the peers is not in it. At low rates each call also pays for waking up.',
  'One message of 300 bytes, one reply of 600 bytes, no TLS, keep-alive, loopback: no network, no slow client.',
  'The gateway runs one worker, with its ledger embedded on the same cores; writing records to it goes on while it is measured.',
];

/** The one line of JSON. Milliseconds, requests a second, microseconds and MiB, as the names say; null where not measured. */
export function summarise(result: BenchResult): object {
  const find = (target: string, connections: number, perSecond: number | null): Figures | null => at(result, target, { connections, perSecond });
  const [gateway, pipe, nginx] = ['gateway', 'pipe', 'nginx'].map((target) => find(target, 50, null));
  const fixed = find('gateway', 50, 5_000);
  const direct = find('direct', 50, 5_000);
  const most = find('gateway', 50, 10_000);
  return {
    relay: {
      ratio: ratio(gateway?.perSecond, pipe?.perSecond),
      cpu_ratio: ratio(pipe?.cpuMicroseconds, gateway?.cpuMicroseconds),
      nginx_ratio: ratio(gateway?.perSecond, nginx?.perSecond),
      added_p50_ms: difference(fixed?.p50, direct?.p50),
      added_p95_ms: difference(fixed?.p95, direct?.p95),
      added_p99_ms: difference(fixed?.p99, direct?.p99),
      carries_10000: most ? carried(most) : null,
      rss_1000_connections_mib: mebibytes(find('gateway', 1_000, null)?.residentBytes),
      first_start_byte_ms: result.start ? Math.round(result.start.first.byteMs) : null,
      first_start_ready_ms: result.start ? Math.round(result.start.first.readyMs) : null,
      start_byte_ms: result.start ? Math.round(result.start.second.byteMs) : null,
      start_ready_ms: result.start ? Math.round(result.start.second.readyMs) : null,
      idle_rss_mib: mebibytes(result.idle?.bytes),
      idle_processes: result.idle?.processes ?? null,
    },
    figures: result.figures.map((one) => ({
      target: one.target,
      connections: one.load.connections,
      offered_per_second: one.load.perSecond,
      per_second: Math.round(one.perSecond),
      p50_ms: rounded(one.p50),
      p95_ms: rounded(one.p95),
      p99_ms: rounded(one.p99),
      cpu_us: rounded(one.cpuMicroseconds),
      rss_mib: mebibytes(one.residentBytes),
      failures: one.failures,
    })),
    quick: result.quick,
    cores: cpus().length,
    notes: result.notes,
  };
}

export function renderResult(result: BenchResult): string {
  const lines = [`${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}, Node.js ${process.versions.node}${result.quick ? ', quick' : ''}`];
  const loads = [...new Set(result.figures.map(({ load }) => load))];
  for (const load of loads) {
    const title =
      load.perSecond === null
        ? `${load.connections} connections, each as fast as it can`
        : `${load.perSecond} requests a second over ${load.connections} connections`;
    const header = ['', 'req/s', 'p50 ms', 'p95 ms', 'p99 ms', 'added p50', 'p95', 'p99', 'CPU µs', 'of pipe', 'RSS MiB'];
    const direct = at(result, 'direct', load);
    const pipe = at(result, 'pipe', load);
    const rows = result.figures.filter((one) => one.load === load).map((one) => row(one, direct, pipe));
    lines.push('', title, ...table([header, ...rows]));
  }
  const { start, idle } = result;
  if (start) lines.push('', `gateway start: ${startText(start.second)}; with an empty state folder: ${startText(start.first)}`);
  if (idle) lines.push(`gateway idle: ${mebibytes(idle.bytes)} MiB in ${idle.processes} processes together (memory they share is counted in each)`);
  lines.push(
    '',
    ...result.notes,
    'added: over direct. of pipe: requests a second; at a fixed rate the processor time of the pipe by its own.',
    ...limits.map((limit) => `- ${limit}`),
  );
  return lines.join('\n');
}

function startText({ byteMs, readyMs }: StartTime): string {
  return `first byte after ${Math.round(byteMs)} ms, ready after ${Math.round(readyMs)} ms`;
}

function row(one: Figures, direct: Figures | null, pipe: Figures | null): string[] {
  const added = (of: 'p50' | 'p95' | 'p99'): string => (one.target === 'direct' ? '' : (difference(one[of], direct?.[of]) ?? 0).toFixed(3));
  const closed = one.load.perSecond === null;
  const share =
    one.target === 'direct'
      ? null
      : closed
        ? ratio(one.perSecond, pipe?.perSecond)
        : carried(one) && pipe && carried(pipe)
          ? ratio(pipe.cpuMicroseconds, one.cpuMicroseconds)
          : null;
  const failed = one.failures > 0 ? [`${one.failures} FAILED: ${one.firstFailure ?? 'no answer'}`] : [];
  const missed = !closed && !carried(one) ? ['not carried'] : [];
  return [
    one.target,
    one.perSecond.toFixed(0),
    one.p50.toFixed(3),
    one.p95.toFixed(3),
    one.p99.toFixed(3),
    added('p50'),
    added('p95'),
    added('p99'),
    one.cpuMicroseconds.toFixed(1),
    share === null ? '' : share.toFixed(2),
    String(mebibytes(one.residentBytes)),
    ...failed,
    ...missed,
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) => cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
}

/** All that was offered came back right, give or take what is on its way at the edges. */
function carried(one: Figures): boolean {
  return one.failures === 0 && one.perSecond >= (one.load.perSecond ?? 0) * 0.995;
}

function at(result: BenchResult, target: string, load: Load): Figures | null {
  return result.figures.find((one) => one.target === target && one.load.connections === load.connections && one.load.perSecond === load.perSecond) ?? null;
}

function ratio(a: number | undefined, b: number | undefined): number | null {
  return a === undefined || b === undefined || b === 0 ? null : rounded(a / b);
}

function difference(a: number | undefined, b: number | undefined): number | null {
  return a === undefined || b === undefined ? null : rounded(a - b);
}

function mebibytes(bytes: number | undefined): number | null {
  return bytes === undefined ? null : Math.round(bytes / 1024 / 1024);
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
