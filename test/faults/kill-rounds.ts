/**
 * D12, promise 4: a gateway under load whose every process is killed at random moments, again and again on one state
 * folder, and at the end the ledger held against what the upstream itself counted and what clients were answered, and the
 * chains of the audit and of calls verified.
 */
import { Agent } from 'node:http';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pidsOf } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { post, toolCall } from '../support/post.ts';
import { isAlive, killTree, processTree } from '../support/processes.ts';
import { type RecordedRequest, type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { event, json, type Reply, stream } from '../support/replies.ts';
import { type GatewayOptions, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

export interface KillReport {
  readonly seed: number;
  /** Times that every process was killed; how many of them while it was starting. */
  readonly kills: number;
  readonly killsWhileStarting: number;
  /** Times that one worker was killed alone. */
  readonly workerKills: number;
  /** Calls that clients made, that reached the upstream, that were answered whole, and rows of them in the ledger. */
  readonly sent: number;
  readonly reached: number;
  readonly answered: number;
  readonly rows: number;
  readonly unknown: number;
  /** From the spawn after a kill to the line that says it is ready, the slowest. */
  readonly slowestReadyMs: number;
  /** What breaks the promise, one line each. */
  readonly problems: readonly string[];
}

export interface KillOptions {
  readonly rounds: number;
  readonly clients: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

interface Sent {
  readonly id: string;
  answered: boolean;
}

interface Row {
  readonly id: string;
  readonly trace: string;
  readonly span: string;
  readonly status: string;
  readonly stop: string;
}

/** Of so many rounds one kills while the gateway starts, and one kills a worker before it kills all. */
const everyFourth = 4;
const everyThird = 3;

/** Faults are findings in the report; it rejects only where the rounds cannot be run. */
export async function runKillRounds({ rounds, clients, seed, onRound = () => undefined }: KillOptions): Promise<KillReport> {
  const random = seeded(seed);
  const upstream = await startRecordingUpstream(modernServer(variedReply(random)));
  const load = startLoad(clients, random);
  const counts = { killsWhileStarting: 0, workerKills: 0 };
  const options = gatewayOptions(upstream);
  let gateway = await startGateway(options);
  let slowestReadyMs = 0;
  const key = gateway.apiKey ?? '';
  try {
    for (let round = 1; round <= rounds; round += 1) {
      load.aim(gateway, key);
      // Under load, not at its beginning: by then keys are verified and connections open.
      await until(() => load.answeredHere() >= clients, { everyMs: 1, what: 'the first answers of a round' });
      await pause(random() * 200);
      if (round % everyThird === 0) {
        await killWorker(gateway, random);
        counts.workerKills += 1;
        await pause(random() * 150);
      }
      await gateway.kill9();
      load.aim(null, key);
      if (round % everyFourth === 0) counts.killsWhileStarting += await killWhileStarting(options, random);
      gateway = await startGateway(options);
      slowestReadyMs = Math.max(slowestReadyMs, Math.round(gateway.readyMs));
      onRound(round);
    }
    await load.stop();
    await until(() => readdirSync(join(gateway.stateFolder, 'journal')).filter((name) => name.endsWith('.journal')).length <= workers, {
      timeoutMs: 180_000,
      what: 'the journals of the killed processes to be in the ledger',
    });
    const rows = await allRows(gateway, upstream);
    const problems = [...compare(load.sent, upstream.requests, rows), ...setAside(gateway)];
    const verified = await gateway.cli('audit', 'verify');
    if (verified.code !== 0) problems.push(`the audit is not whole: ${verified.stdout}${verified.stderr}`);
    const code = await gateway.stop();
    if (code !== 0) problems.push(`the last stop ended with ${code}`);
    return {
      seed,
      kills: rounds + counts.killsWhileStarting,
      ...counts,
      sent: load.sent.length,
      reached: calls(upstream.requests).length,
      answered: load.sent.filter(({ answered }) => answered).length,
      rows: rows.length,
      unknown: rows.filter(({ status }) => status === 'unknown').length,
      slowestReadyMs,
      problems,
    };
  } finally {
    await load.stop();
    killTree(gateway.pid);
    await upstream.stop();
  }
}

const workers = 2;

function gatewayOptions(upstream: RecordingUpstream): GatewayOptions & { readonly stateFolder: string } {
  return {
    stateFolder: join(temporaryFolder(), 'state'),
    config: {
      workers,
      servers: [{ name: 'counted', url: upstream.url }],
      rate_limits: [{ scope: 'api_key', limit: 1_000_000, window: '1s' }],
      log: { level: 'warn' },
    },
  };
}

/** Answered at once or late, whole or as a stream in parts: a kill meets calls in every state. */
function variedReply(random: () => number): Reply {
  return async (request, socket) => {
    const text = `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}`;
    if (random() < 0.5) await pause(random() * 40);
    if (socket.destroyed) return;
    if (random() < 0.5) return json(text)(request, socket);
    const progress = event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'half' } });
    await stream([progress, { waitMs: random() * 20 }, event(text)])(request, socket);
  };
}

interface KillLoad {
  readonly sent: readonly Sent[];
  /** Where calls go from now on; null: nowhere. */
  aim(gateway: RunningGateway | null, key: string): void;
  /** Calls answered since. */
  answeredHere(): number;
  stop(): Promise<void>;
}

function startLoad(clients: number, random: () => number): KillLoad {
  const sent: Sent[] = [];
  let target: { readonly mcp: string; readonly facade: string; readonly key: string } | null = null;
  let stopped = false;
  let answeredHere = 0;

  const loops = Array.from({ length: clients }, async (_, client) => {
    for (let number = 0; !stopped; number += 1) {
      const at = target;
      if (at === null) {
        await pause(5);
        continue;
      }
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (!stopped && target === at) {
        const call: Sent = { id: `kill-${client}-${(number += 1)}`, answered: false };
        sent.push(call);
        const { body, headers } = toolCall('echo', { id: call.id });
        try {
          const answer =
            client % 4 === 0
              ? await post(at.facade, { tool: 'echo', arguments: { id: call.id } }, { key: at.key, headers: { 'x-trace-id': call.id }, agent })
              : await post(at.mcp, body, { key: at.key, headers: { ...headers, 'x-trace-id': call.id }, agent });
          call.answered = answer.status === 200 && answer.text.includes('"result"');
          if (call.answered) answeredHere += 1;
          // A starting or ending gateway refuses; what it refused counts like what never came.
          if (answer.status !== 200) await pause(5);
        } catch {
          await pause(5);
        }
        if (random() < 0.05) await pause(random() * 10);
      }
      agent.destroy();
    }
  });
  return {
    sent,
    aim(gateway, key) {
      target = gateway === null ? null : { mcp: `${gateway.mcp}/counted`, facade: `${gateway.url}/v1/mcp/counted/tools/call`, key };
      answeredHere = 0;
    },
    answeredHere: () => answeredHere,
    async stop() {
      stopped = true;
      await Promise.all(loops);
    },
  };
}

async function killWorker(gateway: RunningGateway, random: () => number): Promise<void> {
  const before = pidsOf(gateway, 'worker');
  const victim = before[Math.floor(random() * before.length)];
  if (victim === undefined) throw new Error('there is no worker to kill');
  process.kill(victim, 'SIGKILL');
  await until(() => !isAlive(victim), { what: 'the killed worker to be gone' });
}

/** @returns 1: it counts as a kill */
async function killWhileStarting(options: GatewayOptions, random: () => number): Promise<number> {
  let pid = 0;
  const starting = startGateway({ ...options, onSpawn: (spawned) => (pid = spawned) }).then(
    () => undefined,
    () => undefined,
  );
  await pause(50 + random() * 1_500);
  const members = processTree(pid);
  killTree(pid);
  await starting;
  await until(() => members.every((member) => !isAlive(member)), { what: 'the processes of the killed start to be gone' });
  return 1;
}

async function allRows(gateway: RunningGateway, upstream: RecordingUpstream): Promise<Row[]> {
  const read = (): Promise<Row[]> =>
    ledgerRows<Row>(
      gateway.stateFolder,
      "SELECT client_trace_id AS id, toString(trace_id) AS trace, toString(span_id) AS span, toString(status) AS status, toString(stop) AS stop FROM calls WHERE client_trace_id LIKE 'kill-%'",
    );
  // The last calls under the last gateway are on their way; those that never come are found by the comparison.
  let rows: Row[] = [];
  const wanted = new Set(calls(upstream.requests).map(({ id }) => id));
  await until(
    async () => {
      rows = await read();
      const found = new Set(rows.map(({ id }) => id));
      return [...wanted].every((id) => found.has(id));
    },
    { timeoutMs: 20_000, everyMs: 100, what: 'the last rows' },
  ).catch(() => undefined);
  return rows;
}

function calls(requests: readonly RecordedRequest[]): { id: string; trace: string; span: string }[] {
  return requests.flatMap((request) => {
    const message = JSON.parse(request.body.toString('utf8')) as { method?: string; params?: { arguments?: { id?: string } } };
    if (message.method !== 'tools/call') return [];
    const [, trace = '', span = ''] = (request.header('traceparent')[0] ?? '').split('-');
    return [{ id: message.params?.arguments?.id ?? '', trace, span }];
  });
}

function compare(sent: readonly Sent[], requests: readonly RecordedRequest[], rows: readonly Row[]): string[] {
  const problems: string[] = [];
  const rowsById = Map.groupBy(rows, ({ id }) => id);
  const callsById = Map.groupBy(calls(requests), ({ id }) => id);
  const sentById = new Map(sent.map((call) => [call.id, call]));
  for (const [id, reached] of callsById) {
    const [row, ...more] = rowsById.get(id) ?? [];
    if (reached.length > 1) problems.push(`${id} was sent to the upstream ${reached.length} times`);
    if (row === undefined) problems.push(`${id} reached the upstream and has no row`);
    else if (more.length > 0) problems.push(`${id} has ${more.length + 1} rows: ${[row, ...more].map(({ status }) => status).join(', ')}`);
    else if (row.span !== reached[0]?.span || row.trace !== reached[0].trace) problems.push(`${id} has the row of another span`);
  }
  for (const { id, status } of rows) {
    const call = sentById.get(id);
    if (call === undefined) problems.push(`${id} has a row and nobody made it`);
    else if (call.answered && status !== 'success') problems.push(`${id} was answered whole and stands as ${status}`);
    if (status === 'success' && !callsById.has(id)) problems.push(`${id} stands as success and never reached the upstream`);
    if (status !== 'success' && status !== 'unknown') problems.push(`${id} stands as ${status}`);
  }
  for (const { id, answered } of sent) if (answered && !rowsById.has(id)) problems.push(`${id} was answered and has no row`);
  return problems;
}

/** Bytes of the journal that the drain could not read. */
function setAside(gateway: RunningGateway): string[] {
  return readdirSync(join(gateway.stateFolder, 'journal', 'corrupt')).map((name) => `the drain set ${name} aside`);
}

/** Mulberry32: the same rounds again by the same seed, as far as processes allow. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
