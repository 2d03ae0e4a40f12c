import type { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canFindOwners } from '../support/connection-owner.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { pidsOf } from '../support/gateway-processes.ts';
import { until } from '../support/poll.ts';
import { jsonOf, modernRequest, post, type Answer } from '../support/post.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';
import { openWorkerConnections, type WorkerConnections } from '../support/worker-connections.ts';

/** What lives in one worker, a session that the gateway keeps or a parked request, is reached through every other. */
let modern: EraServer;
let legacy: EraServer;
let gateway: RunningGateway;
let connections: WorkerConnections;

beforeAll(async () => {
  [modern, legacy] = await Promise.all([startEraServer('modern'), startEraServer('legacy')]);
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'modern', url: `${modern.origin}/mcp` },
        { name: 'legacy', url: `${legacy.origin}/mcp` },
      ],
    },
  });
  if (canFindOwners) connections = await openWorkerConnections(gateway, 4);
}, 90_000);

afterAll(async () => {
  connections?.close();
  await gateway?.stop();
  await Promise.all([modern?.stop(), legacy?.stop()]);
  removeGatewayFolders();
}, 60_000);

/** A connection of a worker, and three of the other. */
function workers(): { home: number; one: Agent; others: Agent[] } {
  const [[home, [one]], [, others]] = [...connections.byWorker] as [[number, Agent[]], [number, Agent[]]];
  if (one === undefined) throw new Error('there are not two workers');
  return { home, one, others };
}

const key = (): string => gateway.apiKey ?? '';
const version = { 'mcp-protocol-version': '2025-11-25' };
const answers: Readonly<Record<string, object>> = {
  'elicitation/create': { action: 'accept', content: { name: 'ada' } },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'blue' } },
  'roots/list': { roots: [{ uri: 'file:///here' }] },
};
const capabilities = { elicitation: {}, sampling: {}, roots: {} };

async function initialize(agent: Agent): Promise<string> {
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'raw', version: '1' } };
  const opened = await post(`${gateway.mcp}/modern`, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, { key: key(), agent });
  expect(opened.status).toBe(200);
  return String(opened.headers['mcp-session-id']);
}

const inSession = (session: string, body: object, agent: Agent, onText?: (text: string) => void): Promise<Answer> =>
  post(
    `${gateway.mcp}/modern`,
    { jsonrpc: '2.0', ...body },
    { key: key(), agent, headers: { ...version, 'mcp-session-id': session }, ...(onText && { onText }) },
  );

describe.skipIf(!canFindOwners)('of two workers', () => {
  test('one answers for what the other keeps: a session with its calls and questions, and a parked request', { timeout: 60_000 }, async () => {
    const { one, others } = workers();
    const [first, second] = others as [Agent, Agent];
    const session = await initialize(one);
    expect((await inSession(session, { id: 1, method: 'logging/setLevel', params: { level: 'error' } }, first)).status).toBe(200);
    let asked = '';
    const call = inSession(session, { id: 2, method: 'tools/call', params: { name: 'ask_all', arguments: {} } }, first, (text) => {
      asked += text;
      for (const line of asked.split('\n').slice(0, -1)) {
        if (!line.startsWith('data: ')) continue;
        const { id, method } = JSON.parse(line.slice(6)) as { id: string; method?: string };
        asked = asked.replace(line, '');
        if (method !== undefined) void inSession(session, { id, result: answers[method] }, second);
      }
    });
    expect(jsonOf(await call)).toMatchObject({ id: 2, result: { content: [{ text: 'ada blue file:///here' }] } });

    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    };
    const ask = async (agent: Agent, more: object = {}): Promise<Record<string, never>> => {
      const { headers } = modernRequest('tools/call', {}, 1, 'ask_all');
      const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask_all', arguments: {}, _meta: meta, ...more } };
      return (jsonOf(await post(`${gateway.mcp}/legacy`, body, { key: key(), agent, headers })) as { result: Record<string, never> }).result;
    };
    const { inputRequests, requestState } = (await ask(one)) as unknown as { inputRequests: Record<string, { method: string }>; requestState: string };
    const inputResponses = Object.fromEntries(Object.entries(inputRequests).map(([name, { method }]) => [name, answers[method]]));
    expect(await ask(first, { requestState, inputResponses })).toMatchObject({ content: [{ text: 'ada blue file:///here' }] });
  });

  test('the one that is left takes up the session of one that died', { timeout: 60_000 }, async () => {
    const { home, one, others } = workers();
    const [other] = others as [Agent];
    const session = await initialize(one);
    process.kill(home, 'SIGKILL');
    await until(() => !pidsOf(gateway, 'worker').includes(home), { what: 'the worker to be gone' });
    // What reached it while it died is answered with 503, for nobody knows whether it was done.
    const list = await until(
      async () => {
        const answer = await inSession(session, { id: 3, method: 'tools/list' }, other);
        return answer.status !== 503 && answer;
      },
      { what: 'the other worker to take it up' },
    );
    expect([list.status, jsonOf(list)]).toMatchObject([200, { id: 3, result: { tools: expect.any(Array) as unknown[] } }]);
  });
});
