/** The files of backups by schedule: their names, their room, and how long they stay. Other files of the folder are nobody's business. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';

const fileName = /^gateway-(\d{4})-(\d\d)-(\d\d)T(\d\d)(\d\d)(\d\d)Z-bkp_[0-9A-Za-z]+\.backup\.zip(?<part>\.part)?$/;
const roomLookBytes = 16 * 1024 * 1024;

export function backupFileName(id: string, startedAtMs: number): string {
  return `gateway-${new Date(startedAtMs).toISOString().slice(0, 19).replaceAll(':', '')}Z-${id}.backup.zip`;
}

/** Writes a file for its owner alone; it is on the disk when this resolves. Faults: `disk_full`; else the error of the file, or of the bytes. */
export async function writeBackupFile(path: string, folder: string, bytes: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  async function* whileThereIsRoom(): AsyncGenerator<Buffer> {
    let unlooked = roomLookBytes;
    for await (const chunk of bytes) {
      if (unlooked >= roomLookBytes) {
        await requireRoom(folder);
        unlooked = 0;
      }
      unlooked += chunk.length;
      yield chunk;
    }
  }
  await pipeline(whileThereIsRoom, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }), { signal });
}

/** A backup must not be what stops the journal, and calls with it. */
async function requireRoom(folder: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(folder);
  if (bavail * bsize < Math.min(bounds.backupRoomLeftBytes, (blocks * bsize) / 8)) throw new Fault('disk_full', { path: folder });
}

/** Removes backups that began before a time, but for the last one there is. Returns how many. */
export async function removeOldBackups(folder: string, startedBeforeMs: number): Promise<number> {
  const old = (await listFiles(folder, false)).slice(0, -1).filter(({ startedAtMs }) => startedAtMs < startedBeforeMs);
  for (const { name } of old) await rm(join(folder, name), { force: true });
  return old.length;
}

/** Removes what processes that are gone did not finish. */
export async function removeParts(folder: string): Promise<void> {
  for (const { name } of await listFiles(folder, true)) await rm(join(folder, name), { force: true });
}

/** Oldest first; none where there is no folder. */
async function listFiles(folder: string, parts: boolean): Promise<readonly { readonly name: string; readonly startedAtMs: number }[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .toSorted((one, other) => (one < other ? -1 : 1))
    .flatMap((name) => {
      const found = fileName.exec(name);
      if (found === null || (found.groups?.['part'] !== undefined) !== parts) return [];
      const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
      return [{ name, startedAtMs: Date.UTC(year, month - 1, day, hour, minute, second) }];
    });
}
