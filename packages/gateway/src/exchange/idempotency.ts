import { createHash } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { Sealer } from '../kernel/seal.ts';

/** An answer of the REST façade as it is kept and given again. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface IdempotentRequest {
  readonly principalId: string;
  readonly requestId: string;
  /** Digest of path and body: the same id with another request is refused. */
  readonly bodyHash: string;
  readonly traceId: string;
}

export type Begun =
  | {
      readonly kind: 'first';
      /** Keeps the answer, whatever its status. Never rejects: the call is made, and its caller gets its answer. */
      finish(answer: KeptAnswer): Promise<void>;
      /** Frees the id, because nothing was sent upstream. Never rejects. */
      failed(): Promise<void>;
    }
  | { readonly kind: 'replay'; readonly answer: KeptAnswer }
  | { readonly kind: 'in_flight'; readonly traceId: string }
  | { readonly kind: 'reused' };

/**
 * `X-Request-ID` as an idempotency key: per principal, ten minutes, over all workers of all nodes that use one shared state, and over the end of
 * any of them.
 */
export interface Idempotency {
  /** Of any number of equal requests exactly one is `first`. Faults: `unavailable` where shared state does not answer: then nothing is made. */
  begin(request: IdempotentRequest): Promise<Begun>;
}

export interface IdempotencyState {
  get(key: string): Promise<Buffer | null>;
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  setIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}

/** What lies in shared state, sealed: the request, and its answer once there is one that is small enough. */
interface Kept {
  readonly bodyHash: string;
  readonly traceId: string;
  readonly answer: { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } | null;
}

/** A value may end between the two questions of `begin`; then it begins again. */
const attemptsMax = 3;

/**
 * A worker, or a gateway, that dies between `first` and `finish` leaves the request in flight until its time is over: whether the call was made is then
 * known from its trace only, so it is not made again.
 */
export function createIdempotency({ state, sealer }: { readonly state: IdempotencyState; readonly sealer: Sealer }): Idempotency {
  return {
    async begin({ principalId, requestId, bodyHash, traceId }) {
      const key = keyOf(principalId, requestId);
      const seal = (kept: Kept): Buffer => sealer.seal(Buffer.from(JSON.stringify(kept)), key);
      const begun = { bodyHash, traceId, answer: null };
      try {
        for (let attempt = 0; attempt < attemptsMax; attempt++) {
          if (await state.setIfAbsent(key, seal(begun), bounds.idempotencyMs)) return first(key, (answer) => seal({ bodyHash, traceId, answer }));
          const sealed = await state.get(key);
          if (sealed !== null) return outcomeOf(sealer.open(sealed, key), bodyHash);
        }
      } catch (cause) {
        throw new Fault('unavailable', { reason: 'the shared state that X-Request-ID needs does not answer' }, { cause });
      }
      return { kind: 'in_flight', traceId: '' };
    },
  };

  function first(key: string, seal: (answer: Kept['answer']) => Buffer): Begun {
    return {
      kind: 'first',
      async finish(answer) {
        // What is too large to keep, or finds no room, stays in flight to those who ask again: they read its trace.
        if (answer.body.length > bounds.idempotencyBodyBytesMax) return;
        await state.set(key, seal({ ...answer, body: answer.body.toString('base64') }), bounds.idempotencyMs).catch(() => undefined);
      },
      async failed() {
        // Where this does not succeed the id stays taken: the safe side.
        await state.delete(key).catch(() => undefined);
      },
    };
  }
}

function outcomeOf(plain: Buffer | null, bodyHash: string): Begun {
  // Sealed by another key, or changed: that something was begun is all that can be said.
  if (plain === null) return { kind: 'in_flight', traceId: '' };
  const kept = JSON.parse(plain.toString('utf8')) as Kept;
  if (kept.bodyHash !== bodyHash) return { kind: 'reused' };
  if (kept.answer === null) return { kind: 'in_flight', traceId: kept.traceId };
  return { kind: 'replay', answer: { ...kept.answer, body: Buffer.from(kept.answer.body, 'base64') } };
}

/** Bounded in length, and without the names of callers and requests. */
function keyOf(principalId: string, requestId: string): string {
  return `idempotency:${createHash('sha256').update(`${principalId}\n${requestId}`).digest('base64url')}`;
}
