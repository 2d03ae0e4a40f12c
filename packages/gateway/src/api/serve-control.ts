import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { bounds } from '../kernel/bounds.ts';
import type { ApiApp, Front } from './route.ts';

export interface ControlServer {
  /** Refuses new connections; requests under way have a moment to end. */
  close(): Promise<void>;
}

/** Whoever reads an answer slowly must not hold up the end of the gateway. */
const closeGraceMs = 2_000;

/** Serves the API on a Unix socket that only this user can open. `front` says what the socket proves about its callers. */
export async function serveControl(app: ApiApp, socketPath: string, front: Front): Promise<ControlServer> {
  let closing = false;
  const listener = getRequestListener((request, { outgoing }) => app.fetch(request, { front, cut: () => outgoing.destroy() }));
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytesMax,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: bounds.requestTimeoutMs,
      keepAliveTimeout: bounds.keepAliveMs,
    },
    (request, response) => {
      // A connection whose answer has ended would stay open for the next request.
      response.once('finish', () => closing && request.socket.end());
      void listener(request, response);
    },
  );
  server.maxHeadersCount = bounds.headerLinesMax;
  // What a killed process left behind; that none is alive is what the lock of the state folder says.
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  chmodSync(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        closing = true;
        const cut = setTimeout(() => server.closeAllConnections(), closeGraceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}
