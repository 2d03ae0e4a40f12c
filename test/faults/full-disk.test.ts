/** D10 and a damaged end of a journal with the whole program, whose journal lies on a disk of 2 MiB. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pidsOf } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { type Answer, post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { mountSmallDisk, noSmallDisk } from '../support/small-disk.ts';
import { removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

const diskBytes = 2 * 1024 * 1024;

describe.skipIf(noSmallDisk !== null)(`a journal on a small disk${noSmallDisk === null ? '' : ` (${noSmallDisk})`}`, () => {
  const stateFolder = join(temporaryFolder(), 'state');
  const journal = join(stateFolder, 'journal');
  let disk: { unmount(): void } | null = null;
  let upstream: RecordingUpstream;
  let gateway: RunningGateway | undefined;
  let key = '';
  let calls = 0;

  afterAll(async () => {
    await gateway?.stop();
    await upstream?.stop();
    disk?.unmount();
    removeGatewayFolders();
  });

  const start = (): Promise<RunningGateway> =>
    startGateway({
      stateFolder,
      config: { workers: 1, servers: [{ name: 'counted', url: upstream.url }], rate_limits: [{ scope: 'api_key', limit: 1_000_000, window: '1s' }] },
      readyTimeoutMs: 240_000,
    });

  function call(to: RunningGateway): Promise<Answer> {
    // A long id fills the disk sooner.
    const id = `disk-${(calls += 1)}-${'x'.repeat(110)}`;
    const { body, headers } = toolCall('echo', { id });
    return post(`${to.mcp}/counted`, body, { key, headers: { ...headers, 'x-trace-id': id } });
  }

  /** What reached the upstream has one row each, and nothing else is there. */
  async function expectEachOnce(): Promise<void> {
    const reached = upstream.requests.flatMap(({ body }) => /disk-\d+-x+/.exec(body.toString('utf8'))?.[0] ?? []);
    const read = (): Promise<{ id: string }[]> =>
      ledgerRows(stateFolder, "SELECT client_trace_id AS id FROM calls WHERE client_trace_id LIKE 'disk-%' AND stop != 'guard'");
    const rows = await until(
      async () => {
        const found = await read();
        return found.length >= reached.length && found;
      },
      { timeoutMs: 120_000, everyMs: 200, what: 'the rows' },
    );
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(reached.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(reached).size).toBe(reached.length);
  }

  test('D10: full, calls get 503 and none is made; readiness says so; with room again it goes on by itself, and every call is there once', async () => {
    upstream = await startRecordingUpstream(modernServer());
    disk = mountSmallDisk(journal, diskBytes);
    gateway = await start();
    const running = gateway;
    key = running.apiKey ?? '';
    await until(async () => (await post(`${running.url}/readyz`)).text.includes('"ledger":"ready"'), { timeoutMs: 120_000, what: 'the ledger' });
    const [engine = 0] = pidsOf(running, 'ledger');
    process.kill(engine, 'SIGSTOP');
    try {
      // A little room may be found again and again before there is none.
      let refusedInTurn = 0;
      const refusals = new Set<string>();
      await until(
        async () => {
          const answers = await Promise.all(Array.from({ length: 8 }, () => call(running)));
          for (const { status, text } of answers) {
            refusals.add(status === 200 ? 'none' : `${status} ${/"code":"(\w+)"/.exec(text)?.[1]}`);
            refusedInTurn = status === 200 ? 0 : refusedInTurn + 1;
          }
          return refusedInTurn >= 40;
        },
        { timeoutMs: 300_000, everyMs: 1, what: 'the disk to be full' },
      );
      expect(refusals).toEqual(new Set(['none', '503 audit_blocked']));
      const hits = upstream.requests.length;
      expect(hits).toBeGreaterThan(500);
      expect((await Promise.all(Array.from({ length: 8 }, () => call(running)))).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 503));
      expect(upstream.requests.length).toBe(hits);
      await until(async () => (await post(`${running.url}/readyz`)).status === 503, { timeoutMs: 30_000, what: 'readiness to say so' });
      expect(running.stderr()).toContain('journal.blocked');
    } finally {
      process.kill(engine, 'SIGCONT');
    }
    await until(async () => (await call(running)).status === 200, { timeoutMs: 120_000, everyMs: 100, what: 'calls again' });
    await until(async () => (await post(`${running.url}/readyz`)).status === 200, { timeoutMs: 60_000, what: 'readiness' });
    await expectEachOnce();
  }, 600_000);

  test('a damaged end of a segment loses no call that was recorded, and adds none', async () => {
    if (gateway === undefined) throw new Error('the gateway runs');
    for (let number = 0; number < 20; number += 1) expect((await call(gateway)).status).toBe(200);
    await gateway.kill9();
    const segments = readdirSync(journal).filter((name) => name.endsWith('.journal'));
    expect(segments.length).toBeGreaterThan(0);
    // Half a frame and what was never one: what a disk may leave behind.
    for (const name of segments) if (statSync(join(journal, name)).size > 0) appendFileSync(join(journal, name), randomBytes(100));
    gateway = await start();
    expect((await call(gateway)).status).toBe(200);
    await expectEachOnce();
    expect(await gateway.cli('audit', 'verify')).toMatchObject({ code: 0 });
  }, 600_000);
});
