import { afterAll, expect, test } from 'vitest';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { runRollingRestart } from './rolling-restart.ts';

afterAll(removeGatewayFolders);

// The long form is `npm run faults -- --only rolling`: 200 calls a second, each node twice.
describeWith('nginx', 'a rolling restart of three nodes behind nginx', () => {
  describeWith('postgres', 'with one registry', () => {
    describeWith('redis-server', 'and one shared state', () => {
      test('L3, promise 8: loses no call and doubles none, cuts no stream, and sessions go on', { timeout: 600_000 }, async () => {
        const { problems, ...figures } = await runRollingRestart({ rounds: 1, callsPerSecond: 50 });
        expect(problems).toEqual([]);
        expect(figures).toMatchObject({ restarts: 3, answered: figures.sent });
        expect(figures.sent).toBeGreaterThan(500);
        // Each stream was at one of the nodes.
        expect(figures.streamsEnded).toBeGreaterThanOrEqual(9);
      });
    });
  });
});
