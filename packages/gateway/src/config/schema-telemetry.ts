import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { durationText } from '../kernel/duration-text.ts';
import { duration, headerMap, hour, section, serverName, strict, text, whole } from './schema-parts.ts';

const endpointError = 'must be the http:// or https:// address of an OTLP receiver, such as https://collector.example:4318';

export const otlpProtocols = ['http/protobuf', 'http/json', 'grpc'] as const;
export const otlpSignals = ['traces', 'metrics', 'logs'] as const;
const callStatuses = ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'] as const;

const filter = strict({
  servers: z
    .array(serverName, { error: 'must be a list of servers' })
    .min(1, { error: 'must name at least one server' })
    .max(1000)
    .optional()
    .meta({ description: 'Only calls of these servers.', examples: [['search']] }),
  statuses: z
    .array(z.enum(callStatuses, { error: `must be of ${callStatuses.join(', ')}` }), { error: 'must be a list of statuses' })
    .min(1, { error: 'must name at least one status' })
    .optional()
    .meta({ description: 'Only calls that ended so.', examples: [['error', 'timeout', 'blocked']] }),
  sample_ratio: z
    .number({ error: 'must be a number from 0 to 1' })
    .min(0, { error: 'must be a number from 0 to 1' })
    .max(1, { error: 'must be a number from 0 to 1' })
    .default(1)
    .meta({ description: 'Share of the traces that is exported; a trace is exported whole or not at all, by every node alike.', examples: [0.1] }),
  errors_always: z
    .boolean({ error: 'must be true or false' })
    .default(true)
    .meta({ description: 'Calls that ended as error, timeout or unknown are exported whatever the sampling says.', examples: [true] }),
});

const otlp = strict({
  endpoint: z
    .string({ error: endpointError })
    .max(2048, { error: endpointError })
    .refine((address) => /^https?:$/.test(URL.parse(address)?.protocol ?? ''), { error: endpointError })
    .optional()
    .meta({
      description: 'Address of the receiver; over HTTP the paths v1/traces, v1/metrics and v1/logs are added. OTEL_EXPORTER_OTLP_ENDPOINT overrides it.',
      examples: ['https://collector.example:4318'],
    }),
  protocol: z
    .enum(otlpProtocols, { error: `must be ${otlpProtocols.join(', ')}` })
    .optional()
    .meta({
      description: 'How OTLP is spoken. Default: grpc at port 4317, else http/protobuf. OTEL_EXPORTER_OTLP_PROTOCOL overrides it.',
      examples: ['http/protobuf'],
    }),
  headers: headerMap.meta({
    description: 'Sent with each request. OTEL_EXPORTER_OTLP_HEADERS adds to them.',
    examples: [{ 'api-key': { env: 'OTLP_API_KEY' } }],
  }),
  signals: z
    .array(z.enum(otlpSignals, { error: `must be of ${otlpSignals.join(', ')}` }), { error: 'must be a list of signals' })
    .min(1, { error: 'must name at least one signal' })
    .default([...otlpSignals])
    .meta({ description: 'What is exported.', examples: [['traces', 'metrics']] }),
  stops: z
    .boolean({ error: 'must be true or false' })
    .default(true)
    .meta({ description: 'Each stop of the rail is a child span of its call. Off: one span a call.', examples: [true] }),
  compression: z
    .enum(['gzip', 'none'], { error: 'must be gzip or none' })
    .default('gzip')
    .meta({ description: 'How requests are compressed.', examples: ['gzip'] }),
  timeout: duration(1000, 60_000)
    .default('10s')
    .meta({ description: 'Longest time of one request, its repetitions included.', examples: ['10s'] }),
  metrics_interval: duration(1000, hour)
    .default('60s')
    .meta({ description: 'How often metrics are exported.', examples: ['60s'] }),
  batch: section(
    strict({
      size: whole(1, bounds.otlpBatchMax)
        .default(bounds.otlpBatchMax)
        .meta({ description: 'Most calls in one request.', examples: [512] }),
      wait: duration(100, 60_000)
        .default(durationText(bounds.otlpBatchWaitMs))
        .meta({ description: 'Longest time that a call waits for others.', examples: ['1s'] }),
      queue: whole(100, 1_000_000)
        .default(bounds.otlpQueueMax)
        .meta({ description: 'Most calls that wait for the receiver; beyond that new ones are not exported, and counted.', examples: [20_000] }),
    }),
  ).meta({ description: 'How calls are gathered.' }),
  filter: section(filter).meta({ description: 'Which calls are exported as traces and logs. Metrics are of all calls.' }),
  resource: z
    .record(text(/^[A-Za-z][A-Za-z0-9_.-]{0,127}$/, 'must be the name of an attribute'), z.string({ error: 'must be text' }).max(1024), {
      error: 'must be a map of names to texts',
    })
    .default({})
    .meta({ description: 'Further attributes of the resource, such as deployment.environment.name.', examples: [{ 'deployment.environment.name': 'prod' }] }),
});

/** What is told of calls beside the record: metrics, and export to OpenTelemetry. */
export const telemetrySchema = section(
  strict({
    metrics: section(
      strict({
        tools_max: whole(0, 10_000)
          .default(bounds.metricToolsMax)
          .meta({ description: 'Tools that have a label of their own in metrics; calls of all others are counted as `other`.', examples: [200] }),
      }),
    ).meta({ description: 'Metrics for Prometheus, at `/metrics`.' }),
    otlp: otlp
      .optional()
      .meta({ description: 'Export to a receiver of OpenTelemetry. Without it, and without OTEL_EXPORTER_OTLP_ENDPOINT, nothing is exported.' }),
  }),
).meta({ description: 'What is told of calls beside the record of them.' });
