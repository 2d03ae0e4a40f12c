import { chmodSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { bounds } from '../kernel/bounds.ts';

/** A control API on a Unix socket that only this user may open. Whatever an earlier process left there is removed: the state folder's lock is held. */
export async function serveSocket(path: string, fetch: (request: Request) => Response | Promise<Response>): Promise<{ close(): Promise<void> }> {
  rmSync(path, { force: true });
  const server = createAdaptorServer({ fetch, hostname: 'localhost', serverOptions: { maxHeaderSize: bounds.headerBytesMax, requestTimeout: bounds.requestTimeoutMs } }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
