import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryLog, type LogEntry } from '../../../../test/support/bridge/bridge-client.ts';
import { childTextLog } from './child-text-log.ts';

const secret = 'canary-3f9a1c77';

function logged(limits = { stderrBytesPerSecond: 65_536, stderrLineBytesMax: 4_096 }) {
  const entries: LogEntry[] = [];
  let now = 0;
  const text = childTextLog(memoryLog(entries), { nowMs: () => now, monotonicMs: () => now }, limits, [secret, '1']);
  return {
    text,
    entries,
    pass: (ms: number) => (now += ms),
    lines: () => entries.filter((entry) => entry.event === 'bridge.child_stderr').map((entry) => String(entry.fields['text'])),
  };
}

describe('childTextLog', () => {
  test('P3: logs no more than the allowance of each second, and counts and reports what it drops', () => {
    const { text, entries, pass, lines } = logged({ stderrBytesPerSecond: 10, stderrLineBytesMax: 100 });
    text.stderr(Buffer.from('12345678\n'));
    text.stderr(Buffer.from('abcdefghij\n'));
    expect(lines()).toEqual(['12345678']);
    expect([text.bytes, text.droppedBytes]).toEqual([20, 10]);
    pass(1_000);
    text.stderr(Buffer.from('end\nnew\n'));
    expect(lines()).toEqual(['12345678', 'new']);
    expect(entries.find((entry) => entry.event === 'bridge.child_text_dropped')?.fields).toEqual({ bytes: 10, bytes_total: 10 });
  });

  test('promise 10: however the output is cut, no part of a configured value of five characters or more is logged', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(secret, 'x', '\n', 'some words '), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 20, max: 200 }),
        (parts, sizes, allowance) => {
          const { text, entries, pass } = logged({ stderrBytesPerSecond: allowance, stderrLineBytesMax: 40 });
          const bytes = Buffer.from(parts.join(''));
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            text.stderr(bytes.subarray(at, at + size));
            at += size;
            if (turn % 7 === 6) pass(1_000);
          }
          text.flush();
          text.skippedLine(bytes);
          const seen = JSON.stringify(entries);
          for (let at = 0; at + 5 <= secret.length; at++) expect(seen).not.toContain(secret.slice(at, at + 5));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
