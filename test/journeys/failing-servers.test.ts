import { Agent } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canFindOwners } from '../support/connection-owner.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { commandLineOf, pidsOf } from '../support/gateway-processes.ts';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { type Answer, jsonOf, modernRequest, post, toolCall } from '../support/post.ts';
import { isAlive } from '../support/processes.ts';
import { readPrometheusText } from '../support/prometheus-text.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { json, scriptsEras } from '../support/replies.ts';
import { createSessionServer, type SessionServer } from '../support/session-server.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';
import { openWorkerConnections } from '../support/worker-connections.ts';

/** Servers that go away, forget, are killed, hang or list without an end: told and healed alike at every worker, and no other server feels it. */
let modern: EraServer;
let legacy: EraServer;
let forgetful: SessionServer;
let forgetfulAt: RecordingUpstream;
let endlessAt: RecordingUpstream;
let gateway: RunningGateway;

const program = [nodePath, join(repositoryFolder, 'test', 'support', 'bridge', 'modern-server.mjs')];
/** Each worker has one of its own, so few calls must do. */
const hangMs = 1_000;
const breaker = { calls_min: 3, window: '60s', open: '60s' };

beforeAll(async () => {
  forgetful = createSessionServer();
  [modern, legacy, forgetfulAt, endlessAt] = await Promise.all([
    startEraServer('modern'),
    startEraServer('legacy'),
    startRecordingUpstream(forgetful.reply),
    startRecordingUpstream(endless),
  ]);
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'modern', url: `${modern.origin}/mcp` },
        { name: 'legacy', url: `${legacy.origin}/mcp` },
        { name: 'forgetful', url: forgetfulAt.url },
        { name: 'endless', url: endlessAt.url },
        { name: 'killed', transport: 'stdio', command: [...program, 'killed'], processes: 'shared' },
        { name: 'hanging', transport: 'stdio', command: [...program, 'hanging'], processes: 'shared', timeout: `${hangMs}ms`, breaker },
      ],
      virtual_servers: [
        { name: 'both', servers: ['modern', 'legacy'] },
        { name: 'endless', servers: ['endless'] },
      ],
      aggregate: { page_size: 3, deadline: '20s' },
      rate_limits: [{ scope: 'api_key', limit: 1_000_000, window: '1m' }],
    },
  });
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([modern?.stop(), legacy?.stop(), forgetfulAt?.stop(), endlessAt?.stop()]);
  removeGatewayFolders();
}, 60_000);

interface Page {
  readonly names: string[];
  readonly nextCursor: string | undefined;
  readonly unavailable: unknown;
}

/** A list of tools whose every page is followed by itself. */
const endless = scriptsEras((request, socket) => {
  const { id, method } = JSON.parse(request.body.toString()) as { id: unknown; method: string };
  const facts = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 60_000, cacheScope: 'public' };
  const list = { tools: [{ name: 'one', inputSchema: { type: 'object' } }], nextCursor: 'again' };
  return json({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...facts, ...(method === 'tools/list' ? list : { content: [] }) } })(request, socket);
});

async function page(agent: Agent, capabilities: object, cursor?: string, path = '/v/both'): Promise<Page> {
  const { body, headers } = modernRequest('tools/list', {
    ...(cursor !== undefined && { cursor }),
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    },
  });
  const answer = await post(`${gateway.mcp}${path}`, body, { headers, key: gateway.apiKey, agent });
  const { result, error } = jsonOf(answer) as {
    result?: { tools: { name: string }[]; nextCursor?: string; _meta: Record<string, unknown> };
    error?: { message: string };
  };
  if (result === undefined) throw new Error(error?.message);
  return { names: result.tools.map(({ name }) => name), nextCursor: result.nextCursor, unavailable: result._meta['io.gatewayops/unavailable'] };
}

/** All pages, each through the next of the connections. */
async function pages(agents: readonly Agent[], capabilities: object): Promise<{ names: string[]; unavailable: unknown }> {
  const names: string[] = [];
  let cursor: string | undefined;
  let unavailable: unknown;
  for (let turn = 0; turn === 0 || cursor !== undefined; turn++) {
    const agent = agents[turn % agents.length];
    if (agent === undefined) throw new Error('there is no connection');
    const next = await page(agent, capabilities, cursor);
    names.push(...next.names);
    ({ nextCursor: cursor, unavailable } = next);
  }
  return { names, unavailable };
}

async function call(server: string, tool: string, args: object, agent?: Agent): Promise<Answer> {
  const { body, headers } = toolCall(tool, { ...args });
  return post(`${gateway.mcp}/${server}`, body, { headers, key: gateway.apiKey, ...(agent && { agent }) });
}

const faultOf = (answer: Answer): unknown => (jsonOf(answer) as { error?: { code?: number } }).error?.code ?? null;

/** As the administrator sees it, in the API and at the command line. */
async function stateOf(name: string): Promise<{ state: string; reason: string | null }> {
  const { stdout } = await gateway.cli('servers', 'list', '-o', 'json');
  const { servers } = JSON.parse(stdout) as { servers: { name: string; state: string; reason: string | null }[] };
  const { state = '', reason = null } = servers.find((server) => server.name === name) ?? {};
  return { state, reason };
}

async function metric(name: string, server: string): Promise<number> {
  const answer = await post(`${gateway.url}/metrics`, undefined, { key: gateway.apiKey });
  return readPrometheusText(answer.text).sum(name, { server });
}

/** The processes of the program behind a server's bridge, by the last of its arguments. */
const programOf = (name: string): number[] => pidsOf(gateway, 'child').filter((pid) => commandLineOf(pid).includes(`modern-server.mjs\0${name}\0`));

const all = ['modern', 'legacy'].flatMap((server) => ['ask_all', 'tell', 'slow', 'numbers'].map((tool) => `${server}__${tool}`));

describe.skipIf(!canFindOwners)('a server whose list does not end', () => {
  test('M15: is served as far as it goes, and is degraded in the list of servers, its health and a metric', async () => {
    const { byWorker, close } = await openWorkerConnections(gateway);
    const unavailable = [{ server: 'endless', reason: 'cursor_repeats', stale: false, degraded: true, partial: true }];
    for (const [agent] of byWorker.values())
      expect(await page(agent ?? new Agent(), {}, undefined, '/v/endless')).toEqual({ names: ['endless__one'], nextCursor: undefined, unavailable });
    expect(await stateOf('endless')).toEqual({ state: 'degraded', reason: 'its list of tools cannot be read whole: cursor_repeats' });
    expect([await metric('gatewayops_server_up', 'endless'), await metric('gatewayops_server_degraded', 'endless')]).toEqual([1, 1]);
    const health = await post(`${gateway.url}/v1/health`, undefined, { key: gateway.apiKey });
    expect(JSON.parse(health.text)).toMatchObject({ status: 'degraded', servers: { endless: { state: 'degraded' } } });
    close();
  });
});

describe.skipIf(!canFindOwners)('a program on stdio', () => {
  test('that is killed under load is started again; calls that it had end with 502, those meanwhile with 503, and no other server feels it', async () => {
    const { byWorker, close } = await openWorkerConnections(gateway, 12);
    const agents = [...byWorker.values()].flatMap((all) => all.slice(0, 12));
    const programs: Answer[] = [];
    const others: Answer[] = [];
    let isOver = false;
    const load = Promise.all(
      agents.map(async (agent, index) => {
        while (!isOver) {
          if (index % 3 === 0) others.push(await call('modern', 'tell', {}, agent));
          else programs.push(await call('killed', 'echo', { value: `${index}`, delayMs: 30 }, agent));
        }
      }),
    );
    const well = (): number => programs.filter(({ status }) => status === 200).length;
    for (let round = 0; round < 2; round++) {
      const before = well();
      const [pid = 0] = await until(() => well() > before + agents.length && programOf('killed').length > 0 && programOf('killed'), { timeoutMs: 60_000 });
      process.kill(pid, 'SIGKILL');
    }
    const before = well();
    await until(() => well() > before + agents.length, { what: 'calls that succeed again', timeoutMs: 60_000 });
    isOver = true;
    await load;
    const kinds = new Set(programs.map((answer) => (answer.status === 200 ? 200 : [answer.status, faultOf(answer)].join(' '))));
    expect(kinds).toEqual(new Set([200, '502 -31502', '503 -31503']));
    for (const { status, headers } of programs) if (status === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]));
    await until(async () => (await stateOf('killed')).state === 'ready');
    close();
  });

  test('that hangs is kept from calls by its breaker, where it has one: they are refused at once, and other servers are not', async () => {
    const { byWorker, close } = await openWorkerConnections(gateway, 3);
    const [agents = []] = [...byWorker.values()];
    const hung = await Promise.all(agents.slice(0, 3).map((agent) => call('hanging', 'hang', {}, agent)));
    expect(hung.map((answer) => [answer.status, faultOf(answer)])).toEqual(Array.from({ length: 3 }, () => [504, -31_504]));
    const refused = await call('hanging', 'echo', { value: 'x' }, agents[0]);
    expect([refused.status, faultOf(refused), refused.ms < hangMs / 2, Number(refused.headers['retry-after']) > 40]).toEqual([503, -31_503, true, true]);
    for (const [server, tool] of [
      ['killed', 'echo'],
      ['modern', 'tell'],
    ] as const)
      expect([server, (await call(server, tool, { value: 'x' }, agents[0])).status]).toEqual([server, 200]);
    expect(await stateOf('hanging')).toMatchObject({ state: 'failed', reason: expect.stringContaining('main is failing') as string });
    expect(await metric('gatewayops_server_up', 'hanging')).toBe(0);
    close();
  });
});

describe.skipIf(!canFindOwners)('a server that forgets its sessions', () => {
  test('gets one new one for each, whichever workers find it out; also while a worker is replaced. No client hears of it', async () => {
    const before = await openWorkerConnections(gateway, 4);
    const version = { 'mcp-protocol-version': '2025-11-25' };
    const ask = (agent: Agent, method: string, params: object, session?: string): Promise<Answer> =>
      post(
        `${gateway.mcp}/forgetful`,
        { jsonrpc: '2.0', ...(method.startsWith('notifications/') ? {} : { id: 7 }), method, params },
        { key: gateway.apiKey, agent, headers: session === undefined ? {} : { ...version, 'mcp-session-id': session } },
      );
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'legacy', version: '1' } };
    const sessions = await Promise.all(
      [...before.byWorker.values()].flatMap((agents) =>
        agents.slice(0, 3).map(async (agent, index) => {
          const session = String((await ask(agent, 'initialize', hello)).headers['mcp-session-id']);
          await ask(agent, 'notifications/initialized', {}, session);
          if (index === 0) await ask(agent, 'resources/subscribe', { uri: 'test://a' }, session);
          return session;
        }),
      ),
    );
    const callAll = async (agents: readonly Agent[]): Promise<void> => {
      const answers = await Promise.all(
        sessions.flatMap((session) => agents.map((agent) => ask(agent, 'tools/call', { name: 'echo', arguments: {} }, session))),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      await until(() => forgetful.known().length === sessions.length, { what: 'one session of each client' });
      expect(
        [...forgetful.sessions].filter(([id, { heard }]) => forgetful.known().includes(id) && heard.includes('resources/subscribe test://a')),
      ).toHaveLength(2);
    };
    const each = [...before.byWorker.values()].flatMap((agents) => agents.slice(0, 2));
    for (let round = 0; round < 2; round++) {
      forgetful.forget();
      await callAll(each);
    }
    const [killed = 0] = [...before.byWorker.keys()];
    before.close();
    forgetful.forget();
    process.kill(killed, 'SIGKILL');
    await until(() => !isAlive(killed) && pidsOf(gateway, 'worker').length === 2, { what: 'the new worker' });
    const after = await openWorkerConnections(gateway, 2);
    await callAll([...after.byWorker.values()].flatMap((agents) => agents.slice(0, 2)));
    after.close();
  });
});

describe.skipIf(!canFindOwners)('a server that is away', () => {
  test('stands in every worker’s list as it was, for clients of every kind, also in one that has just begun', { timeout: 120_000 }, async () => {
    const before = await openWorkerConnections(gateway);
    const [[one] = [], [other] = []] = [...before.byWorker.values()];
    if (one === undefined || other === undefined) throw new Error('there are not two workers');
    // One worker reads the lists of both; the other never has.
    expect(await pages([one], {})).toEqual({ names: all, unavailable: undefined });
    await legacy.stop();
    // Refused, or not even tried.
    const away = [{ server: 'legacy', reason: expect.stringMatching(/^upstream_un/) as string, stale: true }];
    for (const capabilities of [{}, { sampling: {} }, { elicitation: {}, roots: {} }])
      for (const agents of [
        [one, other],
        [other, one],
      ])
        await until(
          async () => {
            expect(await pages(agents, capabilities)).toEqual({ names: all, unavailable: away });
            return true;
          },
          { timeoutMs: 20_000 },
        );

    const [killed] = [...before.byWorker.keys()];
    process.kill(killed ?? 0, 'SIGKILL');
    before.close();
    await until(() => !isAlive(killed ?? 0) && pidsOf(gateway, 'worker').length === 2, { timeoutMs: 30_000, what: 'the new worker' });
    const after = await openWorkerConnections(gateway);
    const agents = [...after.byWorker.values()].flat();
    for (let turn = 0; turn < agents.length; turn++) {
      const rotated = [...agents.slice(turn), ...agents.slice(0, turn)];
      expect(await pages(rotated, {})).toEqual({ names: all, unavailable: away });
    }
    after.close();
  });
});
