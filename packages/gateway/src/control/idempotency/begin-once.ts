import { createHash, createHmac, hkdfSync, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { createSealer } from '../../kernel/seal.ts';
import type { IdempotentAttempt } from '../../store/registry/idempotency-store.ts';
import type { RegistryStore } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';

/** A request that its caller wants carried out once. */
export interface OnceRequest {
  readonly key: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  readonly body: string;
  /** What the caller signs in with; null: the operator, who needs nothing. */
  readonly credential: string | null;
}

const keptAnswer = z.object({ status: z.number(), headers: z.record(z.string(), z.string()), body: z.string() });
export type OnceAnswer = z.infer<typeof keptAnswer>;

export type Once =
  | {
      readonly kind: 'first';
      /** The registry for its verb: what is written there and that the request is done are one transaction. */
      readonly registry: RegistryStore;
      /** Never rejects: the caller gets the answer, kept or not. */
      keep(answer: OnceAnswer): Promise<void>;
      /** The request failed: it may be sent again, unless something of it was done. Never rejects. */
      release(): Promise<void>;
    }
  | { readonly kind: 'replay'; readonly answer: OnceAnswer };

/**
 * Begins a request with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): of any number of equal ones of a caller, on whichever node, one
 * is `first` and done once; the others get its answer, for a day. Answers hold secrets, such as that of a new key, and people's names, so they lie
 * in the registry sealed with what the caller signs in with, which the gateway does not keep. A node that dies lets go after a minute what it
 * had not done. Faults: `idempotency_key_in_use`, `idempotency_key_reused`, `idempotent_answer_lost`, `unavailable`.
 */
export async function beginOnce(context: ControlContext, request: OnceRequest): Promise<Once> {
  const { registry, organizationId, actor, answerKey } = context;
  const caller = `${actor.kind}:${actor.id}`;
  const digest = createHash('sha256')
    .update(JSON.stringify([caller, request.method, request.path, request.key]))
    .digest('base64url');
  const attempt: IdempotentAttempt = { organizationId, digest, attempt: randomUUID() };
  const said = createHmac('sha256', request.key)
    .update(JSON.stringify([request.query, request.body]))
    .digest('base64url');
  const sealer = createSealer(Buffer.from(hkdfSync('sha256', request.credential ?? answerKey, digest, 'gatewayops idempotent answer', 32)));

  const remembered = await registry.transaction(({ idempotency }) =>
    idempotency.begin(
      { ...attempt, caller, request: said },
      { holdMs: bounds.idempotencyHoldMs, keptMs: bounds.idempotencyKeyMs, keysMax: bounds.idempotencyKeysMax },
    ),
  );
  if (remembered !== null) {
    if (remembered.request !== said) throw new Fault('idempotency_key_reused');
    if (!remembered.isDone) throw new Fault('idempotency_key_in_use');
    if (remembered.answer === null) throw lost('it was too large to keep, or the node that made it ended before it had kept it');
    const plain = sealer.open(remembered.answer, digest);
    if (plain === null) throw lost('what the caller signs in with has changed since');
    return { kind: 'replay', answer: keptAnswer.parse(JSON.parse(plain.toString('utf8'))) };
  }
  const quietly = async (what: string, work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => context.log.warn('idempotency.not_written', { what, error }));
  };
  return {
    kind: 'first',
    registry: {
      ...registry,
      transaction: (work) =>
        registry.transaction(async (writes) => {
          const result = await work(writes);
          if (!(await writes.idempotency.done(attempt))) throw new Fault('idempotency_key_in_use');
          return result;
        }),
    },
    async keep(answer) {
      const plain = Buffer.from(JSON.stringify(answer));
      if (plain.length > bounds.idempotentAnswerBytesMax)
        return quietly(
          'done',
          registry.transaction(({ idempotency }) => idempotency.done(attempt)),
        );
      await quietly(
        'answer',
        registry.transaction(({ idempotency }) => idempotency.keep(attempt, sealer.seal(plain, digest))),
      );
    },
    release: () =>
      quietly(
        'release',
        registry.transaction(({ idempotency }) => idempotency.release(attempt)),
      ),
  };
}

function lost(reason: string): Fault {
  return new Fault('idempotent_answer_lost', { reason });
}
