import { randomInt } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { runKillRounds } from './kill-rounds.ts';

afterAll(removeGatewayFolders);

test(
  'D12, promise 4: of calls under way while every process is killed at 20 random moments none is lost or doubled, unfinished ones are unknown',
  { timeout: 480_000 },
  async () => {
    const report = await runKillRounds({ rounds: 16, clients: 12, seed: randomInt(2 ** 31) });
    expect(report.problems, `seed ${report.seed}`).toEqual([]);
    expect(report.kills).toBe(20);
    expect(report.workerKills).toBeGreaterThan(0);
    // The load was real: calls reached the upstream before most kills, were answered, and some were cut.
    expect(report.answered).toBeGreaterThan(16 * 12);
    expect(report.reached).toBeGreaterThanOrEqual(report.answered);
    expect(report.unknown).toBeGreaterThan(0);
  },
);
