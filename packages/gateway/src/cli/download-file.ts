import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../kernel/fault.ts';
import type { CommandContext } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';

/** The path of a file that is to be written, or null for stdout. Faults: `usage` where it exists. */
export function pathToWrite(file: string | undefined, cwd: string): string | null {
  const path = file === undefined ? null : resolve(cwd, file);
  if (path !== null && existsSync(path)) throw new Fault('usage', { reason: `${file} exists already; nothing is overwritten.` });
  return path;
}

/** Writes what the gateway answers to `file`, or to stdout where none is named. Faults: `usage` where it exists, those of the gateway. */
export async function downloadTo(
  context: CommandContext,
  file: string | undefined,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const target = pathToWrite(file, context.cwd);
  await writeDownload(await openGatewayClient(context).download(path, query), target);
  if (target !== null) context.out.note(`Written to ${file}.`);
}

/** Writes a download. A file is there whole or not at all. */
export async function writeDownload(answer: NodeJS.ReadableStream, path: string | null): Promise<void> {
  if (path === null) return pipeline(answer, process.stdout, { end: false });
  const part = `${path}.part`;
  try {
    await pipeline(answer, createWriteStream(part, { flags: 'wx', mode: 0o600 }));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    // A gateway that cannot go on ends the connection before the answer is whole.
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET')
      throw new Fault('unavailable', { reason: 'the gateway broke its answer off; its log says why' }, { cause: error });
    throw error;
  }
}
