import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What lies in the journal's folder of one writer. */
export interface WriterFiles {
  /** By number, ascending. */
  readonly segments: readonly { readonly number: number; readonly bytes: number }[];
  /** Numbers of segments that are gone but for intents that wait for their outcome. */
  readonly carried: readonly number[];
}

const fileForm = /^(.+)-(\d{8})\.(journal|carry)$/;
const cursorForm = /^(.+)\.cursor$/;

/** The folder of the journal as telemetry sees it: one place for the names of its files. */
export interface JournalFolder {
  /** Every writer that left anything, by name. */
  list(): ReadonlyMap<string, WriterFiles>;
  segment(writer: string, number: number): string;
  carry(writer: string, number: number): string;
  cursor(writer: string): string;
  /** Where bytes are put that cannot be read: kept for a person, never read again. */
  corrupt(name: string): string;
}

export function openJournalFolder(folder: string): JournalFolder {
  const corruptFolder = join(folder, 'corrupt');
  mkdirSync(corruptFolder, { recursive: true, mode: 0o700 });
  const file = (writer: string, number: number, ending: string): string => join(folder, `${writer}-${String(number).padStart(8, '0')}.${ending}`);
  return {
    list() {
      const writers = new Map<string, { segments: { number: number; bytes: number }[]; carried: number[] }>();
      const of = (writer: string): { segments: { number: number; bytes: number }[]; carried: number[] } => {
        const files = writers.get(writer) ?? { segments: [], carried: [] };
        writers.set(writer, files);
        return files;
      };
      for (const name of readdirSync(folder)) {
        const [, writer, digits, ending] = fileForm.exec(name) ?? [];
        if (writer !== undefined && ending === 'carry') of(writer).carried.push(Number(digits));
        else if (writer !== undefined)
          of(writer).segments.push({ number: Number(digits), bytes: statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0 });
        const [, cursorOf] = cursorForm.exec(name) ?? [];
        if (cursorOf !== undefined) of(cursorOf);
      }
      for (const files of writers.values()) files.segments.sort((a, b) => a.number - b.number);
      return writers;
    },
    segment: (writer, number) => file(writer, number, 'journal'),
    carry: (writer, number) => file(writer, number, 'carry'),
    cursor: (writer) => join(folder, `${writer}.cursor`),
    corrupt: (name) => join(corruptFolder, name),
  };
}

/** Writes a file so that it is there whole or, as before, or not at all. */
export async function writeWhole(path: string, bytes: string | Uint8Array): Promise<void> {
  const made = `${path}.new`;
  await writeFile(made, bytes, { mode: 0o600 });
  await rename(made, path);
}

export async function remove(path: string): Promise<void> {
  await rm(path, { force: true });
}
