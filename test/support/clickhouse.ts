/**
 * A ClickHouse server, empty, for the time of a test: a database of its own on the one that `CLICKHOUSE_TEST_URL` names, else a front on chDB,
 * which is ClickHouse as a library and answers on a loopback port the part of ClickHouse's HTTP interface that the gateway uses. Debian's
 * ClickHouse (18.16) is too old to be of use.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../packages/gateway/src/kernel/log.ts';
import { startEmbeddedLedger } from '../../packages/gateway/src/store/ledger/embedded-ledger.ts';

export interface TestClickHouse {
  /** As CLICKHOUSE_URL has it. It may take a moment until it answers. */
  readonly url: string;
  stop(): Promise<void>;
}

const serverUrl = process.env['CLICKHOUSE_TEST_URL'];

export const clickHouseName = serverUrl === undefined ? 'a ClickHouse server (a front on chDB; CLICKHOUSE_TEST_URL names a real one)' : 'a ClickHouse server';

export async function startClickHouse(): Promise<TestClickHouse> {
  return serverUrl === undefined ? startFront() : createDatabase(serverUrl);
}

async function startFront(): Promise<TestClickHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  const socketPath = join(folder, 'c.sock');
  const engine = startEmbeddedLedger({ folder: join(folder, 'ledger'), socketPath, log: silentLog });
  const door = createServer((client) => {
    const behind = connect(socketPath);
    client.on('error', () => behind.destroy()).on('close', () => behind.destroy());
    behind.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(behind).pipe(client);
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    async stop() {
      door.close();
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function createDatabase(server: string): Promise<TestClickHouse> {
  const database = `gwo_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  const command = async (statement: string): Promise<void> => {
    const headers = { 'x-clickhouse-user': decodeURIComponent(url.username) || 'default', 'x-clickhouse-key': decodeURIComponent(url.password) };
    const answer = await fetch(url.origin, { method: 'POST', headers, body: statement });
    if (!answer.ok) throw new Error(`${url.host} refuses ${statement}: ${await answer.text()}`);
  };
  await command(`CREATE DATABASE ${database}`);
  const made = new URL(server);
  made.pathname = `/${database}`;
  return { url: made.href, stop: () => command(`DROP DATABASE ${database}`) };
}
