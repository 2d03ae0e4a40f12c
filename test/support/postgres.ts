/** A real PostgreSQL on a loopback port, empty, for the time of a test. */
import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { requires } from './requires.ts';
import { freePort, startTemporaryServer, unprivilegedUser } from './temporary-server.ts';

export interface TemporaryPostgres {
  /** `postgres://…`, a superuser of an empty database. */
  readonly url: string;
  /** The postmaster. */
  readonly pid: number;
  stop(): Promise<void>;
}

const password = 'only-for-this-test';

/** A database of its own for a user who is no superuser, as a gateway should be one: nothing of row security is passed by. */
export async function ordinaryDatabase(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create role ordinary login password '${password}'`);
    await client.query('create database ordinary owner ordinary');
  } finally {
    await client.end();
  }
  const own = new URL(url);
  own.username = 'ordinary';
  own.pathname = '/ordinary';
  return own.href;
}

/** Needs the program `postgres`: use it inside `describeWith('postgres', …)`. Takes one to three seconds. */
export async function startPostgres(): Promise<TemporaryPostgres> {
  const { path, missing } = requires('postgres');
  if (missing !== null) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'gatewayops-postgres-'));
  const user = unprivilegedUser('postgres');
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) {
    chownSync(folder, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  try {
    const initdb = [
      '--pgdata',
      data,
      '--username=gatewayops',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ];
    await promisify(execFile)(join(dirname(path), 'initdb'), initdb, { cwd: folder, ...user });
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error('initdb failed', { cause });
  }
  const port = await freePort();
  const url = `postgres://gatewayops:${password}@127.0.0.1:${port}/postgres`;
  const server = await startTemporaryServer({
    // What a test writes need not outlive a power cut.
    command: [path, '-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`, '-c', 'fsync=off'],
    folder,
    user,
    // Fast shutdown: PostgreSQL, "Shutting Down the Server".
    endSignal: 'SIGINT',
    probe: async () => {
      const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
      try {
        await client.connect();
        await client.query('select 1');
      } finally {
        await client.end();
      }
    },
  });
  return { url, ...server };
}
