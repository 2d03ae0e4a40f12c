import type { ConsultantReport } from '../../consult/consultant.ts';
import { engineBucketsSeconds, type MetricName, type MetricPoint, type MetricReading } from '../../kernel/metric-table.ts';
import type { CatalogueReport, ProcessReport, WorkerReport } from '../../node/worker-report.ts';
import type { TargetReport } from '../../snapshot/upstream-data.ts';
import type { BackupRun } from '../../store/registry/registry-store.ts';
import type { ExportFigures } from '../../telemetry/otlp/start-export.ts';
import type { StreamStatus } from '../audit/stream-desk.ts';
import type { IssuerDesk } from '../sign-in/issuer-desk.ts';
import type { BackupScheduleStatus } from '../backup/backup-schedule.ts';
import type { ProviderData } from '../../identity/provider-data.ts';
import { signInOutcomes, type SignInCounts } from '../audit/sign-in-counts.ts';
import type { ControlContext } from '../context.ts';
import { readHealth } from '../health/read-health.ts';
import { targetViews } from '../servers/target-view.ts';
import { RunningTotals } from './running-totals.ts';

type Parts = Pick<
  ControlContext,
  'probes' | 'config' | 'serverState' | 'upstreams' | 'streams' | 'issuers' | 'audit' | 'providers' | 'backups' | 'clock' | 'log' | 'figures'
>;

export type ReadNodeMetrics = (context: Parts) => Promise<readonly MetricReading[]>;

const breakerStates = ['closed', 'half_open', 'open'] as const;

/** Reads every figure that is not of calls. The counts of workers that have gone since are kept. */
export function createNodeMetrics(): ReadNodeMetrics {
  const rejected = new RunningTotals();
  const bodiesDropped = new RunningTotals();
  const engine = new RunningTotals();
  const targetCalls = new RunningTotals();
  const targetFailures = new RunningTotals();
  const supervisor = 0;

  return async (context) => {
    const { config, figures, upstreams } = context;
    const [workers, health] = await Promise.all([figures.workers(), readHealth(context)]);
    const reports = workers.toSorted((a, b) => a.worker - b.worker);
    for (const totals of [rejected, bodiesDropped, engine, targetCalls, targetFailures]) totals.keep([supervisor, ...reports.map(({ worker }) => worker)]);
    for (const [rule, count] of Object.entries(figures.rejected.all())) rejected.note(supervisor, rule, count);
    for (const { worker, report } of reports) {
      for (const [rule, count] of Object.entries(report.rejected)) rejected.note(worker, rule, count);
      for (const [reason, count] of Object.entries(report.bodiesDropped)) bodiesDropped.note(worker, reason, count);
      noteEngine(engine, worker, report.consultant);
      for (const [key, target] of sumByTarget(report.targets)) {
        targetCalls.note(worker, key, target.calls);
        targetFailures.note(worker, key, target.failures);
      }
    }
    const targets = config.servers.flatMap((server) =>
      targetViews(
        server,
        reports.flatMap(({ report }) => report.targets),
        upstreams,
      ).map((view) => ({ server: server.name, view })),
    );
    const known = new Set(targets.map(({ server, view }) => `${server}\n${view.name}`));
    const totalsOf = (totals: RunningTotals): MetricPoint[] =>
      Array.from(totals.all())
        .filter(([key]) => known.has(key))
        .map(([key, value]) => ({ labels: key.split('\n'), value }));
    const drain = figures.drain();
    const gone = figures.bodiesGone();
    bodiesDropped.note(supervisor, 'no_room', gone.dropped);
    bodiesDropped.note(supervisor, 'lost', gone.lost);
    const tapped = figures.tapped();

    return [
      { name: 'gatewayops_rejected_total', points: Array.from(rejected.all(), ([rule, value]) => ({ labels: [rule], value })) },
      ofWorkers('gatewayops_connections', reports, ({ connections }) => connections),
      ofWorkers('gatewayops_calls_open', reports, ({ callsOpen }) => callsOpen),
      {
        name: 'gatewayops_server_up',
        points: Object.entries(health.servers).map(([server, { state }]) => ({ labels: [server], value: state === 'failed' || state === 'starting' ? 0 : 1 })),
      },
      {
        name: 'gatewayops_server_degraded',
        points: Object.entries(health.servers).map(([server, { state }]) => ({ labels: [server], value: state === 'degraded' ? 1 : 0 })),
      },
      {
        name: 'gatewayops_target_up',
        points: targets.map(({ server, view }) => ({
          labels: [server, view.name],
          value: view.state === 'failing' || view.state === 'down' || view.state === 'draining' ? 0 : 1,
        })),
      },
      {
        name: 'gatewayops_target_breaker',
        points: targets.flatMap(({ server, view }) =>
          breakerStates.map((state) => ({
            labels: [server, view.name, state],
            value: isInState(server, view.name, state, reports) ? 1 : 0,
          })),
        ),
      },
      { name: 'gatewayops_target_calls_total', points: totalsOf(targetCalls) },
      { name: 'gatewayops_target_failures_total', points: totalsOf(targetFailures) },
      { name: 'gatewayops_target_calls_open', points: targets.map(({ server, view }) => ({ labels: [server, view.name], value: view.inFlight })) },
      ...ofCatalogues(reports.flatMap(({ report }) => report.catalogues)),
      single('gatewayops_journal_bytes', drain.journalBytes),
      single('gatewayops_spool_bytes', drain.lagBytes),
      single('gatewayops_spool_limit_bytes', figures.spoolBytesMax),
      single('gatewayops_drain_lag_seconds', drain.oldestMs / 1000),
      single('gatewayops_drain_lag_rows', drain.lagRows),
      single('gatewayops_drain_dropped_total', drain.dropped),
      { name: 'gatewayops_bodies_dropped_total', points: Array.from(bodiesDropped.all(), ([reason, value]) => ({ labels: [reason], value })) },
      ...ofEngine(engine.all()),
      single('gatewayops_record_blocked', figures.recordBlocked() ? 1 : 0),
      ...ofIssuers(context.issuers),
      ...ofSignIns(context.audit.signIns, context.providers.list()),
      ...ofExport(figures.exported()),
      ...ofStreams(context.streams.list()),
      ...ofBackups(context.backups.status(), context.clock.nowMs()),
      single('gatewayops_live_streams', tapped.streams),
      single('gatewayops_live_dropped_total', tapped.dropped),
      single('gatewayops_tap_failures_total', tapped.failures),
      {
        name: 'gatewayops_dependency_up',
        points: Object.entries(health.dependencies).map(([name, { state }]) => ({ labels: [name], value: state === 'ok' ? 1 : 0 })),
      },
      single('gatewayops_workers', reports.length),
      single('gatewayops_workers_configured', figures.workersConfigured),
      ...ofProcesses([{ name: 'supervisor', report: figures.supervisor() }, ...reports.map(({ report }, index) => ({ name: processName(index), report }))]),
      single('gatewayops_config_version', figures.configVersion()),
      single('gatewayops_start_time_seconds', figures.startedMs / 1000),
      { name: 'gatewayops_build_info', points: [{ labels: [figures.version, process.versions.node, figures.node], value: 1 }] },
    ];
  };
}

/** Of the policy engine that a worker asks; one that is opened anew counts from zero. */
function noteEngine(totals: RunningTotals, worker: number, report: ConsultantReport | null): void {
  if (report === null) return;
  for (const [decision, count] of Object.entries(report.opinions)) totals.note(worker, `answers ${decision}`, count);
  for (const [reason, count] of Object.entries(report.failures)) totals.note(worker, `failures ${reason}`, count);
  for (const [index, count] of report.seconds.entries()) totals.note(worker, `seconds ${index}`, count);
  totals.note(worker, 'sum', report.secondsTotal);
}

function ofEngine(totals: ReadonlyMap<string, number>): MetricReading[] {
  const named = (kind: string): MetricPoint[] =>
    Array.from(totals).flatMap(([name, value]) => (name.startsWith(`${kind} `) ? [{ labels: [name.slice(kind.length + 1)], value }] : []));
  const counts = [...engineBucketsSeconds, Infinity].map((_, index) => totals.get(`seconds ${index}`) ?? 0);
  const count = counts.reduce((sum, one) => sum + one, 0);
  const value = { boundaries: engineBucketsSeconds, counts, sum: totals.get('sum') ?? 0, count };
  return [
    { name: 'gatewayops_policy_engine_answers_total', points: named('answers') },
    { name: 'gatewayops_policy_engine_failures_total', points: named('failures') },
    { name: 'gatewayops_policy_engine_seconds', points: count === 0 ? [] : [{ labels: [], value }] },
  ];
}

function ofIssuers({ reports, refusals }: IssuerDesk): MetricReading[] {
  const named = new Map(reports().map(({ issuer, keys }) => [issuer.name, keys]));
  return [
    { name: 'gatewayops_issuer_up', points: Array.from(named, ([name, { state }]) => ({ labels: [name], value: state === 'away' ? 0 : 1 })) },
    {
      name: 'gatewayops_issuer_reads_total',
      points: Array.from(named).flatMap(([name, { fetched, failed }]) => [
        { labels: [name, 'ok'], value: fetched },
        { labels: [name, 'failed'], value: failed },
      ]),
    },
    { name: 'gatewayops_token_refusals_total', points: Array.from(refusals(), ([step, value]) => ({ labels: [step], value })) },
  ];
}

/** A provider has its series before somebody first signs in by it: a rate needs a beginning. */
function ofSignIns(counts: SignInCounts, providers: readonly ProviderData[]): MetricReading[] {
  const people = counts.people();
  const counted = new Set(people.map(({ labels }) => labels.join('\n')));
  const quiet = providers.flatMap(({ name }) => signInOutcomes.map((outcome) => [name, outcome])).filter((labels) => !counted.has(labels.join('\n')));
  return [
    { name: 'gatewayops_sign_ins_total', points: [...people, ...quiet.map((labels) => ({ labels, value: 0 }))] },
    { name: 'gatewayops_credentials_total', points: counts.credentials() },
  ];
}

function ofExport(figures: ExportFigures | null): MetricReading[] {
  const bySignal = (name: MetricName, counts: Readonly<Record<string, number>>): MetricReading => ({
    name,
    points: Object.entries(counts).map(([signal, value]) => ({ labels: [signal], value })),
  });
  return [
    bySignal('gatewayops_otlp_exported_total', figures?.exported ?? {}),
    bySignal('gatewayops_otlp_dropped_total', figures?.dropped ?? {}),
    { name: 'gatewayops_otlp_waiting', points: figures === null ? [] : [{ labels: [], value: figures.waiting }] },
  ];
}

function ofStreams(streams: readonly StreamStatus[]): MetricReading[] {
  const each = (name: MetricName, of: (stream: StreamStatus) => number | null): MetricReading => ({
    name,
    points: streams.flatMap((stream) => {
      const value = of(stream);
      return value === null ? [] : [{ labels: [stream.name], value }];
    }),
  });
  return [
    each('gatewayops_audit_stream_up', ({ state }) => (state === 'failing' ? 0 : 1)),
    each('gatewayops_audit_stream_events_total', ({ delivered }) => delivered),
    each('gatewayops_audit_stream_failures_total', ({ failures }) => failures),
    each('gatewayops_audit_stream_waiting', ({ behind }) => behind),
  ];
}

function ofBackups(status: BackupScheduleStatus | null, nowMs: number): MetricReading[] {
  const done = status?.done ?? null;
  const each = (name: MetricName, of: (run: BackupRun) => number): MetricReading => ({ name, points: done === null ? [] : [{ labels: [], value: of(done) }] });
  return [
    each('gatewayops_backup_age_seconds', ({ startedAtMs }) => Math.max(0, nowMs - startedAtMs) / 1000),
    each('gatewayops_backup_bytes', ({ bytes }) => bytes ?? 0),
  ];
}

function single(name: MetricName, value: number): MetricReading {
  return { name, points: [{ labels: [], value }] };
}

/** By place, not by id: a worker that takes another's place is the same process to whoever looks at a chart. */
function processName(index: number): string {
  return `worker-${index + 1}`;
}

function ofWorkers(name: MetricName, reports: readonly { readonly report: WorkerReport }[], of: (report: WorkerReport) => number): MetricReading {
  return { name, points: reports.map(({ report }, index) => ({ labels: [processName(index)], value: of(report) })) };
}

function ofProcesses(processes: readonly { readonly name: string; readonly report: ProcessReport }[]): MetricReading[] {
  const each = (name: MetricName, of: (report: ProcessReport) => number): MetricReading => ({
    name,
    points: processes.map((process) => ({ labels: [process.name], value: of(process.report) })),
  });
  return [
    each('gatewayops_process_resident_memory_bytes', ({ residentBytes }) => residentBytes),
    each('gatewayops_process_cpu_seconds_total', ({ cpuSeconds }) => cpuSeconds),
    {
      name: 'gatewayops_event_loop_delay_seconds',
      points: processes.flatMap(({ name, report: { loopDelay } }) =>
        loopDelay === null
          ? []
          : [
              { labels: [name, 'p50'], value: loopDelay.medianSeconds },
              { labels: [name, 'p99'], value: loopDelay.p99Seconds },
              { labels: [name, 'max'], value: loopDelay.maxSeconds },
            ],
      ),
    },
    each('gatewayops_event_loop_utilization_ratio', ({ loopUtilization }) => loopUtilization),
  ];
}

/** Workers keep lists of their own, one for each kind of caller: the oldest and the longest of them are told. */
function ofCatalogues(catalogues: readonly CatalogueReport[]): MetricReading[] {
  const lists = Object.entries(Object.groupBy(catalogues, ({ server, list }) => `${server}\n${list}`));
  const each = (name: MetricName, of: (reports: readonly CatalogueReport[]) => number): MetricReading => ({
    name,
    points: lists.map(([key, reports = []]) => ({ labels: key.split('\n'), value: of(reports) })),
  });
  return [
    each('gatewayops_catalogue_age_seconds', (reports) => Math.max(...reports.map(({ ageMs }) => ageMs)) / 1000),
    each('gatewayops_catalogue_entries', (reports) => Math.max(...reports.map(({ entries }) => entries))),
    each('gatewayops_catalogue_stale', (reports) => (reports.some(({ stale }) => stale) ? 1 : 0)),
  ];
}

/** A changed setting gives a target new connections: while calls of before end, a worker has two of one name. */
function sumByTarget(targets: readonly TargetReport[]): ReadonlyMap<string, { readonly calls: number; readonly failures: number }> {
  const sums = new Map<string, { calls: number; failures: number }>();
  for (const { server, target, calls, failures } of targets) {
    const key = `${server}\n${target}`;
    const sum = sums.get(key) ?? { calls: 0, failures: 0 };
    sums.set(key, { calls: sum.calls + calls, failures: sum.failures + failures });
  }
  return sums;
}

function isInState(server: string, target: string, state: (typeof breakerStates)[number], reports: readonly { readonly report: WorkerReport }[]): boolean {
  const own = reports.flatMap(({ report }) => report.targets).filter((one) => one.server === server && one.target === target);
  // A target that nobody has called yet refuses nobody.
  return own.length === 0 ? state === 'closed' : own.some(({ breaker }) => breaker === state);
}
