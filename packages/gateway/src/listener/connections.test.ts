import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { openRaw } from '../../../../test/support/raw-client.ts';
import { type Connections, trackConnections } from './connections.ts';
import { createHttpServer } from './http-server.ts';

const ask = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';

let stop: () => void = () => undefined;
afterEach(() => stop());

async function serve(onRequest: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ port: number; connections: Connections }> {
  const server = createHttpServer({ onRequest });
  const connections = trackConnections(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, connections };
}

describe('L1: a server that drains', () => {
  test('accepts no one, closes who asks nothing, and lets an answer under way end', async () => {
    let answer: ServerResponse | null = null;
    const { port, connections } = await serve((_, response) => (answer = response));
    const [idle, half, asking] = await Promise.all([openRaw(port), openRaw(port), openRaw(port)]);
    half.write(ask.slice(0, 20));
    asking.write(ask);
    const response = await until(() => answer, { what: 'the request' });
    connections.drain();
    await Promise.all([idle.closed(), half.closed()]);
    await expect(openRaw(port)).rejects.toThrow('ECONNREFUSED');
    expect([connections.open, asking.isClosed]).toEqual([1, false]);
    response.end('late');
    expect((await asking.reply()).body.toString()).toBe('late');
    expect(await asking.closed()).toBe('ended');
    await until(() => connections.open === 0);
  });

  test('serves what comes on a connection that is open, and says in the answer that it is the last: of requests that came at once, in the last one', async () => {
    const { port, connections } = await serve((request, response) => request.resume().on('end', () => response.end('here')));
    const [soon, later, pipelined] = await Promise.all([openRaw(port), openRaw(port), openRaw(port)]);
    for (const connection of [soon, later, pipelined]) {
      connection.write(ask);
      await connection.reply();
    }
    connections.drain();
    const drainedAt = performance.now();
    // Nobody is driven to open another connection while the door is being closed.
    soon.write(ask);
    expect((await soon.reply(2)).header('connection')).toBe('keep-alive');
    await until(() => performance.now() - drainedAt > 300);
    later.write(ask);
    pipelined.write(ask + ask);
    expect((await later.reply(2)).header('connection')).toBe('close');
    expect(await later.closed()).toBe('ended');
    await pipelined.closed();
    expect(pipelined.replies().map((reply) => [reply.complete, reply.header('connection')])).toEqual([
      [true, 'keep-alive'],
      [true, 'keep-alive'],
      [true, 'close'],
    ]);
    expect(await soon.closed()).toBe('ended');
    await until(() => connections.open === 0);
  });

  test('does not cut an answer that is written whole and read slowly, nor one that waits behind it', async () => {
    const size = 16 * 1024 * 1024;
    let asked = 0;
    const { port, connections } = await serve((_, response) => response.end(Buffer.alloc((asked += 1) === 1 ? size : 3, 'x')));
    const reader = await openRaw(port);
    reader.pause();
    reader.write(ask + ask);
    await until(() => asked === 2, { what: 'both requests' });
    connections.drain();
    // Long enough for a connection that counted as idle to be closed.
    const drainedAt = performance.now();
    await until(() => performance.now() - drainedAt > 100);
    expect(connections.open).toBe(1);
    reader.resume();
    await reader.closed();
    expect(reader.replies().map(({ complete, body }) => [complete, body.length])).toEqual([
      [true, size],
      [true, 3],
    ]);
  });
});
