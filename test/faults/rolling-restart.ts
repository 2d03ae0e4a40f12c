/**
 * L3, promise 8: three nodes that share PostgreSQL, Redis and session keys stand behind a balancer, and each is stopped in order and started again
 * while clients call, in sessions and without, and hold streams open. What clients were answered is held against what servers got and what the
 * ledgers of the nodes say.
 */
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { startEraServer } from '../support/era-server.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { startNginx, type TemporaryNginx } from '../support/nginx.ts';
import { type Nodes, nodesCount, startNodes } from '../support/nodes.ts';
import { until } from '../support/poll.ts';
import { type Answer, modernRequest, post, toolCall } from '../support/post.ts';
import { openRaw, requestBytes } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply, scriptsEras } from '../support/replies.ts';
import { createSessionServer, type SessionServer } from '../support/session-server.ts';
import type { RunningGateway } from '../support/start-gateway.ts';
import { freePort } from '../support/temporary-server.ts';

export interface RollingReport {
  readonly restarts: number;
  /** Calls that clients made, and those that were answered with their result. */
  readonly sent: number;
  readonly answered: number;
  /** Calls a second that were made, over the whole time. */
  readonly perSecond: number;
  /** Streams that ended with a node, and were opened anew. */
  readonly streamsEnded: number;
  /** The longest that a node took to stop. */
  readonly stopMs: number;
  /** What breaks the promise, one line each. */
  readonly problems: readonly string[];
}

export interface RollingOptions {
  /** How often each of the nodes is restarted. */
  readonly rounds: number;
  readonly callsPerSecond: number;
  readonly onRestart?: (restart: number) => void;
}

/** As clients know the balancer, which passes it on. */
const publicHost = 'gateway.example';
const clientName = 'rolling';
const sessionsOpen = 12;
const listensOpen = 6;
/** A second is passed before a balancer looks at a node again that it has found closed. */
const settledCalls = 3;

/** Three nodes behind a balancer, with servers that count what comes to them. */
export interface BalancedNodes {
  readonly nodes: Nodes;
  readonly balancer: TemporaryNginx;
  readonly counted: RecordingUpstream;
  readonly legacy: RecordingUpstream;
  readonly sessionServer: SessionServer;
  stop(): Promise<void>;
}

/** Needs the programs `postgres`, `redis-server` and `nginx`. */
export async function startBalancedNodes(): Promise<BalancedNodes> {
  const ends: (() => Promise<unknown> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    const sessionServer = createSessionServer();
    sessionServer.answer = after(10, defaultReply);
    const [live, counted, legacy] = await Promise.all([
      startEraServer('modern'),
      startRecordingUpstream(scriptsEras(modernServer((request, socket) => after(Math.random() * 30, defaultReply)(request, socket)))),
      startRecordingUpstream(sessionServer.reply),
    ]);
    ends.push(() => Promise.all([live.stop(), counted.stop(), legacy.stop()]));
    const ports = [await freePort(), await freePort(), await freePort()];
    const balancer = await startNginx(ports);
    ends.push(() => balancer.stop());
    const nodes = await startNodes({
      ports,
      env: { SESSION_KEY: randomBytes(32).toString('base64') },
      config: {
        listen: { hosts: [publicHost] },
        session_keys: [{ env: 'SESSION_KEY' }],
        servers: [
          { name: 'counted', url: counted.url },
          { name: 'legacy', url: legacy.url },
          { name: 'live', url: `${live.origin}/mcp`, organizations: ['*'] },
        ],
        // A node that has just begun reads lists first; on a busy machine that takes long.
        aggregate: { deadline: '30s' },
      },
    });
    ends.push(() => nodes.stop());
    return { nodes, balancer, counted, legacy, sessionServer, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Leaves the nodes stopped. Faults are findings in the report; it rejects only where the restarts cannot be made. */
export async function runRollingRestart(
  { nodes, balancer, counted, legacy, sessionServer }: BalancedNodes,
  { rounds, callsPerSecond, onRestart = () => undefined }: RollingOptions,
): Promise<RollingReport> {
  const { running } = nodes;
  const problems: string[] = [];
  const load = await startLoad({ url: `http://127.0.0.1:${balancer.port}`, port: balancer.port, key: nodes.admin, callsPerSecond, problems });
  try {
    const settle = (): Promise<unknown> => {
      const before = load.answered();
      return until(() => load.answered() >= before + settledCalls * callsPerSecond, { what: 'calls between two restarts', timeoutMs: 120_000 });
    };
    await settle();
    let stopMs = 0;
    for (let restart = 0; restart < rounds * nodesCount; restart++) {
      const index = restart % nodesCount;
      const startedAt = performance.now();
      const code = await running[index]?.stop();
      stopMs = Math.max(stopMs, performance.now() - startedAt);
      if (code !== 0) problems.push(`node ${index + 1} ended with ${code}`);
      await nodes.start(index);
      await settle();
      onRestart(restart + 1);
    }
    const { sent, seconds } = await load.stop();
    if (stopMs > 30_000) problems.push(`a node took ${Math.round(stopMs)} ms to stop`);
    problems.push(...(await compare(sent, [...counted.requests, ...legacy.requests], running)));
    // The gateway has some of its own, for the address of many servers.
    const opened = [...sessionServer.sessions.values()].filter(({ initialize }) => JSON.stringify(initialize).includes(clientName));
    if (opened.length !== sessionsOpen) problems.push(`there were ${opened.length} sessions at the server for ${sessionsOpen}`);
    for (const [index, gateway] of running.entries()) {
      const code = await gateway.stop();
      if (code !== 0) problems.push(`node ${index + 1} ended with ${code} at the end`);
    }
    return {
      restarts: rounds * nodesCount,
      sent: sent.size,
      answered: [...sent.values()].filter((well) => well).length,
      perSecond: Math.round(sent.size / seconds),
      streamsEnded: load.streamsEnded(),
      stopMs: Math.round(stopMs),
      problems,
    };
  } finally {
    await load.stop();
  }
}

interface LoadOptions {
  readonly url: string;
  readonly port: number;
  readonly key: string;
  readonly callsPerSecond: number;
  readonly problems: string[];
}

interface Load {
  answered(): number;
  streamsEnded(): number;
  /** Resolves when every call has its answer. */
  stop(): Promise<{ readonly sent: ReadonlyMap<string, boolean>; readonly seconds: number }>;
}

const legacyVersion = { 'mcp-protocol-version': '2025-11-25', host: publicHost };

async function startLoad({ url, port, key, callsPerSecond, problems }: LoadOptions): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  /** By id, whether it was answered as it should. */
  const sent = new Map<string, boolean>();
  const open = new Set<Promise<void>>();
  let answered = 0;
  let streamsEnded = 0;
  let stopping = false;

  const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: clientName, version: '1' } };
  const sessions = await Promise.all(
    Array.from({ length: sessionsOpen }, async () => {
      const opened = await post(
        `${url}/mcp/legacy`,
        { jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize },
        { key, agent, headers: { host: publicHost } },
      );
      const session = { ...legacyVersion, 'mcp-session-id': String(opened.headers['mcp-session-id']) };
      await post(`${url}/mcp/legacy`, { jsonrpc: '2.0', method: 'notifications/initialized' }, { key, agent, headers: session });
      return session;
    }),
  );

  /** Each by its own way: relayed, in a session, over REST, at the address of many servers. */
  function send(id: string, number: number): Promise<Answer> {
    const trace = { 'x-trace-id': id, host: publicHost };
    switch (number % 4) {
      case 0: {
        const { body, headers } = toolCall('echo', { id }, id);
        return post(`${url}/mcp/counted`, body, { key, agent, headers: { ...headers, ...trace } });
      }
      case 1: {
        const session = sessions[(number >> 2) % sessions.length];
        return post(
          `${url}/mcp/legacy`,
          { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { id } } },
          { key, agent, headers: { ...session, ...trace } },
        );
      }
      case 2:
        return post(`${url}/v1/mcp/counted/tools/call`, { tool: 'echo', arguments: { id } }, { key, agent, headers: trace });
      default: {
        const { body, headers } = toolCall('counted__echo', { id }, id);
        return post(`${url}/mcp`, body, { key, agent, headers: { ...headers, ...trace } });
      }
    }
  }

  function call(number: number): void {
    const id = `roll-${number}`;
    sent.set(id, false);
    const made = send(id, number).then(
      (answer) => {
        const isWell = answer.status === 200 && answer.text.includes('"result"');
        sent.set(id, isWell);
        if (isWell) answered++;
        else problems.push(`${id} was answered with ${answer.status}: ${answer.text.slice(0, 200)}`);
      },
      (error: unknown) => void problems.push(`${id} was lost: ${error instanceof Error ? error.message : String(error)}`),
    );
    open.add(made);
    void made.finally(() => open.delete(made));
  }

  /** Opens it again and again; where it ends, it ends as a stream should. */
  async function hold(what: string, bytes: Buffer, isWhole: (text: string) => boolean): Promise<void> {
    while (!stopping) {
      const connection = await openRaw(port);
      connection.write(bytes);
      await until(() => stopping || connection.isClosed || connection.replies().some(({ complete }) => complete), {
        timeoutMs: 3_600_000,
        everyMs: 50,
      });
      const [reply] = connection.replies();
      connection.destroy();
      if (stopping) return;
      // A node that stops begins none: there are others.
      if (reply?.status === 503) continue;
      if (reply?.status === 200 && reply.complete && isWhole(reply.body.toString())) streamsEnded++;
      else problems.push(`${what} ended with ${reply?.status}, ${reply?.complete === true ? 'whole' : 'cut'}: ${reply?.body.toString().slice(-200)}`);
    }
  }

  const headerLines = (headers: Readonly<Record<string, string>>): string[] =>
    Object.entries({ host: publicHost, authorization: `Bearer ${key}`, accept: 'application/json, text/event-stream', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    );
  const { body, headers } = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } }, 'listen');
  const listenBody = JSON.stringify(body);
  const listen = (path: string): Buffer =>
    requestBytes(
      `POST ${path} HTTP/1.1`,
      headerLines({ ...headers, 'content-type': 'application/json', 'content-length': String(listenBody.length) }),
      listenBody,
    );
  const holding = [
    ...Array.from({ length: listensOpen }, (_, index) =>
      hold('a listen', listen(index % 2 === 0 ? '/mcp/live' : '/mcp'), (text) => text.includes('"id":"listen","result"')),
    ),
    ...sessions.slice(0, 3).map((session) => hold('the stream of a session', requestBytes('GET /mcp/legacy HTTP/1.1', headerLines(session)), () => true)),
  ];

  // Not behind each other: a call that waits holds up none of the next.
  let number = 0;
  const startedAt = performance.now();
  /** In which no calls were made, for this process stood still. */
  let stoodMs = 0;
  const timer = setInterval(() => {
    let due = ((performance.now() - startedAt - stoodMs) / 1000) * callsPerSecond;
    // All that would have been due at once would be another load than the one that was asked for.
    if (due - number > callsPerSecond) {
      stoodMs += ((due - number) / callsPerSecond) * 1000;
      due = number + 1;
    }
    while (number < due) call(number++);
  }, 5);
  let stopped: Promise<{ sent: ReadonlyMap<string, boolean>; seconds: number }> | null = null;
  return {
    answered: () => answered,
    streamsEnded: () => streamsEnded,
    stop() {
      stopped ??= (async () => {
        clearInterval(timer);
        const seconds = (performance.now() - startedAt) / 1000;
        stopping = true;
        await Promise.all([...open, ...holding]);
        agent.destroy();
        return { sent, seconds };
      })();
      return stopped;
    },
  };
}

/** Each call was at a server once, and is in the ledger of one node, once, as what it was answered with. */
async function compare(sent: ReadonlyMap<string, boolean>, requests: RecordingUpstream['requests'], running: readonly RunningGateway[]): Promise<string[]> {
  const reached = new Map<string, number>();
  for (const { body } of requests) {
    const id = /"arguments":\{"id":"(roll-\d+)"\}/.exec(body.toString('utf8'))?.[1];
    if (id !== undefined) reached.set(id, (reached.get(id) ?? 0) + 1);
  }
  const rows = new Map<string, string[]>();
  await until(
    async () => {
      rows.clear();
      for (const gateway of running) {
        const found = await ledgerRows<{ id: string; status: string }>(
          gateway.stateFolder,
          "SELECT client_trace_id AS id, toString(status) AS status FROM calls WHERE client_trace_id LIKE 'roll-%'",
        );
        for (const { id, status } of found) rows.set(id, [...(rows.get(id) ?? []), status]);
      }
      return rows.size >= sent.size;
    },
    { timeoutMs: 30_000, everyMs: 200, what: 'the last rows' },
  ).catch(() => undefined);
  const problems: string[] = [];
  for (const [id, isWell] of sent) {
    const times = reached.get(id) ?? 0;
    if (times > 1 || (isWell && times === 0)) problems.push(`${id} was at its server ${times} times`);
    const found = rows.get(id) ?? [];
    if (isWell && (found.length !== 1 || found[0] !== 'success')) problems.push(`${id} has in the ledgers: ${found.join(', ') || 'nothing'}`);
  }
  return problems;
}
