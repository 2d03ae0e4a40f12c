import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '../../../../test/support/poll.ts';
import { createStreamSocket, type StreamSocket } from './stream-socket.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** A door in front of a source that answers every request with `serve`. */
async function door(serve: (response: ServerResponse) => void): Promise<{ readonly sockets: StreamSocket; readonly url: string }> {
  const source = await listening(createServer((_request, response) => serve(response)));
  const sockets = createStreamSocket({
    admit: () => undefined,
    ask: (asked) => request({ port: source, host: '127.0.0.1', path: asked.url, agent: false }),
    taken: () => undefined,
  });
  closing.push(() => sockets.close());
  const front = createServer();
  front.on('upgrade', (asked, socket, head) => sockets.upgrade(asked, socket, head, () => socket.destroy()));
  return { sockets, url: `ws://127.0.0.1:${await listening(front)}/v1/stream` };
}

async function opened(url: string, onMessage: (text: string) => void = () => undefined): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.on('message', (data: Buffer) => onMessage(data.toString()));
  closing.push(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

test('a reader that takes nothing holds the source back within a bound, and gets each line once it reads', async () => {
  let written = 0;
  const lines = 3_000;
  const { url } = await door((response) => {
    response.writeHead(200);
    const write = async (): Promise<void> => {
      for (; written < lines && !response.destroyed; written++)
        if (!response.write(`${JSON.stringify({ number: written, fill: 'x'.repeat(16_000) })}\n`))
          await Promise.race([once(response, 'drain'), once(response, 'close')]);
      response.end();
    };
    void write();
  });
  const seen: number[] = [];
  const socket = await opened(url, (text) => void seen.push((JSON.parse(text) as { number: number }).number));
  socket.pause();
  let before = -1;
  // It stands still: nothing more is taken from the source.
  await until(
    () => {
      const still = written > 0 && written === before;
      before = written;
      return still;
    },
    { everyMs: 500 },
  );
  expect(written).toBeLessThan(lines);
  socket.resume();
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1000);
  expect(seen).toEqual(Array.from({ length: lines }, (_, index) => index));
});

test('a reader that leaves ends the request behind it; a worker that drains says that it goes away', async () => {
  const answers: ServerResponse[] = [];
  const { sockets, url } = await door((response) => {
    answers.push(response);
    response.writeHead(200);
    response.write('{"type":"open"}\n');
  });
  const leaving = await opened(url);
  leaving.close();
  await until(() => answers[0]?.destroyed === true, { what: 'the end of the request' });
  const staying = await opened(url);
  const closed = once(staying, 'close');
  sockets.drain();
  expect(((await closed) as [number])[0]).toBe(1001);
  await until(() => sockets.open === 0 && answers[1]?.destroyed === true);
});
