import { randomBytes } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { bounds } from '../../kernel/bounds.ts';

/** Rows of tables on disk until they are read, once. The file has no name: it is gone with the process, whatever ends that. */
export interface Spool {
  add(table: string, rows: readonly string[]): Promise<void>;
  /** In the order in which they came, as many rows together as a part of a backup has. */
  parts(): AsyncGenerator<{ readonly table: string; readonly rows: number; readonly bytes: Buffer }>;
  close(): Promise<void>;
}

interface Range {
  readonly table: string;
  rows: number;
  readonly start: number;
  end: number;
}

export async function openSpool(folder: string): Promise<Spool> {
  const file = await unnamed(folder);
  const ranges: Range[] = [];
  let length = 0;
  return {
    async add(table, rows) {
      const bytes = Buffer.from(rows.map((row) => `${row}\n`).join(''));
      await file.write(bytes, 0, bytes.length, length);
      const last = ranges.at(-1);
      if (last?.table === table && last.rows + rows.length <= bounds.backupPartRows && length + bytes.length - last.start <= bounds.backupPartBytes) {
        last.rows += rows.length;
        last.end += bytes.length;
      } else ranges.push({ table, rows: rows.length, start: length, end: length + bytes.length });
      length += bytes.length;
    },
    async *parts() {
      for (const { table, rows, start, end } of ranges) {
        const bytes = Buffer.alloc(end - start);
        await file.read(bytes, 0, bytes.length, start);
        yield { table, rows, bytes };
      }
    },
    close: () => file.close(),
  };
}

async function unnamed(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `spool-${randomBytes(8).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}
