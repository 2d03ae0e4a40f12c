/**
 * `npm run faults [-- --rounds 16] [--clients 1,4,16,48,96] [--seed N] [-o json]`: kills every process of a gateway under load, again
 * and again, at each load on a state folder of its own, and holds the ledger against what the upstream counted. 16 rounds are 20
 * kills. `--only rolling [--rounds 2] [--rate 200]`: three nodes behind nginx are restarted in turn, each so often, under so many calls a second.
 * `--only nodes [--rounds 3]`: what clients were allowed and what is taken back on three nodes, two organizations of which one revokes and switches off, applies, and a
 * node that is cut off until it refuses calls.
 * `--only revocation [--streams 1000]`: how soon three nodes go by what is revoked or switched off, and what is open ends; without Redis, and without PostgreSQL.
 * Ends with 1 where a call is lost, doubled or wrong, or where the audit is not whole.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { startEraServer } from '../support/era-server.ts';
import { startNodes } from '../support/nodes.ts';
import { removeGatewayFolders } from '../support/start-gateway.ts';
import { freePort } from '../support/temporary-server.ts';
import { tryApplies, type AppliesReport } from './applies.ts';
import { tryGrants, type GrantsReport } from './grants.ts';
import { runKillRounds, type KillReport } from './kill-rounds.ts';
import { runRevocation, type RevocationReport } from './revocation.ts';
import { runRollingRestart, startBalancedNodes, type RollingReport } from './rolling-restart.ts';
import { tryTenants, type TenantsReport } from './tenants.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'kills' },
    rounds: { type: 'string' },
    rate: { type: 'string', default: '200' },
    streams: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '1,4,16,48,96' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    output: { type: 'string', short: 'o', default: 'text' },
  },
});

try {
  if (values.only === 'rolling') await restartNodes(Number(values.rounds ?? 2));
  else if (values.only === 'nodes') await tryNodes(Number(values.rounds ?? 3));
  else if (values.only === 'revocation') await revokeKeys();
  else await killGateways(Number(values.rounds ?? 16));
} finally {
  removeGatewayFolders();
}

async function restartNodes(rounds: number): Promise<void> {
  const balanced = await startBalancedNodes();
  try {
    say(await runRollingRestart(balanced, { rounds, callsPerSecond: Number(values.rate), onRestart: (restart) => console.error(`${restart} restarts`) }));
  } finally {
    await balanced.stop();
  }
}

async function tryNodes(rounds: number): Promise<void> {
  const live = await startEraServer('modern');
  const url = `${live.origin}/mcp`;
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  // What a token is for is an address: the one by which all nodes are known.
  const publicUrl = `http://127.0.0.1:${ports[0]}`;
  const redirectUri = 'http://127.0.0.1/callback';
  const nodes = await startNodes({
    ports,
    config: {
      listen: { public_url: publicUrl },
      servers: [{ name: 'live', url, organizations: ['*'] }],
      routes: [{ server: 'live', auth: { type: ['apiKey', 'oauth'] } }],
      identity: { authorization_server: { clients: [{ client_id: 'cli', name: 'CLI', redirect_uris: [redirectUri] }] } },
      record: { bodies: 'off' },
    },
  });
  try {
    say(
      await tryGrants(nodes, {
        server: 'live',
        tool: 'numbers',
        clientId: 'cli',
        redirectUri,
        publicUrl,
        rounds: 2 * rounds,
        heldMsMax: 1_000,
        endedMsMax: 2_000,
      }),
    );
    say(await tryTenants(nodes, { server: 'live', tool: 'numbers', heldMsMax: 1_000, endedMsMax: 2_000 }));
    say(await tryApplies(nodes, { serverUrl: url, tool: 'numbers', rounds, heldMsMax: 1_000, untilStale: true }));
  } finally {
    await nodes.stop();
    await live.stop();
  }
}

async function revokeKeys(): Promise<void> {
  say(await runRevocation({ streams: Number(values.streams), onStep: (step) => console.error(step) }));
}

/** One that has problems makes the whole fail. */
function say(report: NodesReport): void {
  if (values.output === 'json') console.log(JSON.stringify(report));
  else print(report);
  if (report.problems.length > 0) process.exitCode = 1;
}

async function killGateways(rounds: number): Promise<void> {
  const loads = values.clients.split(',').map(Number);
  const reports: (KillReport & { readonly clients: number })[] = [];
  for (const [index, clients] of loads.entries()) {
    const report = await runKillRounds({
      rounds,
      clients,
      seed: (Number(values.seed) + index) % 2 ** 31,
      onRound: (round) => round % 8 === 0 && console.error(`${clients} clients: ${round} of ${rounds} rounds`),
    });
    reports.push({ clients, ...report });
    if (values.output !== 'json') print({ clients, ...report });
  }
  const sum = (of: (report: KillReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
  const problems = sum((report) => report.problems.length);
  if (values.output === 'json') console.log(JSON.stringify(reports));
  else {
    const found = problems === 0 ? 'no call is lost, doubled or wrong, and the audit is whole' : `${problems} problems`;
    console.log(`${sum(({ kills }) => kills)} kills at ${loads.length} loads, ${sum(({ reached }) => reached)} calls at the upstream: ${found}.`);
  }
  process.exitCode = problems === 0 ? 0 : 1;
}

type NodesReport = RollingReport | RevocationReport | AppliesReport | TenantsReport | GrantsReport;

function print({ problems, ...figures }: NodesReport | (KillReport & { readonly clients: number })): void {
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(20)} ${typeof value === 'number' ? value : value.join(' to ')}`);
  for (const problem of problems) console.log(`✕ ${problem}`);
  console.log('');
}
