import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { canonical } from './audit-record.ts';
import { isSignedBy, keyIdOf, readPublicKey, type SigningKey } from './signing-key.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** What a node says of the chains at a moment: this far they go, and this is where they end. */
export const checkpointBody = z.object({
  format: z.literal(1),
  organization_id: z.string(),
  node: z.string(),
  at: z.iso.datetime(),
  key_id: z.string(),
  /** The chain of audit events. */
  events: z.object({ sequence: z.int().min(0), hash: digest }),
  /** The node's chains of calls: their last entry, and the last row of it. */
  calls: z.array(z.object({ chain: z.string(), entry: z.int().min(1), sequence: z.int().min(1), hash: digest })).readonly(),
  /** How long calls were kept then: what is older may be gone. */
  calls_days: z.int().min(1).optional(),
});
export type CheckpointBody = z.infer<typeof checkpointBody>;

/** The canonical JSON of a body as it was signed. */
export interface SignedCheckpoint {
  readonly body: string;
  readonly signature: string;
}

export function signCheckpoint(body: Omit<CheckpointBody, 'format' | 'key_id'>, key: SigningKey): SignedCheckpoint {
  const text = canonical({ format: 1, key_id: key.id, ...body });
  return { body: text, signature: key.sign('checkpoint', text) };
}

/** A public key of a node. One that follows another is vouched for by it: that one signed `key.id` and the new public key. */
export interface PublicKeyRecord {
  readonly id: string;
  readonly node: string;
  readonly publicKey: string;
  readonly createdAtMs: number;
  readonly previousKeyId: string | null;
  /** By the previous key; empty where there is none. */
  readonly signature: string;
}

/** What the earlier key signs of its successor. */
export function successionText(earlier: string, { id, node, publicKey }: Pick<PublicKeyRecord, 'id' | 'node' | 'publicKey'>): string {
  return canonical({ format: 1, previous: earlier, id, node, public_key: publicKey });
}

/** Public keys by their id. */
export type TrustedKeys = ReadonlyMap<string, KeyObject>;

/** Those that are trusted (base64), and those that one of them vouches for, however long the succession. */
export function trustedKeys(trusted: readonly string[], known: readonly PublicKeyRecord[]): TrustedKeys {
  const keys = new Map<string, KeyObject>();
  const trust = (publicKey: string): void => {
    const key = readPublicKey(publicKey);
    if (key !== null) keys.set(keyIdOf(publicKey), key);
  };
  for (const publicKey of trusted) trust(publicKey);
  for (let before = -1; before < keys.size;) {
    before = keys.size;
    for (const record of known) {
      const voucher = record.previousKeyId === null ? undefined : keys.get(record.previousKeyId);
      if (keys.has(record.id) || voucher === undefined || keyIdOf(record.publicKey) !== record.id) continue;
      if (isSignedBy(voucher, 'key', successionText(record.previousKeyId ?? '', record), record.signature)) trust(record.publicKey);
    }
  }
  return keys;
}

export type CheckpointVerdict =
  | { readonly ok: true; readonly body: CheckpointBody }
  /** `keyId` as the body says it, or empty. */
  | { readonly ok: false; readonly reason: 'malformed' | 'unknown_key' | 'bad_signature'; readonly keyId: string };

export function openCheckpoint({ body: text, signature }: SignedCheckpoint, keys: TrustedKeys): CheckpointVerdict {
  const parsed = checkpointBody.safeParse(parseJson(text));
  if (!parsed.success) return { ok: false, reason: 'malformed', keyId: '' };
  const body = parsed.data;
  const key = keys.get(body.key_id);
  if (key === undefined) return { ok: false, reason: 'unknown_key', keyId: body.key_id };
  if (!isSignedBy(key, 'checkpoint', text, signature)) return { ok: false, reason: 'bad_signature', keyId: body.key_id };
  return { ok: true, body };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
