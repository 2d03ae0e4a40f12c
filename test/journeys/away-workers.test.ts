import type { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canFindOwners } from '../support/connection-owner.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { pidsOf } from '../support/gateway-processes.ts';
import { until } from '../support/poll.ts';
import { jsonOf, modernRequest, post } from '../support/post.ts';
import { isAlive } from '../support/processes.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';
import { openWorkerConnections } from '../support/worker-connections.ts';

/** A server goes away, then a worker: what is told of the server is the same for every client, at whichever worker it is. */
let modern: EraServer;
let legacy: EraServer;
let gateway: RunningGateway;

beforeAll(async () => {
  [modern, legacy] = await Promise.all([startEraServer('modern'), startEraServer('legacy')]);
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'modern', url: `${modern.origin}/mcp` },
        { name: 'legacy', url: `${legacy.origin}/mcp` },
      ],
      aggregate: { page_size: 3, deadline: '20s' },
    },
  });
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([modern?.stop(), legacy?.stop()]);
  removeGatewayFolders();
}, 60_000);

interface Page {
  readonly names: string[];
  readonly nextCursor: string | undefined;
  readonly unavailable: unknown;
}

async function page(agent: Agent, capabilities: object, cursor?: string): Promise<Page> {
  const { body, headers } = modernRequest('tools/list', {
    ...(cursor !== undefined && { cursor }),
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    },
  });
  const answer = await post(gateway.mcp, body, { headers, key: gateway.apiKey, agent });
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

const all = ['modern', 'legacy'].flatMap((server) => ['ask_all', 'tell', 'slow', 'numbers'].map((tool) => `${server}__${tool}`));

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
