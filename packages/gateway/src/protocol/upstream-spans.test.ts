import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { askedBy } from './asked-by.ts';
import { inspectReply } from './inspect-reply.ts';
import { upstreamSpans } from './upstream-spans.ts';

const span = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00F067AA0BA902B7',
  parentSpanId: 'b9c7c989f97918e1',
  name: 'SELECT repos',
  kind: 3,
  startTimeUnixNano: '1700000000000001500',
  endTimeUnixNano: '1700000000250000000',
  status: { code: 2 },
};
const metaOf = (...spans: unknown[]): unknown => ({ otel: { traces: { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: { name: 'db' }, spans }] }] } } });

test('spans of a result are read as OTLP has them', () => {
  const { parentSpanId: _parent, status: _status, ...root } = span;
  expect(upstreamSpans(metaOf(span, { ...root, name: 'a\nb  c' }))).toBe(
    '00f067aa0ba902b7 b9c7c989f97918e1 1700000000000001 249998 error SELECT repos\n00f067aa0ba902b7 - 1700000000000001 249998 ok a b  c',
  );
  const json = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [], _meta: metaOf(span) } });
  expect(inspectReply(Buffer.from(json), false).spans).toContain('SELECT repos');
});

test('what is malformed is left out, and so is what is too much', () => {
  const wrong = [{ ...span, spanId: 'x' }, { ...span, endTimeUnixNano: '1' }, { ...span, name: '' }, { ...span, startTimeUnixNano: 1.5 }, null, 'text', []];
  expect(upstreamSpans(metaOf(...wrong))).toBe('');
  expect(upstreamSpans(metaOf(...Array.from({ length: 500 }, () => span))).split('\n')).toHaveLength(bounds.upstreamSpansMax);
  expect(upstreamSpans(metaOf({ ...span, name: 'n'.repeat(5000) })).length).toBeLessThan(200);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const meta of [value, { otel: value }, { otel: { traces: { resourceSpans: [value] } } }, metaOf(value)])
        expect(typeof upstreamSpans(meta)).toBe('string');
    }),
  );
});

test('a question of a server is told from every other message', () => {
  const message = (more: object): Buffer => Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...more }));
  expect(askedBy(message({ id: 1, method: 'elicitation/create', params: {} }))).toBe('elicitation/create');
  expect(askedBy(message({ id: 'a', method: 'sampling/createMessage' }))).toBe('sampling/createMessage');
  expect(askedBy(message({ method: 'elicitation/create' }))).toBe(null);
  expect(askedBy(message({ id: 1, result: { text: 'say "roots/list"' } }))).toBe(null);
  expect(askedBy(Buffer.from('{"method":"roots/list"'))).toBe(null);
});
