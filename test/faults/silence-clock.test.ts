/**
 * Silence on a test clock, longer than any limit for what is idle: twenty minutes are promised, three quarters of an hour pass. Time is what
 * timers and `performance.now` say in this process, where the door, the bridges and the servers run; sockets and programs are real.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hostile, modern as modernProgram, ready, stopBridges, testBridge, type TestBridge } from '../support/bridge/bridge-client.ts';
import { legacyBody, legacyVersion, mirrors, modernBody, post, postBytes, postHeaders } from '../support/calls.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { openRaw, requestBytes, type RawConnection, type RawReply } from '../support/raw-client.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { defaultReply, event, scriptsEras, spoken, when } from '../support/replies.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

const silenceMs = 45 * 60_000;
/** So far the clock moves between two looks of the sockets. */
const stepMs = 1_000;
const callTimeoutMs = 60 * 60_000;

let folder: string;
let modern: EraServer;
let legacy: EraServer;
let patient: RecordingUpstream;
let program: TestBridge;
let door: TestDoor;
const answered = Promise.withResolvers<void>();
/** A stream without so much as a comment, unlike those of the official SDK. */
const mute = spoken();

beforeAll(async () => {
  mute.say(event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } }));
  folder = mkdtempSync(join(tmpdir(), 'gwo-silence-'));
  const socketOf = (name: string): string => join(folder, `${name}.sock`);
  // It goes with the real one, and further where the test says so.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'], shouldAdvanceTime: true });
  const started = await Promise.all([
    testBridge({ name: 'program', command: modernProgram(), listen: { path: socketOf('program') } }),
    testBridge({ name: 'session', command: hostile(), listen: { path: socketOf('session') } }),
  ]);
  [program] = started;
  await Promise.all(started.map(ready));
  [modern, legacy, patient] = await Promise.all([
    startEraServer('modern'),
    startEraServer('legacy'),
    startRecordingUpstream(
      scriptsEras(
        when(
          ({ body }) => body.includes('"subscriptions/listen"'),
          mute.reply,
          modernServer(async (request, socket) => {
            await answered.promise;
            await defaultReply(request, socket);
          }),
        ),
      ),
    ),
  ]);
  const origin = 'http://localhost';
  door = await startDoor({
    servers: [
      { name: 'modern', origin: modern.origin },
      { name: 'legacy', origin: legacy.origin },
      { name: 'patient', origin: `http://127.0.0.1:${patient.port}`, timeoutMs: callTimeoutMs },
      { name: 'program', origin, socketPath: socketOf('program'), timeoutMs: callTimeoutMs },
      { name: 'session', origin, socketPath: socketOf('session') },
    ],
    endpoints: [plainEndpointData(['modern', 'legacy', 'patient'])],
  });
});
afterAll(async () => {
  vi.useRealTimers();
  await door?.stop();
  await Promise.all([modern?.stop(), legacy?.stop(), patient?.stop(), stopBridges()]);
  rmSync(folder, { recursive: true, force: true });
});

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    vi.advanceTimersByTime(stepMs);
    // Whatever that has set off is read and written, in real time, before more passes.
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (passed % 15_000 === 0) await pause(2);
  }
}

async function listen(path: string): Promise<RawConnection> {
  const connection = await openRaw(door.port);
  const body = modernBody('subscriptions/listen', { notifications: { toolsListChanged: true } });
  connection.write(postBytes(door, path, body, mirrors('subscriptions/listen')));
  await until(() => connection.bytes().includes('acknowledged'));
  return connection;
}

/** A session of a client of before 2026-07-28, its own stream, and how a message is posted in it. */
async function openSession(path: string): Promise<{ stream: RawConnection; ask: (method: string, params?: object) => Promise<RawReply> }> {
  const opened = await post(
    door,
    legacyBody('initialize', { protocolVersion: legacyVersion, capabilities: {}, clientInfo: { name: 'raw', version: '1' } }),
    {},
    path,
  );
  const headers = { 'MCP-Protocol-Version': legacyVersion, 'Mcp-Session-Id': opened.header('mcp-session-id') ?? '' };
  await post(door, '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers, path);
  const stream = await openRaw(door.port);
  stream.write(requestBytes(`GET ${path} HTTP/1.1`, postHeaders(door, { ...headers, 'Content-Type': '', Accept: 'text/event-stream' })));
  await until(() => stream.replies()[0]?.status === 200);
  return { stream, ask: (method, params = {}) => post(door, legacyBody(method, { ...params }), headers, path) };
}

async function begin(path: string, name: string, args: object = {}): Promise<RawConnection> {
  const connection = await openRaw(door.port);
  connection.write(postBytes(door, path, modernBody('tools/call', { name, arguments: args }), mirrors('tools/call', name)));
  return connection;
}

const bodyOf = (connection: RawConnection): string => connection.replies()[0]?.body.toString() ?? '';
const comments = (connection: RawConnection): number => bodyOf(connection).match(/^:/gm)?.length ?? 0;
const changes = (connection: RawConnection): number => bodyOf(connection).match(/"notifications\/tools\/list_changed"/g)?.length ?? 0;

describe(`after ${silenceMs / 60_000} minutes without a word`, () => {
  let streams: Readonly<Record<string, RawConnection>>;
  let calls: Readonly<Record<string, RawConnection>>;
  let sessions: Readonly<Record<string, Awaited<ReturnType<typeof openSession>>>>;

  beforeAll(async () => {
    sessions = { relayed: await openSession('/mcp/legacy'), aggregate: await openSession('/mcp'), program: await openSession('/mcp/session') };
    streams = {
      'a listen that is relayed': await listen('/mcp/modern'),
      'a listen to a server that is silent itself': await listen('/mcp/patient'),
      'a listen to a server of the other era': await listen('/mcp/legacy'),
      'a listen to many servers': await listen('/mcp'),
      'a listen to a program': await listen('/mcp/program'),
      ...Object.fromEntries(Object.entries(sessions).map(([name, { stream }]) => [`the stream of a session, ${name}`, stream])),
    };
    const { children } = program.bridge.status() as { children: { pid: number }[] };
    for (const { pid } of children) process.kill(pid, 'SIGSTOP');
    calls = {
      'a call that is relayed': await begin('/mcp/patient', 'echo'),
      'a call to one of many servers': await begin('/mcp', 'patient__echo'),
      'a call of a program': await begin('/mcp/program', 'echo', { value: 'at last' }),
    };
    await until(() => patient.requests.filter(({ body }) => body.includes('"tools/call"')).length === 2);
    await pass(silenceMs);
    for (const { pid } of children) process.kill(pid, 'SIGCONT');
  });
  afterAll(() => {
    for (const connection of [...Object.values(streams), ...Object.values(calls)]) connection.destroy();
  });

  test('every stream is open, has had a comment at least every twenty seconds and no more than one every five, and brings what comes then', async () => {
    for (const [name, connection] of Object.entries(streams)) {
      expect([name, connection.isClosed, changes(connection)]).toEqual([name, false, 0]);
      expect([name, comments(connection) >= silenceMs / 20_000 - 2, comments(connection) <= silenceMs / 5_000]).toEqual([name, true, true]);
    }
    mute.say(event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }));
    modern.toolsChanged();
    legacy.toolsChanged();
    await post(door, modernBody('tools/call', { name: 'change', arguments: {} }), mirrors('tools/call', 'change'), '/mcp/program');
    await sessions['program']?.ask('tools/call', { name: 'changed', arguments: {} });
    for (const [name, connection] of Object.entries(streams)) {
      await until(() => changes(connection) > 0, { what: name });
      expect([name, connection.isClosed]).toEqual([name, false]);
    }
  });

  test('sessions go on, one that the gateway keeps and one with a program of its own too', async () => {
    for (const [name, { ask }] of Object.entries(sessions)) {
      const reply = await ask(
        'tools/call',
        name === 'aggregate' ? { name: 'modern__tell', arguments: {} } : { name: name === 'relayed' ? 'tell' : 'pid', arguments: {} },
      );
      expect([name, reply.status, reply.body.includes('"content"')]).toEqual([name, 200, true]);
    }
  });

  test('a call ends with its result, if its server was given that long', async () => {
    answered.resolve();
    for (const [name, connection] of Object.entries(calls)) {
      const reply = await connection.reply();
      expect([name, reply.status, reply.body.includes('"result"'), reply.complete]).toEqual([name, 200, true, true]);
    }
    expect(door.logged.filter(({ event }) => event === 'upstream.failed')).toEqual([]);
  });
});
