import { hash } from 'node:crypto';
import { SpanKind, SpanStatusCode, TraceFlags, type Attributes, type HrTime, type SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { CallRowReader } from '../call-row-reader.ts';
import { callAttributes, callName, errorTypeOf } from './call-attributes.ts';

export interface SpanOptions {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
  /** Whether each stop of the rail is a span of its own. */
  readonly stops: boolean;
}

const railStops = ['auth', 'access', 'limit', 'guard', 'server', 'reply'] as const;

/** One call as spans: itself, under the ids that it has everywhere, and as its children the stops of the rail that it came to and the tries that were made. */
export function callSpans(row: CallRowReader, options: SpanOptions): ReadableSpan[] {
  const startUs = row.number('started_at');
  const traceId = row.text('trace_id');
  const context: SpanContext = { traceId, spanId: row.text('span_id'), traceFlags: TraceFlags.SAMPLED };
  const parentSpan = row.text('parent_span_id');
  const errorType = errorTypeOf(row);
  const call = spanOf({
    name: callName(row),
    kind: SpanKind.SERVER,
    context,
    parent: parentSpan === '' ? undefined : { traceId, spanId: parentSpan, traceFlags: TraceFlags.SAMPLED, isRemote: true },
    startUs,
    endUs: startUs + row.number('duration_us'),
    attributes: callAttributes(row),
    isError: errorType !== null,
    options,
  });
  return options.stops ? [call, ...stopSpans(row, context, startUs, errorType, options), ...trySpans(row, context, startUs, options)] : [call];
}

/** Of a call that was tried more than once, each try: the lines that record/call-record.ts writes, below the stop `server`. */
function trySpans(row: CallRowReader, context: SpanContext, startUs: number, options: SpanOptions): ReadableSpan[] {
  const tries = row.text('tries');
  if (tries === '') return [];
  return tries.split('\n').map((line, index) => {
    const [target = '', at = '0', us = '0', outcome = ''] = line.split(' ');
    return spanOf({
      name: 'try',
      kind: SpanKind.CLIENT,
      context: { ...context, spanId: childSpanId(context, `try ${index}`) },
      parent: { ...context, spanId: childSpanId(context, 'server') },
      startUs: startUs + Number(at),
      endUs: startUs + Number(at) + Number(us),
      attributes: { 'gatewayops.target.name': target, ...(outcome === 'answered' ? {} : { 'error.type': outcome }) },
      isError: outcome !== 'answered',
      options,
    });
  });
}

/** Of a call whose end was never written down no stop is known. */
function stopSpans(row: CallRowReader, context: SpanContext, startUs: number, errorType: string | null, options: SpanOptions): ReadableSpan[] {
  const stop = row.text('stop');
  const last = row.text('status') === 'unknown' ? -1 : railStops.findIndex((name) => name === stop);
  let at = startUs;
  return railStops.slice(0, last + 1).map((name, index) => {
    const from = at;
    at += row.number(`${name}_us`);
    const failed = index === last && errorType !== null;
    return spanOf({
      name,
      kind: SpanKind.INTERNAL,
      context: { ...context, spanId: childSpanId(context, name) },
      parent: context,
      startUs: from,
      endUs: at,
      attributes: { 'gatewayops.stop': name, ...(failed ? { 'error.type': errorType } : {}), ...(name === 'server' ? serverAttributes(row) : {}) },
      isError: failed,
      options,
    });
  });
}

function serverAttributes(row: CallRowReader): Attributes {
  const target = row.text('target');
  return {
    'gatewayops.server.name': row.text('server'),
    ...(target === '' ? {} : { 'gatewayops.target.name': target }),
    'gatewayops.retries': row.number('retries'),
  };
}

/** The same each time: a span that is sent twice is one to the receiver. */
function childSpanId({ traceId, spanId }: SpanContext, child: string): string {
  const digest = hash('sha256', `${traceId} ${spanId} ${child}`).slice(0, 16);
  // An id of zeros is none (Trace Context section 3.2.2.4).
  return /^0+$/.test(digest) ? 'f'.repeat(16) : digest;
}

function spanOf(span: {
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Attributes;
  readonly isError: boolean;
  readonly options: SpanOptions;
}): ReadableSpan {
  const { context, parent, startUs, endUs, options } = span;
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => context,
    ...(parent === undefined ? {} : { parentSpanContext: parent }),
    startTime: hrTimeOf(startUs),
    endTime: hrTimeOf(endUs),
    duration: hrTimeOf(endUs - startUs),
    status: { code: span.isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: span.attributes,
    links: [],
    events: [],
    ended: true,
    resource: options.resource,
    instrumentationScope: options.scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

export function hrTimeOf(us: number): HrTime {
  return [Math.floor(us / 1e6), (us % 1e6) * 1000];
}
