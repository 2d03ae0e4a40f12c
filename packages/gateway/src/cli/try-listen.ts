import { createServer } from 'node:net';

/** Listens for a moment. Null where that works, else the system's code, such as `EADDRINUSE`. Port 0 always works. */
export function tryListen(host: string, port: number): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(null)));
  });
}
