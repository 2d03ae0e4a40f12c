import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeWhole } from './journal-folder.ts';

/** A place in a writer's journal: a byte of a segment. */
const position = z.object({ segment: z.int().min(0), offset: z.int().min(0) });
export type Position = z.infer<typeof position>;

/** Where the intent of a call lies whose outcome is not read yet. */
const pendingIntent = z.object({ call: z.int().min(0), segment: z.int().min(0), offset: z.int().min(0), length: z.int().min(0), carried: z.boolean() });
export type PendingIntent = z.infer<typeof pendingIntent>;

/** The next rows to go to the ledger: everything up to `to`, under one token. `ending`: and what then still waits, as unknown. */
const plan = z.object({ to: position, token: z.string(), ending: z.boolean() });
export type Plan = z.infer<typeof plan>;

const cursor = z.object({
  format: z.literal(1),
  /** Makes tokens unlike those of any other writer of the same name. */
  nonce: z.string(),
  /** Column names of the writer's rows; null until its first header is read. */
  columns: z.object({ intent: z.array(z.string()), outcome: z.array(z.string()) }).nullable(),
  /** Everything before it is in the ledger or stands in `pending`. */
  at: position,
  pending: z.array(pendingIntent),
  /** Written before its rows are sent: after a crash the very same rows are sent again. */
  plan: plan.nullable(),
  /** The writer is gone and all of it is in the ledger: its files may go. */
  done: z.boolean(),
});
export type Cursor = Readonly<z.infer<typeof cursor>>;

export function newCursor(): Cursor {
  return { format: 1, nonce: randomBytes(8).toString('hex'), columns: null, at: { segment: 0, offset: 0 }, pending: [], plan: null, done: false };
}

/** Null where there is none; throws where it cannot be read. */
export async function readCursor(path: string): Promise<Cursor | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  return cursor.parse(JSON.parse(text));
}

export function writeCursor(path: string, value: Cursor): Promise<void> {
  return writeWhole(path, JSON.stringify(value));
}
