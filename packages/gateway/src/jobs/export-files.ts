/**
 * jobs: what the control plane does in its own time. Imports `kernel/` and `control/`. Promises: each is bounded in number,
 * time and what it leaves behind, and says how far it is.
 */
import { createReadStream, createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { randomBase62 } from '../kernel/id.ts';
import type { Log } from '../kernel/log.ts';
import type { ExportDesk, ExportJob } from '../control/logs/export-desk.ts';

export interface ExportFilesOptions {
  /** Owned by the desk: what lies there is of a process that is gone. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ExportFiles extends ExportDesk {
  /** Ends what is being written and removes all files. */
  close(): Promise<void>;
}

interface Job {
  readonly organizationId: string;
  readonly path: string;
  view: ExportJob;
  readonly ended: Promise<void>;
}

/** Files are of this process: they are gone with it. */
export function createExportFiles({ folder, clock, log }: ExportFilesOptions): ExportFiles {
  const jobs = new Map<string, Job>();
  const closing = new AbortController();
  rmSync(folder, { recursive: true, force: true });
  const sweep = setInterval(removeExpired, bounds.exportSweepMs);
  sweep.unref();

  function removeExpired(): void {
    const nowMs = clock.nowMs();
    for (const [id, { view, path }] of jobs) {
      if (view.state === 'running' || view.expiresAtMs > nowMs) continue;
      jobs.delete(id);
      rmSync(path, { force: true });
    }
  }

  function jobOf(organizationId: string, id: string): Job | null {
    removeExpired();
    const job = jobs.get(id);
    return job === undefined || job.organizationId !== organizationId ? null : job;
  }

  async function write(id: string, path: string, head: string | null, lines: AsyncIterable<string>): Promise<void> {
    const change = (part: Partial<ExportJob>): void => {
      const job = jobs.get(id);
      if (job !== undefined) job.view = { ...job.view, ...part };
    };
    let rows = 0;
    let bytes = 0;
    let truncated = false;
    async function* chunks(): AsyncGenerator<Buffer> {
      let text = head === null ? '' : `${head}\n`;
      for await (const line of lines) {
        const next = Buffer.byteLength(line) + 1;
        truncated = rows >= bounds.exportRowsMax || bytes + Buffer.byteLength(text) + next > bounds.exportBytesMax;
        if (truncated) break;
        text += `${line}\n`;
        rows += 1;
        if (text.length < 64 * 1024) continue;
        bytes += Buffer.byteLength(text);
        change({ rows, bytes });
        yield Buffer.from(text);
        text = '';
      }
      bytes += Buffer.byteLength(text);
      if (text !== '') yield Buffer.from(text);
    }
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await pipeline(chunks, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal: closing.signal });
      change({ state: 'done', rows, bytes, truncated });
    } catch (error) {
      rmSync(path, { force: true });
      const reason = error instanceof Fault ? error.message : 'it could not be written; the cause is in the log';
      change({ state: 'failed', rows, bytes: 0, reason });
      if (!closing.signal.aborted) log.error('export.failed', { export_id: id, error });
    }
  }

  return {
    begin({ organizationId, format, estimatedRows, head, lines }) {
      removeExpired();
      const own = [...jobs.values()].filter((job) => job.organizationId === organizationId);
      const running = own.filter(({ view }) => view.state === 'running').length;
      if (running >= bounds.exportsRunningMax || own.length >= bounds.exportsKeptMax)
        throw new Fault('too_many_exports', { running: bounds.exportsRunningMax, kept: bounds.exportsKeptMax });
      const id = `exp_${randomBase62(20)}`;
      const createdAtMs = clock.nowMs();
      const path = join(folder, `${id}.${format}`);
      const started = Promise.withResolvers<void>();
      const ended = started.promise.then(() => write(id, path, head, lines));
      const view: ExportJob = {
        id,
        format,
        state: 'running',
        reason: null,
        rows: 0,
        estimatedRows,
        bytes: 0,
        truncated: false,
        createdAtMs,
        expiresAtMs: createdAtMs + bounds.exportKeptMs,
      };
      jobs.set(id, { organizationId, path, view, ended });
      started.resolve();
      return view;
    },
    find: (organizationId, id) => jobOf(organizationId, id)?.view ?? null,
    open(organizationId, id): Readable | null {
      const job = jobOf(organizationId, id);
      return job === null || job.view.state !== 'done' ? null : createReadStream(job.path);
    },
    async close() {
      clearInterval(sweep);
      closing.abort();
      await Promise.all([...jobs.values()].map(({ ended }) => ended));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
