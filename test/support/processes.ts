/** Looks at processes from outside: who descends from whom, what they use. Linux reads /proc, other systems ask `ps`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** `pid` and all that descend from it and still run, parents first. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of everyProcess()) {
    const siblings = children.get(parent);
    if (siblings) siblings.push(child);
    else children.set(parent, [child]);
  }
  const tree = [pid];
  for (const member of tree) tree.push(...(children.get(member) ?? []));
  return tree;
}

/** Whether it runs: neither gone nor a zombie. */
export function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  if (stat) return stat[0] !== 'Z' && stat[0] !== 'X';
  if (existsSync('/proc/self/stat')) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills `pid` and its descendants with SIGKILL, all at once from the view of a person: none gets to tidy up. */
export function killTree(pid: number): void {
  for (const member of processTree(pid)) {
    try {
      process.kill(member, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** Microseconds of processor time that all threads of the process used so far, in steps of 10 ms; Linux only. */
export function processorMicroseconds(pid: number): number {
  const stat = statOf(pid);
  // proc_pid_stat(5): utime and stime are fields 14 and 15, in ticks of 1/100 s.
  return (Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)) * 10_000;
}

/** Bytes of memory that the process holds now, and the most it ever held; Linux only. */
export function residentBytes(pid: number): { now: number; peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
    return { now: field('VmRSS'), peak: field('VmHWM') };
  } catch {
    return { now: 0, peak: 0 };
  }
}

/** The fields of /proc/PID/stat after the name, which may hold anything: index 0 is field 3, the state. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function everyProcess(): [pid: number, parent: number][] {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), Number(statOf(Number(name))?.[1] ?? 0)]);
  }
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => line.trim().split(/\s+/).map(Number)).map(([pid = 0, parent = 0]) => [pid, parent]);
}
