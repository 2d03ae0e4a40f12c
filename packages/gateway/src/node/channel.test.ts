import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { type Channel, openChannel } from './channel.ts';

type Remote = {
  echo: (input: unknown) => Promise<unknown>;
  add: (input: { a: bigint; b: bigint }) => Promise<bigint>;
  answerAfter: (input: { ms: number; value: number }) => Promise<number>;
  fail: (input: string) => Promise<never>;
  silent: (input: null) => Promise<never>;
  note: (input: string) => void;
  notes: (input: null) => Promise<string[]>;
  askBack: (input: string) => Promise<string>;
  die: (input: null) => Promise<never>;
  missing: (input: null) => Promise<never>;
};

const program = `
  const { openChannel } = await import(${JSON.stringify(new URL('./channel.ts', import.meta.url).href)});
  const notes = [];
  const channel = openChannel(process, {
    echo: (input) => input,
    add: ({ a, b }) => a + b,
    answerAfter: ({ ms, value }) => new Promise((resolve) => setTimeout(resolve, ms, value)),
    fail: (input) => { throw new Error(input); },
    silent: () => new Promise(() => undefined),
    note: (input) => { notes.push(input); if (input === 'fails') throw new Error('nobody hears this'); },
    notes: () => notes,
    askBack: async (input) => 'they say: ' + await channel.ask('question', input),
    die: () => process.kill(process.pid, 'SIGKILL'),
  });
  process.on('disconnect', () => process.exit(0));
`;

let folder: string;
let child: ChildProcess;
let channel: Channel<Remote>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-channel-'));
  writeFileSync(join(folder, 'peer.mjs'), program);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  child = fork(join(folder, 'peer.mjs'), { serialization: 'advanced' });
  channel = openChannel<Remote>(child, { question: (input: string) => `you asked ${input}` });
});
afterEach(() => {
  child.kill('SIGKILL');
});

describe('a question', () => {
  test('is answered with any plain value, bytes and large ones among them', async () => {
    const bytes = new Uint8Array(3 * 1024 * 1024).map((_, index) => index % 251);
    const answer = (await channel.ask('echo', { bytes, none: null, list: [1, 'ü', undefined] })) as { bytes: Uint8Array };
    expect(Buffer.from(answer.bytes).equals(Buffer.from(bytes))).toBe(true);
    expect(answer).toMatchObject({ none: null, list: [1, 'ü', undefined] });
    expect(await channel.ask('add', { a: 2n ** 60n, b: 1n })).toBe(2n ** 60n + 1n);
  });

  test('gets its own answer, whatever the order in which they come', async () => {
    const delays = [60, 5, 40, 0, 20];
    const answers = await Promise.all(delays.map((ms, value) => channel.ask('answerAfter', { ms, value })));
    expect(answers).toEqual([0, 1, 2, 3, 4]);
  });

  test('may lead to one in the other direction', async () => {
    expect(await channel.ask('askBack', 'why')).toBe('they say: you asked why');
  });

  test('whose handler throws, or that nobody knows, fails with the reason', async () => {
    await expect(channel.ask('fail', 'no room')).rejects.toThrow('no room');
    await expect(channel.ask('missing', null)).rejects.toThrow('no handler missing');
  });

  test('without an answer fails after its time; an answer that comes later harms nothing', async () => {
    await expect(channel.ask('silent', null, 50)).rejects.toThrow('no answer to silent within 50 ms');
    await expect(channel.ask('answerAfter', { ms: 100, value: 1 }, 20)).rejects.toThrow('within 20 ms');
    expect(await channel.ask('answerAfter', { ms: 150, value: 2 })).toBe(2);
  });

  test('that cannot be sent fails at once, and the channel goes on', async () => {
    await expect(channel.ask('echo', () => undefined)).rejects.toThrow(/could not be cloned/);
    expect(await channel.ask('echo', 1)).toBe(1);
  });
});

test('news arrive in order, and one whose handler throws harms nothing', async () => {
  for (const note of ['one', 'fails', 'two']) channel.tell('note', note);
  expect(await channel.ask('notes', null)).toEqual(['one', 'fails', 'two']);
});

describe('when the other side dies', () => {
  test('all that waits fails at once, and so does what is asked afterwards', async () => {
    await channel.ask('echo', 1);
    const startedAt = performance.now();
    const waiting = [channel.ask('silent', null), channel.ask('answerAfter', { ms: 9_000, value: 1 }), channel.ask('die', null)];
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await expect(channel.ask('echo', 1)).rejects.toThrow('channel closed');
  });

  test('news for it are dropped', async () => {
    channel.ask('die', null).catch(() => undefined);
    // Some of these are sent while it dies, some afterwards.
    await until(() => {
      channel.tell('note', 'x'.repeat(100_000));
      return child.signalCode !== null && !child.connected;
    });
    channel.tell('note', 'too late');
  });
});
