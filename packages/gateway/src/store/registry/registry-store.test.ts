import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, PostgresDialect, type CompiledQuery } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../../../../../test/support/requires.ts';
import { until } from '../../../../../test/support/poll.ts';
import { ordinaryDatabase, startPostgres, type TemporaryPostgres } from '../../../../../test/support/postgres.ts';
import { nounKinds, nouns, type NounKind, type Reference } from '../../kernel/directory.ts';
import { defaultOrganizationId, newAuditId, newKeyId, randomBase62, type OrganizationId } from '../../kernel/id.ts';
import { silentLog } from '../../kernel/log.ts';
import { testAuditKey } from '../../../../../test/support/audit-key.ts';
import { readMigrations } from '../migrations.ts';
import { createAccessWrites } from './access.ts';
import { clientConfig, openConnections, type RegistryAddress } from './connections.ts';
import { createDirectoryReads } from './directory.ts';
import { startEmbeddedRegistry } from './embedded-registry.ts';
import { createKeyReads } from './keys.ts';
import { migrate } from './migrate.ts';
import { openRegistry } from './open-registry.ts';
import type { ServerOrder } from '../../snapshot/server-order.ts';
import type { EntryQuery, EntryRecord, InvitationQuery, InvitationRecord } from './directory-store.ts';
import type { AuditEvent } from './audit-store.ts';
import type { GrantRecord } from './oauth-store.ts';
import type { ConfigObjectRecord, KeyRecord, PriceVersion, RegistryStore } from './registry-store.ts';
import type { SavedViewRecord, ViewOwner } from './saved-view-store.ts';
import type { Tables } from './tables.ts';

const migrations = readMigrations(join(import.meta.dirname, 'migrations'));

test('each migration from now on says whether older nodes can go on', () => {
  const silent = migrations.filter(({ name, text }) => name > '202611290500' && !/^-- Older nodes: (?:go on|refuse)/m.test(text));
  expect(silent.map(({ name }) => name)).toEqual([]);
});

describe('embedded', () => {
  keepsTheContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
    const engine = await startEmbeddedRegistry({ folder: join(folder, 'registry'), socketPath: join(folder, '.s.PGSQL.5432'), log: silentLog });
    return {
      address: engine.address,
      async end() {
        await engine.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
});

describeWith('postgres', 'PostgreSQL', () => {
  keepsTheContract(async () => {
    const server = await startPostgres();
    return { address: { url: await ordinaryDatabase(server.url) }, end: () => server.stop() };
  });
});

describeWith('postgres', 'the second wall in PostgreSQL', () => {
  let server: TemporaryPostgres;
  let store: RegistryStore;
  let client: Client;
  let url: string;
  const [mine, theirs] = [`org_${randomBase62(20)}`, `org_${randomBase62(20)}`] as [OrganizationId, OrganizationId];
  const scopeTo = (scope: string): Promise<unknown> => client.query('select set_config($1, $2, false)', ['gatewayops.organization', scope]);
  const keysSeen = async (): Promise<readonly string[]> =>
    (await client.query<{ id: string }>('select organization_id as id from api_keys order by 1')).rows.map(({ id }) => id);

  beforeAll(async () => {
    server = await startPostgres();
    url = await ordinaryDatabase(server.url);
    store = await openRegistry({ address: { url }, connectionsMax: 2, auditKey: testAuditKey, log: silentLog });
    client = new Client({ connectionString: url });
    await client.connect();
    await store.transaction(async ({ organizations, keys }) => {
      for (const id of [mine, theirs]) {
        await organizations.insert({ id, name: id, version: 1, createdAtMs: 1, createdBy: 'test', changedAtMs: 1, changedBy: 'test' });
        await keys.insert(keyOf(id));
      }
    });
  });
  afterAll(async () => {
    await client.end();
    await store.close();
    await server.stop();
  });

  test('every table with an organization has it', async () => {
    const { rows } = await client.query<{ name: string; walled: boolean }>(
      `select relname as name, relrowsecurity and relforcerowsecurity and exists (select from pg_policy where polrelid = c.oid) as walled from pg_class c
       where relkind = 'r' and relnamespace = current_schema()::regnamespace
         and (relname = 'organizations' or exists (select from pg_attribute a where a.attrelid = c.oid and attname = 'organization_id' and not attisdropped))`,
    );
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.filter(({ walled }) => !walled).map(({ name }) => `${name} has no wall: its migration ends with select wall_in('${name}')`)).toEqual([]);
  });

  test('T2 a query that forgets its organization gets nothing, or the rows of the one that it is set to', async () => {
    await client.query('reset gatewayops.organization');
    expect(await keysSeen()).toEqual([]);
    await scopeTo('');
    expect(await keysSeen()).toEqual([]);
    await scopeTo(mine);
    expect(await keysSeen()).toEqual([mine]);
    expect((await client.query('update api_keys set name = name')).rowCount).toBe(1);
    expect((await client.query('delete from organizations where id = $1', [theirs])).rowCount).toBe(0);
    await expect(client.query('insert into access_revisions (organization_id, revision) values ($1, 1)', [theirs])).rejects.toThrow('row-level security');
    await scopeTo('*');
    expect(await keysSeen()).toEqual([mine, theirs].sort());
    // One that PostgreSQL remembers, and has one plan for by then, is held to what holds when it is run.
    const remembered = async (): Promise<readonly string[]> =>
      (await client.query<{ id: string }>({ name: 'forgetful', text: 'select organization_id as id from api_keys where name <> $1', values: ['x'] })).rows.map(
        ({ id }) => id,
      );
    await scopeTo(mine);
    for (let time = 0; time < 8; time += 1) expect(await remembered()).toEqual([mine]);
    await scopeTo(theirs);
    expect(await remembered()).toEqual([theirs]);
    await scopeTo('');
    expect(await remembered()).toEqual([]);
  });

  test('the store reads and writes for one after the other on the same connections, and finds whose a secret is', async () => {
    // More often than PostgreSQL makes a plan of its own for each: the one that it then keeps is for whoever asks.
    for (let round = 0; round < 8; round++)
      for (const id of [mine, theirs, mine]) {
        const [key] = await store.keys.list(id, { after: null, limit: 10 });
        expect(key?.organizationId).toBe(id);
        expect((await store.keys.findByPrefix(key?.prefix ?? '')).map(({ organizationId }) => organizationId)).toEqual([id]);
        await store.transaction(async ({ access }) => access.touchKey(id, key?.id ?? ''));
      }
    expect((await store.organizations.ids()).length).toBe(3);
  });

  test('reads go on where a newer node has added a column, or a pooler has put another server connection under theirs', async () => {
    const own = await openRegistry({ address: { url }, connectionsMax: 1, auditKey: testAuditKey, log: silentLog });
    const newer = new Client({ connectionString: url });
    try {
      await newer.connect();
      const [key] = await own.keys.list(mine, { after: null, limit: 10 });
      const read = async (): Promise<string | undefined> => (await own.keys.find(mine, key?.id ?? ''))?.id;
      expect(await read()).toBe(key?.id);
      await newer.query('alter table api_keys add column of_a_newer_node text');
      expect([await read(), await read()]).toEqual([key?.id, key?.id]);
      await newer.query('alter table api_keys drop column of_a_newer_node');
      expect([await read(), await read()]).toEqual([key?.id, key?.id]);
    } finally {
      await newer.end();
      await own.close();
    }
  });

  test('the keys that name somebody are found by an index, of which row security makes no reading of every key', async () => {
    const asked: CompiledQuery[] = [];
    const connections = openConnections({ url }, 1, silentLog);
    const database = new Kysely<Tables>({
      dialect: new PostgresDialect({ pool: connections.scoped(mine) }),
      log: ({ query }) => void asked.push(query),
    });
    try {
      await createKeyReads(database).list(mine, { after: null, limit: 10, named: [{ kind: 'user', id: 'ana' }] });
      await createKeyReads(database).listOfUser(mine, 'ana');
      await createDirectoryReads(database).keysOf(mine, { kind: 'role', id: 'reader' }, 10);
      await database.transaction().execute((transaction) => createAccessWrites(transaction).touchKeysOf(mine, [{ kind: 'user', id: 'ana' }]));
    } finally {
      await connections.end();
    }
    await scopeTo(mine);
    // Of few keys PostgreSQL would rather read all.
    await client.query(
      `insert into api_keys (id, organization_id, name, environment, prefix, hash, scopes, metadata, created_at, created_by)
       select 'key_many' || n, $1, 'many', 'live', 'many' || n, '', '{"servers": null, "actions": null}', jsonb_build_object('user_id', 'user-' || n % 600), now(), 'test'
       from generate_series(1, 3000) as n`,
      [mine],
    );
    await client.query('analyze api_keys, key_names');
    const aboutNames = asked.filter(({ sql }) => sql.includes('key_names'));
    expect(aboutNames.length).toBe(4);
    for (const { sql, parameters } of aboutNames) {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, [...parameters]);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(/on key_names.*\n\s+Index Cond: .*\bvalue = /);
      expect(plan).not.toContain('metadata');
    }
  });

  test('a superuser passes it by, and the log says so', async () => {
    const said: string[] = [];
    const log = { ...silentLog, warn: (event: string) => void said.push(event) };
    const other = await openRegistry({ address: { url: server.url }, connectionsMax: 1, auditKey: testAuditKey, log });
    await other.close();
    expect(said).toContain('registry.row_security_bypassed');
  });
});

describeWith('postgres', 'nodes of several versions on one PostgreSQL', () => {
  test('I5: those that start at once migrate once; an old one works beside what lets it go on; what would break it waits until it has stopped', async () => {
    const server = await startPostgres();
    try {
      const address = { url: server.url };
      const openOld = () => openRegistry({ address, connectionsMax: 2, auditKey: testAuditKey, log: silentLog });
      await Promise.all([1, 2, 3].map(() => migrate(address, silentLog)));
      const old = await openOld();
      const kind = '-- Older nodes: go on; they pass it by.';
      const additive = [...migrations, { name: '999901010000-additive', text: `${kind}\ncreate table additive (id text primary key)` }];
      await Promise.all([1, 2].map(() => migrate(address, silentLog, additive)));
      await old.transaction(({ keys }) => keys.insert(keyOf(defaultOrganizationId)));
      await (await openOld()).close();

      const breaking = [...additive, { name: '999901010001-breaking', text: 'alter table additive rename to other' }];
      await expect(migrate(address, silentLog, breaking)).rejects.toMatchObject({
        code: 'older_nodes_running',
        detail: { migration: '999901010001-breaking' },
      });
      expect(await old.keys.any(defaultOrganizationId)).toBe(true);
      await old.close();
      await until(() => migrate(address, silentLog, breaking).then(() => true), { what: 'the old node to be gone' });
      await expect(openOld()).rejects.toMatchObject({ code: 'newer_schema', detail: { migration: '999901010001-breaking' } });
      await migrate(address, silentLog, breaking);
    } finally {
      await server.stop();
    }
  });
});

/** What both promise. Every test makes an organization of its own. */
function keepsTheContract(start: () => Promise<{ address: RegistryAddress; end: () => Promise<void> }>): void {
  let address: RegistryAddress;
  let end: () => Promise<void>;
  let store: RegistryStore;

  beforeAll(async () => {
    ({ address, end } = await start());
    store = await openRegistry({ address, connectionsMax: 8, auditKey: testAuditKey, log: silentLog });
  });
  afterAll(async () => {
    await store.close();
    await end();
  });

  /** Statements that the store has no verb for. The embedded engine has one backend: nothing else runs meanwhile. */
  async function directly<Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client(clientConfig(address));
    await client.connect();
    try {
      await client.query("select set_config('gatewayops.organization', '*', false)");
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async function newOrganization(): Promise<OrganizationId> {
    const id = `org_${randomBase62(20)}` as OrganizationId;
    await directly('insert into organizations (id, name) values ($1, $1)', [id]);
    return id;
  }

  const insert = (...keys: KeyRecord[]): Promise<void> =>
    store.transaction(async (writes) => {
      for (const key of keys) await writes.keys.insert(key);
    });

  test('a key is read back as it was written, to the millisecond and with text of any script', async () => {
    const organizationId = await newOrganization();
    const key = keyOf(organizationId, {
      name: "O'Brien — ключ 🔑",
      previous: { prefix: 'gwo_t_old1', hash: 'old', check: 'a check', validUntilMs: 1_800_000_000_123 },
      scopes: { servers: ['a', 'b'], actions: ['tools.*'] },
      metadata: { team_id: 'team', note: '"\\; drop table api_keys; --' },
      expiresAtMs: 1_900_000_000_001,
      rotatedAtMs: 1_700_000_000_999,
    });
    await insert(key);
    expect(await store.keys.find(organizationId, key.id)).toEqual(key);
  });

  test('a key of another organization is not found', async () => {
    const [mine, theirs] = [await newOrganization(), await newOrganization()];
    const key = keyOf(theirs);
    await insert(key);
    expect(await store.keys.find(mine, key.id)).toBeNull();
    expect(await store.keys.list(mine, { after: null, limit: 10 })).toEqual([]);
    expect(await store.keys.any(mine)).toBe(false);
    expect(await store.transaction(({ keys }) => keys.findForUpdate(mine, key.id))).toBeNull();
    await store.transaction(({ keys }) => keys.updateRevoked(mine, key.id, 1));
    expect(await store.keys.find(theirs, key.id)).toEqual(key);
  });

  test('keys are found by the prefix of their secret and of the one before', async () => {
    const organizationId = await newOrganization();
    const [current, rotated] = [
      keyOf(organizationId, { prefix: 'gwo_p_same' }),
      keyOf(organizationId, { prefix: 'gwo_p_new1', previous: { prefix: 'gwo_p_same', hash: 'h', check: 'a check', validUntilMs: 5 } }),
    ];
    await insert(current, rotated);
    expect((await store.keys.findByPrefix('gwo_p_same')).map(({ id }) => id).sort()).toEqual([current.id, rotated.id].sort());
    expect((await store.keys.findByPrefix('gwo_p_new1')).map(({ id }) => id)).toEqual([rotated.id]);
    expect(await store.keys.findByPrefix("gwo_p_' or 1=1")).toEqual([]);
  });

  test('a list shows each key once, newest first, also where several have the same time', async () => {
    const organizationId = await newOrganization();
    const keys = [1, 2, 2, 2, 3, 3, 4].map((second) => keyOf(organizationId, { createdAtMs: second * 1000 }));
    await insert(...keys);
    const seen: KeyRecord[] = [];
    for (let page = 0; page < 10; page += 1) {
      const found = await store.keys.list(organizationId, { after: seen.at(-1) ?? null, limit: 2 });
      if (found.length === 0) break;
      seen.push(...found);
    }
    expect(seen.map(({ createdAtMs }) => createdAtMs)).toEqual([4000, 3000, 3000, 2000, 2000, 2000, 1000]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(7);
  });

  test('versions of a price list are read as they were written, and hold from their time on', async () => {
    const organizationId = await newOrganization();
    const version = (number: number, effectiveFromMs: number, more: Partial<PriceVersion> = {}): PriceVersion => ({
      organizationId,
      number,
      source: 'api',
      list: {
        currency: 'EUR',
        default: { perCallNano: 9_007_199_254_740_991n, perSecondNano: 0n },
        overrides: [{ server: 'search', tool: "ö'; --", perTokenInputNano: BigInt(number) }],
      },
      effectiveFromMs,
      createdAtMs: 1_700_000_000_123,
      createdBy: 'key_x',
      ...more,
    });
    const all = [version(1, 1000), version(2, 9000), version(3, 5000, { source: 'file' }), version(4, 5000)];
    expect(await store.transaction(({ prices }) => prices.lockNewest(organizationId))).toBeNull();
    for (const one of all) await store.transaction(({ prices }) => prices.insert(one));
    const holds = async (atMs: number, source: 'file' | null = null): Promise<number | undefined> =>
      (await store.prices.inForce(organizationId, atMs, source))?.number;
    expect([await holds(999), await holds(1000), await holds(5000), await holds(8999), await holds(9000), await holds(9000, 'file')]).toEqual([
      undefined,
      1,
      4,
      4,
      2,
      3,
    ]);
    expect([await store.prices.nextChangeMs(organizationId, 4999), await store.prices.nextChangeMs(organizationId, 9000)]).toEqual([5000, null]);
    expect(await store.prices.list(organizationId, { before: 4, limit: 2 })).toEqual([all[2], all[1]]);
    expect(await store.prices.newest(organizationId)).toEqual(all[3]);
    expect(await store.prices.newest(await newOrganization())).toBeNull();
    await expect(store.transaction(({ prices }) => prices.insert(version(4, 1)))).rejects.toThrow(/./);
    await expect(directly('update price_versions set created_by = $1', ['x'])).rejects.toThrow(/append-only/);
  });

  test('a transaction that throws leaves nothing, neither the change nor its audit event', async () => {
    const organizationId = await newOrganization();
    const key = keyOf(organizationId);
    const event = eventOf(organizationId);
    const failed = store.transaction(async ({ keys, audit }) => {
      await keys.insert(key);
      await audit.insert(event);
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');
    expect(await store.keys.find(organizationId, key.id)).toBeNull();
    expect(await directly('select id from audit_events where organization_id = $1', [organizationId])).toEqual([]);
  });

  test('what is asked of a server is read back as it was written, replaced as a whole, and of its organization alone', async () => {
    const [mine, theirs] = [await newOrganization(), await newOrganization()];
    const canary = { target: 'green', sharePercent: 2.5, header: { name: 'x-canary', value: 'ключ "1"' }, principals: ['key_1'] };
    const order: ServerOrder = {
      server: 'search',
      routing: { active: 'blue', canary, configured: { active: null, canary: null } },
      targets: { blue: { weight: { asked: 3, configured: 1 }, draining: true } },
      changedAtMs: 1_800_000_000_123,
      changedBy: 'key_1',
    };
    await store.transaction(async ({ serverOrders }) => {
      expect(await serverOrders.findForUpdate(mine, 'search')).toBeNull();
      await serverOrders.put(mine, order);
      await serverOrders.put(mine, { ...order, server: 'another', routing: null });
      await serverOrders.put(theirs, { ...order, routing: null });
    });
    expect((await store.serverOrders.list(mine)).map(({ server }) => server)).toEqual(['another', 'search']);
    expect(await store.transaction(({ serverOrders }) => serverOrders.findForUpdate(mine, 'search'))).toEqual(order);
    await store.transaction(async ({ serverOrders }) => {
      await serverOrders.put(mine, { ...order, targets: {} });
      await serverOrders.delete(mine, 'another');
    });
    expect(await store.serverOrders.list(mine)).toEqual([{ ...order, targets: {} }]);
    expect((await store.serverOrders.list(theirs)).length).toBe(1);
  });

  test('of changes of one order at once none is lost, also of the first', async () => {
    const organizationId = await newOrganization();
    const add = (name: string): Promise<void> =>
      store.transaction(async ({ serverOrders }) => {
        const before = await serverOrders.findForUpdate(organizationId, 'search');
        const targets = { ...before?.targets, [name]: { weight: null, draining: true } };
        await serverOrders.put(organizationId, { server: 'search', routing: null, targets, changedAtMs: 1, changedBy: 'key_1' });
      });
    await Promise.all(['a', 'b', 'c', 'd'].map(add));
    expect(Object.keys((await store.serverOrders.list(organizationId))[0]?.targets ?? {}).sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('things of the configuration are read back as they were written, each of its organization, and each change raises the revision', async () => {
    const [mine, theirs] = [await newOrganization(), await newOrganization()];
    const object: ConfigObjectRecord = {
      kind: 'server',
      name: 'search',
      spec: { url: 'https://search.example/mcp', reported_cost_max: 0.00001, env: { b: 'NUL \0, ключ', a: '' } },
      version: 1,
      createdAtMs: 1_800_000_000_123,
      createdBy: 'key_1',
      changedAtMs: 1_800_000_000_123,
      changedBy: 'key_1',
    };
    expect(await store.configObjects.revision(mine)).toBe(0);
    await store.transaction(async ({ configObjects }) => {
      expect(await configObjects.begin(mine)).toBe(1);
      await configObjects.put(mine, object);
      await configObjects.put(mine, { ...object, kind: 'route' });
      await configObjects.put(theirs, object);
    });
    expect(await store.configObjects.list(mine)).toEqual([{ ...object, kind: 'route' }, object]);
    const changed = { ...object, spec: {}, version: 2, changedAtMs: 1_800_000_001_000, changedBy: 'key_2' };
    await store.transaction(async ({ configObjects }) => {
      expect(await configObjects.begin(mine)).toBe(2);
      await configObjects.put(mine, { ...changed, createdAtMs: 1, createdBy: 'key_2' });
      await configObjects.delete(mine, { kind: 'route', name: 'search' });
      expect(await configObjects.list(mine)).toEqual([changed]);
    });
    expect([await store.configObjects.list(mine), await store.configObjects.revision(mine)]).toEqual([[changed], 2]);
    expect([await store.configObjects.list(theirs), await store.configObjects.revision(theirs)]).toEqual([[object], 0]);
  });

  test('the directory is read back as it was written, found by handle, text and ties, and listed in the order that is asked for', async () => {
    const organizationId = await newOrganization();
    const eng = entryOf('department', 'eng');
    const teams = [entryOf('team', 'b', { name: 'Ärger', links: { department_id: [eng] } }), entryOf('team', 'a', { name: 'zoo' }), entryOf('team', 'c')];
    const ana = entryOf('user', 'usr_ana', {
      name: "O'Brien ✓",
      handle: 'ana@example.com',
      attributes: { email: 'Ana@example.com' },
      links: { team_ids: [teams[1] as EntryRecord, teams[0] as EntryRecord] },
    });
    await store.transaction(async ({ directory }) => {
      for (const entry of [eng, ...teams, ana]) await directory.insert(organizationId, entry);
    });
    expect(await store.directory.find(organizationId, ana)).toEqual({ ...ana, links: { team_ids: [refOf('team', 'a'), refOf('team', 'b')] } });
    expect(await store.directory.find(await newOrganization(), ana)).toBeNull();
    expect(await store.transaction(({ directory }) => directory.findByHandle(organizationId, 'user', 'ana@example.com'))).toMatchObject({ id: 'usr_ana' });
    const base = { kind: 'team', text: null, links: [], sort: 'name', descending: false, after: null, limit: 10 } as const;
    const ids = async (more: Partial<EntryQuery> = {}): Promise<string[]> =>
      (await store.directory.list(organizationId, { ...base, ...more })).map(({ id }) => id);
    expect(await ids()).toEqual(['c', 'a', 'b']);
    expect(await ids({ descending: true, limit: 2 })).toEqual(['b', 'a']);
    expect(await ids({ after: { value: 'team c', id: 'c' } })).toEqual(['a', 'b']);
    expect(await ids({ sort: 'created_at', after: { value: teams[0]?.createdAtMs ?? 0, id: 'b' } })).toEqual(['a', 'c']);
    expect(await ids({ text: 'ärg' })).toEqual(['b']);
    expect(await ids({ links: [{ member: 'department_id', to: eng }] })).toEqual(['b']);
    expect(await store.directory.list(await newOrganization(), base)).toEqual([]);
    expect(await store.transaction(({ directory }) => directory.tiedTo(organizationId, refOf('team', 'a'), 1))).toEqual({
      count: 1,
      first: [refOf('user', 'usr_ana')],
    });
    await expect(store.transaction(({ directory }) => directory.delete(organizationId, eng))).rejects.toThrow('foreign key');
    await store.transaction(async ({ directory }) => {
      await directory.update(organizationId, { ...ana, version: 2, links: {} });
      await directory.untie(organizationId, eng);
      await directory.delete(organizationId, eng);
    });
    expect(await store.directory.find(organizationId, ana)).toEqual({ ...ana, version: 2, links: {} });
  });

  test('who acts is named by the id that is written down of them, in their organization alone, and no more once they are erased', async () => {
    const organizationId = await newOrganization();
    const [ana, robot] = [entryOf('user', 'usr_ana', { name: 'Ana' }), entryOf('service_account', 'svc_robot', { name: 'Robot' })];
    const key = keyOf(organizationId, { name: 'deploy' });
    await insert(key);
    const { pseudonym } = await store.transaction(async ({ directory, people }) => {
      for (const entry of [ana, robot]) await directory.insert(organizationId, entry);
      return people.take(organizationId, ana.id);
    });
    const ids = [pseudonym, robot.id, key.id, ana.id, 'ses_1'];
    const names = async (of: OrganizationId): Promise<unknown> => Object.fromEntries(await store.directory.actorNames(of, ids));
    expect(await names(organizationId)).toEqual({ [pseudonym]: 'Ana', svc_robot: 'Robot', [key.id]: 'deploy' });
    expect(await names(await newOrganization())).toEqual({});
    await store.transaction(({ people }) => people.delete(organizationId, ana.id));
    expect(await names(organizationId)).toEqual({ svc_robot: 'Robot', [key.id]: 'deploy' });
  });

  test('what a key inherits from is found through teams and departments, and a change there touches exactly the keys below', async () => {
    const organizationId = await newOrganization();
    const entries = [
      entryOf('department', 'eng'),
      entryOf('team', 'core', { links: { department_id: [refOf('department', 'eng')] } }),
      entryOf('team', 'web'),
      entryOf('user', 'ana', { handle: null, links: { team_ids: [refOf('team', 'core'), refOf('team', 'web')] } }),
      entryOf('agent', 'bot', { links: { owner: [refOf('user', 'ana')], team_id: [refOf('team', 'web')] } }),
    ];
    await store.transaction(async ({ directory }) => {
      for (const entry of entries) await directory.insert(organizationId, entry);
    });
    const lineage = async (of: OrganizationId, references: readonly Reference[]): Promise<Reference[]> =>
      (await store.directory.lineage(of, references)).map(({ kind, id }) => refOf(kind, id));
    expect(await lineage(organizationId, [refOf('user', 'ana')])).toEqual([
      refOf('department', 'eng'),
      refOf('team', 'core'),
      refOf('team', 'web'),
      refOf('user', 'ana'),
    ]);
    expect(await lineage(organizationId, [refOf('agent', 'bot'), refOf('team', 'free text')])).toEqual([
      refOf('agent', 'bot'),
      refOf('team', 'free text'),
      refOf('team', 'web'),
    ]);
    expect(await lineage(await newOrganization(), [refOf('user', 'ana')])).toEqual([refOf('user', 'ana')]);
    expect(await store.directory.lineage(organizationId, [refOf('team', 'web'), refOf('team', 'x')])).toMatchObject([
      { isRegistered: true },
      { isRegistered: false },
    ]);

    const [ofTeam, ofUser, ofAgent, ofNobody] = [{ team_id: 'core' }, { user_id: 'ana' }, { agent: 'bot' }, { team_id: 'other' }].map((metadata) =>
      keyOf(organizationId, { metadata }),
    ) as [KeyRecord, KeyRecord, KeyRecord, KeyRecord];
    await insert(ofTeam, ofUser, ofAgent, ofNobody);
    const callersOf = async (id: OrganizationId): Promise<number> => (await store.access.revisions()).find((one) => one.organizationId === id)?.callers ?? 0;
    const before = await callersOf(organizationId);
    expect(await store.access.changedKeys(organizationId, before, 10)).toEqual([]);
    const changedBy = async (reference: Reference): Promise<string[]> => {
      const callers = await callersOf(organizationId);
      await store.transaction(({ access }) => access.touchKeysOf(organizationId, [reference]));
      return [...((await store.access.changedKeys(organizationId, callers, 10)) ?? [])].sort();
    };
    expect(await changedBy(refOf('department', 'eng'))).toEqual([ofTeam.id, ofUser.id].sort());
    expect(await changedBy(refOf('team', 'web'))).toEqual([ofUser.id, ofAgent.id].sort());
    expect(await changedBy(refOf('user', 'ana'))).toEqual([ofUser.id]);
    expect(await store.access.changedKeys(organizationId, before, 2)).toBeNull();
    await store.transaction(({ access }) => access.touchKey(organizationId, ofNobody.id));
    expect((await store.access.changedKeys(organizationId, before, 10))?.includes(ofNobody.id)).toBe(true);

    expect(await store.directory.keysOf(organizationId, refOf('user', 'ana'), 5)).toEqual({ count: 1, first: [ofUser.id] });
    await store.transaction(({ keys }) => keys.updateRevoked(organizationId, ofUser.id, 1));
    expect(await store.directory.keysOf(organizationId, refOf('user', 'ana'), 5)).toEqual({ count: 0, first: [] });
    expect((await store.keys.list(organizationId, { after: null, limit: 9, named: [refOf('agent', 'bot')] })).map(({ id }) => id)).toEqual([ofAgent.id]);
  });

  test('a key is found by all that it names, and not by what it named before; written anew it is found by the same', async () => {
    const organizationId = await newOrganization();
    const references = nounKinds.filter((kind) => kind !== 'department').map((kind) => refOf(kind, `the-${kind}`));
    const found = async (reference: Reference): Promise<string[]> =>
      (await store.keys.list(organizationId, { after: null, limit: 9, named: [reference] })).map(({ id }) => id);
    const naming = (kind: NounKind) => Object.fromEntries(nouns[kind].keyMembers.map((member) => [member, `the-${kind}`]));
    for (const reference of references) {
      const actions = reference.kind === 'role' ? ['tools.call', 'role:the-role'] : null;
      const key = keyOf(organizationId, { metadata: { ...naming(reference.kind), note: 'the-team' }, scopes: { servers: null, actions } });
      await insert(key);
      expect([reference, await found(reference)]).toEqual([reference, [key.id]]);
      await store.transaction(({ keys }) => keys.updateDescription(organizationId, key.id, { name: 'another', metadata: { team_id: 'none' } }));
      expect([reference, await found(reference)]).toEqual([reference, reference.kind === 'role' ? [key.id] : []]);
    }
    expect(await found(refOf('department', 'the-team'))).toEqual([]);
  });

  test('views are found by whose they are and whom they are shared with, counted, and left by whoever goes', async () => {
    const organizationId = await newOrganization();
    const [mine, other] = [{ kind: 'user', id: 'usr_ana' } as const, { kind: 'key', id: 'usr_ana' } as const];
    const view = (id: string, more: Partial<SavedViewRecord> = {}): SavedViewRecord => ({
      id,
      page: 'traces',
      name: 'Ana’s ✓',
      state: { q: 'team:"a b"' },
      owner: mine,
      sharedWith: null,
      version: 1,
      createdAtMs: 1_700_000_000_000,
      changedAtMs: 1_700_000_000_001,
      ...more,
    });
    const all = [view('a'), view('b', { sharedWith: 'team:t' }), view('c', { owner: other, sharedWith: 'everyone' }), view('d', { owner: other })];
    await store.transaction(async ({ savedViews }) => {
      for (const one of all) await savedViews.insert(organizationId, one);
      expect(await savedViews.count(organizationId, mine)).toEqual({ ofOwner: 2, all: 4 });
    });
    const found = async (owner: ViewOwner | null, sharedWith: readonly string[] | null): Promise<string[]> =>
      (await store.savedViews.list(organizationId, { owner, sharedWith })).map(({ id }) => id).sort();
    expect(await store.savedViews.find(organizationId, 'a')).toEqual(all[0]);
    expect(await store.savedViews.find(await newOrganization(), 'a')).toBeNull();
    expect(await found(mine, [])).toEqual(['a', 'b']);
    expect(await found(mine, ['everyone'])).toEqual(['a', 'b', 'c']);
    expect(await found(null, ['everyone', 'team:t'])).toEqual(['b', 'c']);
    expect(await found(null, null)).toEqual(['b', 'c']);
    const changed = view('a', { name: 'Other', state: {}, sharedWith: 'everyone', version: 2 });
    await store.transaction(async ({ savedViews }) => {
      expect(await savedViews.findForUpdate(organizationId, 'a')).toEqual(all[0]);
      await savedViews.update(organizationId, changed);
    });
    expect(await store.savedViews.find(organizationId, 'a')).toEqual(changed);
    await store.transaction(async ({ savedViews }) => {
      await savedViews.leave(organizationId, other);
      await savedViews.unshare(organizationId, 'team:t');
    });
    expect(await found(other, null)).toEqual(['a', 'c']);
    expect(await store.savedViews.find(organizationId, 'b')).toMatchObject({ sharedWith: null, version: 2 });
    await store.transaction(async ({ savedViews }) => {
      await savedViews.unshare(organizationId, 'everyone');
      await savedViews.delete(organizationId, 'b');
    });
    expect(await store.savedViews.list(organizationId, { owner: mine, sharedWith: null })).toMatchObject([{ id: 'a', sharedWith: null }]);
    expect(await store.savedViews.find(organizationId, 'c')).toBeNull();
  });

  test('of requests that carry one key one is begun; what its node did not do is let go, and a node that comes back late writes nothing', async () => {
    const organizationId = await newOrganization();
    const of = (attempt: string, digest = 'd') => ({ organizationId, digest, attempt });
    const begin = (attempt: string, { request = 'r', holdMs = 60_000, keptMs = 60_000, digest = 'd' } = {}) =>
      store.transaction(({ idempotency }) => idempotency.begin({ ...of(attempt, digest), caller: 'key:k', request }, { holdMs, keptMs, keysMax: 2 }));
    const underWay = { request: 'r', isDone: false, answer: null };
    const begun = await Promise.all(['a', 'b', 'c'].map((attempt) => begin(attempt)));
    expect(begun.filter((one) => one === null)).toHaveLength(1);
    expect(begun.filter((one) => one !== null)).toEqual([underWay, underWay]);
    const winner = of(['a', 'b', 'c'][begun.indexOf(null)] ?? '');
    // What is rolled back was not done.
    const failing = store.transaction(async ({ idempotency }) => {
      expect(await idempotency.done(winner)).toBe(true);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await store.transaction(({ idempotency }) => idempotency.release(winner));
    expect(await begin('dead', { holdMs: -1 })).toBeNull();
    expect(await begin('next', { request: 'other' })).toBeNull();
    expect(await store.transaction(({ idempotency }) => idempotency.done(of('dead')))).toBe(false);
    await store.transaction(({ idempotency }) => idempotency.keep(of('dead'), Buffer.from('late')));
    expect(await store.transaction(({ idempotency }) => idempotency.done(of('next')))).toBe(true);
    await store.transaction(({ idempotency }) => idempotency.release(of('next')));
    expect(await begin('again')).toEqual({ request: 'other', isDone: true, answer: null });
    await store.transaction(({ idempotency }) => idempotency.keep(of('next'), Buffer.from('sealed')));
    expect(await begin('again')).toEqual({ request: 'other', isDone: true, answer: Buffer.from('sealed') });
    // Of one caller the newest two; what its time is over is begun anew, and deleted.
    for (const digest of ['e', 'f']) {
      expect(await begin('x', { digest })).toBeNull();
      await store.transaction(({ idempotency }) => idempotency.done(of('x', digest)));
    }
    expect(await begin('y')).toBeNull();
    expect(await begin('z', { digest: 'f', keptMs: -60_000 })).toBeNull();
    await store.transaction(({ idempotency }) => idempotency.deleteExpired(organizationId, -60_000, 10));
    expect(await begin('y', { digest: 'f' })).toBeNull();
  });

  test('S4 an assertion is used by one of several who show it at once, in its organization, and forgotten when it is long over', async () => {
    const [organizationId, other] = [await newOrganization(), await newOrganization()];
    const use = (organization: OrganizationId, untilMs = Date.now() + 60_000, digest = 'a'): Promise<boolean> =>
      store.transaction(({ assertions }) => assertions.use(organization, digest, untilMs));
    expect((await Promise.all([1, 2, 3].map(() => use(organizationId)))).filter(Boolean)).toEqual([true]);
    expect([await use(organizationId), await use(other)]).toEqual([false, true]);
    expect(await use(organizationId, Date.now() - 2 * 3_600_000, 'b')).toBe(true);
    await store.transaction(({ assertions }) => assertions.deleteExpired(organizationId, 10));
    expect([await use(organizationId), await use(organizationId, Date.now(), 'b')]).toEqual([false, true]);
  });

  test('an invitation is found by its token, taken by one of several, and gone with its time, its address or its user', async () => {
    const organizationId = await newOrganization();
    const invitation = (more: Partial<InvitationRecord> = {}): InvitationRecord => ({
      organizationId,
      id: `inv_${randomBase62(20)}`,
      userId: 'usr_new',
      email: 'Ana@example.com',
      name: 'Ana ✓',
      teamIds: ['a'],
      roleIds: [],
      createdAtMs: 1_700_000_000_000 + ++counter,
      createdBy: 'tester',
      expiresAtMs: 1_900_000_000_000,
      ...more,
    });
    const [first, second, over, other] = [
      invitation(),
      invitation({ email: 'ben@example.com' }),
      invitation({ email: 'c@example.com', expiresAtMs: 1000 }),
      invitation({ email: 'd@example.com', userId: 'usr_other' }),
    ];
    await store.transaction(async ({ invitations }) => {
      for (const one of [first, second, over, other]) await invitations.insert(organizationId, { ...one, tokenHash: `hash ${one.id}` });
    });
    expect(await store.invitations.findByToken(`hash ${first.id}`)).toEqual(first);
    expect(await store.invitations.find(await newOrganization(), first.id)).toBeNull();
    const all = { text: null, teamId: null, roleId: null, over: null, sort: 'created_at', descending: true, after: null, limit: 9 } as const;
    const idsOf = async (query: Partial<InvitationQuery>): Promise<string[]> =>
      (await store.invitations.list(organizationId, { ...all, ...query })).map(({ id }) => id);
    expect(await idsOf({ after: { value: over.createdAtMs, id: over.id } })).toEqual([second.id, first.id]);
    expect(await idsOf({ sort: 'email', descending: false, after: { value: 'ben@example.com', id: second.id } })).toEqual([over.id, other.id]);
    expect(await idsOf({ sort: 'expires_at', descending: false, limit: 1 })).toEqual([over.id]);
    expect(await idsOf({ text: 'ben@' })).toEqual([second.id]);
    expect(await idsOf({ over: { is: true, nowMs: 2000 } })).toEqual([over.id]);
    expect(await idsOf({ over: { is: false, nowMs: 2000 }, limit: 1 })).toEqual([other.id]);
    expect(await idsOf({ roleId: 'nobody' })).toEqual([]);
    expect(await idsOf({ teamId: first.teamIds[0] ?? null, roleId: first.roleIds[0] ?? null })).toContain(first.id);
    const taken = await Promise.all([1, 2, 3].map(() => store.transaction(({ invitations }) => invitations.take(organizationId, second.id))));
    expect(taken.filter((one) => one !== null)).toEqual([second]);
    await store.transaction(async ({ invitations }) => {
      await invitations.deleteExpired(organizationId, 2000);
      await invitations.deleteOf(organizationId, { email: 'ana@example.com' });
      expect(await invitations.count(organizationId)).toBe(1);
      await invitations.deleteOf(organizationId, { userId: 'usr_other' });
    });
    expect(await idsOf({})).toEqual([]);
  });

  test('a grant is read back as it was written, found by its token, and every node hears of it when it, its user or what stands above them changes', async () => {
    const [one, other] = [await newOrganization(), await newOrganization()];
    const grant = (id: string, userId: string | null, createdAtMs: number): GrantRecord => ({
      organizationId: one,
      id,
      userId,
      grantedBy: 'ses_1',
      clientId: 'https://client.example/app.json',
      clientName: 'Klient Ünïcode',
      redirectUri: 'http://127.0.0.1/callback',
      resource: 'https://gateway.example/mcp/search',
      scopes: ['tools.*', 'resources.read'],
      createdAtMs,
      expiresAtMs: createdAtMs + 60_000,
      usedAtMs: null,
      revoked: null,
      sessionKey: null,
    });
    const at = Date.UTC(2026, 10, 28, 1, 2, 3, 456);
    const [ana, bea, nobody] = [`gra_${randomBase62(20)}`, `gra_${randomBase62(20)}`, `gra_${randomBase62(20)}`] as [string, string, string];
    await store.transaction(async ({ grants }) => {
      await grants.insert(grant(ana, 'usr_ana', at));
      await grants.insert(grant(bea, 'usr_bea', at + 1));
      await grants.insert(grant(nobody, null, at + 2));
    });
    expect(await store.grants.find(one, ana)).toEqual(grant(ana, 'usr_ana', at));
    expect(await store.grants.find(other, ana)).toBeNull();
    expect(await store.grants.findByToken(bea)).toEqual(grant(bea, 'usr_bea', at + 1));
    const ids = async (userId: string | null, after: { createdAtMs: number; id: string } | null = null) =>
      (await store.grants.list(one, { userId, after, limit: 10 })).map(({ id }) => id);
    expect(await ids(null)).toEqual([nobody, bea, ana]);
    expect(await ids('usr_ana')).toEqual([ana]);
    expect(await ids(null, { createdAtMs: at + 1, id: bea })).toEqual([ana]);
    expect(await store.grants.list(other, { userId: null, after: null, limit: 10 })).toEqual([]);

    const refresh = { family: 'f', secret: 's' };
    await store.transaction(async ({ grants }) => {
      expect((await grants.findForUpdate(one, ana))?.refresh).toBeNull();
      await grants.updateRefresh(one, ana, { refresh, usedAtMs: at + 5, expiresAtMs: at + 90_000 });
      expect(await grants.findForUpdate(one, ana)).toEqual({ ...grant(ana, 'usr_ana', at), usedAtMs: at + 5, expiresAtMs: at + 90_000, refresh });
      expect([
        await grants.countOfUser(one, 'usr_ana', at),
        await grants.countOfUser(one, null, at),
        await grants.countOfUser(one, 'usr_ana', at + 90_000),
      ]).toEqual([1, 1, 0]);
    });

    const { callers } = await store.access.revision(one);
    const changed = async (after: number) => [...((await store.access.changedKeys(one, after, 10)) ?? [])].sort();
    await store.transaction(({ access }) => access.touchGrant(one, nobody));
    expect(await changed(callers)).toEqual([nobody]);
    await store.transaction(({ access }) => access.touchKeysOf(one, [{ kind: 'user', id: 'usr_bea' }]));
    expect(await changed(callers + 1)).toEqual([bea]);
    expect(await store.access.changedKeys(one, callers, 1)).toBeNull();

    const live = (userId: string | null, sessionIds: readonly string[]) =>
      store.transaction(async ({ grants }) => (await grants.findLiveForUpdate(one, userId, sessionIds)).map(({ id }) => id).sort());
    const { grantedBy } = grant(nobody, null, at);
    // What a session of a user has given is the user's, not the session's.
    expect([await live('usr_ana', []), await live(null, [grantedBy]), await live('usr_ana', ['ses_none'])]).toEqual([[ana], [nobody], [ana]]);
    expect(await store.transaction(({ grants }) => grants.findLiveForUpdate(other, 'usr_ana', [grantedBy]))).toEqual([]);

    const revoked = { atMs: at + 7, by: 'usr_ana', why: 'revoked' };
    await store.transaction(({ grants }) => grants.updateRevoked(one, ana, revoked));
    expect(await live('usr_ana', [])).toEqual([]);
    expect((await store.grants.find(one, ana))?.revoked).toEqual(revoked);
    await store.transaction(async ({ grants }) => {
      expect((await grants.findForUpdate(one, ana))?.refresh).toBeNull();
      expect(await grants.countOfUser(one, 'usr_ana', at)).toBe(0);
      await grants.deleteOver(one, at + 60_002);
    });
    expect(await ids(null)).toEqual([nobody]);

    await store.transaction(async ({ grants }) => {
      await grants.insert(grant(ana, 'usr_ana', at));
      expect([await grants.deleteOfUser(other, 'usr_ana'), await grants.deleteOfUser(one, 'usr_ana'), await grants.deleteOfUser(one, 'usr_ana')]).toEqual([
        [],
        [ana],
        [],
      ]);
    });
    expect(await ids(null)).toEqual([nobody]);
  });

  test('clients that registered themselves are kept while they are used, and keys of tokens as they were sealed', async () => {
    const [used, idle] = [`client_${randomBase62(20)}`, `client_${randomBase62(20)}`] as [string, string];
    const client = (id: string) => ({ id, name: 'Client', redirectUris: ['http://127.0.0.1/cb', 'app.example:/cb'], createdAtMs: 1000 });
    const before = await store.transaction(({ oauthClients }) => oauthClients.count());
    await store.transaction(async ({ oauthClients }) => {
      for (const id of [used, idle]) await oauthClients.insert(client(id));
      await oauthClients.updateUsed(used, 9000);
      expect(await oauthClients.count()).toBe(before + 2);
      await oauthClients.deleteUnused(5000);
    });
    expect([await store.oauthClients.find(used), await store.oauthClients.find(idle)]).toEqual([client(used), null]);

    const key = {
      id: randomBase62(20),
      node: 'n1',
      publicJwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
      sealed: Buffer.from([0, 255, 1]),
      createdAtMs: 5000,
      signsAtMs: null,
      retiredAtMs: null,
    };
    await store.transaction(({ oauthKeys }) => oauthKeys.insert(key));
    expect(await store.oauthKeys.list()).toContainEqual(key);
    await store.transaction(async ({ oauthKeys }) => {
      await oauthKeys.lock();
      await oauthKeys.update(key.id, { signsAtMs: 6000 });
      await oauthKeys.update(key.id, { retiredAtMs: 7000 });
      expect(await oauthKeys.list()).toContainEqual({ ...key, signsAtMs: 6000, retiredAtMs: 7000 });
      await oauthKeys.delete([]);
      await oauthKeys.delete([key.id]);
    });
    expect((await store.oauthKeys.list()).map(({ id }) => id)).not.toContain(key.id);
  });

  test('an audit event can be added, never changed, deleted or truncated', async () => {
    const organizationId = await newOrganization();
    const event = eventOf(organizationId);
    await store.transaction(({ audit }) => audit.insert(event));
    await expect(directly('update audit_events set actor_id = $1 where id = $2', ['someone', event.id])).rejects.toThrow('append-only');
    await expect(directly('delete from audit_events where id = $1', [event.id])).rejects.toThrow('append-only');
    await expect(directly('truncate audit_events')).rejects.toThrow('append-only');
    expect(await directly('select actor_id, action, detail from audit_events where id = $1', [event.id])).toEqual([
      { actor_id: 'tester', action: 'key.created', detail: { a: [1, 'x'] } },
    ]);
    const { bytes, oldestMs } = await store.audit.size(organizationId);
    expect([bytes > 0, oldestMs]).toEqual([true, event.atMs]);
    expect((await store.audit.size(await newOrganization())).oldestMs).toBeNull();
  });

  test('a changed secret and a revocation are written', async () => {
    const organizationId = await newOrganization();
    const key = keyOf(organizationId);
    await insert(key);
    const secret = {
      prefix: 'gwo_t_next',
      hash: 'next',
      check: 'of next',
      previous: { prefix: key.prefix, hash: key.hash, check: key.check, validUntilMs: 9 },
      rotatedAtMs: 8,
    };
    await store.transaction(async ({ keys }) => {
      expect(await keys.findForUpdate(organizationId, key.id)).toEqual(key);
      await keys.updateSecret(organizationId, key.id, secret);
      await keys.updateRevoked(organizationId, key.id, 10);
    });
    expect(await store.keys.find(organizationId, key.id)).toEqual({ ...key, ...secret, revokedAtMs: 10 });
  });

  test('of several that would make the first key at once, one does', async () => {
    const organizationId = await newOrganization();
    const made = await Promise.all(
      [1, 2, 3].map(() =>
        store.transaction(async ({ keys }) => {
          if (!(await keys.lockEmpty(organizationId))) return false;
          await keys.insert(keyOf(organizationId));
          return true;
        }),
      ),
    );
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(await store.keys.any(organizationId)).toBe(true);
  });

  test('of several nodes that would take a backup at once one does; which one, and how it ended, is read as it was written', async () => {
    const organizationId = await newOrganization();
    const startedAtMs = Date.now();
    const when = { holdMs: 60_000, doneSinceMs: startedAtMs, failedSinceMs: startedAtMs };
    const begin = (node: string, atMs: number, since: Partial<typeof when> = {}): Promise<boolean> =>
      store.transaction(({ backupRuns }) =>
        backupRuns.begin(
          { id: `bkp_${organizationId}_${node}`, organizationId, node, ledger: 'costs', path: `/${node}`, startedAtMs: atMs },
          { ...when, ...since },
        ),
      );
    const begun = await Promise.all(['a', 'b', 'c', 'd'].map((node) => begin(node, startedAtMs)));
    expect(begun.filter((one) => one)).toHaveLength(1);
    const [run] = await store.backupRuns.list(organizationId, { before: null, limit: 10 });
    expect(run).toMatchObject({ state: 'running', ledger: 'costs', startedAtMs, endedAtMs: null, reason: null });
    expect(await store.backupRuns.newest(organizationId)).toEqual({ ended: null, done: null });
    const end = { outcome: 'done', endedAtMs: startedAtMs + 5, reason: null, bytes: 2 ** 40, auditOk: true } as const;
    await store.transaction(({ backupRuns }) => backupRuns.end(run?.id ?? '', end));
    const done = { ...run, state: 'done', endedAtMs: startedAtMs + 5, bytes: 2 ** 40, auditOk: true };
    expect(await store.backupRuns.newest(organizationId)).toEqual({ ended: done, done });
    expect([await begin('e', startedAtMs), await begin('f', startedAtMs + 1, { doneSinceMs: startedAtMs + 1 })]).toEqual([false, true]);
    await store.transaction(({ backupRuns }) => backupRuns.deleteBefore(organizationId, startedAtMs + 1_000));
    expect((await store.backupRuns.list(organizationId, { before: null, limit: 10 })).map(({ node }) => node)).toEqual(['f', run?.node]);
    expect(await store.backupRuns.list(await newOrganization(), { before: null, limit: 10 })).toEqual([]);
  });

  test('100 at once are all answered', async () => {
    const organizationId = await newOrganization();
    const keys = Array.from({ length: 100 }, () => keyOf(organizationId));
    await Promise.all(keys.map((key) => insert(key)));
    expect(await Promise.all(keys.map(({ id }) => store.keys.find(organizationId, id)))).toEqual(keys);
  });

  test('more than may wait are refused at once as unavailable, the others are served', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 500 }, () => store.ping()));
    const refused = answers.filter((answer) => answer.status === 'rejected').map((answer) => answer.reason);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(500);
    for (const fault of refused) expect(fault).toMatchObject({ code: 'unavailable' });
    await store.ping();
  });

  test('migrations that are applied are not applied again', async () => {
    await migrate(address, silentLog);
    expect(await directly('select id from organizations where id = $1', [defaultOrganizationId])).toHaveLength(1);
    expect(await directly('select name from schema_migrations')).toHaveLength(migrations.length);
  });

  test('D14: a migration that fails leaves nothing behind', async () => {
    const bad = { name: '209901010000-bad', text: '-- Older nodes: go on.\ncreate table half (id text); select no_such_function();' };
    await expect(migrate(address, silentLog, [...migrations, bad])).rejects.toThrow('no_such_function');
    expect(await directly("select to_regclass('half') as found")).toEqual([{ found: null }]);
    await migrate(address, silentLog);
  });

  test('D14: a migration that was changed, or that a newer version made, refuses the start', async () => {
    const [first, ...others] = migrations;
    if (!first) throw new Error('no migration');
    await expect(migrate(address, silentLog, [{ ...first, text: `${first.text}\n` }, ...others])).rejects.toMatchObject({
      code: 'state_broken',
      detail: { reason: expect.stringContaining(first.name) },
    });
    await expect(migrate(address, silentLog, [])).rejects.toMatchObject({ code: 'newer_schema', detail: { store: 'registry' } });
  });
}

let counter = 0;

function keyOf(organizationId: OrganizationId, more: Partial<KeyRecord> = {}): KeyRecord {
  counter += 1;
  return {
    id: newKeyId(),
    organizationId,
    name: `key ${counter}`,
    environment: 'test',
    prefix: `gwo_test_${counter}`,
    hash: `hash ${counter}`,
    check: `check ${counter}`,
    previous: null,
    scopes: { servers: null, actions: null },
    metadata: {},
    createdAtMs: 1_700_000_000_000 + counter,
    createdBy: 'tester',
    expiresAtMs: null,
    rotatedAtMs: null,
    revokedAtMs: null,
    ...more,
  };
}

function refOf(kind: NounKind, id: string): Reference {
  return { kind, id };
}

function entryOf(kind: NounKind, id: string, more: Partial<EntryRecord> = {}): EntryRecord {
  counter += 1;
  const atMs = 1_700_000_000_000 + counter;
  return {
    kind,
    id,
    name: `${kind} ${id}`,
    handle: `${kind} ${id}`,
    attributes: {},
    names: {},
    version: 1,
    createdAtMs: atMs,
    createdBy: 'tester',
    changedAtMs: atMs,
    changedBy: 'tester',
    ...more,
    links: Object.fromEntries(Object.entries(more.links ?? {}).map(([member, to]) => [member, to.map((one) => refOf(one.kind, one.id))])),
  };
}

function eventOf(organizationId: OrganizationId): AuditEvent {
  return {
    id: newAuditId(),
    organizationId,
    atMs: 1,
    actorKind: 'operator',
    actorId: 'tester',
    action: 'key.created',
    objectKind: 'key',
    objectId: 'key_x',
    result: 'success',
    requestId: 'req_x',
    peer: '',
    detail: { a: [1, 'x'] },
  };
}
