import { rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pidsOf } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { type Answer, post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply } from '../support/replies.ts';
import { removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';

let upstream: RecordingUpstream;
let gateway: RunningGateway;
let key: string;

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer(after(5, defaultReply)));
  gateway = await start(join(temporaryFolder(), 'state'));
  key = gateway.apiKey ?? '';
  await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"ledger":"ready"'), { what: 'the ledger' });
});

afterAll(async () => {
  await gateway?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

function start(stateFolder: string): Promise<RunningGateway> {
  return startGateway({
    stateFolder,
    config: { workers: 1, servers: [{ name: 'counted', url: upstream.url }], rate_limits: [{ scope: 'api_key', limit: 1_000_000, window: '1s' }] },
  });
}

interface Load {
  /** Waits for so many further answers: the load goes on meanwhile. */
  answered(more: number): Promise<void>;
  stop(): Promise<{ readonly ids: readonly string[]; readonly statuses: readonly number[]; readonly slowestMs: number }>;
}

function startLoad(name: string): Load {
  const ids: string[] = [];
  const answers: Answer[] = [];
  let stopped = false;
  const loops = Array.from({ length: 8 }, async (_, client) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let number = 0; !stopped; number += 1) {
      const id = `${name}-${client}-${number}`;
      const { body, headers } = toolCall('echo', { id });
      ids.push(id);
      answers.push(await post(`${gateway.mcp}/counted`, body, { key, agent, headers: { ...headers, 'x-trace-id': id } }));
      await pause(5);
    }
    agent.destroy();
  });
  return {
    async answered(more) {
      const wanted = answers.length + more;
      await until(() => answers.length >= wanted, { what: `${more} more answers` });
    },
    async stop() {
      stopped = true;
      await Promise.all(loops);
      return { ids, statuses: answers.map(({ status }) => status), slowestMs: Math.max(...answers.map(({ ms }) => ms)) };
    },
  };
}

/** Each id exactly once, and nothing else under this name. */
async function expectRows(name: string, ids: readonly string[]): Promise<void> {
  const read = (): Promise<{ id: string; status: string }[]> =>
    ledgerRows(gateway.stateFolder, `SELECT client_trace_id AS id, toString(status) AS status FROM calls WHERE startsWith(client_trace_id, '${name}-')`);
  const rows = await until(
    async () => {
      const found = await read();
      return found.length >= ids.length && found;
    },
    { timeoutMs: 30_000, everyMs: 100, what: 'all rows' },
  );
  expect(rows.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['success']));
}

function expectUnaffected({ statuses, slowestMs }: { statuses: readonly number[]; slowestMs: number }): void {
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  // Nobody waited for a store: those waits are of seconds.
  expect(slowestMs).toBeLessThan(2_000);
}

function onlyOf(part: 'ledger' | 'registry'): number {
  const [pid, ...others] = pidsOf(gateway, part);
  if (pid === undefined || others.length > 0) throw new Error(`there is not one ${part} engine`);
  return pid;
}

describe('D5: the ledger away', () => {
  test('killed three times under load: no call notices, every row arrives once', async () => {
    const load = startLoad('killed');
    for (let kill = 0; kill < 3; kill += 1) {
      await load.answered(100);
      const engine = onlyOf('ledger');
      process.kill(engine, 'SIGKILL');
      await until(() => pidsOf(gateway, 'ledger').some((pid) => pid !== engine), { what: 'another engine' });
    }
    await load.answered(100);
    const outcome = await load.stop();
    expectUnaffected(outcome);
    await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"ledger":"ready"'), { what: 'the ledger', timeoutMs: 20_000 });
    await expectRows('killed', outcome.ids);
  });

  test('stopped in the midst of it: no call notices, nor does who manages keys; every row arrives once', async () => {
    const load = startLoad('stopped');
    await load.answered(100);
    const engine = onlyOf('ledger');
    process.kill(engine, 'SIGSTOP');
    try {
      await load.answered(400);
      const ready = await post(`${gateway.url}/readyz`);
      expect(ready.status).toBe(200);
      for (const path of ['/v1/health', '/v1/auth/keys']) {
        const answer = await post(`${gateway.url}${path}`, undefined, { key });
        expect([path, answer.status, answer.ms < 3_000]).toEqual([path, 200, true]);
      }
    } finally {
      process.kill(engine, 'SIGCONT');
    }
    await load.answered(50);
    const outcome = await load.stop();
    expectUnaffected(outcome);
    await expectRows('stopped', outcome.ids);
  });
});

describe('D1, D11, A27: the registry away', () => {
  const create = (name: string): Promise<Answer> => post(`${gateway.url}/v1/auth/keys`, { name, scopes: {} }, { key });
  const secretOf = (answer: Answer): string => (JSON.parse(answer.text) as { key: { secret: string } }).key.secret;
  const ask = (secret: string): Promise<Answer> => {
    const { body, headers } = toolCall('echo');
    return post(`${gateway.mcp}/counted`, body, { key: secret, headers });
  };

  test.each(['SIGKILL', 'SIGSTOP'] as const)('%s: known keys go on, an unverified one and every write get 503, and it recovers by itself', async (signal) => {
    const unverified = secretOf(await create('never used'));
    const load = startLoad(`registry-${signal}`);
    await load.answered(50);
    const engine = onlyOf('registry');
    process.kill(engine, signal);
    try {
      const [write, stranger] = await Promise.all([create('lost'), ask(unverified)]);
      // A killed engine may be back before it is asked; one that is stopped is not.
      if (signal === 'SIGSTOP' || write.status !== 201) {
        expect([write.status, JSON.parse(write.text)]).toMatchObject([503, { error: 'unavailable' }]);
        expect(write.headers['retry-after']).toBeDefined();
      }
      if (signal === 'SIGSTOP') {
        expect([stranger.status, stranger.headers['retry-after']]).toEqual([503, '1']);
        expect(Math.max(write.ms, stranger.ms)).toBeLessThan(12_000);
        await until(async () => (await post(`${gateway.url}/readyz`)).status === 503, { what: 'readiness to say so' });
      } else expect([200, 503]).toContain(stranger.status);
      await load.answered(100);
    } finally {
      if (signal === 'SIGSTOP') process.kill(engine, 'SIGCONT');
    }
    await until(async () => (await create('found')).status === 201, { what: 'writes again', timeoutMs: 20_000 });
    await until(async () => (await ask(unverified)).status === 200, { what: 'the unverified key' });
    await until(async () => (await post(`${gateway.url}/readyz`)).status === 200, { what: 'readiness' });
    const outcome = await load.stop();
    expectUnaffected(outcome);
    await expectRows(`registry-${signal}`, outcome.ids);
  });
});

test('a ledger folder that cannot be opened keeps no call away; its rows arrive when it can', async () => {
  await gateway.stop();
  const folder = join(gateway.stateFolder, 'ledger');
  rmSync(folder, { recursive: true });
  writeFileSync(folder, 'no folder');
  gateway = await start(gateway.stateFolder);
  const load = startLoad('blocked');
  await load.answered(50);
  const health = await post(`${gateway.url}/v1/health`, undefined, { key });
  expect([(await post(`${gateway.url}/readyz`)).status, JSON.parse(health.text)]).toMatchObject([
    200,
    { status: 'degraded', dependencies: { ledger: { required: false, reason: expect.stringMatching(/\w/) as unknown } } },
  ]);
  rmSync(folder);
  const outcome = await load.stop();
  expectUnaffected(outcome);
  await expectRows('blocked', outcome.ids);
});
