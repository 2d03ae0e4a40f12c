import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandLineOf } from '../../../../test/support/gateway-processes.ts';
import { until } from '../../../../test/support/poll.ts';
import { isAlive, processTree } from '../../../../test/support/processes.ts';
import type { BridgeOptions } from '../bridge/bridge-options.ts';
import type { Log, LogFields } from '../kernel/log.ts';
import { startBridges, type Bridges } from './bridges.ts';

let folder: string;
let bridges: Bridges | null = null;
let lines: { level: string; event: string; fields: LogFields }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  lines = [];
});
afterEach(async () => {
  await bridges?.stop();
  bridges = null;
  rmSync(folder, { recursive: true, force: true });
});

function keepingLog(base: LogFields = {}): Log {
  const write =
    (level: string) =>
    (event: string, fields: LogFields = {}): void =>
      void lines.push({ level, event, fields: { ...base, ...fields } });
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: (fields) => keepingLog({ ...base, ...fields }) };
}

const server = join(import.meta.dirname, '../../../../test/support/bridge/modern-server.mjs');

function options(name: string, more: Partial<BridgeOptions> = {}): BridgeOptions {
  return {
    name,
    listen: { path: join(folder, `${name}.sock`) },
    command: [process.execPath, server, 'dual'],
    cwd: folder,
    env: { MARK: 'a secret value' },
    home: folder,
    processes: 'shared',
    ...more,
  };
}

function start(...all: BridgeOptions[]): Bridges {
  bridges = startBridges({ bridges: all, log: keepingLog() });
  return bridges;
}

/** The bridge processes below this one, and all that live below them. */
function processes(): { bridges: number[]; below: number[] } {
  const living = processTree(process.pid).filter((pid) => pid !== process.pid && isAlive(pid));
  const found = living.filter((pid) => /\/bridge\/main\.[jt]s/.test(commandLineOf(pid)));
  return { bridges: found, below: living.filter((pid) => !found.includes(pid)) };
}

test('each server gets a bridge of its own, which is starting, then ready, and tells its log under the name of the server', async () => {
  const both = start(options('one'), options('two'));
  for (const name of ['one', 'two']) expect(both.state(name)).toEqual({ state: 'starting', reason: null });
  await until(() => both.state('one').state === 'ready' && both.state('two').state === 'ready');
  expect(processes().bridges).toHaveLength(2);
  expect(both.state('three')).toEqual({ state: 'failed', reason: 'no bridge runs for it' });
  const known = lines.filter(({ event }) => event === 'bridge.server_known');
  expect(known.map(({ level, fields }) => `${level} ${String(fields['server'])}`).sort()).toEqual(['info one', 'info two']);
  for (const { fields } of lines) for (const name of ['time', 'component', 'level']) expect(fields).not.toHaveProperty(name);
  expect(JSON.stringify(lines)).not.toContain('a secret value');
  // Nor on a command line, where everyone on the machine could read it.
  for (const pid of processes().bridges) expect(commandLineOf(pid)).not.toContain('a secret value');
});

test('a bridge that dies is named as the reason, started again, and ready again', async () => {
  const one = start(options('one'));
  await until(() => one.state('one').state === 'ready');
  const [first] = processes().bridges;
  process.kill(first ?? 0, 'SIGKILL');
  await until(() => one.state('one').state === 'failed');
  expect(one.state('one').reason).toBe('its bridge ended (SIGKILL)');
  await until(() => one.state('one').state === 'ready');
  expect(processes().bridges).not.toContain(first);
  expect(lines).toContainEqual({ level: 'error', event: 'bridge.died', fields: { server: 'one', reason: 'SIGKILL', restart_ms: 250 } });
});

test('a server that cannot be started is failed, with what its bridge says of it', async () => {
  const one = start(options('one', { command: ['/nowhere/at-all'] }), options('two', { command: [process.execPath, '-e', 'process.exit(3)'] }));
  await until(() => one.state('one').state === 'failed' && one.state('two').state === 'failed');
  expect(one.state('one').reason).toContain('/nowhere/at-all was not found');
  expect(one.state('two').reason).toContain('exit code 3');
});

test('a bridge that refuses its options is failed with the reason, and tried again', async () => {
  const one = start(options('one', { env: { LD_PRELOAD: '/x.so' } }));
  await until(() => one.state('one').state === 'failed');
  expect(one.state('one').reason).toContain('LD_PRELOAD');
  await until(() => lines.filter(({ event }) => event === 'bridge.died').length >= 2);
  expect(one.state('one').reason).toContain('LD_PRELOAD');
});

describe('a stop', () => {
  test('leaves no process and no socket', async () => {
    const both = start(options('one'), options('two'));
    await until(() => both.state('one').state === 'ready' && both.state('two').state === 'ready');
    const before = processes();
    expect([before.bridges.length, before.below.length > 0]).toEqual([2, true]);
    await both.stop();
    await until(() => [...before.bridges, ...before.below].every((pid) => !isAlive(pid)));
    expect(readdirSync(folder).filter((name) => name.endsWith('.sock'))).toEqual([]);
  });

  test('while one starts, or waits to be started again, leaves nothing either', async () => {
    const one = start(options('one'), options('refused', { env: { LD_PRELOAD: '/x.so' } }));
    await until(() => one.state('refused').state === 'failed');
    const before = processes();
    await one.stop();
    await until(() => [...before.bridges, ...before.below].every((pid) => !isAlive(pid)));
    expect(processes().bridges).toEqual([]);
  });
});

/** A call that its server answers once it is told to, and the answer's status. */
function callSlowly(name: string): { sent: Promise<void>; answered: Promise<number> } {
  const sent = Promise.withResolvers<void>();
  const answered = new Promise<number>((resolve, reject) => {
    const call = request(
      { socketPath: join(folder, `${name}.sock`), path: '/mcp', method: 'POST', headers: { 'content-type': 'application/json' } },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    call.on('error', reject);
    call.on('socket', (socket) => (socket.connecting ? socket.once('connect', () => sent.resolve()) : sent.resolve()));
    // The body is not whole yet: the call is open.
    call.write('{');
    finish = () => call.end('"jsonrpc":"2.0","method":"notifications/none"}');
  });
  return { sent: sent.promise, answered };
}
let finish: () => void = () => undefined;

test('of a new list those that are the same go on, the others start beside the old ones, and an old one ends when its calls have', async () => {
  const both = start(options('same'), options('changed'), options('removed'));
  await until(() => ['same', 'changed', 'removed'].every((name) => both.state(name).state === 'ready'));
  const before = processes().bridges;
  const call = callSlowly('removed');
  await call.sent;

  const { retireOthers } = await both.replace(
    [options('same'), options('changed', { env: { MARK: 'another' }, listen: { path: join(folder, 'changed-1.sock') } }), options('added')],
    10_000,
  );
  expect(before.every(isAlive)).toBe(true);
  expect(processes().bridges).toHaveLength(5);
  retireOthers(20_000);
  expect(both.state('changed').state).toBe('ready');
  expect(both.state('removed')).toEqual({ state: 'failed', reason: 'no bridge runs for it' });
  await until(() => both.state('added').state === 'ready');
  // The changed one has nothing to do and ends; the removed one still has.
  await until(() => processes().bridges.length === 4);
  finish();
  expect(await call.answered).toBeGreaterThanOrEqual(200);
  await until(() => processes().bridges.length === 3);
  expect(both.state('same').state).toBe('ready');
});
