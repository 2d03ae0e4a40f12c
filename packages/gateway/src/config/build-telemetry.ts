import { isAbsolute, resolve } from 'node:path';
import { bounds } from '../kernel/bounds.ts';
import type { Config, SecretReference } from './config.ts';
import type { OtlpConfig } from './otlp-config.ts';
import type { EnvironmentSettings } from './environment-settings.ts';
import { parseDuration } from './quantities.ts';
import type { GatewayFile } from './schema.ts';

/** `telemetry`, with what the environment says of the export. */
export function buildTelemetry(entry: GatewayFile['telemetry'], settings: EnvironmentSettings['otlp'], folder: string): Config['telemetry'] {
  return { metrics: { toolsMax: entry.metrics.tools_max }, otlp: buildOtlp(entry.otlp, settings, folder) };
}

function buildOtlp(entry: GatewayFile['telemetry']['otlp'], settings: EnvironmentSettings['otlp'], folder: string): OtlpConfig | null {
  const endpoint = settings.endpoint ?? entry?.endpoint;
  if (endpoint === undefined) return null;
  const batch = entry?.batch ?? { size: bounds.otlpBatchMax, wait: null, queue: bounds.otlpQueueMax };
  return {
    endpoint,
    protocol: settings.protocol ?? entry?.protocol ?? (new URL(endpoint).port === '4317' ? 'grpc' : 'http/protobuf'),
    headers: Object.fromEntries(
      Object.entries(entry?.headers ?? {}).map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value : atFolder(value, folder)]),
    ),
    headersVariable: settings.hasHeaders,
    signals: entry?.signals ?? ['traces', 'metrics', 'logs'],
    stops: entry?.stops ?? true,
    compression: entry?.compression ?? 'gzip',
    timeoutMs: ms(entry?.timeout, 10_000),
    metricsIntervalMs: ms(entry?.metrics_interval, 60_000),
    batchMax: batch.size,
    batchWaitMs: ms(batch.wait, bounds.otlpBatchWaitMs),
    queueMax: batch.queue,
    filter: {
      servers: entry?.filter.servers ?? null,
      statuses: entry?.filter.statuses ?? null,
      sampleRatio: entry?.filter.sample_ratio ?? 1,
      errorsAlways: entry?.filter.errors_always ?? true,
    },
    resource: entry?.resource ?? {},
  };
}

function atFolder(reference: SecretReference, folder: string): SecretReference {
  return 'file' in reference && !isAbsolute(reference.file) ? { file: resolve(folder, reference.file) } : reference;
}

function ms(text: string | null | undefined, otherwise: number): number {
  return (text === null || text === undefined ? null : parseDuration(text)) ?? otherwise;
}
