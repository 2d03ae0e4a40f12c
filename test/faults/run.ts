/**
 * `npm run faults [-- --rounds 200] [--clients 16] [--seed N] [-o json]`: kills every process of a gateway under load, again
 * and again, and holds the ledger against what the upstream counted. Ends with 1 where a call is lost, doubled or wrong.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { runKillRounds } from './kill-rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    clients: { type: 'string', default: '16' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    output: { type: 'string', short: 'o', default: 'text' },
  },
});

const rounds = Number(values.rounds);
try {
  const report = await runKillRounds({
    rounds,
    clients: Number(values.clients),
    seed: Number(values.seed),
    onRound: (round) => round % 10 === 0 && console.error(`${round} of ${rounds} rounds`),
  });
  const { problems, ...figures } = report;
  if (values.output === 'json') console.log(JSON.stringify(report));
  else {
    for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(20)} ${value}`);
    for (const problem of problems) console.log(`✕ ${problem}`);
    console.log(problems.length === 0 ? 'No call is lost, doubled or wrong.' : `${problems.length} problems.`);
  }
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  removeGatewayFolders();
}
