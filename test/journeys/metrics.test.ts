import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metricTable } from '../../packages/gateway/src/kernel/metric-table.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { modernRequest, post, toolCall } from '../support/post.ts';
import { readPrometheusText, type Samples } from '../support/prometheus-text.ts';
import { requestBytes, sendRaw } from '../support/raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { json, scriptsEras } from '../support/replies.ts';
import { describeWith } from '../support/requires.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';
import { openWorkerConnections, type WorkerConnections } from '../support/worker-connections.ts';
import { canFindOwners } from '../support/connection-owner.ts';

let upstream: RecordingUpstream;
let gateway: RunningGateway;
let connections: WorkerConnections | null = null;
let metricsUrl = '';

const usage = { usage: { input_tokens: 7, output_tokens: 3 } };

beforeAll(async () => {
  upstream = await startRecordingUpstream(
    scriptsEras(
      modernServer((request, socket) => {
        const { id, params } = JSON.parse(request.body.toString('utf8')) as { id: unknown; params: { name: string } };
        const isError = params.name === 'broken';
        return json({ jsonrpc: '2.0', id, result: { resultType: 'complete', content: [], isError, _meta: usage } })(request, socket);
      }),
    ),
  );
  gateway = await startGateway({
    readyTimeoutMs: 150_000,
    config: {
      workers: 2,
      listen: { metrics: '127.0.0.1:0' },
      servers: [
        { name: 'one', url: upstream.url },
        { name: 'away', url: 'http://127.0.0.1:9/mcp' },
      ],
      pricing: { default: { per_call: 0.001 } },
      rate_limits: [{ scope: 'api_key', limit: 1000, window: '1h' }],
      telemetry: { metrics: { tools_max: 3 } },
    },
  });
  metricsUrl = await until(() => {
    const address = /"event":"metrics.served"/.test(gateway.stderr())
      ? /"address":"([^"]+)"/.exec(
          gateway
            .stderr()
            .split('\n')
            .find((line) => line.includes('metrics.served')) ?? '',
        )
      : null;
    return address === null ? null : `http://${address[1]}/metrics`;
  });
  if (canFindOwners) connections = await openWorkerConnections(gateway, 2);
}, 180_000);

afterAll(async () => {
  connections?.close();
  await gateway?.stop();
  await upstream?.stop();
  removeGatewayFolders();
});

async function scrape(url = metricsUrl, key?: string | null): Promise<Samples> {
  const answer = await post(url, undefined, { key: key ?? null });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readPrometheusText(answer.text);
}

async function newKey(name: string, actions?: readonly string[]): Promise<string> {
  const made = await post(`${gateway.url}/v1/auth/keys`, { name, scopes: actions === undefined ? {} : { actions } }, { key: gateway.apiKey });
  return (JSON.parse(made.text) as { key: { secret: string } }).key.secret;
}

/** Calls by way of every worker. */
async function call(tool: string, times: number, server = 'one'): Promise<void> {
  const agents = connections === null ? [] : [...connections.byWorker.values()].flat();
  for (let index = 0; index < times; index++) {
    const agent = agents[index % (agents.length || 1)];
    const { body, headers } = toolCall(tool, {}, index);
    await post(`${gateway.mcp}/${server}`, body, { key: gateway.apiKey, headers, ...(agent === undefined ? {} : { agent }) });
  }
}

/** The figures once all calls made so far have come out of the journal. */
function counted(calls: number): Promise<Samples> {
  return until(
    async () => {
      const samples = await scrape();
      return samples.sum('gatewayops_calls_total') >= calls ? samples : null;
    },
    { what: `${calls} calls in the metrics`, timeoutMs: 20_000 },
  );
}

describe('metrics', () => {
  test('are the calls that were made through both workers, each once', async () => {
    await call('echo', 12);
    await call('broken', 4);
    await call('echo', 3, 'away');
    const samples = await counted(19);
    const calls = (labels: Record<string, string>): number => samples.sum('gatewayops_calls_total', labels);
    expect(samples.sum('gatewayops_calls_total')).toBe(19);
    expect(calls({ server: 'one', tool: 'echo', method: 'tools/call', status: 'success', stop: 'reply' })).toBe(12);
    expect(calls({ server: 'one', status: 'error', stop: 'reply' })).toBe(4);
    expect(calls({ server: 'away', status: 'error', stop: 'server' })).toBe(3);
    expect(samples.sum('gatewayops_call_duration_seconds_count', { server: 'one' })).toBe(16);
    expect(samples.sum('gatewayops_call_duration_seconds_bucket', { server: 'one', le: '+Inf' })).toBe(16);
    expect(samples.sum('gatewayops_call_overhead_seconds_count', { server: 'one' })).toBe(16);
    expect(samples.sum('gatewayops_tokens_total', { server: 'one', direction: 'input' })).toBe(16 * 7);
    expect(samples.sum('gatewayops_tokens_total', { server: 'one', direction: 'output' })).toBe(16 * 3);
    expect(samples.sum('gatewayops_cost_total', { server: 'one', currency: 'USD' })).toBeCloseTo(0.016, 9);
    expect(samples.sum('gatewayops_faults_total', { server: 'away', fault: 'upstream_unreachable' })).toBe(3);
    expect(samples.sum('gatewayops_request_bytes_total', { server: 'one' })).toBeGreaterThan(0);
    expect(samples.sum('gatewayops_target_calls_total', { server: 'one', target: 'main' })).toBe(upstream.hits);
    expect(samples.sum('gatewayops_target_failures_total', { server: 'away', target: 'main' })).toBe(
      samples.sum('gatewayops_target_calls_total', { server: 'away', target: 'main' }),
    );
  });

  test('give a tool that never went well no label of its own, nor one beyond the bound', async () => {
    for (const name of ['made-up', 'a', 'b', 'c', 'd']) await call(name === 'made-up' ? 'broken' : name, 1);
    const samples = await counted(24);
    const tools = new Set(
      samples.all.filter(({ name, labels }) => name === 'gatewayops_calls_total' && labels['server'] === 'one').map(({ labels }) => labels['tool']),
    );
    expect([...tools].toSorted((one = '', other = '') => one.localeCompare(other))).toEqual(['a', 'b', 'echo', 'other']);
  });

  test('count what is refused before it is known who calls', async () => {
    const before = await scrape();
    const body = toolCall('echo').body;
    await post(`${gateway.mcp}/one`, body, { key: 'gwo_dev_wrong' });
    await post(`${gateway.mcp}/one`, body, { key: null });
    await post(`${gateway.url}/v1/traces`, undefined, { key: 'gwo_dev_wrong' });
    await sendRaw(gateway.port, requestBytes('GET /healthz HTTP/1.1', [`Host: 127.0.0.1:${gateway.port}`, 'Host: other.example']));
    await sendRaw(gateway.port, requestBytes('POST /mcp/one HTTP/1.1', ['Host: evil.example', 'Content-Length: 0']));
    await sendRaw(gateway.port, Buffer.from('NONSENSE\r\n\r\n'));
    const after = await scrape();
    const rejected = (rule: string): number => after.sum('gatewayops_rejected_total', { rule }) - before.sum('gatewayops_rejected_total', { rule });
    expect(after.sum('gatewayops_credentials_total', { kind: 'key', outcome: 'succeeded' })).toBeGreaterThan(0);
    expect({ unauthorized: rejected('unauthorized'), host: rejected('host_not_allowed'), invalid: rejected('invalid_request') }).toEqual({
      unauthorized: 3,
      host: 1,
      invalid: 2,
    });
    // A refusal of somebody unknown is no call.
    expect(after.sum('gatewayops_calls_total')).toBe(before.sum('gatewayops_calls_total'));
  });

  test('tell of the node: workers, parts, processes, journal', async () => {
    // The gateway is ready before its ledger is, and a worker that is busy for long is not in the figures of that moment.
    const dependencies = ['registry', 'ledger', 'state', 'record'];
    const processes = ['supervisor', 'worker-1', 'worker-2'];
    const samples = await until(
      async () => {
        const read = await scrape();
        const tells =
          read.sum('gatewayops_workers') === 2 &&
          dependencies.every((dependency) => read.sum('gatewayops_dependency_up', { dependency }) === 1) &&
          processes.every((process) => read.sum('gatewayops_process_resident_memory_bytes', { process }) > 10 * 1024 * 1024);
        return tells ? read : null;
      },
      { what: 'both workers and all parts in the metrics', timeoutMs: 120_000 },
    );
    expect(samples.sum('gatewayops_workers_configured')).toBe(2);
    expect(samples.sum('gatewayops_journal_bytes')).toBeGreaterThan(0);
    expect(samples.sum('gatewayops_server_up', { server: 'one' })).toBe(1);
    expect(samples.sum('gatewayops_target_breaker', { server: 'one', target: 'main', state: 'closed' })).toBe(1);
    expect(samples.sum('gatewayops_build_info')).toBe(1);
  });

  test('name a server whose last good list stands in for it', async () => {
    // The endpoint of all servers asks both for their tools; one of them is away.
    const { body, headers } = modernRequest('tools/list');
    const listed = await post(gateway.mcp, body, { key: gateway.apiKey, headers });
    expect(listed.text).toContain('echo');
    const samples = await scrape();
    expect(samples.sum('gatewayops_catalogue_stale', { server: 'away', list: 'tools' })).toBe(1);
    expect(samples.sum('gatewayops_catalogue_stale', { server: 'one', list: 'tools' })).toBe(0);
    expect(samples.sum('gatewayops_catalogue_entries', { server: 'one', list: 'tools' })).toBe(1);
  });

  test('have the names and types of the reference, and no others', async () => {
    const { types } = await scrape();
    expect(Object.fromEntries(types)).toEqual(Object.fromEntries(Object.entries(metricTable).map(([name, { type }]) => [name, type])));
  });
});

describe('who may read them', () => {
  test('at the public address, a key that holds metrics.read and no other', async () => {
    const url = `${gateway.url}/metrics`;
    const [reader, other] = [await newKey('reader', ['metrics.read']), await newKey('other', ['traces.read'])];
    expect((await scrape(url, reader)).sum('gatewayops_workers')).toBe(2);
    expect((await post(url, undefined, { key: other })).status).toBe(403);
    expect((await post(url)).status).toBe(401);
  });

  test('on loopback everyone, but not a page that calls this machine by another name', async () => {
    const { host } = new URL(metricsUrl);
    expect((await post(metricsUrl, undefined, { headers: { host: 'evil.example' } })).status).toBe(421);
    expect((await post(`http://${host}/v1/traces`)).status).toBe(404);
    expect((await post(metricsUrl, {}, {})).status).toBe(405);
  });
});

describeWith('promtool', 'the text of /metrics', (promtool) => {
  test('is as Prometheus wants it', async () => {
    const { text } = await post(metricsUrl);
    const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
