import { bounds } from '../kernel/bounds.ts';

/**
 * Spans that a server gives of its own work, in `_meta.otel.traces.resourceSpans` of its result: OTLP's JSON
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), as SEP-2448 of the Model Context Protocol proposes it. Of each one line
 * for the record: id, parent (`-` for none), begin in microseconds since the epoch, microseconds, `error` or `ok`, name.
 * What is malformed is left out, and so is what is more than `bounds.upstreamSpansMax`.
 */
export function upstreamSpans(meta: unknown): string {
  const lines: string[] = [];
  for (const resource of members(meta, 'otel', 'traces', 'resourceSpans')) {
    for (const scope of members(resource, 'scopeSpans')) {
      for (const span of members(scope, 'spans')) {
        if (lines.length >= bounds.upstreamSpansMax) return lines.join('\n');
        const line = lineOf(span);
        if (line !== null) lines.push(line);
      }
    }
  }
  return lines.join('\n');
}

function lineOf(span: unknown): string | null {
  const id = textOf(span, 'spanId').toLowerCase();
  const parent = textOf(span, 'parentSpanId').toLowerCase();
  const begin = nanosOf(span, 'startTimeUnixNano');
  const end = nanosOf(span, 'endTimeUnixNano');
  const name = textOf(span, 'name')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, bounds.upstreamSpanNameCharsMax)
    .toWellFormed();
  if (!spanForm.test(id) || (parent !== '' && !spanForm.test(parent)) || begin === null || end === null || end < begin || name === '') return null;
  const status = memberOf(memberOf(span, 'status'), 'code');
  return `${id} ${parent === '' ? '-' : parent} ${begin / 1000n} ${(end - begin) / 1000n} ${status === 2 || status === 'STATUS_CODE_ERROR' ? 'error' : 'ok'} ${name}`;
}

const spanForm = /^(?!0{16})[0-9a-f]{16}$/;

/** 64-bit integers are texts in OTLP's JSON, and numbers from those who do not know it. */
function nanosOf(span: unknown, name: string): bigint | null {
  const value = memberOf(span, name);
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && /^\d{1,19}$/.test(text) ? BigInt(text) : null;
}

function textOf(value: unknown, name: string): string {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : '';
}

function members(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = path.reduce(memberOf, value);
  return Array.isArray(found) ? found : [];
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
