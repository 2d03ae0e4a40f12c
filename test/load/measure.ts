/** Runs load against a target and reads what its process used meanwhile. */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nodePath } from '../support/node-path.ts';
import { processorMicroseconds, residentBytes } from '../support/processes.ts';
import type { GeneratorNews, LoadJob, LoadResult } from './generator.ts';
import { callBody, callHeaders, replyBody } from './messages.ts';
import type { Target } from './targets.ts';

export interface Load {
  readonly connections: number;
  /** Requests a second, or null for as many as it carries. */
  readonly perSecond: number | null;
}

export interface Measurement extends LoadResult {
  /** Processor time of the target's process, all threads, for each right reply. */
  readonly cpuMicroseconds: number;
  /** Its memory at the end, with all connections still open. */
  readonly residentBytes: number;
}

export interface Wire {
  /** Default: POST. */
  readonly method?: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Size of the body of a right reply. */
  readonly replyBytes: number;
}

export interface Generator {
  /** `wire`: another message than the bench's usual call, with all its headers beside Host and Content-Length. */
  measure(target: Target, load: Load, times: { warmupMs: number; measureMs: number }, wire?: Wire): Promise<Measurement>;
  stop(): void;
}

export function startGenerator(): Generator {
  const child: ChildProcess = fork(fileURLToPath(new URL('generator.ts', import.meta.url)), { execPath: nodePath, execArgv: [] });

  return {
    async measure(target, load, times, wire = usualCall(target)) {
      const job: LoadJob = { port: target.port, request: requestText(target, wire), replyBytes: wire.replyBytes, ...load, ...times };
      const limitMs = times.warmupMs + times.measureMs + 15_000;
      let before = 0;
      let used = { cpuMicroseconds: 0, residentBytes: 0 };
      const result = await new Promise<LoadResult>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no result for ${target.name} within ${limitMs} ms`)), limitMs);
        const onNews = (news: GeneratorNews): void => {
          if (news.kind === 'measuring') before = processorMicroseconds(target.pid);
          else if (news.kind === 'measured')
            used = { cpuMicroseconds: processorMicroseconds(target.pid) - before, residentBytes: residentBytes(target.pid).now };
          else {
            clearTimeout(timer);
            child.off('message', onNews);
            if ('result' in news) resolve(news.result);
            else reject(new Error(`load on ${target.name}: ${news.message}`));
          }
        };
        child.on('message', onNews);
        child.send(job);
      });
      return { ...result, cpuMicroseconds: used.cpuMicroseconds / Math.max(1, result.replies), residentBytes: used.residentBytes };
    },
    stop: () => void child.kill(),
  };
}

/** Waits until these processes together use less than a fifth of one core, at most `mostMs`. */
export async function untilQuiet(pids: readonly number[], mostMs: number): Promise<void> {
  const windowMs = 100;
  const used = (): number => pids.reduce((sum, pid) => sum + processorMicroseconds(pid), 0);
  for (const deadline = performance.now() + mostMs; performance.now() < deadline;) {
    const before = used();
    await pause(windowMs);
    if (used() - before < windowMs * 1_000 * 0.2) return;
  }
}

function usualCall(target: Target): Wire {
  return { headers: [...callHeaders, ...target.headers], body: callBody, replyBytes: replyBody.length };
}

/** The request as it goes over the wire. */
export function requestText({ port, path }: Target, { method = 'POST', headers, body }: Omit<Wire, 'replyBytes'>): string {
  const all = [['Host', `127.0.0.1:${port}`], ...headers, ['Content-Length', String(Buffer.byteLength(body))]];
  return `${method} ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}
