/** Prices that change while the gateway runs, with two workers, and costs that a server says itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canFindOwners } from '../support/connection-owner.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { post, toolCall, type PostOptions } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { result } from '../support/replies.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';
import { openWorkerConnections, type WorkerConnections } from '../support/worker-connections.ts';

let upstream: RecordingUpstream;
let gateway: RunningGateway;
let connections: WorkerConnections | null = null;
const config = (): Record<string, unknown> => ({
  workers: 2,
  servers: [
    { name: 'paid', url: upstream.url },
    { name: 'trusted', url: upstream.url, reported_cost_max: 0.5 },
  ],
});

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer());
  gateway = await startGateway({ config: config(), readyTimeoutMs: 240_000 });
  if (canFindOwners) connections = await openWorkerConnections(gateway, 2);
}, 400_000);
afterAll(async () => {
  connections?.close();
  await gateway?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

async function call(server: string, trace: string, options: PostOptions = {}): Promise<void> {
  const { body, headers } = toolCall('echo');
  const answer = await post(`${gateway.mcp}/${server}`, body, { key: gateway.apiKey, ...options, headers: { ...headers, 'x-trace-id': trace } });
  expect(answer.status).toBe(200);
}

interface Recorded {
  readonly priced_by: string;
  readonly price_version: number;
  readonly cost: string;
  readonly duration_us: string;
}
function recorded(trace: string, count = 1): Promise<Recorded[]> {
  return until(
    async () => {
      const rows = await ledgerRows<Recorded>(
        gateway.stateFolder,
        `SELECT toString(priced_by) AS priced_by, price_version, toString(cost) AS cost, toString(duration_us) AS duration_us FROM calls WHERE client_trace_id = '${trace}' AND method = 'tools/call' ORDER BY started_at`,
      );
      return rows.length >= count && rows;
    },
    { what: `the rows of ${trace}`, timeoutMs: 120_000 },
  );
}

async function setPrices(list: unknown, match: number): Promise<number> {
  const answer = await post(`${gateway.url}/v1/costs/prices`, list, { method: 'PUT', key: gateway.apiKey, headers: { 'if-match': `"${match}"` } });
  expect(answer.status).toBe(200);
  return answer.ms;
}
/** A call by each worker, where it can be told which one takes it. */
async function callOnEach(server: string, trace: string): Promise<number> {
  const agents = connections === null ? [undefined] : [...connections.byWorker.values()].map(([agent]) => agent);
  for (const agent of agents) await call(server, trace, agent === undefined ? {} : { agent });
  return agents.length;
}

test('a call before any price is set is counted as one without', async () => {
  await call('paid', 'unpriced');
  expect(await recorded('unpriced')).toMatchObject([{ priced_by: 'none', price_version: 0, cost: '0' }]);
  const today = new Date().toISOString().slice(0, 10);
  const { text } = await post(`${gateway.url}/v1/costs/summary?start_date=${today}&end_date=${today}`, undefined, { key: gateway.apiKey });
  expect(JSON.parse(text)).toMatchObject({ summary: { total_calls: 1, unpriced_calls: 1, total_cost: 0 } });
});

test('a new price is what every worker prices by when the change is answered', async () => {
  await setPrices({ default: { per_call: '0.001000001' } }, 0);
  const count = await callOnEach('paid', 'first-price');
  expect(await recorded('first-price', count)).toEqual(
    Array.from({ length: count }, () => expect.objectContaining({ priced_by: 'default', price_version: 1, cost: '0.001000001' }) as unknown),
  );
  await setPrices({ default: { per_call: 0.002 }, overrides: [{ server: 'paid', tool: 'echo', per_call: 0.5, per_second: 1 }] }, 1);
  await callOnEach('paid', 'second-price');
  for (const row of await recorded('second-price', count)) {
    expect(row).toMatchObject({ priced_by: 'tool', price_version: 2 });
    // A dollar a second is a thousand nano-dollars a microsecond.
    const nano = 500_000_000n + BigInt(row.duration_us) * 1000n;
    expect(row.cost).toBe(`0.${nano.toString().padStart(9, '0')}`.replace(/0+$/, ''));
  }
});

test('a server that is trusted says itself what a call cost, within its bound and in the currency of the list', async () => {
  const says = async (server: string, trace: string, cost: unknown): Promise<Recorded | undefined> => {
    upstream.reply = modernServer(result('ok', { _meta: { 'io.gatewayops/cost': cost } }));
    await call(server, trace);
    return (await recorded(trace))[0];
  };
  expect(await says('trusted', 'says-cost', { amount: '0.123456789', currency: 'USD' })).toMatchObject({
    priced_by: 'reported',
    cost: '0.123456789',
    price_version: 2,
  });
  expect(await says('trusted', 'says-most', { amount: '0.5', currency: 'USD' })).toMatchObject({ priced_by: 'reported', cost: '0.5' });
  for (const [trace, cost] of [
    ['says-more', { amount: '0.500000001', currency: 'USD' }],
    ['says-euros', { amount: '0.1', currency: 'EUR' }],
    ['says-number', { amount: 0.1, currency: 'USD' }],
    ['says-less', { amount: '-0.1', currency: 'USD' }],
    ['says-text', 'free'],
  ] as const)
    expect([trace, await says('trusted', trace, cost)]).toMatchObject([trace, { priced_by: 'default', cost: '0.002' }]);
  expect(await says('paid', 'not-trusted', { amount: '0.1', currency: 'USD' })).toMatchObject({ priced_by: 'tool' });
  upstream.reply = modernServer();
});

test('the command line sets prices as they are written, shows them, and says what a call would cost', async () => {
  const file = join(gateway.stateFolder, '..', 'prices.yaml');
  writeFileSync(file, 'currency: USD\ndefault: { per_call: 0.000000001, per_token_input: 0.1 }\noverrides: [{ server: paid, per_call: 9007199.254740991 }]\n');
  const dry = await gateway.cli('costs', 'set-prices', file, '--dry-run', '-o', 'json');
  expect([dry.code, JSON.parse(dry.stdout)]).toMatchObject([0, { outcome: 'planned', version: { version: 3 } }]);
  expect(await gateway.cli('costs', 'set-prices', file)).toMatchObject({ code: 0, stdout: expect.stringContaining('9007199.254740991') as string });
  expect(await gateway.cli('costs', 'prices')).toMatchObject({ code: 0, stdout: expect.stringMatching(/Version 3[\s\S]*0\.000000001/) as string });
  const estimate = await gateway.cli('costs', 'estimate', 'trusted', 'echo', '--arguments', '{"text":"hello"}', '-o', 'json');
  expect(JSON.parse(estimate.stdout)).toMatchObject({
    estimate: { priced_by: 'default', lines: [{ cost: 1e-9 }, { price: 'per_token_input', from: 'counted' }, {}, {}] },
  });
  const csv = await gateway.cli('costs', 'report', '--group-by', 'server', '--csv');
  expect(csv.stdout.split('\r\n')[0]).toBe('server,calls,unpriced_calls,errors,input_tokens,output_tokens,cost,currency');
  expect((await gateway.cli('costs', 'report')).code).toBe(0);
  expect((await gateway.cli('costs', 'summary', '--group-by', 'owner', '--compare')).code).toBe(0);
});

test('prices in the file take over with a reload, and refuse changes by the API; without them the last ones stay', async () => {
  writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...config(), pricing: { default: { per_call: 0.25 } } }));
  expect(await gateway.cli('reload')).toMatchObject({ code: 0 });
  const count = await callOnEach('trusted', 'by-file');
  expect(await recorded('by-file', count)).toEqual(Array.from({ length: count }, () => expect.objectContaining({ price_version: 4, cost: '0.25' }) as unknown));
  const refused = await post(`${gateway.url}/v1/costs/prices`, {}, { method: 'PUT', key: gateway.apiKey, headers: { 'if-match': '"4"' } });
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([409, { error: 'managed_by_file' }]);
  writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...config() }));
  expect(await gateway.cli('reload')).toMatchObject({ code: 0 });
  await call('trusted', 'after-file');
  expect(await recorded('after-file')).toMatchObject([{ price_version: 4, cost: '0.25' }]);
  const history = await gateway.cli('costs', 'prices', '-o', 'json');
  expect((JSON.parse(history.stdout) as { versions: { source: string }[] }).versions.map(({ source }) => source)).toEqual(['file', 'api', 'api', 'api']);
});
