/** The official example server, of before 2026-07-28 and on stdio, behind our bridge on a Unix socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stopBridges, testBridge } from '../../../../test/support/bridge/bridge-client.ts';
import { askedFace, begin, callTool, serverAt, startServers, testFace, type TestServers } from '../../../../test/support/dialogues.ts';
import { until } from '../../../../test/support/poll.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Ask, DialogueResponse } from './dialogue.ts';

let folder: string;
let servers: TestServers;
let server: Server;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-stdio-'));
  const socketPath = join(folder, 'bridge.sock');
  await testBridge({ command: ['mcp-server-everything'], listen: { path: socketPath } });
  servers = startServers();
  server = serverAt('http://localhost/mcp', { socketPath, timeoutMs: 20_000 });
});
afterAll(async () => {
  await servers.stop();
  await stopBridges();
  rmSync(folder, { recursive: true, force: true });
});

const answers: Readonly<Record<Ask['method'], string>> = {
  'elicitation/create': '{"action":"accept","content":{"name":"Ada"}}',
  'sampling/createMessage': '{"role":"assistant","model":"m","content":{"type":"text","text":"a completion"}}',
  'roots/list': '{"roots":[{"uri":"file:///somewhere","name":"somewhere"}]}',
};
const answer = ({ method }: Ask): { result: string } => ({ result: answers[method] });
const resultOf = (response: DialogueResponse): string => (response.kind === 'result' ? response.result : response.error);

test('it says what it is, lists and is called', async () => {
  const facts = await servers.facts(server, testFace);
  expect(JSON.parse(facts.capabilities)).toMatchObject({ tools: { listChanged: true }, resources: { subscribe: true }, logging: {} });
  expect(facts.capabilities).not.toContain('"tasks"');
  expect(facts.instructions).toContain('Everything');
  expect(resultOf(await begin(servers, { server, method: 'tools/list' }).end)).toContain('"name":"get-sum"');
  const params = '{"name":"get-sum","arguments":{"a":2,"b":3}}';
  expect(resultOf(await begin(servers, { server, method: 'tools/call', params, name: 'get-sum' }).end)).toContain('The sum of 2 and 3 is 5.');
});

test('it asks on the stream of the call and on that of the session, and gets its answers', async () => {
  const elicited = callTool(servers, server, 'trigger-elicitation-request', { face: askedFace }, answer);
  expect(resultOf(await elicited.end)).toContain('Ada');
  const params = '{"name":"trigger-sampling-request","arguments":{"prompt":"x","maxTokens":5}}';
  const sampled = begin(servers, { server, method: 'tools/call', params, name: 'trigger-sampling-request', face: askedFace }, answer);
  expect(resultOf(await sampled.end)).toContain('a completion');
  await until(async () => resultOf(await callTool(servers, server, 'get-roots-list', { face: askedFace }, answer).end).includes('file:///somewhere'));
});

test('it reports progress under the token of the call, and stops when it is cancelled', async () => {
  const params = '{"name":"trigger-long-running-operation","arguments":{"duration":0.4,"steps":4},"_meta":{"progressToken":"mine"}}';
  const told = begin(servers, { server, method: 'tools/call', params, name: 'trigger-long-running-operation' });
  await told.end;
  expect(told.notifications.filter((json) => json.includes('"progressToken":"mine"'))).toHaveLength(4);
  const long = begin(servers, {
    server,
    method: 'tools/call',
    params: params.replace('"duration":0.4,"steps":4', '"duration":60,"steps":600'),
    name: 'trigger-long-running-operation',
  });
  await until(() => long.notifications[0]);
  long.dialogue.cancel();
  expect(resultOf(await callTool(servers, server, 'get-tiny-image').end)).toContain('image/png');
});

test('what differs by client is never mixed: each sees the tools that its own capabilities allow', async () => {
  const lists = await Promise.all([testFace, askedFace, testFace].map((face) => begin(servers, { server, method: 'tools/list', face }).end));
  expect(lists.map((list) => resultOf(list).includes('trigger-sampling-request'))).toEqual([false, true, false]);
});
