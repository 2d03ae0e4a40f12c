/**
 * `npm run bench -- ledger [--rows N] [--quick] [-o json]`: what the embedded ledger takes and answers. Inserts by the drain's own way;
 * questions on 1, 5 and 20 million generated calls of a month; and what it costs the rail at half load that its records are brought
 * into the ledger. Ends by itself; with 20 million rows it needs about 6 GB of disk and half an hour.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../packages/gateway/src/kernel/clock.ts';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { parseQuery } from '../../packages/gateway/src/query/parse-query.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../../packages/gateway/src/record/call-record.ts';
import { openJournal } from '../../packages/gateway/src/record/journal.ts';
import { createCallSink } from '../../packages/gateway/src/store/ledger/calls.ts';
import { createLedgerReader, type LedgerReader } from '../../packages/gateway/src/store/ledger/ledger-reader.ts';
import type { LedgerStore } from '../../packages/gateway/src/store/ledger/ledger-store.ts';
import { openLedger } from '../../packages/gateway/src/store/ledger/open-ledger.ts';
import { createRollups } from '../../packages/gateway/src/store/ledger/rollups.ts';
import type { Selection } from '../../packages/gateway/src/store/ledger/selection.ts';
import { openCallChain } from '../../packages/gateway/src/telemetry/call-chain.ts';
import { startDrain } from '../../packages/gateway/src/telemetry/drain.ts';
import { createTap } from '../../packages/gateway/src/telemetry/tap.ts';
import { until } from '../support/poll.ts';
import { processorMicroseconds, residentBytes } from '../support/processes.ts';
import { generatedCalls } from './generated-calls.ts';
import { type Generator, startGenerator, untilQuiet } from './measure.ts';
import { startGatewayTarget, startUpstream, type GatewayTarget } from './targets.ts';

export interface LedgerBenchOptions {
  readonly quick: boolean;
  /** The most generated calls. */
  readonly rows: number;
}

export interface LedgerBench {
  readonly inserts: { readonly rows: number; readonly rowsPerSecond: number; readonly engineCpuMsPer1000: number; readonly drainCpuMsPer1000: number };
  readonly sizes: readonly {
    readonly rows: number;
    readonly bytesPerCall: number;
    readonly engineRssMib: number;
    readonly p95Ms: Readonly<Record<string, number>>;
  }[];
  /** Requests a second at which the pairs were measured, and the processor time of a call in the worker. */
  readonly rail: {
    readonly perSecond: number;
    readonly cpuUsDrained: number;
    readonly cpuUsUndrained: number;
    readonly p50MsDrained: number;
    readonly p50MsUndrained: number;
  };
}

const organization = 'org_default';
const day = 86_400_000;
const days = 30;
const rounds = 20;
const rowsAStatement = 200_000;

export async function runLedgerBench({ quick, rows }: LedgerBenchOptions, say: (text: string) => void): Promise<LedgerBench> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-bench-ledger-'));
  const store = openLedger({ at: { folder: join(folder, 'ledger'), socketPath: join(folder, 'l.sock') }, retentionDays: 90, log: silentLog });
  try {
    await until(() => store.state() === 'ready', { what: 'the embedded ledger', timeoutMs: 120_000 });
    const enginePid = Number(/PID: (\d+)/.exec(readFileSync(join(folder, 'ledger', 'status'), 'utf8'))?.[1]);
    const inserts = await measureDrain(store, join(folder, 'journal'), enginePid, quick ? 50_000 : 300_000);
    say(`the drain: ${Math.round(inserts.rowsPerSecond)} calls a second`);
    const sizes: LedgerBench['sizes'][number][] = [];
    const newestMs = Math.floor(Date.now() / day) * day;
    let filled = 0;
    for (const size of [1_000_000, 5_000_000, 20_000_000].map((one) => Math.min(one, rows)).filter((one, index, all) => all.indexOf(one) === index)) {
      say(`generating ${size - filled} calls …`);
      await fill(store, filled, size, newestMs);
      filled = size;
      say(`asking ${size} calls …`);
      sizes.push({
        rows: size,
        bytesPerCall: await bytesPerCall(store),
        engineRssMib: Math.round(residentBytes(enginePid).now / 1024 / 1024),
        p95Ms: await ask(store, newestMs),
      });
    }
    await store.close();
    say('the rail at half load, with and without a ledger behind its journal …');
    return { inserts, sizes, rail: await measureRail(quick) };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls as a worker writes them, through the journal and the drain into the ledger. */
async function measureDrain(store: LedgerStore, journalFolder: string, enginePid: number, calls: number): Promise<LedgerBench['inserts']> {
  const journal = openJournal({ folder: journalFolder, writer: 'bench-0', segmentBytesMax: 64 * 1024 * 1024, sync: false, log: silentLog });
  const principal = principalBlock({
    organizationId: 'org_bench',
    keyId: 'key_bench',
    keyPrefix: 'gwo_live_abcd',
    userId: 'usr_1',
    teamId: 'team_1',
    projectId: '',
    agent: 'agent',
    environment: 'production',
  });
  const server = serverBlock('node_bench', 'search', 'USD');
  const startedAt = performance.now();
  const wallOffsetMs = Date.now() - startedAt;
  for (let number = 0; number < calls; number += 1) {
    const record = new CallRecord(number, startedAt + number / 1000);
    record.traceHex = randomBytes(16).toString('hex');
    record.spanHex = randomBytes(8).toString('hex');
    Object.assign(record, {
      method: 'tools/call',
      name: 'query',
      requestId: `req_${record.spanHex}`,
      era: 'modern',
      version: '2026-07-28',
      clientName: 'bench',
      peer: '127.0.0.1',
      requestBytes: 300,
    });
    writeIntent(journal, record, principal, server, wallOffsetMs);
    Object.assign(record, {
      status: 'success',
      stop: 'reply',
      httpStatus: 200,
      replyBytes: 600,
      replyContentType: 'application/json',
      costNano: 1_000_000,
      pricedBy: 'default',
    });
    writeOutcome(journal, record, startedAt + number / 1000 + 5);
    if (number % 200 === 199) await journal.committed();
  }
  journal.close();
  const before = { atMs: performance.now(), engine: processorMicroseconds(enginePid), own: process.cpuUsage() };
  const drain = startDrain({
    journalFolder,
    ledger: createCallSink(store),
    chain: openCallChain({ path: `${journalFolder}.chain`, node: 'node_bench', log: silentLog }),
    tap: createTap(silentLog),
    clock: systemClock,
    log: silentLog,
    spoolBytesMax: 1024 ** 4,
  });
  if (!(await drain.flush(600_000))) throw new Error('the drain did not end');
  const seconds = (performance.now() - before.atMs) / 1000;
  const own = process.cpuUsage(before.own);
  const figures = {
    rows: calls,
    rowsPerSecond: calls / seconds,
    engineCpuMsPer1000: (processorMicroseconds(enginePid) - before.engine) / calls,
    drainCpuMsPer1000: (own.user + own.system) / calls,
  };
  await drain.stop();
  return figures;
}

/** A month of calls, day by day, and what the gateway sums up of them when a day is over; by minute only where a question reads it. */
async function fill(store: LedgerStore, from: number, to: number, newestMs: number): Promise<void> {
  for (let index = 0; index < days; index += 1) {
    const first = Math.floor((from * index) / days) + Math.floor(((to - from) * index) / days);
    const count = Math.floor(((to - from) * (index + 1)) / days) - Math.floor(((to - from) * index) / days);
    // A statement has the memory that the gateway's have.
    for (let done = 0; done < count; done += rowsAStatement) {
      const dayStart = (newestMs - (days - 1 - index) * day) / 1000;
      await store.command(generatedCalls(organization, first + from * days + done, Math.min(rowsAStatement, count - done), dayStart), {});
    }
  }
  const rollups = createRollups(store);
  for (const name of ['day', 'minute', 'calls-of-day'] as const)
    for (const { startMs } of await rollups.listStale(name, 1_000))
      if (name !== 'minute' || startMs >= newestMs) await rollups.seal(name, startMs, BigInt(Date.now()) * 1000n);
}

async function bytesPerCall(store: LedgerStore): Promise<number> {
  const sql = "SELECT sum(bytes_on_disk) / sum(rows) AS bytes FROM system.parts WHERE active AND database = currentDatabase() AND table = 'calls'";
  const [found] = await store.query(sql, {}, z.object({ bytes: z.number() }));
  return Math.round((found?.bytes ?? 0) * 10) / 10;
}

/** The 95th percentile of each question, asked often with other values. */
async function ask(store: LedgerStore, newestMs: number): Promise<Readonly<Record<string, number>>> {
  const reader = createLedgerReader(store);
  const p95: Record<string, number> = {};
  for (const [name, question] of Object.entries(questions(newestMs))) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const startedAt = performance.now();
      await question(reader, round);
      times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    p95[name] = Math.round((times[Math.ceil(rounds * 0.95) - 1] ?? 0) * 10) / 10;
  }
  return p95;
}

type Question = (reader: LedgerReader, round: number) => Promise<unknown>;

function questions(newestMs: number): Readonly<Record<string, Question>> {
  const endUs = BigInt(newestMs + day) * 1000n;
  const window = (hours: number, query = ''): Selection => ({
    organizationId: organization,
    startUs: endUs - BigInt(hours) * 3_600_000_000n,
    endUs,
    query: parseQuery(query),
    whole: null,
  });
  const month = days * 24;
  const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const costs =
    (groupBy: 'day' | 'team' | 'tool'): Question =>
    (reader) =>
      reader.listCosts({
        organizationId: organization,
        startDate: date(newestMs - (days - 1) * day),
        endDate: date(newestMs),
        groupBy,
        currency: 'USD',
        filter: {},
        limit: 1_000,
      });
  const metrics =
    (hours: number, stepMinutes: number): Question =>
    (reader) => {
      const endMs = newestMs + day;
      const asked = { organizationId: organization, startMs: endMs - hours * 3_600_000, endMs, query: parseQuery(''), bodies: false };
      return reader.callMetrics({ ...asked, stepMs: stepMinutes * 60_000, limit: 502, grouped: true });
    };
  return {
    'first page of traces, last day': (reader) => reader.listTraces({ ...window(24), after: null, limit: 51 }),
    'first page of traces, month, one server, errors': (reader, round) =>
      reader.listTraces({ ...window(month, `server:server-${round % 20} status:error`), after: null, limit: 51 }),
    'first page of calls, month, one user': (reader, round) => reader.listCalls({ ...window(month, `user:usr_${round}`), after: null, limit: 51 }),
    'one trace by its id': async (reader, round) => {
      const [call] = await reader.listCalls({ ...window(month, `user:usr_${round}`), after: null, limit: 1 });
      if (call === undefined) throw new Error('no call to find');
      return reader.findTrace(organization, call.trace_hex);
    },
    'full text, last day': (reader, round) => reader.listCalls({ ...window(24, `tool_${round % 10} upstream`), after: null, limit: 51 }),
    'facets, last day': (reader) => reader.listFacets(window(24), ['status', 'server', 'tool', 'user'], 20),
    'histogram, week': (reader) => reader.listBuckets(window(24 * 7), 3_600_000_000n),
    'metrics of the last hour': metrics(1, 1),
    'metrics of a month': metrics(month, 24 * 60),
    'costs of a month by day': costs('day'),
    'costs of a month by team': costs('team'),
    'costs of a month by tool': costs('tool'),
  };
}

/** The same rail twice at a rate that it carries with ease, once with its journal drained and once not; in turn, so that a busy machine hurts both. */
async function measureRail(quick: boolean): Promise<LedgerBench['rail']> {
  const running: { stop(): void | Promise<void> }[] = [];
  try {
    const upstream = await startUpstream();
    running.push(upstream);
    const drained = (await startGatewayTarget(upstream)).target;
    running.push(drained);
    // Nobody listens there: the journal is written and stays.
    const undrained = (await startGatewayTarget(upstream, { CLICKHOUSE_URL: 'http://127.0.0.1:9/nowhere' })).target;
    running.push(undrained);
    const generator = startGenerator();
    running.push(generator);
    return await compareRail(generator, [drained, undrained], quick);
  } finally {
    for (const one of running.reverse()) await one.stop();
  }
}

async function compareRail(generator: Generator, [drained, undrained]: readonly [GatewayTarget, GatewayTarget], quick: boolean): Promise<LedgerBench['rail']> {
  const times = quick ? { warmupMs: 300, measureMs: 1_000 } : { warmupMs: 1_000, measureMs: 5_000 };
  const most = await generator.measure(drained, { connections: 50, perSecond: null }, times);
  const perSecond = Math.round(most.perSecond / 2 / 100) * 100;
  const figures = new Map<GatewayTarget, { cpu: number[]; p50: number[] }>([drained, undrained].map((target) => [target, { cpu: [], p50: [] }]));
  for (let round = 0; round < (quick ? 3 : 7); round += 1) {
    for (const [target, { cpu, p50 }] of figures) {
      const one = await generator.measure(target, { connections: 50, perSecond }, times);
      cpu.push(one.cpuMicroseconds);
      p50.push(one.p50);
      await untilQuiet(target.pids(), 5_000);
    }
  }
  const median = (values: readonly number[] = []): number => Math.round((values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0) * 1000) / 1000;
  return {
    perSecond,
    cpuUsDrained: median(figures.get(drained)?.cpu),
    cpuUsUndrained: median(figures.get(undrained)?.cpu),
    p50MsDrained: median(figures.get(drained)?.p50),
    p50MsUndrained: median(figures.get(undrained)?.p50),
  };
}

export function renderLedgerBench({ inserts, sizes, rail }: LedgerBench): string {
  const names = Object.keys(sizes[0]?.p95Ms ?? {});
  const width = Math.max(...names.map((name) => name.length), 24);
  const row = (name: string, cells: readonly (string | number)[]): string =>
    `${name.padEnd(width)}  ${cells.map((cell) => String(cell).padStart(12)).join('')}`;
  return [
    `The drain: ${Math.round(inserts.rowsPerSecond)} calls a second into the embedded ledger; processor time for 1,000 calls: engine ${inserts.engineCpuMsPer1000.toFixed(1)} ms, drain ${inserts.drainCpuMsPer1000.toFixed(1)} ms.`,
    '',
    row(
      'calls',
      sizes.map(({ rows }) => rows.toLocaleString('en-US')),
    ),
    row(
      'bytes a call on disk',
      sizes.map(({ bytesPerCall: bytes }) => bytes),
    ),
    row(
      'memory of the engine, MiB',
      sizes.map(({ engineRssMib }) => engineRssMib),
    ),
    'p95 in ms of',
    ...names.map((name) =>
      row(
        name,
        sizes.map(({ p95Ms }) => p95Ms[name] ?? ''),
      ),
    ),
    '',
    `The rail at ${rail.perSecond} calls a second: ${rail.cpuUsDrained} µs of the worker a call with the journal drained into the ledger, ${rail.cpuUsUndrained} µs without; median ${rail.p50MsDrained} and ${rail.p50MsUndrained} ms.`,
  ].join('\n');
}
