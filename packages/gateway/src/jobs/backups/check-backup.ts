import { execFile } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { childEnvironment } from '../../process/child-environment.ts';

export interface CheckedFile {
  /** False: the file is as it was written, and the audit in it was changed before. */
  readonly auditOk: boolean;
}

const verified = z.looseObject({ audit_ok: z.boolean() });
const refused = z.looseObject({ message: z.string() });

/**
 * `gateway backup verify FILE`, in a process of its own: reading all of a backup takes long, and nobody has to wait for it. Rejects for a
 * file that is not as an owner of one of the public keys wrote it.
 */
export async function checkBackup(path: string, publicKeys: readonly string[], signal: AbortSignal): Promise<CheckedFile> {
  const program = fileURLToPath(new URL(`../../main${extname(import.meta.filename)}`, import.meta.url));
  const keys = publicKeys.flatMap((key) => ['--key', key]);
  const running = promisify(execFile)(process.execPath, [program, 'backup', 'verify', path, ...keys, '-o', 'json'], {
    env: childEnvironment(),
    signal,
    timeout: bounds.backupCheckTimeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 16 * 1024 * 1024,
  });
  yieldProcessor(running.child.pid);
  const { stdout, stderr, cause } = await running.then(
    (said) => ({ ...said, cause: null }),
    // Findings in the audit end the command with another code too, and are said on stdout.
    (error: Error & { readonly stdout?: string; readonly stderr?: string }) => ({ stdout: error.stdout ?? '', stderr: error.stderr ?? '', cause: error }),
  );
  const summary = verified.safeParse(parsed(stdout));
  if (summary.success) return { auditOk: summary.data.audit_ok };
  const problem = refused.safeParse(parsed(stderr));
  throw new Error(problem.success ? problem.data.message : 'the check of the backup did not come to an end', { cause });
}

function yieldProcessor(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended, or priorities may not be set: it runs like everything else.
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
