import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { startReferenceServer } from './reference-server.ts';
import { failures } from './run-conformance.ts';
import { startGatewayBefore } from './start-gateway-before.ts';
import { runSuite, suites } from './suites.ts';

afterAll(removeGatewayFolders);

/** What is expected to fail is exactly what fails: an entry that passes by now is taken out. */
describe('of the official suite all but the expected failures pass where the client is of one era and the server of the other', () => {
  test.each([
    ['2026-07-28', 'legacy', 'modern-client-legacy-server', 34],
    ['2025-11-25', 'modern', 'legacy-client-modern-server', 26],
  ] as const)('clients of %s at a server of the %s era', { timeout: 170_000 }, async (revision, era, expected, least) => {
    const file = join(import.meta.dirname, 'expected-failures', `${expected}.yaml`);
    const server = [...readFileSync(file, 'utf8').matchAll(/^ {2}- (\S+)$/gm)].map(([, name = '']) => name);
    const suite = suites.find(({ name }) => name === revision);
    if (suite === undefined) throw new Error(`there is no suite ${revision}`);
    const reference = await startReferenceServer(0, era);
    const { gateway, url } = await startGatewayBefore(reference.url);
    try {
      const ran = await runSuite(suite, url);
      const failed = ran.scenarios.filter(({ scored, failed: checks }) => scored && checks > 0).map(({ name }) => name);
      const [found, listed] = [failed.toSorted(), server.toSorted()];
      const said = found.join() === listed.join() ? [] : failures(revision, ran);
      expect([found, said]).toEqual([listed, []]);
      expect(ran.scoredPassed).toBeGreaterThanOrEqual(least);
    } finally {
      await gateway.stop();
      await reference.stop();
    }
  });
});
