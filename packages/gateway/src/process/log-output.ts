import type { ChildProcess } from 'node:child_process';
import type { Log } from '../kernel/log.ts';

const chunksMax = 200;
const chunkCharsMax = 2_000;

/** What a process of ours says on stderr, bounded: one that cannot stop talking must not fill the log. */
export function logOutput(child: ChildProcess, log: Log, event: string): void {
  let chunks = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    chunks += 1;
    if (chunks <= chunksMax) log.warn(event, { text: chunk.toString('utf8', 0, chunkCharsMax).trimEnd() });
  });
}
