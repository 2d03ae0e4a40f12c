/**
 * `npm run bench [-- --quick] [--no-gateway] [-o json]`; with a name the bench of that file: `-- ledger`, `access`, `snapshot`, `changes`, `rules`, `keys`, `api`, `dashboard`. Without one: what the gateway costs, beside the upstream itself, a bare pipe of
 * the same parts, and nginx where it is installed. All targets stand at the same time and are measured in turn, so that a
 * busy machine hurts all alike; each figure is the median of the rounds. Ends by itself: about 45 s quick, 5 min whole.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as pause } from 'node:timers/promises';
import { workerEnvironment } from '../../packages/gateway/src/node/worker-environment.ts';
import { residentBytes } from '../support/processes.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { renderApiBench, runApiBench } from './bench-api.ts';
import { renderAccessBench, runAccessBench } from './bench-access.ts';
import { renderChangesBench, runChangesBench } from './bench-changes.ts';
import { renderDashboardBench, runDashboardBench } from './bench-dashboard.ts';
import { renderKeysBench, runKeysBench } from './bench-keys.ts';
import { renderLedgerBench, runLedgerBench } from './bench-ledger.ts';
import { renderRulesBench, runRulesBench } from './bench-rules.ts';
import { renderSnapshotBench, runSnapshotBench } from './bench-snapshot.ts';
import { type Generator, type Load, type Measurement, startGenerator, untilQuiet } from './measure.ts';
import { type BenchResult, type Figures, renderResult, summarise } from './report.ts';
import { type GatewayTarget, startGatewayTarget, startNginx, startPipe, startUpstream, type Target } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '20000000' },
    quick: { type: 'boolean', default: false },
    gateway: { type: 'boolean', default: true },
    output: { type: 'string', short: 'o', default: 'text' },
  },
  allowNegative: true,
});
const { quick } = values;

/** In the order in which they are measured; the first is the one of the ratio. */
const loads: readonly Load[] = [
  { connections: 50, perSecond: null },
  { connections: 1, perSecond: null },
  { connections: 1_000, perSecond: null },
  { connections: 50, perSecond: 5_000 },
  { connections: 50, perSecond: 10_000 },
];
/** The first load gives the ratio, which is the figure that counts; the fixed rate gives what is added. */
function roundsOf(load: Load): number {
  if (load === loads[0]) return 5;
  return quick && load.perSecond !== 5_000 ? 1 : 3;
}
const times = quick ? { warmupMs: 150, measureMs: 500 } : { warmupMs: 500, measureMs: 2_000 };
const idleMs = quick ? 2_000 : 5_000;
/**
 * Code is compiled as it is used: the first tens of thousands of calls of a process are not like the rest. A number of calls, so that no target is
 * further than another.
 */
const warmup = quick ? { calls: 10_000, msMax: 5_000 } : { calls: 60_000, msMax: 40_000 };
const quietMsMax = quick ? 500 : 3_000;

const running: { stop(): void | Promise<void> }[] = [];
try {
  if (positionals[0] === 'ledger') {
    const found = await runLedgerBench({ quick, rows: quick ? 1_000_000 : Number(values.rows) }, (text) => console.error(text));
    console.log(values.output === 'json' ? JSON.stringify({ ledger: found }) : renderLedgerBench(found));
  } else if (positionals[0] === 'snapshot' && globalThis.gc === undefined) {
    // What is measured is a worker: its heap is another than that of a process without options.
    const env = { ...process.env, NODE_OPTIONS: workerEnvironment(process.env)['NODE_OPTIONS'] };
    process.exitCode = spawnSync(process.execPath, process.argv.slice(1), { stdio: 'inherit', env }).status ?? 1;
  } else if (positionals[0] === 'snapshot') {
    const found = await runSnapshotBench(collect);
    console.log(values.output === 'json' ? JSON.stringify({ snapshot: found }) : renderSnapshotBench(found));
  } else if (positionals[0] === 'changes') {
    const found = await runChangesBench();
    console.log(values.output === 'json' ? JSON.stringify({ changes: found }) : renderChangesBench(found));
  } else if (positionals[0] === 'rules') {
    const found = await runRulesBench();
    console.log(values.output === 'json' ? JSON.stringify({ rules: found }) : renderRulesBench(found));
  } else if (positionals[0] === 'keys') {
    const found = await runKeysBench(collect);
    console.log(values.output === 'json' ? JSON.stringify({ keys: found }) : renderKeysBench(found));
  } else if (positionals[0] === 'access') {
    const found = runAccessBench();
    console.log(values.output === 'json' ? JSON.stringify({ access: found }) : renderAccessBench(found));
  } else if (positionals[0] === 'api') {
    const found = await runApiBench({ quick });
    console.log(values.output === 'json' ? JSON.stringify({ api: found }) : renderApiBench(found));
  } else if (positionals[0] === 'dashboard') {
    const found = await runDashboardBench({ quick }, (text) => console.error(text));
    console.log(values.output === 'json' ? JSON.stringify({ dashboard: found }) : renderDashboardBench(found));
  } else if (positionals.length > 0) {
    throw new Error(`there is no bench named ${positionals[0]}; there are: none (the rail), ledger, access, snapshot, changes, rules, keys, api, dashboard`);
  } else {
    const result = await runBench();
    console.log(values.output === 'json' ? JSON.stringify(summarise(result)) : renderResult(result));
  }
} finally {
  for (const one of running.reverse()) await one.stop();
  removeGatewayFolders();
}

/** What is not needed any more leaves the heap. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function runBench(): Promise<BenchResult> {
  const upstream = started(await startUpstream());
  const pipe = started(await startPipe(upstream, false));
  const notes = busyNote();
  const extras = [started(await startPipe(upstream, true))];
  const nginx = await startNginx(upstream);
  if (typeof nginx === 'string') notes.push(`nginx is skipped: ${nginx}`);
  else extras.push(started(nginx));

  const targets: Target[] = [upstream, pipe, ...extras];
  let gateway: GatewayTarget | null = null;
  let start: BenchResult['start'] = null;
  let idle: BenchResult['idle'] = null;
  if (values.gateway) {
    const begun = await startGatewayTarget(upstream);
    gateway = started(begun.target);
    start = begun.start;
    await pause(idleMs);
    const pids = gateway.pids();
    idle = { processes: pids.length, bytes: pids.reduce((sum, pid) => sum + residentBytes(pid).now, 0) };
    targets.push(gateway);
  }

  const generator = started(startGenerator());
  for (const target of targets) await warmUp(generator, target);
  if (gateway !== null) await untilQuiet(gateway.pids(), quietMsMax);
  const figures: Figures[] = [];
  for (const load of loads) figures.push(...(await measureInTurn(generator, targets, load, gateway, extras)));
  return { quick, figures, start, idle, notes };
}

async function warmUp(generator: Generator, target: Target): Promise<void> {
  const until = performance.now() + warmup.msMax;
  for (let calls = 0; calls < warmup.calls && performance.now() < until;) {
    calls += (await generator.measure(target, { connections: 50, perSecond: null }, { warmupMs: 0, measureMs: 1_000 })).replies;
  }
}

/** Another program at work is in every figure; who reads them must know. */
function busyNote(): string[] {
  const [lastMinute = 0] = loadavg();
  return lastMinute < 0.5
    ? []
    : [`The machine was at work before the run (load ${lastMinute.toFixed(1)} on ${cpus().length} cores): figures are worse than they would be, and shakier.`];
}

/** Quick: what only informs is measured at the first load alone. */
async function measureInTurn(
  generator: Generator,
  all: readonly Target[],
  load: Load,
  gateway: GatewayTarget | null,
  extras: readonly Target[],
): Promise<Figures[]> {
  const targets = quick && load !== loads[0] ? all.filter((target) => !extras.includes(target)) : all;
  const measured = new Map<Target, Measurement[]>(targets.map((target) => [target, []]));
  for (let round = 0; round < roundsOf(load); round += 1) {
    for (const [target, list] of measured) {
      list.push(await generator.measure(target, load, times));
      // The gateway goes on writing its records when the load is over.
      if (target === gateway) await untilQuiet(gateway.pids(), quietMsMax);
    }
  }
  return [...measured].map(([target, list]) => medians(target.name, load, list));
}

function medians(target: string, load: Load, list: readonly Measurement[]): Figures {
  const median = (of: (measurement: Measurement) => number): number => list.map(of).sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
  return {
    target,
    load,
    perSecond: median((one) => one.perSecond),
    p50: median((one) => one.p50),
    p95: median((one) => one.p95),
    p99: median((one) => one.p99),
    cpuMicroseconds: median((one) => one.cpuMicroseconds),
    residentBytes: median((one) => one.residentBytes),
    failures: list.reduce((sum, one) => sum + one.failures + one.unanswered, 0),
    firstFailure: list.find((one) => one.firstFailure !== null)?.firstFailure ?? null,
  };
}

function started<Running extends { stop(): void | Promise<void> }>(one: Running): Running {
  running.push(one);
  return one;
}
