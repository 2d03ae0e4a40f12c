/**
 * What a stalled server costs the callers of others: of three servers behind one endpoint one is stopped (SIGSTOP: it takes connections
 * and bytes, and answers nothing) while 200 calls wait for it, and the other two are called at a fixed rate; the same without it,
 * in turns, each time of both being the median of its rounds. The waiting clients are a process of their own.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { processTree } from '../support/processes.ts';
import { type Request, startProgram, ownFile } from './fleet-wire.ts';
import { nodePath } from '../support/node-path.ts';
import { type Generator, type Measurement, requestText, untilQuiet, type Wire } from './measure.ts';
import type { Target } from './targets.ts';

export const neighbourBound = { waitingCalls: 200, perSecond: 500, growthPercentMax: 20 };

export interface NeighbourParts {
  /** One for each of the two servers that are well. */
  readonly generators: readonly [Generator, Generator];
  readonly gateway: Target;
  readonly wires: readonly [Wire, Wire];
  /** A call for the server that stalls, with all its headers. */
  readonly stalled: Request;
  /** The process of the server that stalls, which does nothing else. */
  readonly stalledPid: number;
  readonly rounds: number;
  readonly times: { readonly warmupMs: number; readonly measureMs: number };
}

export interface NeighbourFigures {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  readonly failure: string | null;
}

/** Throws where a call for the stalled server did not wait: then nothing was measured. */
export async function measureSlowNeighbour(parts: NeighbourParts): Promise<{ readonly alone: NeighbourFigures; readonly beside: NeighbourFigures }> {
  const alone: NeighbourFigures[] = [];
  const beside: NeighbourFigures[] = [];
  for (let round = 0; round < parts.rounds; round += 1) {
    // Whoever comes first in a round comes second in the next: what drifts hurts both alike.
    for (const stalls of round % 2 === 0 ? [false, true] : [true, false]) {
      if (stalls) beside.push(await besideStalled(parts));
      else alone.push(await both(parts));
      await untilQuiet(processTree(parts.gateway.pid), 3_000);
    }
  }
  return { alone: medians(alone), beside: medians(beside) };
}

async function besideStalled(parts: NeighbourParts): Promise<NeighbourFigures> {
  const { gateway, stalled, stalledPid } = parts;
  process.kill(stalledPid, 'SIGSTOP');
  try {
    const REQUEST = requestText(gateway, stalled);
    const args = [ownFile('waiting-clients.ts'), String(gateway.port), String(neighbourBound.waitingCalls)];
    const clients = await startProgram<object>(nodePath, args, { ...process.env, REQUEST }, 30_000);
    try {
      await untilQuiet([...processTree(gateway.pid), clients.pid], 3_000);
      const figures = await both(parts);
      if (clients.output().includes('answered')) throw new Error(`calls did not wait for the stalled server: ${clients.output()}`);
      return figures;
    } finally {
      clients.stop();
      // The gateway takes note of 200 clients that left.
      await pause(200);
    }
  } finally {
    process.kill(stalledPid, 'SIGCONT');
  }
}

/** Of both servers that are well, called at the same time, the worse. */
async function both({ generators, gateway, wires, times }: NeighbourParts): Promise<NeighbourFigures> {
  const load = { connections: 25, perSecond: neighbourBound.perSecond / 2 };
  const [one, other] = await Promise.all([generators[0].measure(gateway, load, times, wires[0]), generators[1].measure(gateway, load, times, wires[1])]);
  return {
    p50: Math.max(one.p50, other.p50),
    p99: Math.max(one.p99, other.p99),
    perSecond: one.perSecond + other.perSecond,
    failure: failureOf(one) ?? failureOf(other),
  };
}

function failureOf({ firstFailure, unanswered }: Measurement): string | null {
  return firstFailure ?? (unanswered > 0 ? `${unanswered} without an answer` : null);
}

function medians(figures: readonly NeighbourFigures[]): NeighbourFigures {
  const median = (of: (one: NeighbourFigures) => number): number => figures.map(of).sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;
  return {
    p50: median((one) => one.p50),
    p99: median((one) => one.p99),
    perSecond: median((one) => one.perSecond),
    failure: figures.find(({ failure }) => failure !== null)?.failure ?? null,
  };
}
