/**
 * `npm run bench -- api [--quick] [-o json]`: reads of the control API through the public port, by a key, on the embedded registry and, where it is
 * installed, on PostgreSQL: how many a second it carries, and how long each takes at 200 and at 1,000 a second.
 */
import { startPostgres } from '../support/postgres.ts';
import { requires } from '../support/requires.ts';
import { startGateway } from '../support/start-gateway.ts';
import { type Generator, type Load, startGenerator } from './measure.ts';
import type { Target } from './targets.ts';

export interface ApiFigures {
  readonly registry: 'embedded' | 'PostgreSQL';
  readonly read: string;
  /** 20 connections, each with its next request when the answer is there. */
  readonly perSecond: number;
  /** Milliseconds at so many a second, from when a request was due. */
  readonly atRates: readonly { readonly rate: number; readonly p50: number; readonly p99: number; readonly unanswered: number }[];
  readonly failures: number;
}

const teams = 50;
const reads = ['/v1/me', '/v1/teams/team-7', `/v1/teams?limit=${teams}`, '/v1/policies'];
const rates = [200, 1_000];
const most: Load = { connections: 20, perSecond: null };

interface Times {
  readonly warmupMs: number;
  readonly measureMs: number;
}

export async function runApiBench({ quick }: { readonly quick: boolean }): Promise<readonly ApiFigures[]> {
  const times: Times = quick ? { warmupMs: 150, measureMs: 500 } : { warmupMs: 300, measureMs: 800 };
  const generator = startGenerator();
  try {
    const embedded = await measureRegistry(generator, 'embedded', {}, times);
    if (requires('postgres').missing !== null) return embedded;
    const server = await startPostgres();
    try {
      return [...embedded, ...(await measureRegistry(generator, 'PostgreSQL', { DATABASE_URL: server.url }, times))];
    } finally {
      await server.stop();
    }
  } finally {
    generator.stop();
  }
}

async function measureRegistry(
  generator: Generator,
  registry: ApiFigures['registry'],
  env: Readonly<Record<string, string>>,
  times: Times,
): Promise<readonly ApiFigures[]> {
  const config = { servers: [{ name: 'bench', url: 'http://127.0.0.1:9/mcp' }], workers: 1, log: { level: 'warn' } };
  const gateway = await startGateway({ config, env: { ...env }, readyTimeoutMs: 150_000 });
  try {
    const headers = [['Authorization', `Bearer ${gateway.apiKey ?? ''}`]] as const;
    const ask = async (path: string, init: RequestInit = {}): Promise<string> => {
      const answer = await fetch(`${gateway.url}${path}`, { ...init, headers: { 'content-type': 'application/json', ...Object.fromEntries(headers) } });
      if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
      return answer.text();
    };
    for (let index = 0; index < teams; index += 1)
      await ask('/v1/teams', { method: 'POST', body: JSON.stringify({ id: `team-${index}`, name: `Team ${index}` }) });
    const measure = async (path: string, load: Load) => {
      const target: Target = { name: path, port: gateway.port, path, headers, pid: gateway.pid, stop: async () => undefined };
      return generator.measure(target, load, times, { method: 'GET', headers, body: '', replyBytes: Buffer.byteLength(await ask(path)) });
    };
    // For the compiler.
    for (const path of reads) await measure(path, most);
    const figures: ApiFigures[] = [];
    for (const path of reads) {
      const closed = await measure(path, most);
      const atRates: ApiFigures['atRates'][number][] = [];
      let { failures } = closed;
      for (const rate of rates) {
        const one = await measure(path, { connections: 50, perSecond: rate });
        atRates.push({ rate, p50: one.p50, p99: one.p99, unanswered: one.unanswered });
        failures += one.failures;
      }
      figures.push({ registry, read: path, perSecond: closed.perSecond, atRates, failures });
    }
    return figures;
  } finally {
    await gateway.stop();
  }
}

export function renderApiBench(figures: readonly ApiFigures[]): string {
  const head = ['registry  ', 'read                ', 'a second', ...rates.map((rate) => `p50 / p99 ms at ${rate}`.padStart(24)), 'failures'].join('  ');
  const rows = figures.map(({ registry, read, perSecond, atRates, failures }) =>
    [
      registry.padEnd(10),
      read.padEnd(20),
      perSecond.toFixed(0).padStart(8),
      ...atRates.map(({ p50, p99, unanswered }) => (unanswered > 0 ? 'not carried' : `${p50.toFixed(1)} / ${p99.toFixed(1)}`).padStart(24)),
      `${failures}`.padStart(8),
    ].join('  '),
  );
  return [head, ...rows, '', '"a second": 20 connections without a pause. Times count from when a request was due.'].join('\n');
}
