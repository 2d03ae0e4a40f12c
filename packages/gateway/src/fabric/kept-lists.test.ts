import { describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { createKeptLists, type KeptKey, type KeptLists } from './kept-lists.ts';

const key = (more: Partial<KeptKey> = {}): KeptKey => ({ server: 'a', place: 'p', callers: '{}', kind: 'tools', ...more });

function keep(kept: KeptLists, of: KeptKey, digest: string, value: Uint8Array = Buffer.from(digest)): void {
  const turn = kept.note({ ...of, digest });
  if (turn > 0) kept.put({ ...of, digest, turn, value });
}

const found = (kept: KeptLists, of: KeptKey): string | undefined => kept.find({ ...of, digest: null })?.digest;

describe('the last good lists of a node', () => {
  test('the text is wanted once, and given to who has another', () => {
    const kept = createKeptLists();
    keep(kept, key(), 'one');
    expect(kept.note({ ...key(), digest: 'one' })).toBe(0);
    expect(kept.find({ ...key(), digest: 'one' })).toEqual({ digest: 'one', value: null });
    expect(kept.find({ ...key(), digest: 'two' })).toEqual({ digest: 'one', value: Buffer.from('one') });
  });

  test('of two readings the later one counts, in whatever order their texts come', () => {
    const kept = createKeptLists();
    const [first, second] = [kept.note({ ...key(), digest: 'one' }), kept.note({ ...key(), digest: 'two' })];
    kept.put({ ...key(), digest: 'two', turn: second, value: Buffer.from('two') });
    kept.put({ ...key(), digest: 'one', turn: first, value: Buffer.from('one') });
    expect(found(kept, key())).toBe('two');
  });

  test('another class of callers has what was read last, another place and another kind nothing', () => {
    const kept = createKeptLists();
    keep(kept, key({ callers: 'x' }), 'one');
    keep(kept, key({ callers: 'y' }), 'two');
    expect([found(kept, key({ callers: 'x' })), found(kept, key({ callers: 'z' }))]).toEqual(['one', 'two']);
    expect([found(kept, key({ place: 'q' })), found(kept, key({ kind: 'prompts' })), found(kept, key({ server: 'b' }))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('what is over the bound goes from the server that has the most, its oldest first', () => {
    const kept = createKeptLists();
    keep(kept, key({ server: 'quiet' }), 'one');
    for (let index = 0; index < bounds.keptListsMax + 10; index++) keep(kept, key({ server: 'noisy', callers: String(index) }), String(index));
    expect(found(kept, key({ server: 'quiet' }))).toBe('one');
    expect([found(kept, key({ server: 'noisy', callers: String(bounds.keptListsMax) })), found(kept, key({ server: 'noisy', callers: '0' }))]).toEqual([
      String(bounds.keptListsMax),
      String(bounds.keptListsMax + 9),
    ]);
    const half = Buffer.alloc(bounds.keptListsBytesMax / 2 + 1);
    keep(kept, key({ server: 'large' }), 'l1', half);
    keep(kept, key({ server: 'large', callers: 'other' }), 'l2', half);
    expect([found(kept, key({ server: 'large' })), found(kept, key({ server: 'quiet' }))]).toEqual(['l2', 'one']);
  });
});
