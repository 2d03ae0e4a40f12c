import { hash as digestOf, randomBytes } from 'node:crypto';
import { compare, hash } from 'bcrypt';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';

/** bcrypt off the event loop: a few at a time in libuv's pool, a bounded number waiting. */
export interface SecretHasher {
  /** Faults: `unavailable` where too many wait. */
  hash(secret: string): Promise<string>;
  /** Whether a hash is of this secret. What matched once is remembered by a keyed digest of both. Faults: `unavailable`. */
  matches(secret: string, hashed: string): Promise<boolean>;
}

/** bcrypt takes a thread of libuv's four for its whole time: the others stay free for files and names. */
const atOnceMax = 2;
const rememberedMax = 10_000;

export function createSecretHasher(cost: number): SecretHasher {
  // Remembered answers are keyed by a secret of this process: they give nothing to test guesses against.
  const pepper = randomBytes(32).toString('base64');
  const remembered = new Set<string>();
  const waiting: (() => void)[] = [];
  let running = 0;

  async function bounded<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running >= atOnceMax) {
      if (waiting.length >= bounds.verifyQueueMax) throw new Fault('unavailable', { reason: 'too many keys are being verified' });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // The place goes straight to the next in line.
      if (next) next();
      else running -= 1;
    }
  }

  return {
    hash: (secret) => bounded(() => hash(secret, cost)),
    async matches(secret, hashed) {
      const digest = digestOf('sha256', `${pepper} ${hashed} ${secret}`, 'base64');
      if (remembered.has(digest)) return true;
      if (!(await bounded(() => compare(secret, hashed)))) return false;
      if (remembered.size >= rememberedMax) for (const oldest of remembered.values().take(1)) remembered.delete(oldest);
      remembered.add(digest);
      return true;
    },
  };
}
