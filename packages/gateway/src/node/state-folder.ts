import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../kernel/fault.ts';
import { randomBase62 } from '../kernel/id.ts';
import { statePaths, type StatePaths } from './state-paths.ts';

/** The state folder of a running gateway: created where it is new, held by a lock until `release`. */
export interface StateFolder {
  readonly paths: StatePaths;
  /** This node's name in records; made once. */
  readonly node: string;
  /** Unique for this start, and ordered by time: the beginning of every journal writer's name. */
  readonly boot: string;
  /** 32 random bytes under a name, the same at every start. */
  secret(name: 'seal' | 'events'): Buffer;
  release(): void;
}

const secretBytes = 32;

/** Faults: `permission_denied`, `state_locked`, `state_broken`. */
export function openStateFolder(folder: string): StateFolder {
  const paths = statePaths(folder);
  guarded(paths.root, () => {
    for (const path of [paths.root, paths.secrets, paths.journal, paths.sockets]) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      chmodSync(path, 0o700);
    }
  });
  const release = lock(paths);
  try {
    return {
      paths,
      node: guarded(paths.root, () => textFile(join(paths.root, 'node'), () => `node_${randomBase62(8)}`, /^node_[0-9A-Za-z]{8}$/, paths.root)),
      boot: `${Date.now().toString(36).padStart(9, '0')}${randomBase62(4).toLowerCase()}`,
      secret: (name) => guarded(paths.secrets, () => secretFile(join(paths.secrets, `${name}.key`), paths.root)),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/**
 * One gateway a folder: the lock holds the owner's process id and start time. A lock whose process is gone, or whose id now
 * belongs to another process, is taken over.
 */
function lock(paths: StatePaths): () => void {
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`;
  for (let attempt = 0; ; attempt++) {
    try {
      const fd = openSync(paths.lock, 'wx', 0o600);
      writeSync(fd, mine);
      closeSync(fd);
      return () => {
        if (existsSync(paths.lock) && readFileSync(paths.lock, 'utf8') === mine) rmSync(paths.lock, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asAccessFault(error, paths.root);
    }
    const [pidText = '', startTime = ''] = readFileSync(paths.lock, 'utf8').trim().split(' ');
    const pid = Number(pidText);
    const alive = Number.isInteger(pid) && pid > 0 && startTimeOf(pid) !== '' && (startTime === '' || startTimeOf(pid) === startTime);
    if (alive || attempt > 2) throw new Fault('state_locked', { path: paths.root, pid });
    // Renaming first: of two that find the same dead lock only one moves it away.
    const stale = `${paths.lock}.${process.pid}`;
    try {
      renameSync(paths.lock, stale);
      rmSync(stale, { force: true });
    } catch {
      // The other one was faster; the next attempt sees its lock.
    }
  }
}

/** When a process began, as the kernel counts it; empty where there is none. Elsewhere than on Linux only whether it lives. */
function startTimeOf(pid: number): string {
  try {
    // Field 22 of /proc/PID/stat (proc(5)); the command's name before it may hold spaces and ends at the last parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    if (process.platform === 'linux') return '';
  }
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : '';
  }
}

function secretFile(path: string, root: string): Buffer {
  if (!existsSync(path)) writeOnce(path, randomBytes(secretBytes).toString('hex'));
  const bytes = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
  if (bytes.length !== secretBytes) throw new Fault('state_broken', { path: root, reason: `${path} does not hold a key of ${secretBytes} bytes` });
  return bytes;
}

function textFile(path: string, make: () => string, form: RegExp, root: string): string {
  if (!existsSync(path)) writeOnce(path, make());
  const text = readFileSync(path, 'utf8').trim();
  if (!form.test(text)) throw new Fault('state_broken', { path: root, reason: `${path} does not hold a node name` });
  return text;
}

/** Whole or not at all: a start that is killed half-way must not leave half a key. */
function writeOnce(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${text}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

function guarded<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault ? error : asAccessFault(error, path);
  }
}

function asAccessFault(error: unknown, path: string): Fault {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return new Fault('permission_denied', { path }, { cause: error });
  const reason = code === 'ENOSPC' ? 'the disk is full' : code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in the way of a folder' : message;
  return new Fault('state_broken', { path, reason }, { cause: error });
}
