import { afterAll, beforeAll, expect, test } from 'vitest';
import { modernServer } from '../support/modern-server.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { until } from '../support/poll.ts';
import { post, toolCall } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';

let upstream: RecordingUpstream;
let receiver: OtlpReceiver;
let gateway: RunningGateway;

beforeAll(async () => {
  [upstream, receiver] = await Promise.all([startRecordingUpstream(modernServer()), startOtlpReceiver('http')]);
  gateway = await startGateway({
    readyTimeoutMs: 150_000,
    config: {
      servers: [
        { name: 'one', url: upstream.url },
        { name: 'away', url: 'http://127.0.0.1:9/mcp' },
      ],
      telemetry: { otlp: { headers: { 'x-tenant': 'acme' }, metrics_interval: '1s' } },
    },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=SECRET%20OF%20EXPORT' },
  });
}, 180_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([upstream?.stop(), receiver?.stop()]);
  removeGatewayFolders();
});

test(
  'the environment names the receiver: a call is there under the ids that its caller and its server have, and the log with it',
  { timeout: 120_000 },
  async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { body, headers } = toolCall('echo');
    const answer = await post(`${gateway.mcp}/one`, body, { key: gateway.apiKey, headers: { ...headers, traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    expect(answer.status).toBe(200);
    await post(`${gateway.mcp}/away`, body, { key: gateway.apiKey, headers });

    const span = await until(() => receiver.spans.find(({ traceId: trace, kind }) => trace === traceId && kind === 2), { timeoutMs: 60_000 });
    expect(span).toMatchObject({ parentSpanId: '00f067aa0ba902b7', name: 'tools/call echo', resource: { 'service.name': 'gatewayops' } });
    const sentOn = upstream.requests.find(({ body: sent }) => sent.includes('tools/call'))?.header('traceparent')[0];
    expect(sentOn).toBe(`00-${traceId}-${span.spanId}-01`);

    const failed = await until(() => receiver.spans.find(({ kind, status }) => kind === 2 && status === 2), { timeoutMs: 60_000 });
    expect(failed.attributes).toMatchObject({ 'gatewayops.server.name': 'away', 'gatewayops.fault': 'upstream_unreachable' });
    // A worker's own line, by the ids of the same call.
    const line = await until(() => receiver.logs.find(({ body: text }) => text === 'upstream.failed'), { timeoutMs: 60_000 });
    expect([line.traceId, line.attributes['request_id'], line.attributes['organization_id']]).toEqual([
      failed.traceId,
      failed.attributes['gatewayops.request.id'],
      'org_default',
    ]);

    await until(
      () => receiver.points.find(({ name, attributes }) => name === 'gatewayops.calls' && attributes['gatewayops.server.name'] === 'one')?.value === 1,
      { timeoutMs: 60_000 },
    );
    expect(
      receiver.points.find(({ name, attributes }) => name === 'mcp.server.operation.duration' && attributes['gatewayops.server.name'] === 'one'),
    ).toMatchObject({
      unit: 's',
      attributes: { 'gen_ai.tool.name': 'echo', 'mcp.method.name': 'tools/call' },
      value: 1,
    });
    for (const { headers: sent } of receiver.requests) expect([sent['x-tenant'], sent['x-api-key']]).toEqual(['acme', 'SECRET OF EXPORT']);
    expect(gateway.stderr()).not.toContain('SECRET OF EXPORT');
  },
);
