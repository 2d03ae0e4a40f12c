import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { systemClock } from '../kernel/clock.ts';
import { createSealer } from '../kernel/seal.ts';
import { createMemoryState } from '../store/state/memory-state.ts';
import { createIdempotency, type Begun, type IdempotencyState, type IdempotentRequest } from './idempotency.ts';

const request: IdempotentRequest = { principalId: 'key_1', requestId: 'req-1', bodyHash: 'hash-1', traceId: 'tr_1' };
const answer = { status: 200, headers: { 'X-Trace-ID': 'tr_1' }, body: Buffer.from('{"result":{}}') };

function setup(options: { bytesMax?: number } = {}) {
  const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs, monotonicMs: () => systemClock.monotonicMs() + clock.aheadMs };
  const state = createMemoryState({ clock, ...(options.bytesMax === undefined ? {} : { bytesMax: options.bytesMax }) });
  const sealer = createSealer(randomBytes(32));
  const worker = (of: IdempotencyState = state) => createIdempotency({ state: of, sealer });
  return { clock, state, worker, idempotency: worker() };
}

async function firstOf(begun: Promise<Begun>) {
  const known = await begun;
  if (known.kind !== 'first') throw new Error(`it was ${known.kind}`);
  return known;
}

describe('X-Request-ID', () => {
  test('the same request again gets the same answer, byte for byte, for ten minutes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000, size: 'max' }), fc.integer({ min: 200, max: 599 }), fc.string(), async (bytes, status, header) => {
        const { idempotency, worker, clock } = setup();
        const kept = { status, headers: { 'X-Trace-ID': header }, body: Buffer.from(bytes) };
        await (await firstOf(idempotency.begin(request))).finish(kept);
        expect(await worker().begin({ ...request, traceId: 'tr_2' })).toEqual({ kind: 'replay', answer: kept });
        clock.aheadMs = bounds.idempotencyMs - 1_000;
        expect((await idempotency.begin(request)).kind).toBe('replay');
        clock.aheadMs = bounds.idempotencyMs + 1_000;
        await (await firstOf(idempotency.begin(request))).failed();
      }),
      { numRuns: 30 },
    );
  });

  test('of many at once on several workers exactly one is the first; the others are told its trace', async () => {
    const { worker } = setup();
    const begun = await Promise.all(Array.from({ length: 20 }, (_, i) => worker().begin({ ...request, traceId: `tr_${i}` })));
    const firsts = begun.flatMap((one, i) => (one.kind === 'first' ? [i] : []));
    expect(firsts).toHaveLength(1);
    for (const one of begun) if (one.kind !== 'first') expect(one).toEqual({ kind: 'in_flight', traceId: `tr_${firsts[0]}` });
  });

  test('another body under the same id is `reused`, in flight and afterwards', async () => {
    const { idempotency } = setup();
    const first = await firstOf(idempotency.begin(request));
    expect(await idempotency.begin({ ...request, bodyHash: 'other' })).toEqual({ kind: 'reused' });
    await first.finish(answer);
    expect(await idempotency.begin({ ...request, bodyHash: 'other' })).toEqual({ kind: 'reused' });
  });

  test('ids of different principals have nothing to do with each other', async () => {
    const { idempotency } = setup();
    await (await firstOf(idempotency.begin(request))).finish(answer);
    await firstOf(idempotency.begin({ ...request, principalId: 'key_2' }));
    await firstOf(idempotency.begin({ ...request, requestId: 'req-2' }));
  });

  test('an answer of 1 MiB is kept; a larger one is not, and stays known as begun for ten minutes', async () => {
    const { idempotency, clock } = setup();
    const largest = { ...answer, body: Buffer.alloc(bounds.idempotencyBodyBytesMax, 'a') };
    await (await firstOf(idempotency.begin(request))).finish(largest);
    expect(await idempotency.begin(request)).toEqual({ kind: 'replay', answer: largest });
    const other = { ...request, requestId: 'req-2' };
    await (await firstOf(idempotency.begin(other))).finish({ ...answer, body: Buffer.alloc(bounds.idempotencyBodyBytesMax + 1) });
    clock.aheadMs = bounds.idempotencyMs - 1_000;
    expect(await idempotency.begin(other)).toEqual({ kind: 'in_flight', traceId: 'tr_1' });
  });

  test('an answer for which shared state has no room stays known as begun', async () => {
    const { idempotency, clock } = setup({ bytesMax: 10_000 });
    await (await firstOf(idempotency.begin(request))).finish({ ...answer, body: Buffer.alloc(20_000) });
    clock.aheadMs = bounds.idempotencyMs - 1_000;
    expect(await idempotency.begin(request)).toEqual({ kind: 'in_flight', traceId: 'tr_1' });
  });

  test('what failed before anything was sent may be asked again at once', async () => {
    const { idempotency } = setup();
    await (await firstOf(idempotency.begin(request))).failed();
    await firstOf(idempotency.begin(request));
  });

  test('a worker that dies leaves its id taken for the ten minutes: whether the call ran is in the trace', async () => {
    const { worker, clock } = setup();
    await firstOf(worker().begin(request));
    clock.aheadMs = bounds.idempotencyMs - 1_000;
    expect(await worker().begin(request)).toEqual({ kind: 'in_flight', traceId: 'tr_1' });
    clock.aheadMs = bounds.idempotencyMs + 1_000;
    await firstOf(worker().begin(request));
  });

  test('shared state that does not answer is `unavailable` before the call, and no error after it', async () => {
    const { state, worker } = setup();
    const away = () => Promise.reject(new Error('away'));
    await expect(worker({ ...state, setIfAbsent: away }).begin(request)).rejects.toMatchObject({ code: 'unavailable' });
    const half = worker({ ...state, set: away, delete: away });
    await (await firstOf(half.begin(request))).finish(answer);
    await (await firstOf(half.begin({ ...request, requestId: 'req-2' }))).failed();
  });

  test('neither names nor answers can be read in shared state, and a changed value is never replayed', async () => {
    const { state, worker } = setup();
    const seen: { key: string; value: Buffer }[] = [];
    const watched = worker({
      ...state,
      async set(key, value, ttlMs) {
        seen.push({ key, value: Buffer.from(value) });
        await state.set(key, value, ttlMs);
      },
    });
    await (await firstOf(watched.begin({ ...request, requestId: 'visible-name' }))).finish({ ...answer, body: Buffer.from('visible-answer') });
    expect(seen).toHaveLength(1);
    for (const { key, value } of seen) {
      expect(`${key} ${value.toString('latin1')}`).not.toMatch(/visible|key_1|tr_1/);
      value.writeUInt8(value.readUInt8(40) ^ 1, 40);
      await state.set(key, value, 60_000);
    }
    expect(await watched.begin({ ...request, requestId: 'visible-name' })).toEqual({ kind: 'in_flight', traceId: '' });
  });
});
