/** Watching servers of both eras for changes: one stream for all, which comes back. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLegacyServer } from '../../../../test/support/calls.ts';
import { serverAt, startServers, testFace, type TestServers } from '../../../../test/support/dialogues.ts';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Interest, ServerEvent } from './dialogue.ts';

let upstream: RecordingUpstream;
let servers: TestServers;
let server: Server;
beforeEach(async () => {
  upstream = await startRecordingUpstream();
  servers = startServers();
  server = serverAt(upstream.url, { timeoutMs: 2_000 });
});
afterEach(async () => {
  await servers.stop();
  await upstream.stop();
});

const text = ({ body }: RecordedRequest): string => body.toString();
const none: Interest = { toolsListChanged: false, promptsListChanged: false, resourcesListChanged: false, resourceUris: [] };
const toolsChanged = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
const updated = (uri: string): string => JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } });

function watch(interest: Partial<Interest>, face = testFace): { events: ServerEvent[]; end: () => void } {
  const events: ServerEvent[] = [];
  return { events, end: servers.watch(server, face, { ...none, ...interest }, (event) => events.push(event)) };
}

/** A stream that the test writes to. */
function controlled(first: (request: RecordedRequest) => string) {
  const streams: { readonly request: RecordedRequest; say(json: string): void; end(): void }[] = [];
  const reply: replies.Reply = (request, socket) => {
    const lines: (string | null)[] = [first(request)];
    let wake = (): void => undefined;
    const say = (line: string | null): void => {
      lines.push(line);
      wake();
    };
    streams.push({ request, say: (json) => say(replies.event(json)), end: () => say(null) });
    async function* steps(): AsyncGenerator<string> {
      for (;;) {
        const line = lines.shift();
        if (line === null) return;
        if (line !== undefined) yield line;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    return replies.stream(steps())(request, socket);
  };
  return { streams, reply };
}

describe('a server of 2026-07-28', () => {
  const acknowledged = (): string => replies.event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: {} });
  const wantedBy = (request: RecordedRequest): unknown => (JSON.parse(text(request)) as { params: { notifications: unknown } }).params.notifications;

  test('has one stream for all, with all that is of interest, and each is told what it asked for', async () => {
    const { streams, reply } = controlled(acknowledged);
    upstream.reply = reply;
    const one = watch({ toolsListChanged: true });
    const two = watch({ toolsListChanged: true, resourceUris: ['a:b'] }, { ...testFace, principalId: 'key_b' });
    await until(() => streams[0]);
    expect(streams.map(({ request }) => wantedBy(request))).toEqual([{ toolsListChanged: true, resourceSubscriptions: ['a:b'] }]);
    const three = watch({ resourceUris: ['c:d'] });
    const latest = await until(() => streams[1]);
    expect(wantedBy(latest.request)).toEqual({ toolsListChanged: true, resourceSubscriptions: ['a:b', 'c:d'] });
    await until(() => streams[0]?.request.abandoned);
    for (const json of [toolsChanged, updated('a:b'), updated('c:d/part'), '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}']) latest.say(json);
    await until(() => three.events.length > 0);
    expect(one.events).toEqual([{ kind: 'toolsListChanged' }]);
    expect(two.events).toEqual([{ kind: 'toolsListChanged' }, { kind: 'resourceUpdated', uri: 'a:b', json: Buffer.from(updated('a:b')) }]);
    expect(three.events).toEqual([{ kind: 'resourceUpdated', uri: 'c:d/part', json: Buffer.from(updated('c:d/part')) }]);
    for (const { end } of [one, two, three]) end();
    await until(() => latest.request.abandoned);
    expect(streams).toHaveLength(2);
  });

  test('that ends the stream is watched again, and what it lists counts as changed', async () => {
    const { streams, reply } = controlled(acknowledged);
    upstream.reply = reply;
    const { events } = watch({ toolsListChanged: true, resourcesListChanged: true });
    (await until(() => streams[0])).end();
    await until(() => streams[1]);
    await until(() => events.length === 2);
    expect(events).toEqual([{ kind: 'toolsListChanged' }, { kind: 'resourcesListChanged' }]);
  });

  test('that knows no subscriptions is left in peace', async () => {
    upstream.reply = (request, socket) =>
      replies.json(`{"jsonrpc":"2.0","id":${replies.idText(request.body)},"error":{"code":-32601,"message":"no"}}`, { status: 404 })(request, socket);
    const { events } = watch({ toolsListChanged: true });
    await upstream.received(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([upstream.hits, events]).toEqual([1, []]);
  });

  test('that could not be reached at first is watched when it can be, and its lists count as changed', async () => {
    await upstream.stop();
    const { events } = watch({ toolsListChanged: true });
    await expect(servers.findIfServes(server, 'modern')).rejects.toMatchObject({ code: 'upstream_unreachable' });
    const { port } = upstream;
    const { streams, reply } = controlled(acknowledged);
    upstream = await startRecordingUpstream(reply, port);
    await until(() => streams[0]);
    await until(() => events.length > 0);
  });
});

describe('a server of before', () => {
  const capabilities = { resources: { subscribe: true } };
  const old = (onGet: replies.Reply): replies.Reply => {
    const legacy = createLegacyServer();
    const initialize = (request: RecordedRequest): replies.Reply =>
      replies.json(
        `{"jsonrpc":"2.0","id":${replies.idText(request.body)},"result":${JSON.stringify({ protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } })}}`,
        { headers: { 'mcp-session-id': `s${++opened}` } },
      );
    return replies.scriptsEras((request, socket) => {
      if (text(request).includes('"initialize"')) return initialize(request)(request, socket);
      return (request.method === 'GET' ? onGet : legacy.reply())(request, socket);
    });
  };
  let opened = 0;
  const asked = (method: string): string[] =>
    upstream.requests.flatMap((request) => (text(request).includes(`"${method}"`) ? [/"uri":"([^"]+)"/.exec(text(request))?.[1] ?? ''] : []));

  test('is watched through the stream of a session, with a subscription for each resource', async () => {
    const { streams, reply } = controlled(() => ': begun\n\n');
    upstream.reply = old(reply);
    const one = watch({ toolsListChanged: true, resourceUris: ['a:b'] });
    const two = watch({ resourceUris: ['a:b', 'c:d'] });
    await until(() => asked('resources/subscribe').length >= 2);
    expect(asked('resources/subscribe').sort()).toEqual(['a:b', 'c:d']);
    const stream = await until(() => streams[0]);
    for (const json of [toolsChanged, updated('c:d')]) stream.say(json);
    await until(() => two.events.length > 0);
    expect([one.events, two.events]).toEqual([[{ kind: 'toolsListChanged' }], [{ kind: 'resourceUpdated', uri: 'c:d', json: Buffer.from(updated('c:d')) }]]);
    two.end();
    await until(() => asked('resources/unsubscribe').length === 1);
    expect(asked('resources/unsubscribe')).toEqual(['c:d']);
    expect(streams).toHaveLength(1);
  });

  test('has one session and stream for each principal', async () => {
    const { streams, reply } = controlled(() => ': begun\n\n');
    upstream.reply = old(reply);
    const one = watch({ toolsListChanged: true });
    const two = watch({ toolsListChanged: true }, { ...testFace, principalId: 'key_b' });
    await until(() => streams[1]);
    expect(new Set(streams.map(({ request }) => request.header('mcp-session-id')[0])).size).toBe(2);
    streams[0]?.say(toolsChanged);
    await until(() => one.events.length + two.events.length > 0);
    expect(one.events.length + two.events.length).toBe(1);
  });

  test.each(['stream', 'session'])('whose %s ends is watched again, and its lists count as changed', async (what) => {
    let lost = '';
    const { streams, reply } = controlled(() => ': begun\n\n');
    upstream.reply = old((request, socket) => (request.header('mcp-session-id')[0] === lost ? replies.empty(404) : reply)(request, socket));
    const { events } = watch({ toolsListChanged: true, resourceUris: ['a:b'] });
    const first = await until(() => streams[0]);
    await until(() => asked('resources/subscribe').length === 1);
    const before = opened;
    if (what === 'session') lost = `s${opened}`;
    first.end();
    await until(() => events.length > 0);
    expect(events).toEqual([{ kind: 'toolsListChanged' }]);
    await until(() => streams[1]);
    expect(opened - before).toBe(what === 'session' ? 1 : 0);
    await until(() => asked('resources/subscribe').length === (what === 'session' ? 2 : 1));
  });

  test('that offers no stream is left in peace', async () => {
    upstream.reply = old(replies.empty(405));
    watch({ toolsListChanged: true });
    await until(() => upstream.requests.some(({ method }) => method === 'GET'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(upstream.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });
});
