import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BridgeOptions } from './bridge-options.ts';
import { startBridgeProcess, type BridgeProcess } from '../../../../test/support/bridge/bridge-process.ts';
import { fixture, hostile, initializeBody, repository, runningGroups, send, someRun, until } from '../../../../test/support/bridge/bridge-client.ts';

let folder: string;
const started: BridgeProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-bridge-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((bridge) => bridge.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const options = (more: Partial<BridgeOptions> = {}): BridgeOptions => ({
  name: 'tested',
  listen: { host: '127.0.0.1', port: 0 },
  command: hostile(),
  cwd: repository,
  home: folder,
  env: {},
  processes: 'session',
  ...more,
});

async function start(more: Partial<BridgeOptions> = {}, onLogLine: (line: string) => void = () => undefined): Promise<BridgeProcess> {
  const bridge = await startBridgeProcess(options(more), onLogLine);
  started.push(bridge);
  return bridge;
}

async function groupsOf(address: string): Promise<number[]> {
  const status = (await (await fetch(`${address}/status`)).json()) as { children: { pid: number }[] };
  return status.children.map((child) => child.pid);
}

/** Fifty sessions whose processes ignore everything but SIGKILL, each with a child of its own. */
const fifty: Partial<BridgeOptions> = { command: ['/bin/sh', fixture('stubborn.sh')], limits: { sessionsMax: 50, probeTimeoutMs: 300 } };

async function fillWith50(address: string): Promise<number[]> {
  await Promise.all(Array.from({ length: 50 }, async () => expect((await send(`${address}/mcp`, initializeBody('1'))).status).toBe(200)));
  const groups = await groupsOf(address);
  const running = runningGroups();
  expect(groups.filter((group) => running.has(group)).length).toBeGreaterThanOrEqual(50);
  return groups;
}

describe('P2: no process outlives the bridge', () => {
  test('P2: kill -9 of the bridge with 50 processes and their children: none is left after 5 s', async () => {
    const bridge = await start(fifty);
    const groups = await fillWith50(bridge.address);
    process.kill(bridge.pid, 'SIGKILL');
    await until(() => !someRun(groups), 5_000, 'the end of all processes');
  });

  test('P2: kill -9 of the parent with 50 processes: neither the bridge nor one of them is left after 5 s', async () => {
    const parent = spawn(process.execPath, [fixture('doomed-parent.mjs'), JSON.stringify(options(fifty))], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const bridge = JSON.parse(line.toString('utf8')) as { pid: number; address: string };
    const groups = await fillWith50(bridge.address);
    parent.kill('SIGKILL');
    await until(() => !someRun(groups), 5_000, 'the end of all processes');
    await until(
      () =>
        fetch(`${bridge.address}/healthz`).then(
          () => false,
          () => true,
        ),
      5_000,
      'the end of the bridge',
    );
  });

  test('the end of its input: the processes are ended in order and the bridge exits', async () => {
    const bridge = await start();
    expect((await send(`${bridge.address}/mcp`, initializeBody('1'))).status).toBe(200);
    const groups = await groupsOf(bridge.address);
    await bridge.stop();
    expect(someRun(groups)).toBe(false);
  });
});

test('SIGTERM and SIGINT, which a service manager or a terminal sends to all, leave the bridge serving until its parent ends it', async () => {
  const bridge = await start();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'] as const) {
    process.kill(bridge.pid, signal);
    expect((await send(`${bridge.address}/mcp`, initializeBody('1'))).status).toBe(200);
  }
  const groups = await groupsOf(bridge.address);
  await bridge.stop();
  expect(someRun(groups)).toBe(false);
});

describe('the process', () => {
  test('listens on a Unix socket of its owner, replaces one that a killed bridge left, and refuses one in use', async () => {
    const path = join(folder, 'bridge.sock');
    const first = await start({ listen: { path } });
    expect(first.address).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(startBridgeProcess(options({ listen: { path } }), () => undefined)).rejects.toMatchObject({
      code: 'address_in_use',
      detail: { address: path },
    });
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    expect(existsSync(path)).toBe(true);
    await start({ listen: { path } });
    const status = await new Promise<number>((resolve, reject) => {
      request({ socketPath: path, path: '/healthz', headers: { host: 'anything.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });

  test('an address of another machine, or a folder that is not there, is refused with its reason', async () => {
    await expect(startBridgeProcess(options({ listen: { path: join(folder, 'nowhere', 'bridge.sock') } }), () => undefined)).rejects.toMatchObject({
      code: 'usage',
      message: `There is no folder ${join(folder, 'nowhere')} for the socket.`,
    });
    await expect(startBridgeProcess(options({ listen: { host: '192.0.2.7', port: 8090 } }), () => undefined)).rejects.toMatchObject({
      code: 'address_unusable',
      message: '192.0.2.7:8090 cannot be listened on: this machine has no such address.',
    });
  });

  test('gets secrets on its input only, logs JSON lines without them, and says faults with their code', async () => {
    const lines: string[] = [];
    const bridge = await start({ env: { TOKEN: 'canary-on-stdin' } }, (line) => lines.push(line));
    await until(async () => (await fetch(`${bridge.address}/readyz`)).status === 200);
    await until(() => lines.some((line) => line.includes('bridge.server_known')));
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toContain('bridge.server_known');
    expect(lines.join('\n')).not.toContain('canary-on-stdin');
    await expect(startBridgeProcess(options({ env: { NODE_OPTIONS: '--inspect' } }), () => undefined)).rejects.toMatchObject({ code: 'unsafe_start' });
    await expect(startBridgeProcess(options({ cwd: 'relative' }), () => undefined)).rejects.toMatchObject({ code: 'usage' });
  });
});
