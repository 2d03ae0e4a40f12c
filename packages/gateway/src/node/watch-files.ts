import { stat } from 'node:fs/promises';

export interface FileWatch {
  close(): void;
}

export interface FileWatchOptions {
  /** Paths to look at; asked for at each look. */
  readonly files: () => readonly string[];
  /** Some of them are others than before, and have been so for one look. False: it is called again after `retryMs`. */
  readonly onChange: () => Promise<boolean>;
  readonly everyMs: number;
  readonly retryMs: number;
}

/**
 * Looks at files by their names again and again. Not by the system's notices: an editor puts a new file in the place of the
 * old one, Kubernetes swaps a link two folders above, a network file system tells nothing; a look by name sees all of them.
 * The first look counts as a change: what happened before it is not known.
 */
export function watchFiles({ files, onChange, everyMs, retryMs }: FileWatchOptions): FileWatch {
  let handled: ReadonlyMap<string, string> | null = null;
  let seen: ReadonlyMap<string, string> = new Map();
  let retryAt = Infinity;
  let closed = false;
  let timer: NodeJS.Timeout | null = null;

  async function look(): Promise<void> {
    const now = new Map(await Promise.all(files().map(async (file): Promise<[string, string]> => [file, await markOf(file)])));
    // Whoever writes in several steps is let finish.
    const settled = [...now].every(([file, mark]) => !seen.has(file) || seen.get(file) === mark);
    const changed = handled === null || [...now].some(([file, mark]) => handled?.has(file) === true && handled.get(file) !== mark);
    seen = now;
    if (settled && (changed || performance.now() >= retryAt)) {
      handled = now;
      retryAt = (await onChange()) ? Infinity : performance.now() + retryMs;
    } else if (settled && handled !== null) {
      // Files that came with the last change have no earlier state.
      handled = new Map([...now].map(([file, mark]) => [file, handled?.get(file) ?? mark]));
    }
  }

  function next(): void {
    if (closed) return;
    timer = setTimeout(() => void look().finally(next), everyMs);
    timer.unref();
  }

  next();
  return {
    close() {
      closed = true;
      if (timer) clearTimeout(timer);
    },
  };
}

/** Differs when another file has the name or its content may have changed; the same for all that cannot be looked at. */
async function markOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
