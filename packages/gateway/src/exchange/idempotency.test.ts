import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { createSealer, type Sealer } from '../kernel/seal.ts';
import { openEmbeddedState } from '../store/state/embedded-state.ts';
import type { StateStore } from '../store/state/state-store.ts';
import { createIdempotency, type Begun, type IdempotencyState, type IdempotentRequest } from './idempotency.ts';

const request: IdempotentRequest = { principalId: 'key_1', requestId: 'req-1', bodyHash: 'hash-1', traceId: 'tr_1' };
const answer = { status: 200, headers: { 'X-Trace-ID': 'tr_1' }, body: Buffer.from('{"result":{}}') };

const folders: string[] = [];
const states: StateStore[] = [];
afterAll(async () => {
  for (const state of states) await state.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatewayops-ids-'));
  folders.push(folder);
  return folder;
}

async function setup({ folder = newFolder(), ...options }: { folder?: string; bytesMax?: number; sealer?: Sealer } = {}) {
  const clock = { aheadMs: 0, nowMs: () => Date.now() + clock.aheadMs, monotonicMs: () => systemClock.monotonicMs() + clock.aheadMs };
  const { bytesMax, sealer = createSealer(randomBytes(32)) } = options;
  const state = await openEmbeddedState({ folder, clock, log: silentLog, ...(bytesMax === undefined ? {} : { bytesMax }) });
  states.push(state);
  const worker = (of: IdempotencyState = state) => createIdempotency({ state: of, sealer });
  return { clock, state, sealer, folder, worker, idempotency: worker() };
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
        const { idempotency, worker, clock } = await setup();
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
    const { worker } = await setup();
    const begun = await Promise.all(Array.from({ length: 20 }, (_, i) => worker().begin({ ...request, traceId: `tr_${i}` })));
    const firsts = begun.flatMap((one, i) => (one.kind === 'first' ? [i] : []));
    expect(firsts).toHaveLength(1);
    for (const one of begun) if (one.kind !== 'first') expect(one).toEqual({ kind: 'in_flight', traceId: `tr_${firsts[0]}` });
  });

  test('another body under the same id is `reused`, in flight and afterwards', async () => {
    const { idempotency } = await setup();
    const first = await firstOf(idempotency.begin(request));
    expect(await idempotency.begin({ ...request, bodyHash: 'other' })).toEqual({ kind: 'reused' });
    await first.finish(answer);
    expect(await idempotency.begin({ ...request, bodyHash: 'other' })).toEqual({ kind: 'reused' });
  });

  test('ids of different principals have nothing to do with each other', async () => {
    const { idempotency } = await setup();
    await (await firstOf(idempotency.begin(request))).finish(answer);
    await firstOf(idempotency.begin({ ...request, principalId: 'key_2' }));
    await firstOf(idempotency.begin({ ...request, requestId: 'req-2' }));
  });

  test('an answer of 1 MiB is kept; a larger one is not, and stays known as begun for ten minutes', async () => {
    const { idempotency, clock } = await setup();
    const largest = { ...answer, body: Buffer.alloc(bounds.idempotencyBodyBytesMax, 'a') };
    await (await firstOf(idempotency.begin(request))).finish(largest);
    expect(await idempotency.begin(request)).toEqual({ kind: 'replay', answer: largest });
    const other = { ...request, requestId: 'req-2' };
    await (await firstOf(idempotency.begin(other))).finish({ ...answer, body: Buffer.alloc(bounds.idempotencyBodyBytesMax + 1) });
    clock.aheadMs = bounds.idempotencyMs - 1_000;
    expect(await idempotency.begin(other)).toEqual({ kind: 'in_flight', traceId: 'tr_1' });
  });

  test('an answer for which shared state has no room stays known as begun', async () => {
    const { idempotency, clock } = await setup({ bytesMax: 10_000 });
    await (await firstOf(idempotency.begin(request))).finish({ ...answer, body: Buffer.alloc(20_000) });
    clock.aheadMs = bounds.idempotencyMs - 1_000;
    expect(await idempotency.begin(request)).toEqual({ kind: 'in_flight', traceId: 'tr_1' });
  });

  test('what failed before anything was sent may be asked again at once', async () => {
    const { idempotency } = await setup();
    await (await firstOf(idempotency.begin(request))).failed();
    await firstOf(idempotency.begin(request));
  });

  test('a worker that dies leaves its id taken for the ten minutes: whether the call ran is in the trace', async () => {
    const { worker, clock } = await setup();
    await firstOf(worker().begin(request));
    clock.aheadMs = bounds.idempotencyMs - 1_000;
    expect(await worker().begin(request)).toEqual({ kind: 'in_flight', traceId: 'tr_1' });
    clock.aheadMs = bounds.idempotencyMs + 1_000;
    await firstOf(worker().begin(request));
  });

  test('after the gateway was killed, what had an answer has it still, and what was under way is known by its trace and not made again', async () => {
    const before = await setup();
    await (await firstOf(before.idempotency.begin(request))).finish(answer);
    await firstOf(before.idempotency.begin({ ...request, requestId: 'under-way', traceId: 'tr_7' }));
    await (await firstOf(before.idempotency.begin({ ...request, requestId: 'unsent' }))).failed();
    const { idempotency, clock } = await setup(before);
    expect(await idempotency.begin(request)).toEqual({ kind: 'replay', answer });
    expect(await idempotency.begin({ ...request, requestId: 'under-way' })).toEqual({ kind: 'in_flight', traceId: 'tr_7' });
    expect(await idempotency.begin({ ...request, bodyHash: 'other' })).toEqual({ kind: 'reused' });
    await firstOf(idempotency.begin({ ...request, requestId: 'unsent' }));
    clock.aheadMs = bounds.idempotencyMs + 1_000;
    await firstOf(idempotency.begin({ ...request, requestId: 'under-way' }));
  });

  test('shared state that does not answer is `unavailable` before the call, and no error after it', async () => {
    const { state, worker } = await setup();
    const away = () => Promise.reject(new Error('away'));
    await expect(worker({ ...state, setIfAbsent: away }).begin(request)).rejects.toMatchObject({ code: 'unavailable' });
    const half = worker({ ...state, set: away, delete: away });
    await (await firstOf(half.begin(request))).finish(answer);
    await (await firstOf(half.begin({ ...request, requestId: 'req-2' }))).failed();
  });

  test('neither names nor answers can be read in shared state or its files, and a changed value is never replayed', async () => {
    const { state, worker, folder } = await setup();
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
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
    expect(files.join('').length).toBeGreaterThan(200);
    expect(files.join('')).not.toMatch(/visible|key_1|tr_1/);
    for (const { key, value } of seen) {
      expect(`${key} ${value.toString('latin1')}`).not.toMatch(/visible|key_1|tr_1/);
      value.writeUInt8(value.readUInt8(40) ^ 1, 40);
      await state.set(key, value, 60_000);
    }
    expect(await watched.begin({ ...request, requestId: 'visible-name' })).toEqual({ kind: 'in_flight', traceId: '' });
  });
});
