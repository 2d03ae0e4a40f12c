/** A disk of its own size under a folder: a tmpfs, which only root may mount, and not in every container. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Null, or why there can be none here. */
export const noSmallDisk: string | null = find();

/** Mounts it at a folder, which it makes. The caller unmounts. */
export function mountSmallDisk(folder: string, bytes: number): { unmount(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', folder], { stdio: 'pipe' });
  // Lazily: who still has a file of it open keeps that, and nobody finds it any more.
  return { unmount: () => void execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' }) };
}

function find(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux, to mount a small disk';
  const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  try {
    mountSmallDisk(folder, 65_536).unmount();
    return null;
  } catch {
    return 'needs to mount a small disk, which this container may not';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
