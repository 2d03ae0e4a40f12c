/** Why the engine could not start, in words that cross from its process to its parent. */
export interface EngineFailure {
  readonly reason: string;
  /** The system's code, such as `ENOSPC`, where the files of the folder were the trouble. */
  readonly code: string | null;
}

/** PGlite's file layer throws objects that are no errors, with the numbers of WASI (wasi_snapshot_preview1, `errno`). */
const fileCodes: Readonly<Record<number, string>> = {
  2: 'EACCES',
  19: 'EDQUOT',
  29: 'EIO',
  33: 'EMFILE',
  41: 'ENFILE',
  51: 'ENOSPC',
  63: 'EPERM',
  69: 'EROFS',
};

export function engineFailure(thrown: unknown): EngineFailure {
  if (thrown instanceof Error) {
    const { code } = thrown as NodeJS.ErrnoException;
    return { reason: thrown.message, code: typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : null };
  }
  const errno = typeof thrown === 'object' && thrown !== null && 'errno' in thrown ? Number(thrown.errno) : NaN;
  const code = fileCodes[errno] ?? null;
  return { reason: code ?? (Number.isNaN(errno) ? String(thrown) : `its files fail with number ${errno}`), code };
}
