import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLegacyServer } from '../../../../test/support/calls.ts';
import { askedFace, serverAt, testFace } from '../../../../test/support/dialogues.ts';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import { bounds } from '../kernel/bounds.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { createUpstreams, type Upstreams } from '../upstream/upstreams.ts';
import { createLegacySessions, OtherEra, type LegacySessions } from './legacy-sessions.ts';
import { createSendExchange } from './server-exchange.ts';

let upstream: RecordingUpstream;
let upstreams: Upstreams;
let sessions: LegacySessions;
let server: Server;
let nowMs = 0;
beforeEach(async () => {
  upstream = await startRecordingUpstream();
  upstream.reply = createLegacyServer().reply();
  upstreams = createUpstreams(systemClock);
  sessions = createLegacySessions(createSendExchange(upstreams), { nowMs: () => nowMs, monotonicMs: () => nowMs });
  server = serverAt(upstream.url);
});
afterEach(async () => {
  await sessions.close();
  await upstreams.close();
  await upstream.stop();
});

const listener = { changed: () => undefined, takes: () => false, interrupted: () => undefined };
const ended = (): (string | undefined)[] => upstream.requests.filter(({ method }) => method === 'DELETE').map((request) => request.header('mcp-session-id')[0]);

test('a session that nobody has used for half an hour ends, and never one in which something is under way', async () => {
  const idle = await sessions.open(server, testFace);
  const busy = await sessions.open(server, { ...testFace, principalId: 'key_b' });
  sessions.join(busy, listener);
  nowMs += bounds.fabricSessionIdleMs;
  sessions.sweep();
  expect(ended()).toEqual([]);
  nowMs += 1;
  sessions.sweep();
  await until(() => ended().length > 0);
  expect(ended()).toEqual([idle.id]);
  sessions.leave(busy, listener);
  nowMs += bounds.fabricSessionIdleMs + 1;
  sessions.sweep();
  await until(() => ended().length > 1);
  expect(ended()).toEqual([idle.id, busy.id]);
});

test('many who need the same session at once open one', async () => {
  const many = await Promise.all(Array.from({ length: 20 }, () => sessions.open(server, testFace)));
  expect(new Set(many).size).toBe(1);
  expect(upstream.requests.filter(({ body }) => body.includes('"initialize"'))).toHaveLength(1);
});

test('a session that cannot be opened is tried anew the next time', async () => {
  upstream.reply = replies.json({ jsonrpc: '2.0', id: 1, error: { code: -32_603, message: 'not now' } });
  await expect(sessions.open(server, testFace)).rejects.toMatchObject({ code: 'mcp_error', extra: { cause: { code: -32_603, message: 'not now' } } });
  upstream.reply = createLegacyServer().reply();
  expect((await sessions.open(server, testFace)).version).toBe('2025-11-25');
});

test.each([
  [
    'another era',
    replies.json({ jsonrpc: '2.0', id: 1, error: { code: -32_022, message: 'no', data: { supported: ['2026-07-28'] } } }, { status: 400 }),
    OtherEra,
  ],
  ['a version that is not known', replies.json({ jsonrpc: '2.0', id: 1, result: { protocolVersion: '1999-01-01', capabilities: {} } }), /no version/],
  ['nothing', replies.empty(200), /no response/],
])('a server that answers the handshake with %s has no session', async (_, reply, expected) => {
  upstream.reply = reply;
  await expect(sessions.open(server, testFace)).rejects.toThrow(expected);
});

test('the stream of a session is opened for who can be asked, and read by nobody else', async () => {
  await sessions.open(server, testFace);
  await sessions.open(server, askedFace);
  await until(() => upstream.requests.some(({ method }) => method === 'GET'));
  expect(upstream.requests.filter(({ method }) => method === 'GET').map((request) => request.header('mcp-session-id'))).toEqual([['session-2']]);
});
