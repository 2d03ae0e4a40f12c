import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
  secret(name: 'seal' | 'events' | 'audit'): Buffer;
  release(): void;
}

const secretBytes = 32;
/** How long a start waits for others that find the same dead lock, or for one that is being written. */
const takeOverMs = 1_000;
const retryMs = 5;

/** Faults: `permission_denied`, `state_locked`, `state_broken`, `disk_full`. */
export function openStateFolder(folder: string): StateFolder {
  const paths = statePaths(folder);
  guarded(paths.root, () => {
    for (const path of [paths.root, paths.secrets, paths.journal, paths.sockets]) {
      makeFolder(path);
      if (path === paths.sockets) requireTrusted(paths);
      chmodSync(path, 0o700);
    }
  });
  const release = guarded(paths.root, () => lock(paths));
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

/** One folder after the other: where none can be made, as in /proc, node's own `recursive` tries for ever. */
function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (error) {
      // Another start may have been faster.
      if (!existsSync(folder)) throw error;
    }
  }
  if (!statSync(path).isDirectory()) throw new Fault('state_broken', { path, reason: 'a file is in the way of a folder' });
}

/**
 * Where the sockets lie in the temporary folder, anybody can have made their folder first: whoever owns it could put sockets
 * of their own into it. Faults: `state_broken`, `permission_denied`.
 */
export function requireTrusted({ root, sockets }: StatePaths): void {
  guarded(root, () => {
    const found = lstatSync(sockets, { throwIfNoEntry: false });
    const uid = process.getuid?.();
    if (found === undefined || uid === undefined) return;
    const trusted = [0, uid, statSync(root, { throwIfNoEntry: false })?.uid];
    if (!found.isDirectory() || !trusted.includes(found.uid))
      throw new Fault('state_broken', { path: root, reason: `the folder of its sockets, ${sockets}, belongs to another user` });
  });
}

/** The id of the process that holds the folder; null where none does, or this user may not know. */
export function stateFolderOwner(folder: string): number | null {
  try {
    return livingOwner(textOf(statePaths(folder).lock)) || null;
  } catch {
    return null;
  }
}

/**
 * One gateway a folder: the lock holds the owner's process id and start time. A lock whose process is gone, or whose id now
 * belongs to another process, is taken over.
 */
function lock({ root, lock: path }: StatePaths): () => void {
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`;
  const lateAt = performance.now() + takeOverMs;
  while (!created(path, mine)) {
    const found = textOf(path);
    const late = performance.now() > lateAt;
    const owner = livingOwner(found);
    // One that is gone again or not written yet, and one that is claimed, say that another start is at work.
    const claimant = owner !== 0 || found === null || (found === '' && !late) ? 0 : removeDead(path, found, mine, late);
    if (owner !== 0 || (claimant !== 0 && late)) throw new Fault('state_locked', { path: root, pid: owner || claimant });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
  }
  return () => {
    if (textOf(path) === mine) rmSync(path, { force: true });
  };
}

/**
 * Removes the lock of a process that is gone. Of several that find it, only the one that creates the claim on that very lock may,
 * and only while it is still that one: to remove whatever lies there would take the lock of who was faster. Returns the id of
 * another process that has the claim, or 0.
 */
function removeDead(path: string, found: string, mine: string, late: boolean): number {
  const claim = `${path}.${found.trim().replaceAll(/[^0-9a-z]/g, '-')}`;
  if (!created(claim, mine)) {
    const text = textOf(claim);
    const owner = livingOwner(text);
    // Its owner died between two of the lines below.
    if (owner === 0 && (text !== '' || late)) rmSync(claim, { force: true });
    return owner;
  }
  try {
    if (textOf(path) === found) rmSync(path);
  } finally {
    rmSync(claim, { force: true });
  }
  return 0;
}

/** False where it is there already. */
function created(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Null where there is no such file. */
function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The id of the process that a lock names, if that process runs; else 0. */
function livingOwner(text: string | null): number {
  const [pidText = '', startTime = ''] = (text ?? '').trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0) return 0;
  const running = startTimeOf(pid);
  return running !== '' && (startTime === '' || running === startTime) ? pid : 0;
}

/** When a process began, as the kernel counts it; empty where none runs. Elsewhere than on Linux only whether it lives. */
function startTimeOf(pid: number): string {
  try {
    // Fields 3 and 22 of /proc/PID/stat (proc_pid_stat(5)); the name before them may hold spaces and ends at the last parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // One that has ended, and whose parent has not noticed, holds nothing any more.
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
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Fault('disk_full', { path }, { cause: error });
  const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in the way of a folder' : code === 'ENOENT' ? 'no folder can be made there' : message;
  return new Fault('state_broken', { path, reason }, { cause: error });
}
