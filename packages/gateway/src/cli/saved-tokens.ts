/**
 * Who is signed in at which gateway, on this machine: a file that only its owner may read, and a lock beside it, for a refresh token is good once and two
 * commands may want it at the same time.
 */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Environment } from '../config/environment.ts';
import { Fault } from '../kernel/fault.ts';

const savedSchema = z.object({
  resource: z.string(),
  token_endpoint: z.string(),
  revocation_endpoint: z.string(),
  access_token: z.string(),
  refresh_token: z.string(),
  /** ISO 8601. */
  expires_at: z.string(),
});
export type SavedTokens = z.infer<typeof savedSchema>;

const fileSchema = z.object({ version: z.literal(1), gateways: z.record(z.string(), savedSchema) });
type SavedFile = z.infer<typeof fileSchema>;

const lockedMs = 20_000;
const retryMs = 50;

/** By the address of the gateway. Faults: `permission_denied`, `usage` where the file is not ours or others may read it. */
export function findTokens(env: Environment, url: string): SavedTokens | null {
  return readSaved(placeOf(env)).gateways[url] ?? null;
}

/** Null: none any more. Under the lock. Faults: as above. */
export function keepTokens(env: Environment, url: string, tokens: SavedTokens | null): void {
  const place = placeOf(env);
  const { [url]: _, ...others } = readSaved(place).gateways;
  const saved: SavedFile = { version: 1, gateways: tokens === null ? others : { ...others, [url]: tokens } };
  guarded(place, () => {
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    const next = `${place}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(saved, null, 2)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, place);
  });
}

/** One command at a time; a lock that a dead one has left is old after 20 s. Faults: as above. */
export async function withTokensLocked<Value>(env: Environment, work: () => Promise<Value>): Promise<Value> {
  const place = placeOf(env);
  const lock = `${place}.lock`;
  guarded(place, () => mkdirSync(dirname(place), { recursive: true, mode: 0o700 }));
  while (!tryLock(lock)) await pause(retryMs);
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function tryLock(lock: string): boolean {
  return guarded(lock, () => {
    try {
      closeSync(openSync(lock, 'wx', 0o600));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
      if (since !== undefined && Date.now() - since > lockedMs) rmSync(lock, { force: true });
      return false;
    }
  });
}

function placeOf(env: Environment): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config'), 'gatewayops', 'tokens.json');
}

function readSaved(place: string): SavedFile {
  return guarded(place, () => {
    const state = statSync(place, { throwIfNoEntry: false });
    if (state === undefined) return { version: 1, gateways: {} };
    // Windows has no such bits.
    if (process.platform !== 'win32' && (state.mode & 0o077) !== 0)
      throw new Fault('usage', { reason: `Others may read ${place}: chmod 600 it, or delete it.` });
    const parsed = fileSchema.safeParse(jsonOf(readFileSync(place, 'utf8')));
    if (!parsed.success) throw new Fault('usage', { reason: `${place} is not what gateway login writes: delete it, and sign in again.` });
    return parsed.data;
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function guarded<Value>(path: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? new Fault('permission_denied', { path }, { cause: error }) : error;
  }
}
