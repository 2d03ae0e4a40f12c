import { SeverityNumber, TraceFlags, type Attributes, type HrTime } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { CallRowReader } from '../call-row-reader.ts';
import { callAttributes, callName } from './call-attributes.ts';
import { hrTimeOf } from './call-spans.ts';
import type { LogLine } from './messages.ts';

export interface LogOptions {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

const severities: Readonly<Record<string, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/** One call as an entry of the request log. A call that was blocked is the product at work: a warning, no error. */
export function callRecord(row: CallRowReader, { resource, scope }: LogOptions): ReadableLogRecord {
  const status = row.text('status');
  const severity = status === 'error' || status === 'timeout' ? 'error' : status === 'blocked' || status === 'unknown' ? 'warn' : 'info';
  const endUs = row.number('started_at') + row.number('duration_us');
  const server = row.text('server');
  return record({
    time: hrTimeOf(endUs),
    severity,
    eventName: 'gatewayops.call',
    body: `${server}: ${callName(row)} ${status} in ${(row.number('duration_us') / 1000).toFixed(1)} ms`,
    attributes: callAttributes(row),
    span: { traceId: row.text('trace_id'), spanId: row.text('span_id') },
    resource,
    scope,
  });
}

/** One line of the gateway's own log. */
export function lineRecord(line: LogLine, { resource, scope }: LogOptions): ReadableLogRecord {
  const { level, time, event, trace_id: trace, ...fields } = line;
  const ms = Date.parse(String(time));
  const traceId = /^(?:tr_)?([0-9a-f]{32})$/.exec(String(trace))?.[1];
  return record({
    time: hrTimeOf((Number.isNaN(ms) ? Date.now() : ms) * 1000),
    severity: String(level),
    eventName: `gatewayops.log.${String(event)}`,
    body: String(event),
    attributes: Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : JSON.stringify(value),
      ]),
    ),
    span: traceId === undefined ? null : { traceId, spanId: '0'.repeat(16) },
    resource,
    scope,
  });
}

function record(entry: {
  readonly time: HrTime;
  readonly severity: string;
  readonly eventName: string;
  readonly body: string;
  readonly attributes: Attributes;
  readonly span: { readonly traceId: string; readonly spanId: string } | null;
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}): ReadableLogRecord {
  return {
    hrTime: entry.time,
    hrTimeObserved: hrTimeOf(Date.now() * 1000),
    severityText: entry.severity.toUpperCase(),
    severityNumber: severities[entry.severity] ?? SeverityNumber.INFO,
    eventName: entry.eventName,
    body: entry.body,
    attributes: entry.attributes,
    ...(entry.span === null ? {} : { spanContext: { ...entry.span, traceFlags: TraceFlags.SAMPLED } }),
    resource: entry.resource,
    instrumentationScope: entry.scope,
    droppedAttributesCount: 0,
  };
}
