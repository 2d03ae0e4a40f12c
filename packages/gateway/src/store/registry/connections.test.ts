import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { describeWith } from '../../../../../test/support/requires.ts';
import { startPostgres } from '../../../../../test/support/postgres.ts';
import { defaultOrganizationId, newAuditId } from '../../kernel/id.ts';
import { silentLog } from '../../kernel/log.ts';
import { testAuditKey } from '../../../../../test/support/audit-key.ts';
import { openRegistry } from './open-registry.ts';
import type { RegistryStore } from './registry-store.ts';

describeWith('postgres', 'a PostgreSQL in trouble', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function start(): Promise<{ store: RegistryStore; url: string; pid: number }> {
    const server = await startPostgres();
    ends.push(() => server.stop());
    const store = await openRegistry({ address: { url: server.url }, connectionsMax: 2, auditKey: testAuditKey, log: silentLog });
    ends.push(() => store.close());
    return { store, url: server.url, pid: server.pid };
  }

  const event = () => ({
    id: newAuditId(),
    organizationId: defaultOrganizationId,
    atMs: 1,
    actorKind: 'system',
    actorId: 'system',
    action: 'key.created',
    objectKind: 'key',
    objectId: '',
    result: 'success' as const,
    requestId: '',
    peer: '',
    detail: {},
  });

  test('D2 a statement that does not end is given up and the connection is whole afterwards', async () => {
    const { store, url } = await start();
    const blocker = new Client({ connectionString: url });
    await blocker.connect();
    ends.push(() => blocker.end());
    await blocker.query('begin');
    await blocker.query('lock table audit_events in access exclusive mode');
    await expect(store.transaction(({ audit }) => audit.insert(event()))).rejects.toMatchObject({ code: 'unavailable' });
    await store.ping();
    await blocker.query('rollback');
    await store.transaction(({ audit }) => audit.insert(event()));
  });

  test('D2 connections that the server ends, idle and in use, end no process; the next statement has a new one', async () => {
    const { store, url } = await start();
    await Promise.all([store.ping(), store.ping()]);
    const killer = new Client({ connectionString: url });
    await killer.connect();
    ends.push(() => killer.end());
    await killer.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gatewayops'");
    await expect
      .poll(
        () =>
          store.ping().then(
            () => true,
            () => false,
          ),
        { timeout: 5000 },
      )
      .toBe(true);
  });

  test('D3: a server that turns read-only, as one that another took over from, is unavailable to writes and read from; nothing acknowledged is lost, and writes go on within 10 s', async () => {
    const { store, url } = await start();
    const other = new Client({ connectionString: url });
    await other.connect();
    ends.push(() => other.end());
    const turn = async (readOnly: 'on' | 'off'): Promise<void> => {
      await other.query(`alter system set default_transaction_read_only = ${readOnly}`);
      await other.query('select pg_reload_conf()');
    };
    const acknowledged: string[] = [];
    const write = async (): Promise<string> => {
      const written = event();
      try {
        await store.transaction(({ audit }) => audit.insert(written));
      } catch (error) {
        return (error as { code: string }).code;
      }
      acknowledged.push(written.id);
      return 'ok';
    };
    for (let n = 0; n < 20; n++) expect(await write()).toBe('ok');
    await turn('on');
    await expect.poll(write, { timeout: 10_000 }).toBe('unavailable');
    await store.ping();
    // Meanwhile somebody always writes.
    for (let n = 0; n < 20; n++) expect(await write()).toBe('unavailable');
    await turn('off');
    await expect.poll(write, { timeout: 10_000 }).toBe('ok');
    const { rows } = await other.query<{ id: string }>('select id from audit_events');
    expect(rows.map(({ id }) => id).sort()).toEqual(acknowledged.sort());
  });

  test('D1 without the server every verb is unavailable, soon and without a crash', async () => {
    const { store, pid } = await start();
    process.kill(pid, 'SIGQUIT');
    const startedAt = performance.now();
    await expect
      .poll(
        () =>
          store.ping().then(
            () => 'ok',
            (error: { code: string }) => error.code,
          ),
        { timeout: 5000 },
      )
      .toBe('unavailable');
    await expect(store.keys.findByPrefix('gwo_a_bcde')).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('a server that is not there is unavailable, not a broken state', async () => {
    await expect(
      openRegistry({ address: { url: 'postgres://x:y@127.0.0.1:9/none' }, connectionsMax: 1, auditKey: testAuditKey, log: silentLog }),
    ).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});
