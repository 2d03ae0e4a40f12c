import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { describeWith } from '../../../../test/support/requires.ts';
import { startRedis } from '../../../../test/support/redis.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { openChannel, type Channel } from '../node/channel.ts';
import { createMemoryTokens } from '../store/state/memory-tokens.ts';
import { openRedisState } from '../store/state/redis-state.ts';
import type { TokenRule, TokenStore } from '../store/state/state-store.ts';
import { createLeaseBroker } from './lease-broker.ts';
import type { LeaseRecall, LeaseRequest, LeaseReturn } from './lease.ts';

type WorkerHandlers = {
  burst(input: { rule: TokenRule; calls: number }): Promise<number>;
  recall(input: LeaseRecall): Promise<readonly LeaseReturn[]>;
};

/** What a worker process does: takes `calls` tokens, some at once and some in turn, and answers how many it got. */
const workerSource = `
import { setImmediate as turn } from 'node:timers/promises';
const { openChannel } = await import(${JSON.stringify(new URL('../node/channel.ts', import.meta.url).href)});
const { createLimiter } = await import(${JSON.stringify(new URL('limiter.ts', import.meta.url).href)});
const { systemClock } = await import(${JSON.stringify(new URL('../kernel/clock.ts', import.meta.url).href)});
const supervisor = openChannel(process, {
  recall: (recalled) => limiter.recall(recalled),
  async burst({ rule, calls }) {
    const verdicts = [];
    for (let call = 0; call < calls; call++) {
      const verdict = limiter.take('b', rule);
      verdicts.push(verdict instanceof Promise ? verdict.then(({ admitted }) => admitted) : verdict.admitted);
      if (call % 7 === 0) await turn();
    }
    return (await Promise.all(verdicts)).filter(Boolean).length;
  },
});
const limiter = createLimiter({ ask: (request) => supervisor.ask('lease', request), clock: systemClock, workers: 3 });
process.send('ready');
`;

// One window for the whole test, wherever in the day it runs.
const windowMs = 1_000 * 86_400_000;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test('three worker processes together admit exactly limit + burst', async () => {
  const node = await startNode(createMemoryTokens());
  const rule = { limit: 500, windowMs, burst: 33 };
  const admitted = await Promise.all([node.burst(0, rule, 40), node.burst(1, rule, 400), node.burst(2, rule, 300)]);
  // The first has little to do and sits on its lease; the others must still get all of it.
  expect(sum(admitted)).toBe(533);
});

test('what one worker leaves, another gets to the last token', async () => {
  const node = await startNode(createMemoryTokens());
  const rule = { limit: 500, windowMs, burst: 0 };
  expect(await node.burst(0, rule, 1)).toBe(1);
  expect(await node.burst(1, rule, 1)).toBe(1);
  expect(await node.burst(2, rule, 600)).toBe(498);
});

describeWith('redis-server', 'two nodes on one Redis', () => {
  test('never admit more than limit + burst, and together all of it when each has enough to do', async () => {
    const redis = await startRedis();
    ends.push(() => redis.stop());
    const nodes = await Promise.all(
      [1, 2].map(async () => {
        const state = await openRedisState({ url: redis.url, clock: systemClock, log: silentLog, commandTimeoutMs: 5_000 });
        ends.push(() => state.close());
        return startNode(state);
      }),
    );
    const rule = { limit: 400, windowMs, burst: 10 };
    const admitted = await Promise.all(nodes.flatMap((node) => [0, 1, 2].map((worker) => node.burst(worker, rule, 200))));
    expect(sum(admitted)).toBe(410);
  });
});

async function startNode(state: TokenStore) {
  const folder = mkdtempSync(join(tmpdir(), 'gatewayops-limits-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'worker.mjs');
  writeFileSync(file, workerSource);
  const channels: Channel<WorkerHandlers>[] = [];
  const broker = createLeaseBroker({
    state,
    local: null,
    recall: (worker, recalled) => channels[worker]?.ask('recall', recalled) ?? Promise.resolve([]),
    clock: systemClock,
    log: silentLog,
  });
  for (let worker = 0; worker < 3; worker++) {
    const child: ChildProcess = fork(file, { execArgv: [], serialization: 'advanced' });
    ends.push(() => {
      child.kill();
      return once(child, 'exit');
    });
    await once(child, 'message');
    channels.push(openChannel<WorkerHandlers>(child, { lease: (request: LeaseRequest) => broker.lease(worker, request) }));
  }
  return {
    burst: (worker: number, rule: TokenRule, calls: number) => channels[worker]?.ask('burst', { rule, calls }) ?? Promise.reject(new Error('no such worker')),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
