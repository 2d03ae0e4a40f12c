import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { clickHouseName, startClickHouse, type TestClickHouse } from '../../../../../test/support/clickhouse.ts';
import { until } from '../../../../../test/support/poll.ts';
import { silentLog } from '../../kernel/log.ts';
import { intentColumns, outcomeColumns } from '../../record/call-row.ts';
import { startEmbeddedLedger } from './embedded-ledger.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedger, type LedgerOptions } from './open-ledger.ts';

const folders: string[] = [];
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gwo-ledger-'));
  folders.push(folder);
  return folder;
}
const servers: TestClickHouse[] = [];
afterAll(() => Promise.all(servers.map((server) => server.stop())));
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const count = z.object({ n: z.coerce.number() });

function contract(name: string, at: () => Promise<LedgerOptions['at']>): void {
  describe(name, () => {
    let ledger: LedgerStore;

    beforeAll(async () => {
      ledger = openLedger({ at: await at(), retentionDays: 30, log: silentLog });
      expect(ledger.state()).toBe('opening');
      await until(() => ledger.state() === 'ready');
    });
    afterAll(() => ledger.close());

    test('the table of calls has the columns of the record and the place of a row in the chain, and no other', async () => {
      const rows = await ledger.query(
        'SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}',
        { table: 'calls' },
        z.object({ name: z.string(), type: z.string() }),
      );
      const place = [
        { name: 'chain', type: 'LowCardinality(String)' },
        { name: 'chain_seq', type: 'UInt64' },
      ];
      const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1);
      expect(rows.toSorted(byName)).toEqual([...[...intentColumns, ...outcomeColumns].map(({ name, type }) => ({ name, type })), ...place].toSorted(byName));
    });

    test('rows that come twice with one token are there once, and with another token again', async () => {
      const key = `key_${randomBytes(8).toString('hex')}`;
      const rows = { table: 'calls', columns: ['org_id', 'key_id', 'started_at'], rows: Buffer.concat([text('org_t'), text(key), micros(Date.now())]) };
      const token = randomBytes(8).toString('hex');
      await ledger.insertRows({ ...rows, token });
      await ledger.insertRows({ ...rows, token });
      expect(await ledger.query('SELECT count() AS n FROM calls WHERE key_id = {key:String}', { key }, count)).toEqual([{ n: 1 }]);
      await ledger.insertRows({ ...rows, token: `${token}:2` });
      expect(await ledger.query('SELECT count() AS n FROM calls WHERE key_id = {key:String}', { key }, count)).toEqual([{ n: 2 }]);
    });

    test('a parameter arrives as it is, whatever its text, and is never read as SQL', async () => {
      for (const value of ["it's", 'a\\b', "'; DROP TABLE calls --", 'tab\tnew\nline\r', 'é 漢 🐟', '', '\\N', '[1,2]', '{x:String}', '%00']) {
        expect(await ledger.query('SELECT {value:String} AS value', { value }, z.object({ value: z.string() }))).toEqual([{ value }]);
      }
      expect(await ledger.query('SELECT {values:Array(String)} AS value', { values: ['key_a', 'key_b'] }, z.object({ value: z.array(z.string()) }))).toEqual([
        { value: ['key_a', 'key_b'] },
      ]);
    });

    test('64-bit integers and decimals come unrounded', async () => {
      const sql = "SELECT toUInt64('18446744073709551615') AS big, toDecimal64({d:String}, 9) AS exact";
      expect(await ledger.query(sql, { d: '123456789.000000001' }, z.object({ big: z.string(), exact: z.string() }))).toEqual([
        { big: '18446744073709551615', exact: '123456789.000000001' },
      ]);
    });

    test('rows that are no rows are refused and leave the ledger ready and unchanged', async () => {
      const before = await ledger.query('SELECT count() AS n FROM calls WHERE org_id = {org:String}', { org: 'org_t' }, count);
      await expect(
        ledger.insertRows({
          table: 'calls',
          columns: ['org_id', 'key_id', 'started_at'],
          rows: Buffer.from([200, 1, 2]),
          token: randomBytes(8).toString('hex'),
        }),
      ).rejects.toThrow(/./);
      expect(ledger.state()).toBe('ready');
      expect(await ledger.query('SELECT count() AS n FROM calls WHERE org_id = {org:String}', { org: 'org_t' }, count)).toEqual(before);
    });

    test('a statement that ClickHouse refuses is an error of its own, and a row of another shape is not handed on', async () => {
      await expect(ledger.query('SELECT nothing_here', {}, count)).rejects.toMatchObject({ type: 'UNKNOWN_IDENTIFIER' });
      await expect(ledger.query("SELECT 'x' AS m", {}, count)).rejects.toThrow(/./);
      expect(ledger.state()).toBe('ready');
    });

    test('many reads and writes at once keep their own parameters', async () => {
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          if (index % 8 === 0)
            await ledger.insertRows({
              table: 'calls',
              columns: ['org_id', 'started_at'],
              rows: Buffer.concat([text('org_many'), micros(Date.now())]),
              token: randomBytes(8).toString('hex'),
            });
          expect(await ledger.query('SELECT {value:String} AS value', { value: `v${index}` }, z.object({ value: z.string() }))).toEqual([
            { value: `v${index}` },
          ]);
        }),
      );
      expect(await ledger.query('SELECT count() AS n FROM calls WHERE org_id = {org:String}', { org: 'org_many' }, count)).toEqual([{ n: 5 }]);
    });
  });
}

contract('the embedded ledger', async () => {
  const folder = await temporaryFolder();
  return { folder: join(folder, 'ledger'), socketPath: join(folder, 'run', 'ledger.sock') };
});

contract(clickHouseName, async () => {
  const server = await startClickHouse();
  servers.push(server);
  return { url: server.url };
});

describe('an embedded engine', () => {
  test('opens its folder again with all its rows after it was killed, and its socket is for its owner only', async () => {
    const folder = await temporaryFolder();
    const at = { folder: join(folder, 'ledger'), socketPath: join(folder, 'run', 'ledger.sock') };
    const ledger = openLedger({ at, retentionDays: 30, log: silentLog });
    try {
      await until(() => ledger.state() === 'ready');
      expect((await stat(at.socketPath)).mode & 0o777).toBe(0o600);
      const token = randomBytes(8).toString('hex');
      const rows = { table: 'calls', columns: ['org_id', 'started_at'], rows: Buffer.concat([text('org_k'), micros(Date.now())]), token };
      await ledger.insertRows(rows);
      process.kill(await enginePid(at.folder), 'SIGKILL');
      await until(async () => {
        await ledger.query('SELECT 1 AS n', {}, count).catch(() => undefined);
        return ledger.state() !== 'ready';
      });
      await expect(ledger.query('SELECT 1 AS n', {}, count)).rejects.toMatchObject({ code: 'unavailable' });
      await until(() => ledger.state() === 'ready');
      await ledger.insertRows(rows);
      expect(await ledger.query('SELECT count() AS n FROM calls WHERE org_id = {org:String}', { org: 'org_k' }, count)).toEqual([{ n: 1 }]);
    } finally {
      await ledger.close();
    }
  });

  test('ends with its owner, and a second one waits for the folder', async () => {
    const folder = await temporaryFolder();
    const first = startEmbeddedLedger({ folder: join(folder, 'ledger'), socketPath: join(folder, 'a.sock'), log: silentLog });
    await until(() =>
      stat(join(folder, 'a.sock')).then(
        () => true,
        () => false,
      ),
    );
    const pid = first.pid() ?? 0;
    const ledger = openLedger({ at: { folder: join(folder, 'ledger'), socketPath: join(folder, 'b.sock') }, retentionDays: 30, log: silentLog });
    try {
      expect(ledger.state()).toBe('opening');
      await first.close();
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
      await until(() => ledger.state() === 'ready');
    } finally {
      await ledger.close();
    }
  });

  test('D14: takes a changed retention, and is not opened where a newer program has written', async () => {
    const folder = await temporaryFolder();
    const at = { folder: join(folder, 'ledger'), socketPath: join(folder, 'l.sock') };
    const engineText = z.object({ engine_full: z.string() });
    for (const days of [30, 7]) {
      const ledger = openLedger({ at, retentionDays: days, log: silentLog });
      try {
        await until(() => ledger.state() === 'ready');
        const [table] = await ledger.query("SELECT engine_full FROM system.tables WHERE name = 'calls'", {}, engineText);
        expect(table?.engine_full).toContain(`TTL toDateTime(started_at) + toIntervalDay(${days})`);
        if (days === 7)
          await ledger.insertRows({
            table: 'ledger_migrations',
            columns: ['name', 'checksum'],
            rows: Buffer.concat([text('299901010000-future'), text('x')]),
            token: 'future',
          });
      } finally {
        await ledger.close();
      }
    }
    const older = openLedger({ at, retentionDays: 7, log: silentLog });
    try {
      await until(() => older.reason()?.includes('299901010000-future') === true);
      expect(older.state()).toBe('opening');
    } finally {
      await older.close();
    }
  });
});

describe('a ledger that takes connections and does not answer', () => {
  /** Passes connections on to the socket, or holds them without a word. */
  async function proxyTo(socketPath: string): Promise<{ url: string; hang: boolean; held: () => number; close: () => void }> {
    const sockets = new Set<Socket>();
    const proxy = { url: '', hang: true, held: () => sockets.size, close: () => void server.close() };
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      if (!proxy.hang) socket.pipe(connect(socketPath).on('error', () => socket.destroy())).pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return proxy;
  }

  test('does not hold up the close', async () => {
    const proxy = await proxyTo('/nowhere');
    const ledger = openLedger({ at: { url: proxy.url }, retentionDays: 30, log: silentLog });
    await until(() => proxy.held() > 0);
    const startedAt = performance.now();
    await ledger.close();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    proxy.close();
  });

  test('is used as soon as it answers again', async () => {
    const folder = await temporaryFolder();
    const socketPath = join(folder, 'l.sock');
    const engine = startEmbeddedLedger({ folder: join(folder, 'ledger'), socketPath, log: silentLog });
    const proxy = await proxyTo(socketPath);
    const ledger = openLedger({ at: { url: proxy.url }, retentionDays: 30, log: silentLog });
    try {
      await until(() => proxy.held() > 0);
      proxy.hang = false;
      await until(() => ledger.state() === 'ready', { timeoutMs: 15_000 });
    } finally {
      await ledger.close();
      await engine.close();
      proxy.close();
    }
  });
});

/** ClickHouse writes the process of a folder into its lock file. */
async function enginePid(folder: string): Promise<number> {
  const [, pid] = /PID: (\d+)/.exec(await readFile(join(folder, 'status'), 'utf8')) ?? [];
  return Number(pid);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function micros(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(ms) * 1000n);
  return bytes;
}
