/** A real Redis on a loopback port, empty, for the time of a test. */
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requires } from './requires.ts';
import { freePort, startTemporaryServer } from './temporary-server.ts';

export interface TemporaryRedis {
  /** `redis://127.0.0.1:…` */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Needs the program `redis-server`: use it inside `describeWith('redis-server', …)`. */
export async function startRedis(): Promise<TemporaryRedis> {
  const { path, missing } = requires('redis-server');
  if (missing !== null) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'gatewayops-redis-'));
  const port = await freePort();
  const server = await startTemporaryServer({
    command: [path, '--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    folder,
    user: null,
    endSignal: 'SIGTERM',
    probe: () => ping(port),
  });
  return { url: `redis://127.0.0.1:${port}`, ...server };
}

function ping(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2000 });
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => {
      socket.destroy();
      if (chunk.toString().startsWith('+PONG')) resolve();
      else reject(new Error(chunk.toString()));
    });
    socket.on('error', reject);
  });
}
