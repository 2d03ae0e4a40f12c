import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { inspectReply } from './inspect-reply.ts';
import { ReplyDigest } from './reply-digest.ts';

function digestOf(text: string, pieceBytes = Infinity): Buffer {
  const digest = new ReplyDigest();
  const whole = Buffer.from(text);
  for (let at = 0; at < whole.length; at += pieceBytes) digest.feed(whole.subarray(at, at + pieceBytes));
  return digest.json();
}

const reply = (result: unknown, more: object = {}): string => JSON.stringify({ jsonrpc: '2.0', id: 1, ...more, result });

/** A result in the shape that tools give, with every trap inside it. */
const result = fc.record(
  {
    content: fc.array(fc.record({ type: fc.constant('text'), text: fc.oneof(fc.string(), fc.constant('\\"isError":true,\\\\"'), fc.json()) })),
    structuredContent: fc.oneof(fc.jsonValue(), fc.constant({ isError: true, error: { code: 1 }, _meta: { input_tokens: 9 }, result: { isError: true } })),
    isError: fc.boolean(),
    resultType: fc.constantFrom('complete', 'input_required'),
    _meta: fc.record({ usage: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat() }), note: fc.jsonValue() }),
  },
  { requiredKeys: ['content'] },
);

describe('a digest', () => {
  test('says of any reply what the whole reply says, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          result.map((value) => ({ jsonrpc: '2.0', id: 1, result: value })),
          fc.record({ jsonrpc: fc.constant('2.0'), error: fc.record({ code: fc.integer(), message: fc.string(), data: fc.jsonValue() }), id: fc.nat() }),
          fc.record({ method: fc.string(), params: fc.jsonValue() }),
        ),
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(undefined, 1, '\t'),
        (message, pieceBytes, space) => {
          const text = JSON.stringify(message, null, space);
          expect(inspectReply(digestOf(text, pieceBytes), true)).toEqual(inspectReply(Buffer.from(text), true));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('follows long texts, escapes on the border of a piece and runs of backslashes', () => {
    const texts = [
      'x'.repeat(10_000),
      '\\'.repeat(999),
      `${'\\'.repeat(1000)}"isError":true`,
      'say "isError": true, '.repeat(500),
      `${'y'.repeat(63)}"`,
      `${'y'.repeat(64)}\\`,
    ];
    for (const isError of [true, false])
      for (const pieceBytes of [1, 2, 3, 63, 64, 65, 66, 1000])
        for (const text of texts) expect(JSON.parse(digestOf(reply({ content: [{ text }], isError }), pieceBytes).toString())).toEqual({ result: { isError } });
  });

  test('takes nothing that stands deeper, or in another member, for what is said of the result', () => {
    expect(digestOf(reply({ structuredContent: { isError: true, _meta: { input_tokens: 1 } } }, { params: { isError: true } })).toString()).toBe(
      '{"result":{}}',
    );
    expect(digestOf(reply([{ isError: true }])).toString()).toBe('{"result":{}}');
    expect(digestOf('[{"jsonrpc":"2.0","id":1,"error":{"code":1}}]')).toHaveLength(0);
  });

  test('of what is no whole document is empty', () => {
    const whole = reply({ content: [], isError: true });
    for (let length = 0; length < whole.length; length++) expect(digestOf(whole.slice(0, length))).toHaveLength(0);
    expect(digestOf(`${whole}}`)).toHaveLength(0);
    expect(digestOf(`${whole}${whole}`)).toHaveLength(0);
  });

  test('is bounded: a `_meta` that is too long is left out, an error that is too long is still one', () => {
    const long = 'x'.repeat(bounds.replyTapBytesMax);
    expect(digestOf(reply({ _meta: { long }, isError: true }), 1000).toString()).toBe('{"result":{"isError":true}}');
    expect(inspectReply(digestOf(JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: long } }), 1000), false).kind).toBe('rpc_error');
  });
});
