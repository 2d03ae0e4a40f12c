import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { tryApplies } from './applies.ts';
import { type BalancedNodes, runRollingRestart, startBalancedNodes } from './rolling-restart.ts';
import { tryTenants } from './tenants.ts';

// On a machine that is busy a change takes as long as it takes; how long, `npm run faults -- --only nodes` says.
const soonMs = 30_000;

// The long forms are `npm run faults -- --only nodes` and `--only rolling`: 200 calls a second, each node twice.
describeWith('nginx', 'three nodes behind nginx', () => {
  describeWith('postgres', 'with one registry', () => {
    describeWith('redis-server', 'and one shared state', () => {
      let balanced: BalancedNodes;
      beforeAll(async () => void (balanced = await startBalancedNodes()), 300_000);
      afterAll(async () => {
        await balanced?.stop();
        removeGatewayFolders();
      });

      test(
        'what is applied at one node serves on all; of two at once one is refused, for its base has moved; a node that was cut off catches up',
        { timeout: 300_000 },
        async () => {
          const options = { serverUrl: balanced.counted.url, tool: 'echo', rounds: 1, heldMsMax: soonMs, untilStale: false };
          const { problems, applied } = await tryApplies(balanced.nodes, options);
          expect([problems, applied]).toEqual([[], 4]);
        },
      );

      test(
        'promises 1 and 3: what one organization switches off or revokes holds on all nodes, and touches nothing of another with the same names and prefixes',
        { timeout: 300_000 },
        async () => {
          const { problems, changes, callsBeside } = await tryTenants(balanced.nodes, {
            server: 'live',
            tool: 'numbers',
            heldMsMax: soonMs,
            endedMsMax: soonMs,
          });
          expect([problems, changes]).toEqual([[], 7]);
          expect(callsBeside).toBeGreaterThan(20);
        },
      );

      // The last: it leaves the nodes stopped.
      test('L3, promise 8: a rolling restart loses no call and doubles none, cuts no stream, and sessions go on', { timeout: 600_000 }, async () => {
        const { problems, ...figures } = await runRollingRestart(balanced, { rounds: 1, callsPerSecond: 50 });
        expect(problems).toEqual([]);
        expect(figures).toMatchObject({ restarts: 3, answered: figures.sent });
        expect(figures.sent).toBeGreaterThan(500);
        // Each stream was at one of the nodes.
        expect(figures.streamsEnded).toBeGreaterThanOrEqual(9);
      });
    });
  });
});
