import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
/** Of several gateways that start at once on a dead one's lock each may find the next change of hands. */
const attemptsMax = 5;

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

/** The id of the process that holds the folder, or null. */
export function stateFolderOwner(folder: string): number | null {
  return livingOwner(textOf(statePaths(folder).lock) ?? '');
}

/**
 * One gateway a folder: the lock holds the owner's process id and start time. A lock whose process is gone, or whose id now
 * belongs to another process, is taken over.
 */
function lock(paths: StatePaths): () => void {
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`;
  const made = `${paths.lock}.${process.pid}`;
  guarded(paths.root, () => writeFileSync(made, mine, { mode: 0o600 }));
  try {
    // A link, not a file that is written afterwards: whoever reads a lock reads its owner.
    for (let attempt = 1; !tryLink(made, paths.lock, paths.root); attempt++) {
      const text = textOf(paths.lock);
      const owner = livingOwner(text ?? '');
      if (owner !== null) throw new Fault('state_locked', { path: paths.root, pid: owner });
      if (attempt === attemptsMax) throw new Fault('state_broken', { path: paths.root, reason: `its lock ${paths.lock} cannot be taken over` });
      if (text !== null) moveAway(paths, text);
    }
  } finally {
    rmSync(made, { force: true });
  }
  return () => {
    if (textOf(paths.lock) === mine) rmSync(paths.lock, { force: true });
  };
}

/** Removes the lock of an owner that is gone. Of several that found it one does; who moved a newer one away puts it back. */
function moveAway(paths: StatePaths, text: string): void {
  const moved = `${paths.lock}.${process.pid}.old`;
  try {
    renameSync(paths.lock, moved);
  } catch {
    // Another one was faster.
    return;
  }
  if (textOf(moved) !== text) tryLink(moved, paths.lock, paths.root);
  rmSync(moved, { force: true });
}

/** False where something has the name already. */
function tryLink(from: string, to: string, root: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asAccessFault(error, root);
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The process that a lock's text names, if it runs. */
function livingOwner(text: string): number | null {
  const [pidText = '', startTime = ''] = text.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const running = startTimeOf(pid);
  return running !== '' && (startTime === '' || running === startTime) ? pid : null;
}

/** When a process began, as the kernel counts it; empty where none runs. Elsewhere than on Linux only whether it lives. */
function startTimeOf(pid: number): string {
  try {
    // Fields 3 and 22 of /proc/PID/stat (proc_pid_stat(5)); the name before them may hold spaces and ends at the last parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // One that has ended and waits for its parent to notice holds nothing any more.
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
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
