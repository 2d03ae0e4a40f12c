/** A disk that takes nothing, for this process alone: the limit on the size of files it writes (setrlimit, RLIMIT_FSIZE). Linux only. */
import { execFileSync } from 'node:child_process';

export const canFillDisk: boolean = process.platform === 'linux';

/** While it is full, a write beyond the first byte of a file fails with EFBIG, as one on a full disk does with ENOSPC. */
export function setDiskFull(isFull: boolean): void {
  execFileSync('/usr/bin/prlimit', ['--pid', String(process.pid), `--fsize=${isFull ? '1' : 'unlimited'}:unlimited`]);
}
