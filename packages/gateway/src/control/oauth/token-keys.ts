/**
 * The keys that access tokens are signed with: ES256 pairs, the private one sealed in the registry by the node that made it. Of those that a node can open one signs
 * and one signs next: that is published for as long as the other one signs, so that whoever keeps the set of keys for a while never meets an unknown one.
 * Each month, or when somebody asks for it, the next one takes over. Every node knows the public ones of all.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { defaultOrganizationId, newRequestId, randomBase62 } from '../../kernel/id.ts';
import type { Sealer } from '../../kernel/seal.ts';
import type { OauthKeyRecord } from '../../store/registry/oauth-store.ts';
import type { RegistryStore, RegistryWrites } from '../../store/registry/registry-store.ts';
import { system } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';

export const tokenAlgorithm = 'ES256';

/** In whose name the audit has a rotation. */
export type RotatedBy = Omit<Parameters<typeof auditEvent>[0], 'clock'>;

/** `next` is published and signs nothing yet; by a `retired` one tokens only end. */
export type TokenKeyState = 'signing' | 'next' | 'retired';

export interface TokenKeyData {
  readonly id: string;
  readonly node: string;
  readonly state: TokenKeyState;
  readonly createdAtMs: number;
  readonly signsAtMs: number | null;
  readonly retiredAtMs: number | null;
  /** When the state ends by itself; null: with that of another. */
  readonly untilMs: number | null;
}

interface SigningKey {
  readonly id: string;
  readonly key: KeyObject;
}

export interface TokenKeys {
  /** The one that signs now. Faults: `unavailable`. */
  signing(): Promise<SigningKey>;
  /** The public key of an id, or null. Faults: `unavailable`. */
  find(id: string): Promise<KeyObject | null>;
  /** All public ones, as a JWK Set has them (RFC 7517). Faults: `unavailable`. */
  published(): Promise<readonly Readonly<Record<string, string>>[]>;
  /** All of them, newest first, without what is secret. Faults: `unavailable`. */
  list(): Promise<readonly TokenKeyData[]>;
  /**
   * The next key signs from now on, here and on every node that can open it; nodes with keys of their own follow within `tokenKeysReadMs`. Tokens by the earlier one
   * stay good until they end. Faults: `unavailable`.
   */
  rotate(by: RotatedBy): Promise<void>;
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
  /** Null: another node's, which this one cannot open. */
  let opened: ReadonlyMap<string, KeyObject | null> = new Map();
  let settling: Promise<void> | null = null;

  /** Looks for ids that nothing was known of, since `beganAtMs`. */
  let looks = { beganAtMs: Number.NEGATIVE_INFINITY, count: 0 };

  /** A few in each while: a key may have been made by another node just now, and made-up ids must not ask the registry each time. */
  function mayLook(): boolean {
    const nowMs = clock.monotonicMs();
    if (nowMs - looks.beganAtMs >= bounds.tokenKeysAskMs) looks = { beganAtMs: nowMs, count: 0 };
    looks.count += 1;
    return looks.count <= bounds.tokenKeyLooksMax;
  }

  /** Those that are still good for something. */
  async function read(agedMsMax: number): Promise<readonly OauthKeyRecord[]> {
    if (known === null || clock.monotonicMs() - known.readAtMs >= agedMsMax) {
      const readAtMs = clock.monotonicMs();
      const keys = await registry.oauthKeys.list();
      known = { keys, readAtMs };
    }
    return known.keys.filter((key) => !isForgotten(key));
  }

  const isForgotten = ({ retiredAtMs }: OauthKeyRecord): boolean => retiredAtMs !== null && clock.nowMs() - retiredAtMs >= bounds.tokenKeyKnownMs;

  function open(keys: readonly OauthKeyRecord[]): ReadonlyMap<string, KeyObject | null> {
    opened = new Map(keys.map((key) => [key.id, opened.has(key.id) ? (opened.get(key.id) ?? null) : privateKeyOf(key)]));
    return opened;
  }

  const canOpen = (id: string): boolean => (opened.get(id) ?? null) !== null;

  function privateKeyOf({ id, sealed }: OauthKeyRecord): KeyObject | null {
    const plain = sealer.open(sealed, associated(id));
    return plain === null ? null : createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
  }

  /** Of those that this node can open: the one that signs, and the one after it. */
  function roles(keys: readonly OauthKeyRecord[]): { readonly signing: (SigningKey & { readonly sinceMs: number }) | null; readonly nextId: string | null } {
    const privateKeys = open(keys);
    let signing: (SigningKey & { readonly sinceMs: number }) | null = null;
    let nextId: string | null = null;
    for (const { id, signsAtMs, retiredAtMs } of keys) {
      const key = retiredAtMs === null ? (privateKeys.get(id) ?? null) : null;
      if (key === null) continue;
      if (signsAtMs === null) nextId ??= id;
      else if (signing === null || signsAtMs > signing.sinceMs) signing = { id, key, sinceMs: signsAtMs };
    }
    return { signing, nextId };
  }

  const isDue = (sinceMs: number): boolean => clock.nowMs() - sinceMs >= bounds.tokenKeySignsMs;

  async function make(signsAtMs: number | null): Promise<OauthKeyRecord> {
    const { privateKey, publicKey } = await generate('ec', { namedCurve: 'P-256' });
    const id = randomBase62(20);
    const { kty = '', crv = '', x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const sealed = sealer.seal(privateKey.export({ format: 'der', type: 'pkcs8' }), associated(id));
    return { id, node, publicJwk: { kty, crv, x, y }, sealed, createdAtMs: clock.nowMs(), signsAtMs, retiredAtMs: null };
  }

  /** Sees to it that one signs and one is next, whichever node comes first; `by` null: only where it is time. */
  async function settle(by: RotatedBy | null): Promise<void> {
    await registry.transaction(async (writes) => {
      const { oauthKeys } = writes;
      await oauthKeys.lock();
      const keys = await oauthKeys.list();
      const { signing, nextId } = roles(keys);
      const isTurn = by !== null || signing === null || isDue(signing.sinceMs);
      if (isTurn) await turn(writes, keys, nextId, by);
      if (isTurn || nextId === null) await oauthKeys.insert(await make(null));
      await oauthKeys.delete(keys.filter(isOver).map(({ id }) => id));
    });
    known = null;
  }

  async function turn({ oauthKeys, audit }: RegistryWrites, keys: readonly OauthKeyRecord[], nextId: string | null, by: RotatedBy | null): Promise<void> {
    const nowMs = clock.nowMs();
    // By hand the keys of nodes that seal differently are meant too: each of those nodes sees that its own is retired, and takes its next one.
    const retired = keys.filter(({ id, signsAtMs, retiredAtMs }) => signsAtMs !== null && retiredAtMs === null && (by !== null || canOpen(id)));
    for (const { id } of retired) await oauthKeys.update(id, { retiredAtMs: nowMs });
    const first = nextId === null ? await make(nowMs) : null;
    if (nextId !== null) await oauthKeys.update(nextId, { signsAtMs: nowMs });
    if (first !== null) await oauthKeys.insert(first);
    const actor = by ?? { organizationId: defaultOrganizationId, actor: system, requestId: newRequestId(), peer: '' };
    const id = nextId ?? first?.id ?? '';
    await audit.insert(auditEvent({ ...actor, clock }, 'token_key.rotated', id, { retired: retired.map((key) => key.id).join(' ') }));
  }

  /** Also one of a node that has not been seen for long: one that lives replaces its key each month. */
  const isOver = (key: OauthKeyRecord): boolean => isForgotten(key) || (!canOpen(key.id) && clock.nowMs() - key.createdAtMs >= bounds.tokenKeyStrangeMs);

  async function signing(): Promise<SigningKey> {
    const found = roles(await read(bounds.tokenKeysReadMs));
    if (found.signing !== null && found.nextId !== null && !isDue(found.signing.sinceMs)) return found.signing;
    settling ??= settle(null).finally(() => (settling = null));
    await settling;
    const settled = roles(await read(bounds.tokenKeysReadMs)).signing;
    if (settled === null) throw new Error('a key of tokens was taken away as it was made');
    return settled;
  }

  return {
    signing,
    async find(id) {
      const among = (keys: readonly OauthKeyRecord[]): OauthKeyRecord | undefined => keys.find((key) => key.id === id);
      const found = among(await read(bounds.tokenKeysReadMs)) ?? (mayLook() ? among(await read(0)) : undefined);
      return found === undefined ? null : createPublicKey({ key: { ...found.publicJwk }, format: 'jwk' });
    },
    async published() {
      return (await read(bounds.tokenKeysAskMs)).map(({ id, publicJwk }) => ({ ...publicJwk, kid: id, use: 'sig', alg: tokenAlgorithm }));
    },
    async list() {
      return (await read(0)).map(({ id, node: madeBy, createdAtMs, signsAtMs, retiredAtMs }) => ({
        id,
        node: madeBy,
        state: retiredAtMs !== null ? 'retired' : signsAtMs === null ? 'next' : 'signing',
        createdAtMs,
        signsAtMs,
        retiredAtMs,
        untilMs: retiredAtMs !== null ? retiredAtMs + bounds.tokenKeyKnownMs : signsAtMs === null ? null : signsAtMs + bounds.tokenKeySignsMs,
      }));
    },
    rotate: settle,
  };
}

function associated(id: string): string {
  return `oauth-key:${id}`;
}
