import type { SecretReference } from './config.ts';

/** Export to a receiver of OpenTelemetry's protocol. */
export interface OtlpConfig {
  readonly endpoint: string;
  readonly protocol: 'http/protobuf' | 'http/json' | 'grpc';
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | SecretReference>>;
  /** Further headers stand in OTEL_EXPORTER_OTLP_HEADERS, which may hold secrets. */
  readonly headersVariable: boolean;
  readonly signals: readonly ('traces' | 'metrics' | 'logs')[];
  /** Whether each stop of the rail is a span of its own. */
  readonly stops: boolean;
  readonly compression: 'gzip' | 'none';
  readonly timeoutMs: number;
  readonly metricsIntervalMs: number;
  readonly batchMax: number;
  readonly batchWaitMs: number;
  readonly queueMax: number;
  readonly filter: OtlpFilter;
  readonly resource: Readonly<Record<string, string>>;
}

/** Null: any. */
export interface OtlpFilter {
  readonly servers: readonly string[] | null;
  readonly statuses: readonly string[] | null;
  /** From 0 to 1. */
  readonly sampleRatio: number;
  readonly errorsAlways: boolean;
}
