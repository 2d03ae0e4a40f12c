/**
 * A process of its own: the only one that may write what callers and servers say, and only masked. Started with the folder of its files, a name
 * that no earlier one had, and the path of its socket, which only this user may open. Ends when its parent does, after what it has taken is written.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import { JobReader, type BodyJob } from './body-job.ts';
import { createBodySegments, handOverLeft } from './body-segments.ts';
import { countedTokens } from './count-job.ts';
import { keepOutOfCoreFiles } from '../process/core-files.ts';
import { createGuardedMasker, type GuardedMasker } from './guarded-masker.ts';
import { partsOf, payloadRows } from './mask-job.ts';
import type { FromMasking, ToMasking } from './masking-messages.ts';
import { payloadColumns, tokenColumns } from './payload-row.ts';

/** The watch over a turn costs as much as ten bodies: it is shared. */
const jobsATurn = 64;
/** How long what was taken may hold up the end of the process. */
const endTimeoutMs = 3_000;
const sayMs = 1_000;

interface Waiting {
  readonly job: BodyJob;
  readonly source: string;
  readonly bytes: number;
}

function run(folder: string, writer: string, socketPath: string): void {
  process.umask(0o077);
  keepOutOfCoreFiles();
  let masker: GuardedMasker | null = null;
  let queue: Waiting[] = [];
  let queueBytes = 0;
  let isWorking = false;
  let lost = 0;
  const paused = new Set<Socket>();

  handOverLeft(folder);
  const payloads = createBodySegments({ folder, writer, table: 'payloads', columns: payloadColumns });
  const tokens = createBodySegments({ folder, writer, table: 'counted_tokens', columns: tokenColumns });

  const server = createServer((socket) => {
    const reader = new JobReader(bounds.bodyJobBytesMax);
    let source: string | null = null;
    let hello = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      let bytes = chunk;
      if (source === null) {
        hello = Buffer.concat([hello, chunk]);
        const end = hello.indexOf(0x0a);
        if (end < 0 || end > 200) {
          if (hello.length > 200) socket.destroy();
          return;
        }
        source = hello.toString('utf8', 0, end);
        bytes = hello.subarray(end + 1);
      }
      try {
        for (const job of reader.feed(bytes)) {
          const size = job.request.length + job.response.length;
          queue.push({ job, source, bytes: size });
          queueBytes += size;
        }
      } catch {
        socket.destroy();
        return;
      }
      // What does not fit here waits at the worker, which drops and counts.
      if (queueBytes > bounds.maskingQueueBytesMax) {
        paused.add(socket);
        socket.pause();
      }
      void work();
    });
    socket.on('close', () => paused.delete(socket));
  });

  async function work(): Promise<void> {
    if (isWorking || masker === null) return;
    isWorking = true;
    while (queue.length > 0) {
      const taken = queue.slice(0, jobsATurn);
      queue = queue.slice(jobsATurn);
      write(taken, masker);
      for (const { job, source } of taken) {
        try {
          const row = await countedTokens(job);
          if (row !== null) tokens.append(row, source, job.facts.sequence);
        } catch {
          lost++;
        }
      }
      queueBytes -= taken.reduce((sum, { bytes }) => sum + bytes, 0);
      if (queueBytes < bounds.maskingQueueBytesMax / 2) {
        for (const socket of paused) socket.resume();
        paused.clear();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    isWorking = false;
  }

  function write(taken: readonly Waiting[], by: GuardedMasker): void {
    const kept = taken.filter(({ job }) => job.facts.sequence > 0).map((one) => ({ ...one, parts: partsOf(one.job) }));
    const masked = by.mask(kept.map(({ parts }) => parts.parts));
    for (const [index, { job, source, parts }] of kept.entries()) {
      const bodies = masked[index];
      if (bodies !== undefined) for (const row of payloadRows(job, parts, bodies, source)) payloads.append(row, source, job.facts.sequence);
    }
  }

  const flushing = setInterval(() => {
    payloads.flush(false);
    tokens.flush(false);
  }, bounds.bodyFlushMs);
  const saying = setInterval(() => {
    const count = lost + payloads.takeLost() + tokens.takeLost();
    lost = 0;
    if (count > 0) say({ kind: 'lost', rows: count });
  }, sayMs);

  function listen(): void {
    if (server.listening) return;
    mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
    rmSync(socketPath, { force: true });
    server.listen(socketPath, () => chmodSync(socketPath, 0o600));
  }

  process.on('message', (message: ToMasking) => {
    switch (message.kind) {
      case 'rules':
        masker = createGuardedMasker(message.rules);
        warmUp(masker);
        listen();
        say({ kind: 'done', id: message.id });
        void work();
        return;
      case 'test': {
        const [masked] = (message.rules === null ? masker : createGuardedMasker(message.rules))?.mask([[message.body]]) ?? [];
        if (masked !== undefined) say({ kind: 'tested', id: message.id, masked });
      }
    }
  });
  process.on('disconnect', () => void end());
  // These reach the whole process group or service; the parent decides.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

  async function end(): Promise<void> {
    setTimeout(() => process.exit(1), endTimeoutMs).unref();
    server.close();
    clearInterval(flushing);
    clearInterval(saying);
    await new Promise((resolve) => setImmediate(resolve));
    while (isWorking || queue.length > 0) {
      void work();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    payloads.flush(true);
    tokens.flush(true);
    process.exit(0);
  }
}

/** The first bodies would else be dropped for the time that a program takes to get fast. */
function warmUp(masker: GuardedMasker): void {
  const text = JSON.stringify({
    result: { content: Array.from({ length: 20 }, (_, n) => ({ type: 'text', text: `token ${n}: ghp_${'a1'.repeat(18)} %41 &amp; ü` })) },
  });
  for (let times = 0; times < 5; times++) masker.mask([[{ name: 'request', text, form: 'json', isCut: false }]]);
}

function say(message: FromMasking): void {
  // A parent that is gone meanwhile ends this process by `disconnect`; the callback keeps EPIPE from being thrown.
  if (process.connected) process.send?.(message, () => undefined);
}

const [folder, writer, socketPath] = process.argv.slice(2);
if (folder === undefined || writer === undefined || socketPath === undefined) throw new Error('usage: masking-process FOLDER WRITER SOCKET');
run(folder, writer, socketPath);
