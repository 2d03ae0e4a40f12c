import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { type ReferenceServer, startReferenceServer } from './reference-server.ts';
import { failures, runTarget, type TargetResult } from './run-conformance.ts';
import { startGatewayBefore } from './start-gateway-before.ts';
import { suites } from './suites.ts';

const timeoutMs = 170_000;

let reference: ReferenceServer;
let before: Awaited<ReturnType<typeof startGatewayBefore>> | undefined;
let directly: Promise<TargetResult> | undefined;

/** Once, for both tests, whichever of them runs. */
function runDirectly(): Promise<TargetResult> {
  directly ??= runTarget('direct', reference.url);
  return directly;
}

beforeAll(async () => {
  reference = await startReferenceServer();
});
afterAll(async () => {
  await before?.gateway.stop();
  await reference.stop();
  removeGatewayFolders();
}, 60_000);

describe('the reference server itself passes the official suite', () => {
  test('directly', { timeout: timeoutMs }, async () => {
    expectAllPassed(await runDirectly());
  });
});

describe('through the gateway nothing is lost of what the reference server passes', () => {
  test('at /mcp/{server}', { timeout: timeoutMs }, async () => {
    before ??= await startGatewayBefore(reference.url);
    const direct = await runDirectly();
    const through = await runTarget('gateway', before.url);
    expectAllPassed(through);
    // Scenarios that do not count for a revision still show what a gateway takes away.
    expect(passedChecks(through)).toEqual(passedChecks(direct));
  });

  test('at /mcp, which serves it in the words of the fabric', { timeout: timeoutMs }, async () => {
    before ??= await startGatewayBefore(reference.url);
    expectAllPassed(await runTarget('aggregate', before.aggregateUrl));
  });
});

function passedChecks(result: TargetResult): string[] {
  return result.suites.flatMap(({ suite, scenarios }) => scenarios.map(({ name, passed, failed }) => `${suite} ${name}: ${passed} passed, ${failed} failed`));
}

function expectAllPassed(result: TargetResult): void {
  const said = result.suites.flatMap((suite) => failures(suite.suite, suite)).join('\n');
  expect(said).toBe('');
  expect(result.suites.map(({ suite, scoredPassed }) => `${suite}: ${scoredPassed}`)).toEqual(suites.map(({ name, scored }) => `${name}: ${scored}`));
}
