import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { modernServer } from '../../../../test/support/modern-server.ts';
import { until } from '../../../../test/support/poll.ts';
import { startRecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import { startDoor, testKey } from '../../../../test/support/start-door.ts';
import type * as Bounds from '../kernel/bounds.ts';

vi.mock('../kernel/bounds.ts', async (original) => {
  const { bounds } = await original<typeof Bounds>();
  return { bounds: { ...bounds, linkPingMs: 300 } };
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test('a client that answers no ping is cut off, without a farewell that it would not read; one that does is not', async () => {
  const upstream = await startRecordingUpstream(modernServer());
  closing.push(() => upstream.stop());
  const door = await startDoor({
    servers: [{ origin: new URL(upstream.url).origin, upstreamPath: '/mcp' }],
    links: { websocket: true, sse: false },
  });
  closing.push(() => door.stop());

  function open(autoPong: boolean): { pings: number; closed: [number, string] | null } {
    const seen = { pings: 0, closed: null as [number, string] | null };
    const socket = new WebSocket(`ws://127.0.0.1:${door.port}/mcp/s1`, ['mcp'], { autoPong, headers: { authorization: `Bearer ${testKey}` } });
    closing.push(() => socket.terminate());
    socket.on('ping', () => seen.pings++);
    socket.on('close', (code, reason) => (seen.closed = [code, reason.toString()]));
    return seen;
  }
  const [silent, answering] = [open(false), open(true)];
  await until(() => silent.closed, { timeoutMs: 30_000 });
  // 1006: there was no close frame.
  expect([silent.pings > 0, silent.closed]).toEqual([true, [1006, '']]);
  const { pings } = answering;
  await until(() => answering.pings >= pings + 2, { timeoutMs: 30_000 });
  expect(answering.closed).toBeNull();
});
