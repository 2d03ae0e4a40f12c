import { describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { createLookup } from './lookup.ts';

function setUp() {
  let nowMs = 0;
  const asked: string[] = [];
  const answers: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  const lookup = createLookup({ nowMs: () => nowMs, monotonicMs: () => nowMs }, (hostname, _options, done) => {
    asked.push(hostname);
    answers.push((error) => done(error, error ? [] : [{ address: '127.0.0.9', family: 4 }]));
  });
  const ask = (name: string): Promise<string> =>
    new Promise((resolve) => lookup(name, {}, (error, address) => resolve(error ? (error.code ?? '') : typeof address === 'string' ? address : '')));
  return { asked, answers, ask, pass: (ms: number) => (nowMs += ms) };
}
const missing = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });

describe('names', () => {
  test.each(['ENOTFOUND', 'EAI_AGAIN'])('U6: one without an address (%s) is asked for once in five seconds', async (code) => {
    const { asked, answers, ask, pass } = setUp();
    const first = ask('gone.example');
    answers[0]?.(Object.assign(new Error('no address'), { code }));
    expect(await first).toBe(code);
    pass(bounds.upstreamNameMissingMs - 1);
    expect(await ask('gone.example')).toBe(code);
    expect(asked).toEqual(['gone.example']);
    pass(1);
    const again = ask('gone.example');
    answers[1]?.(null);
    expect(await again).toBe('127.0.0.9');
  });

  test('all that ask at a time share one question; another name is not held up', async () => {
    const { asked, answers, ask } = setUp();
    const all = [ask('slow.example'), ask('slow.example'), ask('quick.example')];
    expect(asked).toEqual(['slow.example', 'quick.example']);
    answers[1]?.(null);
    expect(await all[2]).toBe('127.0.0.9');
    answers[0]?.(null);
    expect(await Promise.all(all)).toEqual(['127.0.0.9', '127.0.0.9', '127.0.0.9']);
  });

  test('an address is not kept: servers move', async () => {
    const { asked, answers, ask } = setUp();
    for (const index of [0, 1]) {
      const answer = ask('here.example');
      answers[index]?.(null);
      await answer;
    }
    expect(asked.length).toBe(2);
  });

  test('the names that are remembered as missing are bounded', async () => {
    const { asked, answers, ask } = setUp();
    for (let n = 0; n <= bounds.upstreamNamesMissingMax; n++) {
      const answer = ask(`n${n}.example`);
      answers[n]?.(missing);
      await answer;
    }
    void ask('n0.example');
    expect(asked.at(-1)).toBe('n0.example');
    const before = asked.length;
    await ask(`n${bounds.upstreamNamesMissingMax}.example`);
    expect(asked.length).toBe(before);
  });
});
