import { writeFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canFindOwners } from '../support/connection-owner.ts';
import { pidsOf } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { type Answer, jsonOf, post, toolCall } from '../support/post.ts';
import { isAlive } from '../support/processes.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { after, defaultReply } from '../support/replies.ts';
import { startReference } from '../support/reference.ts';
import { removeGatewayFolders, type RunningGateway, startGateway, temporaryFolder } from '../support/start-gateway.ts';
import { openWorkerConnections, type WorkerConnections } from '../support/worker-connections.ts';

let upstream: RecordingUpstream;
let reference: Awaited<ReturnType<typeof startReference>>;
let gateway: RunningGateway;
let connections: WorkerConnections;

const limit = 50;
const linuxOnly = test.skipIf(!canFindOwners);

beforeAll(async () => {
  [upstream, reference] = await Promise.all([startRecordingUpstream(modernServer()), startReference()]);
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'counted', url: upstream.url },
        { name: 'reference', url: reference.url },
      ],
      // Windows are aligned: in one of an hour no test meets a boundary but once in a thousand runs, and then waits for it.
      rate_limits: [{ scope: 'api_key', limit, window: '1h' }],
    },
  });
  const leftMs = 3_600_000 - (Date.now() % 3_600_000);
  if (leftMs < 5_000) await until(() => 3_600_000 - (Date.now() % 3_600_000) > 5_000, { what: 'the next window' });
  if (canFindOwners) connections = await openWorkerConnections(gateway, 10);
});

afterAll(async () => {
  connections?.close();
  await gateway?.stop();
  await Promise.all([upstream?.stop(), reference?.stop()]);
  removeGatewayFolders();
});

async function newKey(name: string): Promise<string> {
  const made = await post(`${gateway.url}/v1/auth/keys`, { name, scopes: {} }, { key: gateway.apiKey });
  return (JSON.parse(made.text) as { key: { secret: string } }).key.secret;
}

/** One connection of each worker. */
function oneOfEach(): [Agent, Agent] {
  const [[one] = [], [other] = []] = [...connections.byWorker.values()];
  if (one === undefined || other === undefined) throw new Error('there are not two workers');
  return [one, other];
}

describe('a limit', () => {
  test('is exact over both workers and both surfaces: 50 of 120 calls at once pass', async () => {
    const key = await newKey('rated');
    const before = upstream.hits;
    const agents = canFindOwners ? [...connections.byWorker.values()].flatMap((all) => all.slice(0, 10)) : [];
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, index): Promise<Answer> => {
        const agent = agents[index % (agents.length || 1)];
        const through = agent === undefined ? {} : { agent };
        if (index % 2 === 0) return post(`${gateway.url}/v1/mcp/counted/tools/call`, { tool: 'echo', arguments: {} }, { key, ...through });
        const { body, headers } = toolCall('echo', {}, index);
        return post(`${gateway.mcp}/counted`, body, { key, headers, ...through });
      }),
    );
    const passed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    expect([passed.length, refused.length]).toEqual([limit, 120 - limit]);
    // The façade asks each worker's server once what it speaks.
    expect(upstream.requests.slice(before).filter(({ body }) => body.includes('tools/call'))).toHaveLength(limit);

    const remaining = passed.map(({ headers }) => Number(headers['x-ratelimit-remaining']));
    expect(Math.min(...remaining)).toBe(0);
    for (const { headers, text } of refused) {
      expect([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']]).toEqual(['50', '0']);
      const resetMs = Number(headers['x-ratelimit-reset']) * 1000;
      expect(resetMs % 3_600_000).toBe(0);
      const retryAfter = Number(headers['retry-after']);
      expect(Math.abs(Date.now() + retryAfter * 1000 - resetMs)).toBeLessThan(30_000);
      const body = JSON.parse(text) as { error: string | { code: number; data: Record<string, unknown> } };
      const named = typeof body.error === 'string' ? (body as Record<string, unknown>) : { error: body.error.data['code'], ...body.error.data };
      if (typeof body.error === 'object') expect(body.error.code).toBe(-31_429);
      expect(named).toMatchObject({ error: 'rate_limit_exceeded', limit, window: '1h', reset_at: new Date(resetMs).toISOString() });
    }
  });
});

describe('X-Request-ID', () => {
  const call = (key: string, requestId: string, text: string, agent?: Agent): Promise<Answer> =>
    post(
      `${gateway.url}/v1/mcp/counted/tools/call`,
      { tool: 'echo', arguments: { text } },
      { key, headers: { 'x-request-id': requestId }, ...(agent && { agent }) },
    );
  const calls = (text: string): number => upstream.requests.filter(({ body }) => body.includes(text)).length;

  linuxOnly('given to one worker is known to the other: the same answer, byte for byte, and one call', async () => {
    const key = await newKey('idempotent');
    const [one, other] = oneOfEach();
    const first = await call(key, 'order-1', 'once-only', one);
    const again = await call(key, 'order-1', 'once-only', other);
    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    expect([first.headers['idempotent-replayed'], again.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    expect(again.headers['x-trace-id']).toBe(first.headers['x-trace-id']);
    expect((await call(key, 'order-1', 'another-body', other)).status).toBe(422);
    expect([calls('once-only'), calls('another-body')]).toEqual([1, 0]);
    // It belongs to its key.
    expect((await call(await newKey('another'), 'order-1', 'once-only', other)).headers['idempotent-replayed']).toBeUndefined();
    expect(calls('once-only')).toBe(2);
  });

  test('asked at once on both workers is one call; the others get 409 with its trace, or its answer', async () => {
    const key = await newKey('at once');
    upstream.reply = modernServer(after(300, defaultReply));
    const agents = canFindOwners ? [...connections.byWorker.values()].flatMap((all) => all.slice(0, 5)) : [];
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => call(key, 'order-2', 'at-once', agents[index])));
    upstream.reply = modernServer();
    const made = answers.filter(({ status, headers }) => status === 200 && headers['idempotent-replayed'] === undefined);
    expect([made.length, calls('at-once')]).toEqual([1, 1]);
    for (const answer of answers) {
      if (answer.status === 200) expect(answer.text).toBe(made[0]?.text);
      else expect([answer.status, JSON.parse(answer.text)]).toMatchObject([409, { error: 'request_in_flight', trace_id: made[0]?.headers['x-trace-id'] }]);
    }
  });
});

describe('rules of access', () => {
  linuxOnly('made, explained and taken away in a shell hold on both workers when the command returns', async () => {
    const key = await newKey('ruled');
    const workers = oneOfEach();
    const statuses = (): Promise<number[]> =>
      Promise.all(
        workers.map(async (agent) => (await post(`${gateway.url}/v1/mcp/counted/tools/call`, { tool: 'echo', arguments: {} }, { key, agent })).status),
      );
    expect(await statuses()).toEqual([200, 200]);
    const { keys } = JSON.parse((await gateway.cli('keys', 'list', '-o', 'json')).stdout) as { keys: { id: string; name: string }[] };
    const id = keys.find(({ name }) => name === 'ruled')?.id ?? '';

    // Before it is made it says whom it would have refused, when those calls are in the ledger.
    const rules = join(temporaryFolder(), 'rules.yaml');
    writeFileSync(
      rules,
      `policies:\n  - { name: other, effect: allow }\n  - { name: no-echo, effect: deny, to: ["key:${id}"], servers: [counted], tools: ["e*"] }\n`,
    );
    const tried = await until(
      async () => {
        const { code, stdout, stderr } = await gateway.cli('access', 'dry-run', rules, '--policy', 'no-echo');
        if (code !== 0 && code !== 5) throw new Error(stderr);
        return stdout.includes('would be denied: 2 calls') ? stdout : null;
      },
      { timeoutMs: 120_000, everyMs: 500, what: 'the calls in the ledger' },
    );
    expect(tried).toContain('⊘ would be denied: 2 calls by 1 caller');

    const set = await gateway.cli('policies', 'set', 'no-echo', '--effect', 'deny', '--server', 'counted', '--tool', 'e*', '--reason', 'Quiet, please.');
    expect([set.code, set.stdout]).toEqual([0, expect.stringContaining('no-echo holds')]);
    expect(await statuses()).toEqual([404, 404]);
    const explained = await gateway.cli('access', 'explain', '--as', id, '--call', 'counted/echo');
    expect([explained.stdout, explained.stderr].join('')).toContain('would be refused at access: Quiet, please.');
    expect((await gateway.cli('policies', 'delete', 'no-echo')).code).toBe(0);
    expect(await statuses()).toEqual([200, 200]);

    expect((await gateway.cli('keys', 'disable', id, '--reason', 'INC-412', '--for', '1h')).stdout).toContain('is off');
    expect(await statuses()).toEqual([403, 403]);
    expect((await gateway.cli('switches', 'list')).stdout).toContain('INC-412');
    expect((await gateway.cli('keys', 'enable', id)).code).toBe(0);
    expect(await statuses()).toEqual([200, 200]);
  });
});

describe('a legacy session', () => {
  const ask = (session: string | undefined, method: string, key: string, agent: Agent, params: object = {}): Promise<Answer> =>
    post(
      `${gateway.mcp}/reference`,
      { jsonrpc: '2.0', id: 7, method, params },
      { key, agent, headers: { 'mcp-protocol-version': '2025-11-25', ...(session === undefined ? {} : { 'mcp-session-id': session }) } },
    );

  linuxOnly('made by one worker is served by the other, by nobody without its key, and ends everywhere at once', async () => {
    const key = await newKey('legacy');
    const [one, other] = oneOfEach();
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'legacy', version: '1' } };
    const session = String((await ask(undefined, 'initialize', key, one, hello)).headers['mcp-session-id']);
    const listed = await ask(session, 'tools/list', key, other);
    expect([listed.status, jsonOf(listed)]).toMatchObject([200, { id: 7, result: { tools: expect.any(Array) as unknown } }]);
    const stranger = await ask(session, 'tools/list', await newKey('stranger'), other);
    expect([stranger.status, jsonOf(stranger)]).toMatchObject([404, { error: { data: { code: 'session_not_found' } } }]);
    const end = await post(`${gateway.mcp}/reference`, undefined, { method: 'DELETE', key, agent: other, headers: { 'mcp-session-id': session } });
    expect(end.status).toBeLessThan(300);
    expect((await ask(session, 'tools/list', key, one)).status).toBe(404);
  });
});

linuxOnly('promise 3: a worker that hangs while a key is revoked is replaced, so that nobody serves the key', async () => {
  const key = await newKey('hung');
  const own = await openWorkerConnections(gateway);
  const [[hung, [hungAgent]] = [0, []], [, [agent]] = [0, []]] = [...own.byWorker.entries()];
  if (hungAgent === undefined || agent === undefined) throw new Error('there are not two workers');
  const ask = (through: Agent): Promise<Answer> => {
    const { body, headers } = toolCall('echo');
    return post(`${gateway.mcp}/counted`, body, { key, headers, agent: through });
  };
  expect((await Promise.all([ask(hungAgent), ask(agent)])).map(({ status }) => status)).toEqual([200, 200]);
  const { keys } = JSON.parse((await post(`${gateway.url}/v1/auth/keys`, undefined, { key: gateway.apiKey, agent })).text) as {
    keys: { id: string; name: string }[];
  };
  const id = keys.find(({ name }) => name === 'hung')?.id ?? '';
  process.kill(hung, 'SIGSTOP');
  const revoked = await post(`${gateway.url}/v1/auth/keys/${id}`, undefined, { method: 'DELETE', key: gateway.apiKey, agent });
  expect([revoked.status, revoked.ms < 1_500]).toEqual([200, true]);
  await until(() => !isAlive(hung), { what: 'the end of the worker that hung' });
  expect((await ask(agent)).status).toBe(401);
  // Its connection is gone; another one may have been opened, to a worker that knows.
  const onIt = await ask(hungAgent).then(
    ({ status }) => status,
    () => 'cut',
  );
  expect([401, 'cut']).toContain(onIt);
  await until(() => pidsOf(gateway, 'worker').length === 2, { what: 'another worker' });
  own.close();
});

linuxOnly('a worker that is killed takes its own calls with it and no others, is replaced, and each of its calls is recorded', async () => {
  const key = await newKey('killed');
  const own = await openWorkerConnections(gateway, 10);
  const [[victim, doomed] = [0, []], [survivor, safe] = [0, []]] = [...own.byWorker.entries()];
  upstream.reply = modernServer(after(400, defaultReply));
  const before = upstream.hits;
  const ask = (name: string, agents: readonly Agent[]): Promise<PromiseSettledResult<Answer>[]> =>
    Promise.allSettled(
      agents.slice(0, 10).map((agent, index) => {
        const { body, headers } = toolCall('echo', { id: `${name}-${index}` });
        return post(`${gateway.mcp}/counted`, body, { key, agent, headers: { ...headers, 'x-trace-id': `${name}-${index}` } });
      }),
    );
  const outcomes = Promise.all([ask('doomed', doomed), ask('safe', safe)]);
  await upstream.received(before + 20);
  process.kill(victim, 'SIGKILL');
  const [lost, kept] = await outcomes;
  upstream.reply = modernServer();
  expect(lost.filter(({ status }) => status === 'fulfilled')).toEqual([]);
  expect(kept.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.status : outcome.reason))).toEqual(Array<number>(10).fill(200));

  own.close();
  const replaced = await until(
    () => {
      const now = pidsOf(gateway, 'worker');
      return now.length === 2 && !now.includes(victim) && now;
    },
    { what: 'another worker' },
  );
  expect(replaced).toContain(survivor);
  expect(isAlive(gateway.pid)).toBe(true);
  const fresh = await openWorkerConnections(gateway);
  for (const [agent] of fresh.byWorker.values()) {
    const { body, headers } = toolCall('echo');
    expect((await post(`${gateway.mcp}/counted`, body, { key, headers, ...(agent && { agent }) })).status).toBe(200);
  }
  fresh.close();
  const rows = await until(
    async () => {
      const found = await ledgerRows<{ id: string; status: string }>(
        gateway.stateFolder,
        "SELECT client_trace_id AS id, toString(status) AS status FROM calls WHERE match(client_trace_id, '^(doomed|safe)-') ORDER BY id",
      );
      return found.length >= 20 && found;
    },
    { what: 'their rows', timeoutMs: 20_000 },
  );
  expect(rows).toEqual(
    ['doomed', 'safe'].flatMap((name) =>
      Array.from({ length: 10 }, (_, index) => ({ id: `${name}-${index}`, status: name === 'safe' ? 'success' : 'unknown' })),
    ),
  );
});
