import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { ExportResult } from '@opentelemetry/core';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { guardLookup } from '../../kernel/outward-address.ts';
import { guardGrpcNames } from './guard-grpc-names.ts';
import type { ExportStart } from './messages.ts';

/** One of OpenTelemetry's exporters. */
export interface Exporter<Items> {
  export(items: Items, callback: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}

export interface Exporters {
  readonly traces: Exporter<ReadableSpan[]>;
  readonly metrics: Exporter<ResourceMetrics>;
  readonly logs: Exporter<ReadableLogRecord[]>;
}

const userAgentOf = (version: string): string => `GatewayOps/${version}`;

/** OpenTelemetry's exporters for the protocol: only its packages are loaded. `names` says what they may connect to. */
export async function openExporters(start: ExportStart, names: LookupFunction = guardLookup(lookup)): Promise<Exporters> {
  const { endpoint, protocol, headers, timeoutMs, version } = start;
  const compression = start.compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE;
  const shared = { timeoutMillis: timeoutMs, compression, userAgent: userAgentOf(version) };
  if (protocol === 'grpc') {
    const [{ OTLPTraceExporter }, { OTLPMetricExporter }, { OTLPLogExporter }, grpc] = await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-grpc'),
      import('@opentelemetry/exporter-metrics-otlp-grpc'),
      import('@opentelemetry/exporter-logs-otlp-grpc'),
      import('@grpc/grpc-js'),
    ]);
    guardGrpcNames(grpc, names);
    const { credentials, Metadata } = grpc;
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const options = {
      ...shared,
      url: endpoint,
      metadata,
      credentials: endpoint.startsWith('https:') ? credentials.createSsl() : credentials.createInsecure(),
    };
    return { traces: new OTLPTraceExporter(options), metrics: new OTLPMetricExporter(options), logs: new OTLPLogExporter(options) };
  }
  const [{ OTLPTraceExporter }, { OTLPMetricExporter }, { OTLPLogExporter }] = await (protocol === 'http/json' ? jsonExporters() : protobufExporters());
  const options = (signal: string) => ({
    ...shared,
    url: `${endpoint.replace(/\/+$/, '')}/v1/${signal}`,
    headers: { ...headers },
    httpAgentOptions: { keepAlive: true, lookup: names },
  });
  return {
    traces: new OTLPTraceExporter(options('traces')),
    metrics: new OTLPMetricExporter(options('metrics')),
    logs: new OTLPLogExporter(options('logs')),
  };
}

function jsonExporters() {
  return Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/exporter-logs-otlp-http'),
  ]);
}

function protobufExporters() {
  return Promise.all([
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/exporter-metrics-otlp-proto'),
    import('@opentelemetry/exporter-logs-otlp-proto'),
  ]);
}
