/** A server's process is killed and started again while fifty clients call it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { bounds } from '../../packages/gateway/src/kernel/bounds.ts';
import { reachOf } from '../../packages/gateway/src/upstream/reach.ts';
import { callTool, expectHealthy } from '../support/calls.ts';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { plainServerData } from '../support/server-data.ts';
import { startDoor } from '../support/start-door.ts';
import { freePort } from '../support/temporary-server.ts';

const clients = 50;
const folder = mkdtempSync(join(tmpdir(), 'gatewayops-killed-'));
const file = join(folder, 'heard');
let server: ChildProcess | null = null;

afterEach(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function startServer(port: number): Promise<void> {
  const child = spawn(nodePath, [join(import.meta.dirname, '..', 'support', 'counting-server.mjs'), String(port), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  server = child;
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

test(
  'every call has one answer, a result or 502 or 503; none arrives twice; when it is back all succeed and the breaker is closed',
  { timeout: 180_000 },
  async () => {
    const port = await freePort();
    await startServer(port);
    const origin = `http://127.0.0.1:${port}`;
    const breaker = { failurePercent: bounds.breakerFailurePercent, callsMin: bounds.breakerCallsMin, windowMs: 2_000, openMs: 300, probesMax: 1 };
    const reach = reachOf(plainServerData({ origin }));
    const door = await startDoor({ servers: [{ origin, timeoutMs: 10_000, upstream: { ...reach, breaker } }] });
    const statuses: number[] = [];
    let number = 0;
    let isOver = false;
    const call = async (): Promise<number> => {
      const reply = await callTool(door, 'echo', { number: ++number });
      expect([reply.complete, reply.header('content-type')]).toEqual([true, 'application/json']);
      statuses.push(reply.status);
      return reply.status;
    };
    const load = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!isOver) await call();
      }),
    );
    const succeeded = (): number => statuses.filter((status) => status === 200).length;
    const state = (): string | undefined => door.door.serverReports().targets[0]?.breaker;

    for (let round = 0; round < 2; round++) {
      const before = succeeded();
      await until(() => succeeded() >= before + clients, { what: 'calls that succeed', timeoutMs: 60_000 });
      server?.removeAllListeners('exit');
      server?.kill('SIGKILL');
      await until(() => state() === 'open', { what: 'the breaker to open', timeoutMs: 60_000 });
      await startServer(port);
      await until(() => state() === 'closed', { what: 'the breaker to close', timeoutMs: 60_000 });
    }
    isOver = true;
    await load;

    expect([...new Set(statuses)].toSorted((a, b) => a - b)).toEqual([200, 502, 503]);
    expect(statuses).toHaveLength(number);
    const heard = readFileSync(file, 'utf8').trim().split('\n');
    expect(new Set(heard).size).toBe(heard.length);
    // What has a result has run.
    expect(heard.length).toBeGreaterThanOrEqual(succeeded());
    const after = await Promise.all(Array.from({ length: clients }, call));
    expect([new Set(after), state()]).toEqual([new Set([200]), 'closed']);
    await expectHealthy(door);
    await door.stop();
  },
);
