import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../kernel/fault.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';

/** A file is there whole or not at all. */
export const auditExport: Command = async (context) => {
  const {
    arguments: [file],
    options,
    out,
    cwd,
  } = context;
  const path = file === undefined ? null : resolve(cwd, file);
  if (path !== null && existsSync(path)) throw new Fault('usage', { reason: `${file} exists already; nothing is overwritten.` });
  const client = openGatewayClient(context);
  const answer = await client.download('/v1/audit/export', { format: options.text('format') ?? 'proof', calls: options.text('calls') });
  if (path === null) {
    await pipeline(answer, process.stdout, { end: false });
    return undefined;
  }
  const part = `${path}.part`;
  try {
    await pipeline(answer, createWriteStream(part, { flags: 'wx', mode: 0o600 }));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  out.note(`Written to ${file}.`);
  return undefined;
};
