/**
 * `npm run bench:fabric [-- --quick] [-o json]`: what the fabric costs: the aggregate over 1, 10 and 60 servers, lists of 10, 100 and
 * 500 tools, stateful legacy sessions, a server that is slow beside others that are not, and streams of 100 events; each beside
 * the server itself, the byte relay of `/mcp/{server}`, a gateway made of the official SDK's server and client, and other
 * products (`--peer SCRIPT`, as start-contextforge.sh is one), in one run. The figures of a run stand in `docs/performance.md`.
 * Ends by itself: about 2 min, quick 40 s.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { processTree } from '../support/processes.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';
import { startGenerator, untilQuiet, type Generator } from './measure.ts';
import { protocolVersion } from './messages.ts';
import type { Target } from './targets.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    output: { type: 'string', short: 'o', default: 'text' },
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const times = values.quick ? { warmupMs: 300, measureMs: 1_000 } : { warmupMs: 1_000, measureMs: 3_000 };

interface Row {
  readonly what: string;
  readonly through: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly note: string;
}

const jsonHeaders: readonly (readonly [string, string])[] = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
];
const rows: Row[] = [];
const running: { stop(): unknown }[] = [];
try {
  await measureAll();
  console.log(values.output === 'json' ? JSON.stringify({ fabric: rows, quick: values.quick }) : rendered());
} finally {
  for (const one of running.reverse()) await one.stop();
  removeGatewayFolders();
}

async function measureAll(): Promise<void> {
  const generator = startGenerator();
  running.push(generator);
  await aggregates(generator);
  await lists(generator);
  await legacySessions(generator);
  await slowNeighbour(generator);
  await streams();
}

/** A call through the aggregate: what more servers cost, and what it costs beside the relay. */
async function aggregates(generator: Generator): Promise<void> {
  const ports = await startFleet(60, 10);
  const sdk = await startProgram('sdk-gateway.ts', String(ports[0]));
  for (const count of [1, 10, 60]) {
    const { gateway, key } = await startFront(ports.slice(0, count));
    const coldMs = await firstList(gateway, key);
    const what = `tools/call, ${count} servers of 10 tools`;
    if (count === 1) {
      await measure(generator, what, target('the server itself', ports[0] ?? 0, '/mcp', null, process.pid), call('query_0'));
      await measure(generator, what, target('SDK gateway', Number(sdk['port']), '/mcp', null, sdk.pid), call('query_0'));
      for (const script of values.peer) await measurePeer(generator, what, script, ports[0] ?? 0);
      await measure(generator, what, target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid), call('query_0'));
    }
    await measure(generator, what, target('/mcp', gateway.port, '/mcp', key, gateway.pid), call('s0__query_0'), `first tools/list ${Math.round(coldMs)} ms`);
    await gateway.stop();
  }
}

/** A product of others before the same server, called as a client of before 2026-07-28 without a session: what they all take. */
async function measurePeer(generator: Generator, what: string, script: string, upstreamPort: number): Promise<void> {
  const peer = await start(script, [], { ...process.env, UPSTREAM_PORT: String(upstreamPort) }, 180_000);
  const { name, port, path, tool, authorization, pid } = peer as unknown as {
    name: string;
    port: number;
    path: string;
    tool: string;
    authorization: string;
    pid: number;
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: { query: 'select name from people' } } });
  await measure(generator, what, { ...target(name, port, path, null, pid), headers: [['Authorization', authorization]] }, { headers: jsonHeaders, body });
}

/** The list of a catalogue that is known already. */
async function lists(generator: Generator): Promise<void> {
  for (const tools of [10, 100, 500]) {
    const ports = await startFleet(1, tools);
    const { gateway, key } = await startFront(ports);
    await firstList(gateway, key);
    const what = `tools/list, ${tools} tools`;
    await measure(generator, what, target('the server itself', ports[0] ?? 0, '/mcp', null, process.pid), request('tools/list', {}));
    await measure(generator, what, target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid), request('tools/list', {}));
    await measure(generator, what, target('/mcp', gateway.port, '/mcp', key, gateway.pid), request('tools/list', {}));
    await gateway.stop();
  }
}

async function legacySessions(generator: Generator): Promise<void> {
  const ports = await startFleet(1, 10);
  const { gateway, key } = await startFront(ports);
  for (const one of [
    target('the server itself', ports[0] ?? 0, '/mcp', null, process.pid),
    target('/mcp/{server}', gateway.port, '/mcp/s0', key, gateway.pid),
    target('/mcp', gateway.port, '/mcp', key, gateway.pid),
  ]) {
    const session = await openSession(one);
    const headers = new Map([...one.headers, ['Mcp-Session-Id', session], ['MCP-Protocol-Version', '2025-11-25']] as [string, string][]);
    const name = one.path === '/mcp' && one.name === '/mcp' ? 's0__query_0' : 'query_0';
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { query: 'x' } } };
    await measure(generator, 'tools/call in a legacy session', { ...one, headers: [...headers] }, { headers: jsonHeaders, body: JSON.stringify(body) });
  }
  await gateway.stop();
}

/** 200 calls wait for a slow server: what others pay for it. */
async function slowNeighbour(generator: Generator): Promise<void> {
  const ports = await startFleet(3, 10);
  const { gateway, key } = await startFront(ports);
  const others = target('/mcp', gateway.port, '/mcp', key, gateway.pid);
  const rate = 500;
  await measure(generator, `tools/call at ${rate}/s, no slow server`, others, call('s0__query_0'), '', rate);
  const stop = new AbortController();
  const slow = Array.from({ length: 200 }, async () => {
    while (!stop.signal.aborted) {
      const { headers, body } = call('s1__slow');
      await fetch(gateway.mcp, { method: 'POST', headers: { ...Object.fromEntries(headers), Authorization: `Bearer ${key}` }, body, signal: stop.signal })
        .then((response) => response.text())
        .catch(() => undefined);
    }
  });
  await measure(generator, `tools/call at ${rate}/s, 200 calls wait for a slow server`, others, call('s0__query_0'), '', rate);
  stop.abort();
  await Promise.all(slow);
  await gateway.stop();
}

/** 100 events, one a millisecond, 20 streams at a time. */
async function streams(): Promise<void> {
  const ports = await startFleet(1, 1);
  const { gateway, key } = await startFront(ports);
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
          const { headers, body } = call(name);
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

interface Wire {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

function request(method: string, params: object, name?: string): Wire {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': protocolVersion,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 'p',
  };
  const headers: (readonly [string, string])[] = [...jsonHeaders, ['MCP-Protocol-Version', protocolVersion], ['Mcp-Method', method]];
  if (name !== undefined) headers.push(['Mcp-Name', name]);
  return { headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }) };
}

function call(name: string): Wire {
  return request('tools/call', { name, arguments: { query: 'select name from people' } }, name);
}

function target(name: string, port: number, path: string, key: string | null, pid: number): Target {
  return { name, port, path, headers: key === null ? [] : [['Authorization', `Bearer ${key}`]], pid, stop: () => Promise.resolve() };
}

async function measure(generator: Generator, what: string, one: Target, wire: Wire, note = '', perSecond: number | null = null): Promise<void> {
  const headers = [...one.headers, ...wire.headers.filter(([name]) => !one.headers.some(([own]) => own === name))];
  const reply = await fetch(`http://127.0.0.1:${one.port}${one.path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...Object.fromEntries(headers) },
    body: wire.body,
  });
  const body = await reply.text();
  if (reply.status !== 200 || !body.includes('"result"')) throw new Error(`${what} through ${one.name}: ${reply.status} ${body.slice(0, 300)}`);
  const figures = await generator.measure(one, { connections: 50, perSecond }, times, { headers, body: wire.body, replyBytes: Buffer.byteLength(body) });
  rows.push({
    what,
    through: one.name,
    perSecond: figures.perSecond,
    p50: figures.p50,
    p99: figures.p99,
    note: [note, figures.firstFailure ?? ''].filter(Boolean).join('; '),
  });
  if (one.pid !== process.pid) await untilQuiet(processTree(one.pid), 2_000);
}

async function openSession(one: Target): Promise<string> {
  const post = (headers: Record<string, string>, body: object): Promise<Response> =>
    fetch(`http://127.0.0.1:${one.port}${one.path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...Object.fromEntries(one.headers), ...headers },
      body: JSON.stringify(body),
    });
  const reply = await post(
    {},
    { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } } },
  );
  const session = reply.headers.get('mcp-session-id') ?? '';
  await reply.text();
  await (await post({ 'Mcp-Session-Id': session, 'MCP-Protocol-Version': '2025-11-25' }, { jsonrpc: '2.0', method: 'notifications/initialized' })).text();
  return session;
}

async function startFleet(count: number, tools: number): Promise<number[]> {
  return (await startProgram('fleet.ts', String(count), String(tools)))['ports'] as number[];
}

function startProgram(file: string, ...args: string[]): Promise<Started> {
  return start(nodePath, [fileURLToPath(new URL(file, import.meta.url)), ...args], process.env, 10_000);
}

type Started = Record<string, unknown> & { readonly pid: number };

/** Starts a program that says where it is in its first line, and ends with its stdin. */
async function start(file: string, args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Started> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  running.push({ stop: () => child.stdin.end() });
  let line = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (line += text));
  await until(() => line.includes('\n') || child.exitCode !== null, { what: `${file} to be ready`, timeoutMs });
  if (!line.includes('\n')) throw new Error(`${file} ended with ${child.exitCode}`);
  return { pid: child.pid ?? 0, ...(JSON.parse(line) as Record<string, unknown>) };
}

async function startFront(ports: readonly number[]): Promise<{ gateway: RunningGateway; key: string }> {
  const gateway = await startGateway({
    config: {
      servers: ports.map((port, index) => ({ name: `s${index}`, url: `http://127.0.0.1:${port}/mcp` })),
      rate_limits: [{ scope: 'api_key', limit: 10_000_000, window: '1s', burst: 10_000_000 }],
      workers: 1,
      log: { level: 'warn' },
    },
  });
  return { gateway, key: gateway.apiKey ?? '' };
}

/** Milliseconds to the first list of a gateway that has asked no server yet. */
async function firstList(gateway: RunningGateway, key: string): Promise<number> {
  const { headers, body } = request('tools/list', {});
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
