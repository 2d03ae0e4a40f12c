/** What the control API of a node remembers of keys: the same thing that its workers have. Part of `assemble.ts`. */
import { createAuthenticator, type Authenticator, type CredentialRefusal, type CredentialVerdict } from './authenticate/authenticate.ts';
import type { KnownKeys } from './control/keys/verify-key.ts';
import type { Clock } from './kernel/clock.ts';
import { Fault } from './kernel/fault.ts';
import { defaultOrganizationId } from './kernel/id.ts';
import type { WorkerPool } from './node/worker-pool.ts';
import type { LiveFeed } from './telemetry/live/live-feed.ts';

/** Whoever tells workers to forget keys tells this too, and first. */
export interface ForgettingKeys extends KnownKeys, Pick<Authenticator, 'drop' | 'dropAll'> {}

/** `judge`: who a secret belongs to, from the registry. */
export function createKnownKeys(judge: (secret: string) => Promise<CredentialVerdict>, clock: Clock): ForgettingKeys {
  const { authenticate, drop, dropAll } = createAuthenticator({
    verify: judge,
    // They are not looked up in the registry.
    takesTokens: () => false,
    // No call is recorded here.
    encode: () => new Uint8Array(),
    organizationId: defaultOrganizationId,
    clock,
  });
  return {
    async recognise(secret) {
      try {
        return { ok: true, principal: (await authenticate(`Bearer ${secret}`)).data };
      } catch (error) {
        // A refusal without a reason is of what is no credential at all.
        if (error instanceof Fault && error.code === 'unauthorized') return (error.cause as CredentialRefusal | undefined) ?? { ok: false, reason: 'unknown' };
        throw error;
      }
    },
    drop,
    dropAll,
  };
}

/** Tells all who remember something of keys, this process first. */
export interface KeyNews {
  /** Resolves when nobody on this node goes by what was known of it. */
  keyChanged(keyId: string): Promise<void>;
  /** The same of many; null: of any. */
  forget(keys: readonly string[] | null): Promise<void>;
}

export function createKeyNews(knownKeys: ForgettingKeys, live: Pick<LiveFeed, 'end'>, pool: Pick<WorkerPool, 'keyChanged' | 'keysChanged'>): KeyNews {
  const keyChanged = (keyId: string): Promise<void> => {
    knownKeys.drop(keyId);
    live.end(keyId);
    return pool.keyChanged(keyId);
  };
  return {
    keyChanged,
    async forget(keys) {
      if (keys === null) knownKeys.dropAll();
      await (keys === null ? pool.keysChanged() : Promise.all(keys.map(keyChanged)));
    },
  };
}
