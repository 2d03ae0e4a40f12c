/**
 * The keys that access tokens are signed with: ES256 pairs, the private one sealed in the registry by the node that made it. A node signs with the newest
 * that it can open, makes another each month, and every node knows the public ones of all.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { randomBase62 } from '../../kernel/id.ts';
import type { Sealer } from '../../kernel/seal.ts';
import type { OauthKeyRecord } from '../../store/registry/oauth-store.ts';
import type { RegistryStore } from '../../store/registry/registry-store.ts';

export const tokenAlgorithm = 'ES256';

export interface TokenKeys {
  /** The one that signs now. Faults: `unavailable`. */
  signing(): Promise<{ readonly id: string; readonly key: KeyObject }>;
  /** The public key of an id, or null. Faults: `unavailable`. */
  find(id: string): Promise<KeyObject | null>;
  /** All public ones, as a JWK Set has them (RFC 7517). Faults: `unavailable`. */
  published(): Promise<readonly Readonly<Record<string, string>>[]>;
}

const generate = promisify(generateKeyPair);

export interface TokenKeyParts {
  readonly registry: Pick<RegistryStore, 'oauthKeys' | 'transaction'>;
  readonly sealer: Sealer;
  readonly node: string;
  readonly clock: Clock;
}

export function createTokenKeys({ registry, sealer, node, clock }: TokenKeyParts): TokenKeys {
  let known: { readonly keys: readonly OauthKeyRecord[]; readonly readAtMs: number } | null = null;
  let current: { readonly id: string; readonly key: KeyObject; readonly createdAtMs: number } | null = null;
  let finding: Promise<{ readonly id: string; readonly key: KeyObject }> | null = null;

  /** Looks for ids that nothing was known of, since `beganAtMs`. */
  let looks = { beganAtMs: Number.NEGATIVE_INFINITY, count: 0 };

  /** A few in each while: a key may have been made by another node just now, and made-up ids must not ask the registry each time. */
  function mayLook(): boolean {
    const nowMs = clock.monotonicMs();
    if (nowMs - looks.beganAtMs >= bounds.tokenKeysAskMs) looks = { beganAtMs: nowMs, count: 0 };
    looks.count += 1;
    return looks.count <= bounds.tokenKeyLooksMax;
  }

  async function read(agedMsMax: number): Promise<readonly OauthKeyRecord[]> {
    if (known !== null && clock.monotonicMs() - known.readAtMs < agedMsMax) return known.keys;
    const readAtMs = clock.monotonicMs();
    const keys = await registry.oauthKeys.list();
    known = { keys, readAtMs };
    return keys;
  }

  const isYoung = (createdAtMs: number): boolean => clock.nowMs() - createdAtMs < bounds.tokenKeySignsMs;

  async function findOrMake(): Promise<{ readonly id: string; readonly key: KeyObject }> {
    for (const { id, sealed, createdAtMs } of await read(0)) {
      const opened = isYoung(createdAtMs) ? sealer.open(sealed, associated(id)) : null;
      if (opened === null) continue;
      current = { id, createdAtMs, key: createPrivateKey({ key: opened, format: 'der', type: 'pkcs8' }) };
      return current;
    }
    const { privateKey, publicKey } = await generate('ec', { namedCurve: 'P-256' });
    const id = randomBase62(20);
    const { kty = '', crv = '', x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const createdAtMs = clock.nowMs();
    const sealed = sealer.seal(privateKey.export({ format: 'der', type: 'pkcs8' }), associated(id));
    await registry.transaction(async ({ oauthKeys }) => {
      await oauthKeys.deleteBefore(createdAtMs - bounds.tokenKeySignsMs - bounds.tokenKeyKnownMs);
      await oauthKeys.insert({ id, node, publicJwk: { kty, crv, x, y }, sealed, createdAtMs });
    });
    known = null;
    current = { id, createdAtMs, key: privateKey };
    return current;
  }

  return {
    async signing() {
      if (current !== null && isYoung(current.createdAtMs)) return current;
      finding ??= findOrMake().finally(() => (finding = null));
      return finding;
    },
    async find(id) {
      const among = (keys: readonly OauthKeyRecord[]): OauthKeyRecord | undefined => keys.find((key) => key.id === id);
      const found = among(await read(bounds.tokenKeysReadMs)) ?? (mayLook() ? among(await read(0)) : undefined);
      return found === undefined ? null : createPublicKey({ key: { ...found.publicJwk }, format: 'jwk' });
    },
    async published() {
      return (await read(bounds.tokenKeysAskMs)).map(({ id, publicJwk }) => ({ ...publicJwk, kid: id, use: 'sig', alg: tokenAlgorithm }));
    },
  };
}

function associated(id: string): string {
  return `oauth-key:${id}`;
}
