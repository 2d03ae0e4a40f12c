import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandLineOf } from '../../../../test/support/gateway-processes.ts';
import { until } from '../../../../test/support/poll.ts';
import { isAlive, processTree } from '../../../../test/support/processes.ts';
import { plainServerData } from '../../../../test/support/server-data.ts';
import { silentLog } from '../kernel/log.ts';
import type { SnapshotData } from '../snapshot/snapshot.ts';
import type { Readiness } from './worker-messages.ts';
import { createWorkerPool, type WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';

const ready: Readiness = {
  ready: true,
  registry: 'ready',
  ledger: 'ready',
  servers: { ready: 0, starting: 0, failed: 0 },
  recordBlocked: false,
  viewStale: false,
};

const snapshot: SnapshotData = {
  version: 1,
  organizationId: 'org_default',
  node: 'node_1',
  hosts: null,
  origins: [],
  policies: [],
  bodyBytesMax: 1000,
  currency: 'USD',
  servers: [plainServerData({ name: 'search', path: '/mcp/search', origin: 'http://127.0.0.1:9' })],
};

let folder: string;
let gone: { id: number; writer: string }[];
let events: string[];
let asked: string[];
const pools: WorkerPool[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  mkdirSync(join(folder, 'journal'));
  [gone, events, asked] = [[], [], []];
});
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop(0);
  rmSync(folder, { recursive: true, force: true });
});

/** Real workers that serve nothing but `/healthz`, `/readyz` and one server that nobody answers for. */
function createPool({ port = 0, count = 1, readiness = () => ready, ...more }: Partial<WorkerPoolOptions> & { readiness?: () => Readiness } = {}): WorkerPool {
  const note = (event: string): void => void events.push(event);
  const pool = createWorkerPool({
    count,
    environment: process.env,
    begin: (workerId, listenPort) => ({
      snapshot,
      switches: [],
      host: '127.0.0.1',
      port: listenPort,
      tls: null,
      journal: { folder: join(folder, 'journal'), writer: `w-${workerId}`, sync: false },
      keys: { seal: [randomBytes(32)], events: [randomBytes(32)] },
      controlSocket: join(folder, 'control.sock'),
      maskingSocket: join(folder, 'masking.sock'),
      workers: count,
      log: { level: 'error', format: 'json' },
      tellsLines: false,
      readiness: readiness(),
      targetOrders: [],
    }),
    handlers: {
      verifyCredential: async ({ secret }) => {
        asked.push(secret);
        return { ok: false, reason: 'unknown' };
      },
      lease: () => Promise.reject(new Error('no limits here')),
      stateGet: async () => null,
      stateSet: async () => undefined,
      stateSetIfAbsent: async () => true,
      stateReplace: async () => true,
      stateTouch: async () => true,
      stateDelete: async () => undefined,
      keptNote: () => 0,
      keptPut: () => undefined,
      sessionsRefused: () => undefined,
      keptFind: () => null,
    },
    onLogLine: () => undefined,
    onWorkerGone: (id, writer) => void gone.push({ id, writer }),
    address: `127.0.0.1:${port}`,
    port,
    log: { ...silentLog, info: note, error: note },
    ...more,
  });
  pools.push(pool);
  return pool;
}

function workers(): number[] {
  return processTree(process.pid).filter((pid) => isAlive(pid) && /\/node\/worker\.[jt]s/.test(commandLineOf(pid)));
}

async function statusOf(port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: headers['authorization'] ? 'POST' : 'GET', headers });
  await answer.text();
  return answer.status;
}

test('a changed snapshot is told as what has changed, to a worker that came later too', async () => {
  const pool = createPool();
  const port = await pool.start();
  // Where a key is needed, and where there is nothing, whoever has none hears the same.
  const isOpen = async (): Promise<boolean> =>
    (await statusOf(port, '/mcp/second', { authorization: 'Bearer gwo_test_x', 'content-type': 'application/json' })) !== 401;
  expect(await isOpen()).toBe(false);
  const second = { ...snapshot, version: 2, servers: [...snapshot.servers, plainServerData({ name: 'second', path: '/mcp/second', auth: 'none' })] };
  // Two at once are told as one.
  await Promise.all([pool.snapshot(second), pool.snapshot({ ...second, version: 3, bodyBytesMax: 2_000 })]);
  expect(await isOpen()).toBe(true);
  process.kill(workers()[0] ?? 0, 'SIGKILL');
  await until(() => events.includes('worker.replaced'));
  expect(await isOpen()).toBe(true);
});

describe('a start', () => {
  test('is over when every worker serves the one port', async () => {
    const pool = createPool({ count: 2 });
    const port = await pool.start();
    expect(port).toBeGreaterThan(0);
    expect(workers()).toHaveLength(2);
    expect(await statusOf(port, '/readyz')).toBe(200);
  });

  test('on an address that is taken fails with that, and leaves no worker', async () => {
    const other: Server = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      await expect(createPool({ port, count: 2 }).start()).rejects.toMatchObject({ code: 'address_in_use', detail: { address: `127.0.0.1:${port}` } });
      await until(() => workers().length === 0);
    } finally {
      other.close();
    }
  });

  test('without a process to be had fails with the reason of the system, and holds up no stop', async () => {
    const { execPath } = process;
    process.execPath = join(folder, 'no-such-node');
    try {
      const pool = createPool();
      await expect(pool.start()).rejects.toMatchObject({ code: 'internal_error', cause: { message: expect.stringContaining('ENOENT') as unknown } });
      expect(await pool.stop(0)).toEqual([]);
    } finally {
      process.execPath = execPath;
    }
  });
});

describe('a worker that dies', () => {
  test('is replaced on the same port, also where it was the last; its writer is given up', async () => {
    const pool = createPool();
    const port = await pool.start();
    const [first] = workers();
    process.kill(first ?? 0, 'SIGKILL');
    await until(() => events.includes('worker.replaced'));
    expect(gone.map(({ writer }) => writer)).toEqual([expect.stringMatching(/^w-\d+$/)]);
    expect(workers()).not.toContain(first);
    expect(await statusOf(port, '/healthz')).toBe(200);
  });

  test('while nothing can be started is replaced as soon as something can', async () => {
    const pool = createPool();
    await pool.start();
    const { execPath } = process;
    process.execPath = join(folder, 'no-such-node');
    try {
      process.kill(workers()[0] ?? 0, 'SIGKILL');
      await until(() => events.filter((event) => event === 'worker.died').length >= 3);
      // Nobody is there to be told.
      await pool.readiness(ready);
      await pool.keyChanged('key_1');
    } finally {
      process.execPath = execPath;
    }
    await until(() => events.includes('worker.replaced'));
    expect(workers()).toHaveLength(1);
    // What never began has written nothing.
    expect(gone).toHaveLength(1);
  });

  test('while it drains does not hold up the stop', async () => {
    const pool = createPool({ count: 2 });
    await pool.start();
    const [first] = workers();
    const stopped = pool.stop(5_000);
    process.kill(first ?? 0, 'SIGKILL');
    expect(await stopped).toEqual([]);
    expect(workers()).toEqual([]);
    expect(gone).toHaveLength(2);
  });
});

describe('a key that changes', () => {
  const call = (port: number): Promise<number> => statusOf(port, '/mcp/search', { authorization: 'Bearer gwo_test_x', 'content-type': 'application/json' });

  test('is forgotten by every worker when that is said', async () => {
    const pool = createPool({ count: 2 });
    await pool.start();
    const startedAt = performance.now();
    await pool.keyChanged('key_1');
    expect(performance.now() - startedAt).toBeLessThan(900);
    expect(events).toEqual([]);
  });

  test('ends a worker that does not say so within a second', async () => {
    const pool = createPool();
    const port = await pool.start();
    const [hung] = workers();
    process.kill(hung ?? 0, 'SIGSTOP');
    const startedAt = performance.now();
    await pool.keyChanged('key_1');
    const tookMs = performance.now() - startedAt;
    expect(isAlive(hung ?? 0)).toBe(false);
    expect(tookMs).toBeLessThan(1_500);
    expect(events).toContain('worker.unresponsive');
    await until(() => events.includes('worker.replaced'));
    expect(await call(port)).toBe(401);
    expect(asked).toEqual(['gwo_test_x']);
  });

  test('ends no worker that is only starting: it knows no key yet', async () => {
    const pool = createPool();
    const starting = pool.start();
    const [pid = 0] = await until(() => (workers().length > 0 ? workers() : null));
    process.kill(pid, 'SIGSTOP');
    await pool.keyChanged('key_1');
    process.kill(pid, 'SIGCONT');
    await starting;
    expect([workers(), events]).toEqual([[pid], []]);
  });
});

test('what is told while a worker begins is not lost', async () => {
  let pool: WorkerPool | null = null;
  const tell = (): void => {
    // The worker reads what it begins with and what has changed since in one go.
    const [pid = 0] = workers();
    process.kill(pid, 'SIGSTOP');
    setImmediate(() => {
      void pool?.readiness(ready);
      setImmediate(() => process.kill(pid, 'SIGCONT'));
    });
  };
  pool = createPool({
    readiness: () => {
      tell();
      return { ...ready, ready: false };
    },
  });
  const port = await pool.start();
  await until(async () => (await statusOf(port, '/readyz')) === 200, { timeoutMs: 3_000 });
});

test('a stop ends the workers, once for all', async () => {
  const pool = createPool({ count: 2 });
  await pool.start();
  expect(await pool.stop(1_000)).toEqual([]);
  expect(workers()).toEqual([]);
  expect(await pool.stop(0)).toEqual([]);
  expect(events).toEqual([]);
});
