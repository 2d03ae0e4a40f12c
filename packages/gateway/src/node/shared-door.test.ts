import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Node's own cluster in processes of its own; the worker says what it sees once the supervisor has let go. */
const program = (door: string): string => `
import cluster from 'node:cluster';
import { createServer, connect } from 'node:net';
if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const worker = cluster.fork();
  // Busy from then on: what it is only told of the worker's close, it does late.
  const busy = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  worker.on('message', (message) => (message === 'ping' ? worker.send('pong', busy) : process.send(message)));
  worker.on('exit', () => process.exit());
} else {
  const { watchSharedDoor } = await import(${JSON.stringify(door)});
  const letGo = watchSharedDoor(process);
  const reach = (port) => new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('data', () => resolve('served')).on('error', (error) => resolve(error.code));
  });
  const server = createServer((socket) => socket.end('hello'));
  server.listen(0, '127.0.0.1', async () => {
    const { port } = server.address();
    const before = await reach(port);
    letGo();
    await new Promise((resolve) => (process.once('message', resolve), process.send('ping')));
    const between = await reach(port);
    server.close();
    // The supervisor has nothing left to close: at once nobody is there.
    const after = await reach(port);
    process.send([before, between, after], () => process.exit());
  });
}
`;

test('a worker goes on to accept after the supervisor has let go of the door, and with its own close the door is closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-door-'));
  const file = join(folder, 'main.mjs');
  writeFileSync(file, program(new URL('shared-door.ts', import.meta.url).href));
  const supervisor = fork(file, { silent: false });
  try {
    const seen = await new Promise((resolve, reject) => supervisor.once('message', resolve).once('exit', () => reject(new Error('it ended'))));
    expect(seen).toEqual(['served', 'served', 'ECONNREFUSED']);
  } finally {
    supervisor.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});
