/**
 * A process of its own: chDB, which is ClickHouse as a library, behind ClickHouse's HTTP interface on a Unix socket that only
 * this user may open. Started with a folder and a socket path; says `{ready: true}` or `{ready: false, reason}` once over
 * IPC; ends when its parent does. The engine locks its folder, and the kernel frees the lock with the process.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { drainPending, Session } from 'chdb';
import { bounds } from '../../kernel/bounds.ts';
import { createEngineFront, type LedgerEngine } from './engine-front.ts';

export type EngineMessage = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** How long an insert under way may hold up the end of the process. */
const endTimeoutMs = 3_000;
const opensMax = 100;
const openRetryMs = 100;

async function run(folder: string, socketPath: string): Promise<void> {
  // For all that the engine makes, later too: folders among it, which must stay passable.
  process.umask(0o077);
  const incoming = join(folder, 'incoming');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const session = await open(folder, writeServerConfig(folder));
  // The folder is ours from here on: what lies there is of a process that is gone.
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { mode: 0o700 });
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  rmSync(socketPath, { force: true });
  const front = createEngineFront(engineOf(folder, session), incoming);
  await new Promise<void>((resolve, reject) => {
    front.once('error', reject);
    front.listen(socketPath, resolve);
  });
  chmodSync(socketPath, 0o600);

  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(1), endTimeoutMs).unref();
    front.close();
    front.closeIdleConnections();
    await drainPending();
    process.exit(0);
  };
  process.on('disconnect', () => void end());
  // These reach the whole process group or service; the parent, which may still have rows to hand over, decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  // A parent that is gone meanwhile ends this process by `disconnect`; the callback keeps EPIPE from being thrown.
  if (process.connected) process.send?.({ ready: true } satisfies EngineMessage, () => undefined);
  else void end();
}

/** Opens the folder. A predecessor that is still ending holds its lock for a moment. */
async function open(folder: string, configFile: string): Promise<Session> {
  for (let tries = 1; ; tries++) {
    try {
      return new Session(folder, { connectionArgs: [`--config-file=${configFile}`] });
    } catch (error) {
      if (tries >= opensMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, openRetryMs));
    }
  }
}

/** Reads and writes have a connection each: one waits for the other only inside the engine. */
function engineOf(folder: string, writer: Session): LedgerEngine {
  const reader = new Session(folder);
  return {
    async run(sql, parameters) {
      const options = { format: 'TabSeparated' };
      const result = Object.keys(parameters).length === 0 ? await writer.queryAsync(sql, options) : await reader.queryBindAsync(sql, parameters, options);
      return result.bytes();
    },
  };
}

/** Server settings cannot be given as statements. Modest ones: this engine shares a machine with the gateway. */
function writeServerConfig(folder: string): string {
  const file = join(folder, 'engine.xml');
  const settings: Readonly<Record<string, string | number>> = {
    timezone: 'UTC',
    max_server_memory_usage: bounds.ledgerEngineMemoryBytesMax,
    mark_cache_size: 32 * 1024 * 1024,
    uncompressed_cache_size: 0,
    background_pool_size: 2,
    background_schedule_pool_size: 2,
    background_common_pool_size: 1,
    background_move_pool_size: 1,
    background_fetches_pool_size: 1,
    max_thread_pool_size: 200,
    max_thread_pool_free_size: 0,
  };
  const lines = Object.entries(settings).map(([name, value]) => `  <${name}>${value}</${name}>`);
  writeFileSync(file, `<clickhouse>\n${lines.join('\n')}\n</clickhouse>\n`, { mode: 0o600 });
  return file;
}

const [folder, socketPath] = process.argv.slice(2);
if (folder === undefined || socketPath === undefined) throw new Error('usage: embedded-engine FOLDER SOCKET');
run(folder, socketPath).catch((error: unknown) => {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  process.send?.({ ready: false, reason: `${error instanceof Error ? error.message : String(error)}${cause}` } satisfies EngineMessage, () => process.exit(1));
});
