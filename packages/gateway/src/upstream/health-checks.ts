import type { Pool } from 'undici';
import type { Clock } from '../kernel/clock.ts';
import type { Fault } from '../kernel/fault.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { HealthCheckData, HealthFinding, TargetData, UpstreamData } from '../snapshot/upstream-data.ts';
import { createLookup } from './lookup.ts';
import { send, type ReplyControl } from './send.ts';
import { openPool, targetKey } from './target.ts';

/**
 * Asks targets again and again how they are, for servers that are configured so. Once a node, on connections of its own: no worker
 * repeats it, and no session is opened or used.
 */
export interface HealthChecks {
  /** The servers there are now; checks of others end. */
  watch(servers: readonly ServerData[]): void;
  /** Null: not checked, or not yet. */
  finding(server: string, target: string): HealthFinding | null;
  close(): Promise<void>;
}

export interface HealthChecksOptions {
  readonly clock: Clock;
  readonly random?: () => number;
  /** The version of the specification that `server/discover` is asked in. */
  readonly version: string;
  /** A target has another verdict than before. */
  readonly onChange: (server: string, target: string, finding: HealthFinding) => void;
}

/** Nodes that began together do not ask together: each pause is up to so much shorter or longer. */
const jitter = 0.2;
const bodyBytesMax = 64 * 1024;

export function createHealthChecks({ clock, random = Math.random, version, onChange }: HealthChecksOptions): HealthChecks {
  const lookup = createLookup(clock);
  const watched = new Map<string, Watched>();
  const byName = new Map<string, Watched>();

  function start(server: ServerData, reach: UpstreamData, target: TargetData, check: HealthCheckData): Watched {
    const pool = openPool({ connectionsMax: 1 }, reach, target, lookup);
    const one: Watched = { server: server.name, target: target.name, pool, timer: undefined, finding: null, failures: 0, successes: 0, closed: false };
    const again = (pauseMs: number): void => {
      one.timer = setTimeout(() => {
        void ask(pool, server, target, check, version).then((reason) => {
          if (one.closed) return;
          judge(one, reason, check);
          again(check.intervalMs * (1 - jitter + 2 * jitter * random()));
        });
      }, pauseMs);
      one.timer.unref();
    };
    again(check.intervalMs * jitter * random());
    return one;
  }

  function judge(one: Watched, reason: string | null, check: HealthCheckData): void {
    one.failures = reason === null ? 0 : one.failures + 1;
    one.successes = reason === null ? one.successes + 1 : 0;
    const before = one.finding;
    // The first answer that is good is enough where nothing is known.
    const well = one.successes >= (before === null ? 1 : check.successesMin);
    const down = one.failures >= check.failuresMin;
    if (before === null && !well && !down) return;
    const healthy = well ? true : down ? false : (before?.healthy ?? true);
    one.finding = { healthy, reason: healthy ? null : (reason ?? before?.reason ?? null), checkedAtMs: clock.nowMs() };
    if (before?.healthy !== healthy) onChange(one.server, one.target, one.finding);
  }

  function end(one: Watched): Promise<void> {
    one.closed = true;
    clearTimeout(one.timer);
    return one.pool.destroy();
  }

  return {
    watch(servers) {
      const needed = new Map<string, () => Watched>();
      for (const server of servers) {
        const { upstream } = server;
        if (!upstream?.health) continue;
        const { health } = upstream;
        for (const target of upstream.targets)
          needed.set(`${targetKey(server, upstream, target)} ${JSON.stringify([health, server.credential])}`, () => start(server, upstream, target, health));
      }
      for (const [key, one] of watched) {
        if (needed.has(key)) continue;
        watched.delete(key);
        byName.delete(`${one.server} ${one.target}`);
        void end(one);
      }
      for (const [key, begin] of needed) {
        if (watched.has(key)) continue;
        const one = begin();
        watched.set(key, one);
        byName.set(`${one.server} ${one.target}`, one);
      }
    },
    finding: (server, target) => byName.get(`${server} ${target}`)?.finding ?? null,
    async close() {
      await Promise.all([...watched.values()].map(end));
      watched.clear();
    },
  };
}

interface Watched {
  readonly server: string;
  readonly target: string;
  readonly pool: Pool;
  timer: NodeJS.Timeout | undefined;
  finding: HealthFinding | null;
  failures: number;
  successes: number;
  closed: boolean;
}

/** Why the target is not well, or null. */
function ask(pool: Pool, server: ServerData, target: TargetData, { ask: what, timeoutMs }: HealthCheckData, version: string): Promise<string | null> {
  const isPath = 'path' in what;
  const headers = ['accept', isPath ? '*/*' : 'application/json, text/event-stream', 'accept-encoding', 'identity', 'user-agent', 'gatewayops-health'];
  if (!isPath) headers.push('content-type', 'application/json');
  if (!isPath && what.method === 'server/discover') headers.push('mcp-protocol-version', version, 'mcp-method', what.method);
  if (server.credential) headers.push(server.credential.header, server.credential.value);
  return new Promise((resolve) => {
    let bytes = 0;
    let control: ReplyControl | null = null;
    const over = setTimeout(() => control?.abort(), timeoutMs);
    const done = (reason: string | null): void => {
      clearTimeout(over);
      resolve(reason);
    };
    control = send(
      pool,
      {
        server: server.name,
        method: isPath ? 'GET' : 'POST',
        path: isPath ? what.path : target.path,
        headers,
        body: isPath ? null : Buffer.from(bodyOf(what.method, version)),
        firstByteMs: timeoutMs,
        idleMs: timeoutMs,
      },
      {
        head: (status) => {
          // A server that refuses the question is there; one that says that it cannot serve is not well.
          const well = isPath ? status >= 200 && status < 300 : status < 500 && status !== 429;
          resolve(well ? null : `it answered HTTP ${status}`);
        },
        data(chunk) {
          bytes += chunk.length;
          if (bytes > bodyBytesMax) control?.abort();
          return true;
        },
        end: () => done(null),
        failed: (fault) => done(reasonOf(fault, timeoutMs)),
      },
    );
  });
}

function bodyOf(method: string, version: string): string {
  if (method === 'ping') return '{"jsonrpc":"2.0","id":"health","method":"ping"}';
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'gatewayops', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return JSON.stringify({ jsonrpc: '2.0', id: 'health', method, params: { _meta: meta } });
}

function reasonOf(fault: Fault, timeoutMs: number): string {
  if (fault.code === 'upstream_refused') return "it refuses the gateway's credential";
  if (fault.code === 'mcp_timeout') return `it did not answer within ${timeoutMs} ms`;
  return fault.message;
}
