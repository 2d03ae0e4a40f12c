import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RowBatch } from './row-batch.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value));

test('a batch holds the rows that were added, in order and in one piece, whatever becomes of the memory they came from', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ before: bytes, intent: bytes, between: bytes, outcome: bytes })), (all) => {
      const batch = new RowBatch(1);
      for (const { before, intent, between, outcome } of all) {
        const chunk = Buffer.concat([before, intent, between, outcome]);
        const middle = before.length + intent.length + between.length;
        batch.add(chunk, before.length, before.length + intent.length, chunk, middle, middle + outcome.length);
        chunk.fill(0xff);
      }
      const expected = all.map(({ intent, outcome }) => ({ intent, outcome }));
      expect(batch.rows()).toEqual(expected);
      expect(batch.bytes).toEqual(Buffer.concat(expected.flatMap(({ intent, outcome }) => [intent, outcome])));
      expect(batch.count).toBe(all.length);
      expect(RowBatch.of(batch.rows()).bytes).toEqual(batch.bytes);
    }),
  );
});
