/**
 * `npm run bench:fabric [-- --quick] [--only PART] [-o json]`: what the fabric costs: the aggregate over 1, 10 and 60 servers, lists of 10, 100 and
 * 500 tools, stateful legacy sessions, a program on stdio, a server that stalls beside others that do not, and streams of 100 events; each
 * beside the server itself, the byte relay of `/mcp/{server}`, a gateway made of the official SDK's server and client, and other
 * products (`--peer SCRIPT`, as often as there are: the start-*.sh beside this file), in one run. The figures of a run stand in
 * `docs/performance.md`. Ends by itself: about 6 min, quick 2 min, and a minute more for each peer.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { gatewayProcesses } from '../support/gateway-processes.ts';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { processorMicroseconds, processTree } from '../support/processes.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';
import { legacyCall, modernCall, modernRequest, openSession, ownFile, type Program, type Request, startOwn, startProgram } from './fleet-wire.ts';
import { startGenerator, untilQuiet, type Generator, type Wire } from './measure.ts';
import { measureSlowNeighbour, neighbourBound } from './slow-neighbour.ts';
import type { Target } from './targets.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'text' },
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const times = values.quick ? { warmupMs: 300, measureMs: 1_000 } : { warmupMs: 1_000, measureMs: 3_000 };
/** Code is compiled as it is used. A number of calls, so that no target is further than another; what takes seconds for one is warm by then. */
const warmup = values.quick ? { calls: 3_000, msMax: 2_000 } : { calls: 20_000, msMax: 10_000 };

interface Row {
  readonly what: string;
  readonly through: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly note: string;
}

const rows: Row[] = [];
/** The command of a server on stdio. */
const stdioCommand = [nodePath, ownFile('stdio-upstream.ts'), '10'];
/** What `slow_neighbour` says in JSON. */
let neighbour: object | null = null;
const running: { stop(): unknown }[] = [];
try {
  await measureAll();
  console.log(values.output === 'json' ? JSON.stringify({ fabric: rows, slow_neighbour: neighbour, quick: values.quick }) : rendered());
} finally {
  for (const one of running.reverse()) await one.stop();
  removeGatewayFolders();
}

async function measureAll(): Promise<void> {
  const generator = startGenerator();
  running.push(generator);
  for (const script of values.peer) execFileSync(script, ['--check'], { stdio: 'inherit' });
  const parts: Readonly<Record<string, (generator: Generator) => Promise<void>>> = { aggregates, lists, sessions, neighbour: slowNeighbour, streams };
  const { only } = values;
  if (only !== undefined && parts[only] === undefined) throw new Error(`--only: ${only} is none of ${Object.keys(parts).join(', ')}`);
  for (const [name, measurePart] of Object.entries(parts)) if (only === undefined || only === name) await measurePart(generator);
}

/** A call through the aggregate: what more servers cost, and what it costs beside the relay. */
async function aggregates(generator: Generator): Promise<void> {
  const ports = await startFleet(60, 10);
  const sdk = await own<{ port: number }>('sdk-gateway.ts', String(ports[0]));
  for (const count of [1, 10, 60]) {
    const { gateway, key } = await startFront(ports.slice(0, count).map(overHttp));
    const coldMs = await firstList(gateway, key);
    const what = `tools/call, ${count} servers of 10 tools`;
    if (count === 1) {
      await measure(generator, what, target('the server itself', ports[0] ?? 0, '/mcp', null, process.pid), modernCall('query_0'));
      await measure(generator, what, target('SDK gateway', sdk.told.port, '/mcp', null, sdk.pid), modernCall('query_0'));
      await measure(generator, what, target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid), modernCall('query_0'));
    }
    const note = `first tools/list ${Math.round(coldMs)} ms`;
    await measure(generator, what, target('/mcp', gateway.port, '/mcp', key, gateway.pid), modernCall('s0__query_0'), note);
    await gateway.stop();
  }
}

/** The list of a catalogue that is known already. */
async function lists(generator: Generator): Promise<void> {
  for (const tools of [10, 100, 500]) {
    const ports = await startFleet(1, tools);
    const { gateway, key } = await startFront(ports.map(overHttp));
    await firstList(gateway, key);
    const what = `tools/list, ${tools} tools`;
    await measure(generator, what, target('the server itself', ports[0] ?? 0, '/mcp', null, process.pid), modernRequest('tools/list', {}));
    await measure(generator, what, target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid), modernRequest('tools/list', {}));
    await measure(generator, what, target('/mcp', gateway.port, '/mcp', key, gateway.pid), modernRequest('tools/list', {}));
    await gateway.stop();
  }
}

/** Calls of older clients, and the peers, which all take those. */
async function sessions(generator: Generator): Promise<void> {
  const what = 'tools/call of 2025-11-25';
  const ports = await startFleet(1, 10);
  const { gateway, key } = await startFront(ports.map(overHttp));
  for (const [one, name] of [
    [target('the server itself', ports[0] ?? 0, '/mcp', null, process.pid), 'query_0'],
    [target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid), 'query_0'],
    [target('/mcp', gateway.port, '/mcp', key, gateway.pid), 's0__query_0'],
  ] as const)
    await measure(generator, what, await inSession(one), legacyCall(name));
  await gateway.stop();
  const frontsStdio: Program<Peer>[] = [];
  for (const script of values.peer) {
    const env = { ...process.env, UPSTREAM_PORT: String(ports[0]), UPSTREAM_COMMAND: stdioCommand.join('\n') };
    const peer = kept(await startProgram<Peer>(script, [], env, 180_000));
    if (peer.told.fronts === 'stdio') frontsStdio.push(peer);
    else await measurePeer(generator, what, peer);
  }
  await onStdio(generator, frontsStdio);
}

/** A server on stdio, which both the gateway and its peers make one over HTTP of. */
async function onStdio(generator: Generator, peers: readonly Program<Peer>[]): Promise<void> {
  const what = 'tools/call, a program on stdio';
  const { gateway, key } = await startFront([{ name: 's0', transport: 'stdio', command: stdioCommand }]);
  const relay = target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid);
  // The door opens before the programs have started.
  await until(() => probe(what, relay, modernCall('query_0')), { what: 'the program on stdio' });
  await measure(generator, what, relay, modernCall('query_0'), await processorNote(generator, what, relay, modernCall('query_0')));
  await measure(generator, what, target('/mcp', gateway.port, '/mcp', key, gateway.pid), modernCall('s0__query_0'));
  await gateway.stop();
  for (const peer of peers) await measurePeer(generator, what, peer);
}

/** What a start-*.sh says of the product that it has started. */
interface Peer {
  readonly name: string;
  readonly port: number;
  readonly path: string;
  /** How the product calls the tool `query_0`. */
  readonly tool: string;
  /** A value of Authorization, or nothing. */
  readonly authorization: string;
  readonly fronts: 'http' | 'stdio';
  readonly pid: number;
}

async function measurePeer(generator: Generator, what: string, peer: Program<Peer>): Promise<void> {
  const { name, port, path, tool, authorization, pid } = peer.told;
  const one: Target = { ...target(name, port, path, null, pid), headers: authorization === '' ? [] : [['Authorization', authorization]] };
  // Some take seconds for what 50 connections send at once.
  await measure(generator, what, await inSession(one), legacyCall(tool), '', { ...times, measureMs: 3 * times.measureMs });
  peer.stop();
}

async function slowNeighbour(generator: Generator): Promise<void> {
  const fleets = [await startFleet(1, 10), await startFleet(1, 10)];
  const stalling = await own<{ ports: number[] }>('fleet.ts', '1', '10');
  const { gateway, key } = await startFront([...fleets, stalling.told.ports].map(([port = 0], index) => overHttp(port, index)));
  const second = startGenerator();
  running.push(second);
  const front = target('/mcp', gateway.port, '/mcp', key, gateway.pid);
  await probe('a call for the server that is about to stall', front, modernCall('s2__query_0'));
  const { waitingCalls, perSecond, growthPercentMax } = neighbourBound;
  const { alone, beside } = await measureSlowNeighbour({
    generators: [generator, second],
    gateway: front,
    wires: [await probe('a call', front, modernCall('s0__query_0')), await probe('a call', front, modernCall('s1__query_0'))],
    stalled: fullRequest(front, modernCall('s2__query_0')),
    stalledPid: stalling.pid,
    rounds: values.quick ? 3 : 9,
    times,
  });
  const growthPercent = (beside.p99 / alone.p99 - 1) * 100;
  const carried = alone.failure === null && beside.failure === null;
  const met = carried && growthPercent < growthPercentMax;
  neighbour = {
    waiting_calls: waitingCalls,
    others_per_second: perSecond,
    p99_alone_ms: alone.p99,
    p99_beside_ms: beside.p99,
    growth_percent: growthPercent,
    growth_percent_max: growthPercentMax,
    carried,
    met,
  };
  const what = `tools/call at ${perSecond}/s to two of three servers`;
  rows.push({ what, through: '/mcp', perSecond: alone.perSecond, p50: alone.p50, p99: alone.p99, note: alone.failure ?? '' });
  const verdict = `p99 ${growthPercent >= 0 ? '+' : ''}${growthPercent.toFixed(0)} %, the bound of +${growthPercentMax} % is ${met ? 'met' : carried ? 'NOT met' : 'not judged: the load was not carried'}`;
  rows.push({
    what: `  … while ${waitingCalls} calls wait for the third, stopped`,
    through: '/mcp',
    perSecond: beside.perSecond,
    p50: beside.p50,
    p99: beside.p99,
    note: [verdict, beside.failure ?? ''].filter(Boolean).join('; '),
  });
  await gateway.stop();
}

/** 100 events, one a millisecond, 20 streams at a time. */
async function streams(): Promise<void> {
  const ports = await startFleet(1, 1);
  const { gateway, key } = await startFront(ports.map(overHttp));
  const rounds = values.quick ? 3 : 10;
  for (const [through, url, name] of [
    ['the server itself', `http://127.0.0.1:${ports[0]}/mcp`, 'stream'],
    ['/mcp/{server}', `${gateway.mcp}/s0`, 'stream'],
    ['/mcp', gateway.mcp, 's0__stream'],
  ] as const) {
    const firsts: number[] = [];
    const wholes: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const { headers, body } = modernCall(name);
          const from = performance.now();
          const response = await fetch(url, { method: 'POST', headers: { ...Object.fromEntries(headers), Authorization: `Bearer ${key}` }, body });
          const reader = response.body?.getReader();
          await reader?.read();
          firsts.push(performance.now() - from);
          while (reader && !(await reader.read()).done) continue;
          wholes.push(performance.now() - from);
        }),
      );
    }
    const [first, whole] = [firsts, wholes].map((list) => list.sort((a, b) => a - b));
    const at = (list: number[] | undefined, share: number): number => list?.[Math.floor((list.length - 1) * share)] ?? 0;
    rows.push({
      what: 'stream of 100 events: the first of them',
      through,
      perSecond: 0,
      p50: at(first, 0.5),
      p99: at(first, 0.99),
      note: `all ${at(whole, 0.5).toFixed(0)} ms`,
    });
  }
  await gateway.stop();
}

function target(name: string, port: number, path: string, key: string | null, pid: number): Target {
  return { name, port, path, headers: key === null ? [] : [['Authorization', `Bearer ${key}`]], pid, stop: () => Promise.resolve() };
}

async function measure(generator: Generator, what: string, one: Target, request: Request, note = '', window = times): Promise<void> {
  const wire = await probe(what, one, request);
  const load = { connections: 50, perSecond: null };
  const warmUntil = performance.now() + warmup.msMax;
  for (let calls = 0; calls < warmup.calls && performance.now() < warmUntil;)
    calls += (await generator.measure(one, load, { warmupMs: 0, measureMs: 500 }, wire)).replies;
  const figures = await generator.measure(one, load, window, wire);
  rows.push({
    what,
    through: one.name,
    perSecond: figures.perSecond,
    p50: figures.p50,
    p99: figures.p99,
    note: [note, figures.firstFailure ?? (figures.replies === 0 ? 'no reply in the measured time' : '')].filter(Boolean).join('; '),
  });
  if (one.pid !== process.pid) await untilQuiet(processTree(one.pid), 2_000);
}

/** Processor time a call takes of each of a gateway's processes: what others do on the machine meanwhile changes it less than requests a second. */
async function processorNote(generator: Generator, what: string, one: Target, request: Request): Promise<string> {
  const wire = await probe(what, one, request);
  const load = { connections: 50, perSecond: null };
  await generator.measure(one, load, { warmupMs: 0, measureMs: times.measureMs }, wire);
  const members = gatewayProcesses(one.pid).map(({ pid, part }) => ({ pid, part, before: processorMicroseconds(pid) }));
  const { replies } = await generator.measure(one, load, { warmupMs: 0, measureMs: times.measureMs }, wire);
  const used = members.map(({ pid, part, before }) => ({ part, each: (processorMicroseconds(pid) - before) / Math.max(1, replies) }));
  return `processor µs a call: ${used.flatMap(({ part, each }) => (each >= 1 ? [`${part} ${each.toFixed(0)}`] : [])).join(', ')}`;
}

/** Sends it once, and says how it looks on the wire and what a right reply holds. */
async function probe(what: string, one: Target, request: Request): Promise<Wire> {
  const { headers, body } = fullRequest(one, request);
  const reply = await fetch(`http://127.0.0.1:${one.port}${one.path}`, { method: 'POST', headers: Object.fromEntries(headers), body });
  const text = await reply.text();
  if (reply.status !== 200 || !text.includes('"result"')) throw new Error(`${what} through ${one.name}: ${reply.status} ${text.slice(0, 300)}`);
  return { headers, body, replyBytes: Buffer.byteLength(text) };
}

function fullRequest(one: Target, { headers, body }: Request): Request {
  return { headers: [...one.headers, ...headers.filter(([name]) => !one.headers.some(([ownName]) => ownName === name))], body };
}

async function inSession(one: Target): Promise<Target> {
  return { ...one, headers: [...one.headers, ...(await openSession(`http://127.0.0.1:${one.port}${one.path}`, one.headers))] };
}

async function startFleet(count: number, tools: number): Promise<number[]> {
  return (await own<{ ports: number[] }>('fleet.ts', String(count), String(tools))).told.ports;
}

async function own<Told>(file: string, ...args: string[]): Promise<Program<Told>> {
  return kept(await startOwn<Told>(file, ...args));
}

function kept<Told>(program: Program<Told>): Program<Told> {
  running.push(program);
  return program;
}

function overHttp(port: number, index: number): object {
  return { name: `s${index}`, url: `http://127.0.0.1:${port}/mcp` };
}

async function startFront(servers: readonly object[]): Promise<{ gateway: RunningGateway; key: string }> {
  const gateway = await startGateway({
    config: {
      servers,
      rate_limits: [{ scope: 'api_key', limit: 10_000_000, window: '1s', burst: 10_000_000 }],
      workers: 1,
      log: { level: 'warn' },
    },
  });
  // Where the bench fails in the middle, it ends with the rest; to stop one twice does nothing.
  running.push(gateway);
  return { gateway, key: gateway.apiKey ?? '' };
}

/** Milliseconds to the first list of a gateway that has asked no server yet. */
async function firstList(gateway: RunningGateway, key: string): Promise<number> {
  const { headers, body } = modernRequest('tools/list', {});
  const from = performance.now();
  const reply = await fetch(gateway.mcp, { method: 'POST', headers: { ...Object.fromEntries(headers), Authorization: `Bearer ${key}` }, body });
  await reply.text();
  return performance.now() - from;
}

function rendered(): string {
  const lines = [`${'what'.padEnd(58)}${'through'.padEnd(20)}${'req/s'.padStart(8)}${'p50 ms'.padStart(9)}${'p99 ms'.padStart(9)}`];
  let last = '';
  for (const { what, through, perSecond, p50, p99, note } of rows) {
    lines.push(
      `${(what === last ? '' : what).padEnd(58)}${through.padEnd(20)}${(perSecond === 0 ? '' : perSecond.toFixed(0)).padStart(8)}${p50.toFixed(2).padStart(9)}${p99.toFixed(2).padStart(9)}  ${note}`,
    );
    last = what;
  }
  return lines.join('\n');
}
