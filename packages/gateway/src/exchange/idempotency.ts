import { bounds } from '../kernel/bounds.ts';
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
  | { readonly kind: 'first'; finish(answer: KeptAnswer): Promise<void>; failed(): Promise<void> }
  | { readonly kind: 'replay'; readonly answer: KeptAnswer }
  | { readonly kind: 'in_flight'; readonly traceId: string }
  | { readonly kind: 'reused' };

/** `X-Request-ID` as an idempotency key: per principal, ten minutes, over all workers of all nodes. */
export interface Idempotency {
  /** Of any number of equal requests exactly one is `first`. Rejects where shared state does not answer: then nothing is made. */
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

/**
 * A worker that dies between `first` and `finish` leaves the request in flight until its time is over: whether the call was made is then
 * known from its trace only, so it is not made again.
 */
export function createIdempotency({ state, sealer }: { readonly state: IdempotencyState; readonly sealer: Sealer }): Idempotency {
  return {
    async begin({ principalId, requestId, bodyHash, traceId }) {
      const key = `idempotency:${principalId}:${requestId}`;
      const seal = (kept: Kept): Buffer => sealer.seal(Buffer.from(JSON.stringify(kept)), key);
      for (;;) {
        if (await state.setIfAbsent(key, seal({ bodyHash, traceId, answer: null }), bounds.idempotencyMs)) {
          return {
            kind: 'first',
            async finish(answer) {
              // What is too large to keep stays in flight to those who ask again: they read its trace.
              if (answer.body.length > bounds.idempotencyBodyBytesMax) return;
              await state.set(key, seal({ bodyHash, traceId, answer: { ...answer, body: answer.body.toString('base64') } }), bounds.idempotencyMs);
            },
            failed: () => state.delete(key),
          };
        }
        const sealed = await state.get(key);
        // It ended between the two questions: begin again.
        if (sealed === null) continue;
        const plain = sealer.open(sealed, key);
        if (plain === null) return { kind: 'in_flight', traceId: '' };
        const kept = JSON.parse(plain.toString('utf8')) as Kept;
        if (kept.bodyHash !== bodyHash) return { kind: 'reused' };
        if (kept.answer === null) return { kind: 'in_flight', traceId: kept.traceId };
        return { kind: 'replay', answer: { ...kept.answer, body: Buffer.from(kept.answer.body, 'base64') } };
      }
    },
  };
}
