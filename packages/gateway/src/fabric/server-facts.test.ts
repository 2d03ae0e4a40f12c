import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLegacyServer } from '../../../../test/support/calls.ts';
import { askedFace, serverAt, startServers, testFace, type TestServers } from '../../../../test/support/dialogues.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';

let upstream: RecordingUpstream;
let servers: TestServers;
let nowMs = 0;
beforeEach(async () => {
  upstream = await startRecordingUpstream();
  servers = startServers({ nowMs: () => nowMs, monotonicMs: () => nowMs });
});
afterEach(async () => {
  await servers.stop();
  await upstream.stop();
});

const capabilities = '{ "tools":{"listChanged":true}, "experimental":{"n":12345678901234567890} }';
const server = () => serverAt(upstream.url);
const clientsAsking = (): string[] =>
  upstream.requests
    .filter(({ body }) => body.includes('"server/discover"'))
    .map((request: RecordedRequest) => /"elicitation"|"name":"\w+"/.exec(request.body.toString())?.[0] ?? '');

function says(more: string): void {
  upstream.reply = replies.scriptsEras((request, socket) => {
    const meta = '"_meta":{"io.modelcontextprotocol/serverInfo":{ "name":"s" }}';
    const result = `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":${capabilities},"instructions":"Be kind.",${more},${meta}}`;
    return replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${result}}`)(request, socket);
  });
}

test('what a server says is kept for as long as it allows: for all where it says so, else for one caller', async () => {
  says('"ttlMs":5000,"cacheScope":"private"');
  expect(await servers.facts(server(), testFace)).toEqual({
    era: 'modern',
    capabilities,
    instructions: 'Be kind.',
    info: '{ "name":"s" }',
    ttlMs: 5_000,
    cacheScope: 'private',
  });
  // The first was the question for its era.
  const asked = upstream.hits;
  await servers.facts(server(), testFace);
  expect(upstream.hits - asked).toBe(0);
  await servers.facts(server(), { ...testFace, principalId: 'key_b' });
  await servers.facts(server(), { ...testFace, capabilities: askedFace.capabilities });
  expect(upstream.hits - asked).toBe(2);
  says('"ttlMs":5000,"cacheScope":"public"');
  nowMs += 5_000;
  for (const principalId of ['key_a', 'key_b', 'key_c']) await servers.facts(server(), { ...testFace, principalId });
  expect(upstream.hits - asked).toBe(3);
  expect(clientsAsking()).toHaveLength(upstream.hits);
});

test('what may not be kept is asked for each time, once for all who ask at once', async () => {
  says('"ttlMs":0,"cacheScope":"public"');
  await servers.findIfServes(server(), 'modern').catch(() => undefined);
  const asked = upstream.hits;
  await Promise.all(Array.from({ length: 10 }, () => servers.facts(server(), testFace)));
  await servers.facts(server(), testFace);
  expect(upstream.hits - asked).toBe(2);
});

test('a server of before says it in its handshake, and it is passed on without what cannot be kept', async () => {
  const legacy = createLegacyServer();
  const result = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{ },"tasks":{"list":{}},"experimental":{"n":12345678901234567890}},"instructions":"Hm.","serverInfo":{ "name":"old" }}`;
  upstream.reply = replies.scriptsEras((request, socket) =>
    (request.body.includes('"initialize"') ? replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${result}}`) : legacy.reply())(
      request,
      socket,
    ),
  );
  expect(await servers.facts(server(), testFace)).toEqual({
    era: 'legacy',
    capabilities: '{"tools":{ },"experimental":{"n":12345678901234567890}}',
    instructions: 'Hm.',
    info: '{ "name":"old" }',
    ttlMs: 0,
    cacheScope: 'private',
  });
  const asked = upstream.hits;
  await servers.facts(server(), testFace);
  expect(upstream.hits).toBe(asked);
});

test('a server that cannot be reached has no facts', async () => {
  await expect(servers.facts(serverAt('http://127.0.0.1:1/mcp'), testFace)).rejects.toMatchObject({ code: 'upstream_unreachable' });
  upstream.reply = replies.scriptsEras(replies.empty(404));
  await expect(servers.facts(server(), testFace)).rejects.toMatchObject({ code: 'upstream_invalid' });
});
