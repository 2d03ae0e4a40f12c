import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { defaultOrganizationId, newKeyId } from '../../kernel/id.ts';
import { silentLog } from '../../kernel/log.ts';
import { testAuditKey } from '../../../../../test/support/audit-key.ts';
import { clientConfig } from './connections.ts';
import { startEmbeddedRegistry, type EmbeddedRegistry } from './embedded-registry.ts';
import { openRegistry } from './open-registry.ts';
import type { KeyRecord } from './registry-store.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(folder: string): Promise<EmbeddedRegistry> {
  const engine = await startEmbeddedRegistry({ folder: join(folder, 'registry'), socketPath: join(folder, '.s.PGSQL.5432'), log: silentLog });
  ends.push(() => engine.close());
  return engine;
}

const key = (name: string): KeyRecord => ({
  id: newKeyId(),
  organizationId: defaultOrganizationId,
  name,
  environment: 'test',
  prefix: 'gwo_test_abcd',
  hash: 'h',
  check: null,
  previous: null,
  scopes: { servers: null, actions: null },
  metadata: {},
  createdAtMs: 1,
  createdBy: 'tester',
  expiresAtMs: null,
  rotatedAtMs: null,
  revokedAtMs: null,
});

test('D4 D12 the engine killed in the middle of writes loses no acknowledged key, and comes back by itself', async () => {
  const folder = newFolder();
  const engine = await start(folder);
  const store = await openRegistry({ address: engine.address, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
  ends.push(() => store.close());
  const acknowledged: string[] = [];
  const firstPid = engine.pid();
  for (let index = 0; index < 200; index += 1) {
    const made = key(`key ${index}`);
    try {
      await store.transaction(({ keys }) => keys.insert(made));
      acknowledged.push(made.id);
    } catch (error) {
      expect(error).toMatchObject({ code: 'unavailable' });
      break;
    }
    if (index === 60 && firstPid !== null) process.kill(firstPid, 'SIGKILL');
  }
  // As long as the engine may take to be ready: on a busy machine it recovers in ten seconds and more.
  await vi.waitFor(() => store.ping(), { timeout: 60_000, interval: 50 });
  expect(engine.pid()).not.toBe(firstPid);
  const found = new Set<string>();
  for (const id of acknowledged) if (await store.keys.find(defaultOrganizationId, id)) found.add(id);
  expect(acknowledged.length).toBeGreaterThanOrEqual(60);
  expect(found.size).toBe(acknowledged.length);
});

test('the socket and the data are for their owner only, who can pass every folder that the engine makes later', async () => {
  const folder = newFolder();
  const { address } = await start(folder);
  expect(statSync(join(folder, '.s.PGSQL.5432')).mode & 0o777).toBe(0o600);
  const client = new Client(clientConfig(address));
  await client.connect();
  // Too much to sort in this little memory: it goes to files in a folder that is made for them.
  await client.query("set work_mem = '64kB'");
  await client.query('select md5(g::text) as text from generate_series(1, 20000) g order by text limit 1');
  await client.end();
  // Whoever cannot enter the outermost folder reaches none of the others.
  expect(statSync(join(folder, 'registry')).mode & 0o777).toBe(0o700);
  const folders = readdirSync(join(folder, 'registry'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name)).toContain('pgsql_tmp');
  for (const { name, parentPath } of folders) expect([name, statSync(join(parentPath, name)).mode & 0o700]).toEqual([name, 0o700]);
});

test('a connection after another finds nothing that the one before it prepared, by whose names it has others', async () => {
  const { address } = await start(newFolder());
  const open = () => openRegistry({ address, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
  const before = await open();
  await before.organizations.ids();
  await before.keys.findByPrefix('gwo_test_abcd');
  await before.close();
  const after = await open();
  ends.push(() => after.close());
  expect(await after.keys.findByPrefix('gwo_test_abcd')).toEqual([]);
  const client = new Client(clientConfig(address));
  await client.connect();
  const { rows } = await client.query<{ statement: string }>('select statement from pg_prepared_statements');
  await client.end();
  expect(rows.map(({ statement }) => /\/\* (\S+) \*\//.exec(statement)?.[1])).toEqual(['keys/find-by-prefix']);
});

test('the engine ends when its parent is gone, and frees the folder for the next', async () => {
  const folder = newFolder();
  const child = fork(new URL('./embedded-engine.ts', import.meta.url), [join(folder, 'registry'), join(folder, '.s.PGSQL.5432')], {
    execArgv: ['--liftoff-only'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await once(child, 'message');
  const exited = once(child, 'exit');
  child.disconnect();
  // The next one starts while the first still closes: it waits for it.
  const engine = await start(folder);
  await exited;
  const store = await openRegistry({ address: engine.address, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
  await store.ping();
  await store.close();
});

test('a first start that was cut off half-way is begun anew', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'registry.new', 'base'), { recursive: true });
  writeFileSync(join(folder, 'registry.new', 'PG_VERSION'), '18\n');
  const engine = await start(folder);
  const store = await openRegistry({ address: engine.address, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
  await store.ping();
  await store.close();
});

test('a folder that is not a database is refused with its path', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'registry'));
  writeFileSync(join(folder, 'registry', 'PG_VERSION'), 'not a version\n');
  await expect(start(folder)).rejects.toMatchObject({ code: 'state_broken', detail: { path: join(folder, 'registry') } });
});
