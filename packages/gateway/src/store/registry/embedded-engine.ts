/**
 * A process of its own: PGlite, which blocks its event loop while it works, behind the PostgreSQL wire protocol on a Unix
 * socket. Started with a folder and a socket path; says `{ready: true}` or `{ready: false, reason, code}` once over IPC; ends
 * when its parent does.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PGlite } from '@electric-sql/pglite';
import { dataDir } from '@electric-sql/pglite-prepopulatedfs';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { parseTar } from 'nanotar';
import { durableStartParams, durableWrites } from './durable-writes.ts';
import { engineFailure, type EngineFailure } from './engine-failure.ts';

/** A replaced connection may be open for a moment beside its successor. */
const connectionsMax = 4;
const predecessorTimeoutMs = 30_000;
/** Nothing of a gateway lives for five seconds after its parent; what was not written then is recovered from the log. */
const endTimeoutMs = 3_000;
/** The registry is small and the system's own cache lies below: the default of 128 MB would only be resident twice. */
const sharedBuffers = '8MB';

/** The files of the databases that others would be copied from. Nobody makes one here, and each file costs the first start a write and a sync. */
const templates = /^base\/[14]\/./;

export type EngineMessage = { readonly ready: true } | ({ readonly ready: false } & EngineFailure);

async function run(folder: string, socketPath: string): Promise<void> {
  // For all that the engine makes, later too: folders among it, which must stay passable.
  process.umask(0o077);
  // Whoever of this gateway's engines holds the lock may have the folder open; the kernel frees it with the process.
  const lock = await claim(`${socketPath}.lock`);
  if (!existsSync(join(folder, 'PG_VERSION'))) await createCluster(folder);
  const database = await open(folder);
  rmSync(socketPath, { force: true });
  const server = new PGLiteSocketServer({ db: endingOnFailure(database), path: socketPath, maxConnections: connectionsMax });
  await server.start();
  chmodSync(socketPath, 0o600);

  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), endTimeoutMs).unref();
    await server.stop();
    await database.close();
    lock.close();
    process.exit(0);
  };
  process.on('disconnect', () => void end());
  // Ctrl-C reaches the whole process group, a service manager's SIGTERM every process; the parent decides when its stores end.
  process.on('SIGTERM', () => undefined);
  process.on('SIGINT', () => undefined);
  // A parent that is gone meanwhile ends this process by `disconnect`; the callback keeps EPIPE from being thrown.
  if (process.connected) process.send?.({ ready: true } satisfies EngineMessage, () => undefined);
  else void end();
}

/** Makes the data folder beside its place and moves it there when it is whole: a first start may be killed at any moment. */
async function createCluster(folder: string): Promise<void> {
  const made = `${folder}.new`;
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true, mode: 0o700 });
  // What initdb makes, prepared: it takes several seconds of a first start. Unpacked here: by PGlite it is a second of them.
  const archive = await dataDir();
  for (const { name, type, data } of parseTar(gunzipSync(Buffer.from(await archive.arrayBuffer())))) {
    if (templates.test(name)) continue;
    const path = join(made, name);
    mkdirSync(type === 'directory' ? path : dirname(path), { recursive: true });
    if (type === 'file') writeFileSync(path, data ?? '');
  }
  renameSync(made, folder);
}

function open(folder: string): Promise<PGlite> {
  const startParams = [...durableStartParams, '-c', `shared_buffers=${sharedBuffers}`];
  return PGlite.create({ dataDir: folder, extensions: { durableWrites }, startParams });
}

/** Listens on a socket that only one process can hold. Waits for a predecessor that is still closing. */
async function claim(path: string): Promise<Server> {
  const giveUpAt = performance.now() + predecessorTimeoutMs;
  for (;;) {
    while (await answers(path)) {
      if (performance.now() > giveUpAt) throw new Error('another process has it open');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    rmSync(path, { force: true });
    const server = createServer((socket) => socket.destroy());
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once('error', resolve);
      server.listen(path, () => resolve(null));
    });
    if (error === null) return server;
    // Another one, of a start that was interrupted, was faster by a moment: it ends with its parent.
    if (error.code !== 'EADDRINUSE') throw error;
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * A failure of the engine itself, not of a statement (those are answers), leaves it in doubt, and pglite-socket answers
 * nobody afterwards: the process ends and its parent starts another, which recovers from the log.
 */
function endingOnFailure(database: PGlite): PGlite {
  const execute = database.execProtocolRawStream.bind(database);
  database.execProtocolRawStream = async (message, options) => {
    try {
      await execute(message, options);
    } catch (error) {
      process.stderr.write(`${engineFailure(error).reason}\n`);
      process.exit(70);
    }
  };
  return database;
}

const [folder, socketPath] = process.argv.slice(2);
if (folder === undefined || socketPath === undefined) throw new Error('usage: embedded-engine FOLDER SOCKET');
run(folder, socketPath).catch((error: unknown) => {
  process.send?.({ ready: false, ...engineFailure(error) } satisfies EngineMessage, () => process.exit(1));
});
