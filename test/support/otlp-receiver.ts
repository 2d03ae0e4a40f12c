/**
 * A receiver of OTLP over HTTP (protobuf and JSON) and gRPC that keeps what it is sent, decoded by the protocol's own definitions: those of the
 * package of OpenTelemetry that still ships them (`otlp-protocol`).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Server as GrpcServer, ServerCredentials, status as grpcStatus, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';

export interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
}

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startUs: number;
  readonly endUs: number;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface ReceivedLog {
  readonly traceId: string;
  readonly spanId: string;
  readonly severity: string;
  readonly body: string;
  readonly eventName: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ReceivedPoint {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a histogram its count. */
  readonly value: number;
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly logs: readonly ReceivedLog[];
  /** Those of the last request. */
  readonly points: readonly ReceivedPoint[];
  readonly requests: readonly {
    readonly signal: string;
    readonly headers: Readonly<Record<string, unknown>>;
    /** Null: gRPC does not tell. */
    readonly compressed: boolean | null;
  }[];
  /** Over gRPC: bytes of the connections, and of the messages in them when they are unpacked. */
  readonly bytes: { readonly sent: number; readonly unpacked: number };
  /** How the next requests are refused: an HTTP status, or a code of gRPC. Null: not. */
  refuse: number | null;
  stop(): Promise<void>;
}

type Signal = 'traces' | 'metrics' | 'logs';
interface Codec {
  decode(bytes: Uint8Array): { toJSON(): unknown };
}
type Definitions = Record<string, { v1: Record<string, Codec> }>;

const { opentelemetry } = createRequire(import.meta.url)('otlp-protocol/build/src/generated/root.js') as {
  opentelemetry: { proto: { collector: Definitions } };
};
const { collector } = opentelemetry.proto;
const codecs: Readonly<Record<Signal, Codec | undefined>> = {
  traces: collector['trace']?.v1['ExportTraceServiceRequest'],
  metrics: collector['metrics']?.v1['ExportMetricsServiceRequest'],
  logs: collector['logs']?.v1['ExportLogsServiceRequest'],
};
const services: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};

export async function startOtlpReceiver(protocol: 'http' | 'grpc'): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const logs: ReceivedLog[] = [];
  let points: ReceivedPoint[] = [];
  const requests: { signal: string; headers: Record<string, unknown>; compressed: boolean | null }[] = [];
  const receiver = { refuse: null as number | null };
  const bytes = { sent: 0, unpacked: 0 };

  /** `isJson`: ids are hexadecimal there, and base64 where protobuf is written as JSON. */
  function keep(signal: Signal, request: unknown, isJson: boolean): void {
    const id = (value: unknown): string => (typeof value !== 'string' ? '' : isJson ? value : Buffer.from(value, 'base64').toString('hex'));
    const { resourceSpans = [], resourceLogs = [], resourceMetrics = [] } = request as Received;
    for (const { resource, scopeSpans = [] } of resourceSpans)
      for (const span of scopeSpans.flatMap((scope) => scope.spans ?? []))
        spans.push({
          traceId: id(span.traceId),
          spanId: id(span.spanId),
          parentSpanId: id(span.parentSpanId),
          name: span.name,
          kind: kindOf(span.kind),
          startUs: Number(BigInt(span.startTimeUnixNano) / 1000n),
          endUs: Number(BigInt(span.endTimeUnixNano) / 1000n),
          status: codeOf(span.status?.code),
          attributes: attributesOf(span.attributes),
          resource: attributesOf(resource?.attributes),
        });
    for (const record of resourceLogs.flatMap(({ scopeLogs = [] }) => scopeLogs.flatMap((scope) => scope.logRecords ?? [])))
      logs.push({
        traceId: id(record.traceId),
        spanId: id(record.spanId),
        severity: record.severityText ?? '',
        body: record.body?.stringValue ?? '',
        eventName: record.eventName ?? '',
        attributes: attributesOf(record.attributes),
      });
    if (signal !== 'metrics') return;
    points = resourceMetrics
      .flatMap(({ scopeMetrics = [] }) => scopeMetrics.flatMap((scope) => scope.metrics ?? []))
      .flatMap(({ name, unit = '', sum, gauge, histogram }) => [
        ...[...(sum?.dataPoints ?? []), ...(gauge?.dataPoints ?? [])].map((point) => ({
          name,
          unit,
          attributes: attributesOf(point.attributes),
          value: Number(point.asDouble ?? point.asInt ?? 0),
        })),
        ...(histogram?.dataPoints ?? []).map((point) => ({ name, unit, attributes: attributesOf(point.attributes), value: Number(point.count ?? 0) })),
      ]);
  }

  async function onHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const signal = /^\/v1\/(traces|metrics|logs)$/.exec(request.url ?? '')?.[1] as Signal | undefined;
    if (signal === undefined) return void response.writeHead(404).end();
    if (receiver.refuse !== null) return void response.writeHead(receiver.refuse).end();
    const compressed = request.headers['content-encoding'] === 'gzip';
    const message = compressed ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
    const isJson = request.headers['content-type'] === 'application/json';
    requests.push({ signal, headers: { ...request.headers }, compressed });
    keep(signal, isJson ? JSON.parse(message.toString('utf8')) : codecs[signal]?.decode(message).toJSON(), isJson);
    response.writeHead(200, { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' }).end(isJson ? '{}' : '');
  }

  function handlerOf(signal: Signal) {
    return (call: ServerUnaryCall<unknown, Buffer>, answer: sendUnaryData<Buffer>): void => {
      if (receiver.refuse !== null)
        return answer({ code: grpcStatus[grpcStatus[receiver.refuse] as keyof typeof grpcStatus], details: 'as the test wants it' });
      requests.push({ signal, headers: call.metadata.getMap(), compressed: null });
      keep(signal, call.request, false);
      answer(null, Buffer.alloc(0));
    };
  }

  const more = {
    spans,
    logs,
    get points() {
      return points;
    },
    requests,
    bytes,
    get refuse() {
      return receiver.refuse;
    },
    set refuse(code: number | null) {
      receiver.refuse = code;
    },
  };
  if (protocol === 'http') {
    const server = createServer((request, response) => void onHttp(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return Object.assign(more, {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    });
  }
  const server = new GrpcServer();
  for (const signal of ['traces', 'metrics', 'logs'] as const)
    server.addService(
      {
        Export: {
          path: services[signal],
          requestStream: false,
          responseStream: false,
          requestSerialize: (value: unknown) => value as Buffer,
          requestDeserialize(message: Buffer) {
            bytes.unpacked += message.length;
            return codecs[signal]?.decode(message).toJSON();
          },
          responseSerialize: (value: Buffer) => value,
          responseDeserialize: (bytes: Buffer) => bytes,
        },
      },
      { Export: handlerOf(signal) },
    );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error))),
  );
  // gRPC unpacks messages before anybody sees them: what came is counted on its way.
  const counter = createTcpServer((client) => {
    const behind = connect(port, '127.0.0.1');
    client.on('data', (chunk: Buffer) => (bytes.sent += chunk.length));
    client.on('error', () => behind.destroy()).on('close', () => behind.destroy());
    behind.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(behind).pipe(client);
  });
  await new Promise<void>((resolve) => counter.listen(0, '127.0.0.1', resolve));
  return Object.assign(more, {
    url: `http://127.0.0.1:${(counter.address() as AddressInfo).port}`,
    async stop() {
      counter.close();
      server.forceShutdown();
    },
  });
}

/** Codes that mean "not now" and "never" to a client, by protocol. */
export const refusals = {
  http: { now: 503, ever: 400 },
  grpc: { now: grpcStatus.UNAVAILABLE, ever: grpcStatus.INVALID_ARGUMENT },
} as const;

interface Attribute {
  readonly key: string;
  readonly value?: OtlpValue;
}
interface Received {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly Attribute[] };
    readonly scopeSpans?: readonly {
      readonly spans?: readonly {
        readonly traceId: unknown;
        readonly spanId: unknown;
        readonly parentSpanId?: unknown;
        readonly name: string;
        readonly kind?: number | string;
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
        readonly status?: { readonly code?: number | string };
        readonly attributes?: readonly Attribute[];
      }[];
    }[];
  }[];
  readonly resourceLogs?: readonly {
    readonly scopeLogs?: readonly {
      readonly logRecords?: readonly {
        readonly traceId?: unknown;
        readonly spanId?: unknown;
        readonly severityText?: string;
        readonly body?: OtlpValue;
        readonly eventName?: string;
        readonly attributes?: readonly Attribute[];
      }[];
    }[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics?: readonly {
      readonly metrics?: readonly {
        readonly name: string;
        readonly unit?: string;
        readonly sum?: { readonly dataPoints?: readonly NumberPoint[] };
        readonly gauge?: { readonly dataPoints?: readonly NumberPoint[] };
        readonly histogram?: { readonly dataPoints?: readonly { readonly attributes?: readonly Attribute[]; readonly count?: number | string }[] };
      }[];
    }[];
  }[];
}
interface NumberPoint {
  readonly attributes?: readonly Attribute[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
}

const kinds = ['SPAN_KIND_UNSPECIFIED', 'SPAN_KIND_INTERNAL', 'SPAN_KIND_SERVER', 'SPAN_KIND_CLIENT', 'SPAN_KIND_PRODUCER', 'SPAN_KIND_CONSUMER'];
const codes = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

function kindOf(kind: number | string | undefined): number {
  return typeof kind === 'string' ? kinds.indexOf(kind) : (kind ?? 0);
}

function codeOf(code: number | string | undefined): number {
  return typeof code === 'string' ? codes.indexOf(code) : (code ?? 0);
}

function attributesOf(attributes: readonly Attribute[] | undefined): Record<string, unknown> {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: OtlpValue | undefined): unknown {
  if (value === undefined) return null;
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf);
  const { stringValue, intValue, doubleValue, boolValue } = value;
  return stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? boolValue ?? null;
}
