import { expect, test } from 'vitest';
import { createMasker } from '../masking/masker.ts';
import type { BodyFacts, BodyJob } from './body-job.ts';
import { countedTokens } from './count-job.ts';
import { partsOf, payloadRows } from './mask-job.ts';

const masker = createMasker({ email: false, phone: false, fields: [], paths: [], patterns: [], fieldCharsMax: 262_144, overLimit: 'drop' });

function jobOf(request: string | Buffer, response: string | Buffer, more: Partial<BodyFacts> = {}): BodyJob {
  const [sent, answered] = [Buffer.from(request as string), Buffer.from(response as string)];
  const facts: BodyFacts = {
    traceHex: '0'.repeat(32),
    spanHex: '1'.repeat(16),
    startedAtUs: 1,
    method: 'tools/call',
    tool: 'echo',
    sequence: 7,
    keepBytesMax: 1_000,
    requestBytes: sent.length,
    responseBytes: answered.length,
    isRequestCut: false,
    isResponseCut: false,
    responseType: 'application/json',
    requestHeaders: '',
    count: null,
    callCostNano: 0,
    ...more,
  };
  return { principal: Buffer.alloc(0), server: Buffer.alloc(0), facts, request: sent, response: answered };
}

function written(job: BodyJob): string[] {
  const parts = partsOf(job);
  return payloadRows(
    job,
    parts,
    masker.mask(parts.parts, () => false),
    'w',
  ).map((row) => row.toString('latin1'));
}

test('a secret that lies across the end of what is kept is masked, not cut in two', () => {
  const card = '4111 1111 1111 1111';
  for (const before of [960, 975, 985, 990, 999]) {
    const [request = ''] = written(jobOf(JSON.stringify({ a: 'x '.repeat(before / 2 - 3), card }), '{}'));
    expect(request).not.toMatch(/4111 1/);
  }
});

test('what is kept is cut between characters, and is said to be cut', () => {
  const [request = ''] = written(jobOf(JSON.stringify('ü'.repeat(2_000)), '{}', { keepBytesMax: 100 }));
  expect(request).toContain(Buffer.from(`"${'ü'.repeat(49)}`).toString('latin1'));
});

test('tokens are counted of arguments and of the text of a result, in a stream too, and priced exactly', async () => {
  const request = JSON.stringify({ params: { name: 'echo', arguments: { text: 'hello world' } } });
  const response = `data: {"method":"notifications/progress"}\n\ndata: ${JSON.stringify({ result: { content: [{ type: 'text', text: 'hello world' }] } })}\n\n`;
  const row = await countedTokens(
    jobOf(request, response, { responseType: 'text/event-stream', count: { perInput: 10, perOutput: 1_000, by: 'tool' }, callCostNano: 7 }),
  );
  // …, input (6 tokens), output (2), source, cost, entry of the list, what the call cost without them.
  const tail = row?.subarray(-(8 + 8 + 8 + 5 + 8)) ?? Buffer.alloc(0);
  expect([tail.readUInt32LE(0), tail.readUInt32LE(4)]).toEqual([6, 2]);
  expect(tail.toString('latin1', 9, 16)).toBe('counted');
  expect(tail.readBigUInt64LE(16)).toBe(2_060n);
  expect(tail.toString('latin1', 25, 29)).toBe('tool');
  expect(tail.readBigUInt64LE(29)).toBe(7n);
});

test('of what is not there as a whole tokens are estimated in proportion, and it is said', async () => {
  const half = 'hello world '.repeat(100);
  const row = await countedTokens(jobOf('{}', half, { isResponseCut: true, responseBytes: 2 * half.length, count: { perInput: 0, perOutput: 0, by: '' } }));
  expect(row?.includes('estimated')).toBe(true);
});
