/**
 * `npm run conformance [-- --url URL] [-o json]`: the official suites against our reference server, directly, through
 * the gateway and its aggregate, or against any other address. Ends with 1 unless every scored scenario passed.
 */
import { parseArgs } from 'node:util';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { startReferenceServer } from './reference-server.ts';
import { allPassed, renderResults, runTarget, summarise, type TargetResult } from './run-conformance.ts';
import { startGatewayBefore } from './start-gateway-before.ts';

const { values } = parseArgs({ options: { url: { type: 'string' }, output: { type: 'string', short: 'o', default: 'text' } } });

const results = values.url === undefined ? await runBoth() : [await runTarget('given', values.url)];
console.log(values.output === 'json' ? JSON.stringify(summarise(results)) : renderResults(results));
process.exitCode = allPassed(results) ? 0 : 1;

async function runBoth(): Promise<TargetResult[]> {
  const reference = await startReferenceServer();
  try {
    const direct = await runTarget('direct', reference.url);
    const { gateway, url, aggregateUrl } = await startGatewayBefore(reference.url);
    try {
      return [direct, await runTarget('gateway', url), await runTarget('aggregate', aggregateUrl)];
    } finally {
      await gateway.stop();
    }
  } finally {
    removeGatewayFolders();
    await reference.stop();
  }
}
