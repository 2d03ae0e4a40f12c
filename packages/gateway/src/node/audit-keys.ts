/**
 * The node's signing key of the audit, and what of the audit is remembered outside of the stores: public keys that this node
 * has had, and the farthest place that it has signed. All in the state folder; the private key, 0600, in `secrets/`.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { successionText, type PublicKeyRecord } from '../chain/checkpoint.ts';
import { createSigningKey, type SigningKey } from '../chain/signing-key.ts';
import type { AuditAnchor } from '../control/audit/audit-desk.ts';
import { Fault } from '../kernel/fault.ts';
import type { StateFolder } from './state-folder.ts';

export interface AuditKeys {
  /** The one that signs now: the same object after a rotation. */
  readonly key: SigningKey;
  /** Public keys that this node has signed with, in base64. */
  own(): readonly string[];
  /**
   * A new key that the one before vouches for. `record` is called before it signs anything; where that fails, the key before
   * stays. One that was recorded when the process died is taken up by `resume`.
   */
  rotate(nowMs: number, record: (next: PublicKeyRecord) => Promise<void>): Promise<PublicKeyRecord>;
  /** After a start: `isRecorded` says whether a key that was being introduced is in the registry. */
  resume(isRecorded: (keyId: string) => boolean): void;
  anchor(organizationId: string): AuditAnchor | null;
  keepAnchor(organizationId: string, anchor: AuditAnchor): void;
}

const remembered = z.object({
  format: z.literal(1),
  keys: z.array(z.string()),
  anchors: z.record(z.string(), z.object({ sequence: z.int(), hash: z.string(), at: z.string() })),
});
type Remembered = z.infer<typeof remembered>;

/** Faults: `state_broken`, `permission_denied`, `disk_full`. */
export function openAuditKeys({ paths, node, secret }: Pick<StateFolder, 'paths' | 'node' | 'secret'>): AuditKeys {
  const currentPath = join(paths.secrets, 'audit.key');
  const nextPath = join(paths.secrets, 'audit-next.key');
  const memoryPath = join(paths.root, 'audit.json');
  let current = createSigningKey(secret('audit'));
  let memory = readMemory(memoryPath, paths.root);
  remember(current.publicKey);

  function remember(publicKey: string): void {
    if (memory.keys.includes(publicKey)) return;
    keep({ ...memory, keys: [...memory.keys, publicKey] });
  }

  function keep(next: Remembered): void {
    writeWhole(memoryPath, JSON.stringify(next));
    memory = next;
  }

  function adopt(next: SigningKey): void {
    remember(next.publicKey);
    renameSync(nextPath, currentPath);
    current = next;
  }

  return {
    key: {
      get id() {
        return current.id;
      },
      get publicKey() {
        return current.publicKey;
      },
      sign: (purpose, text) => current.sign(purpose, text),
    },
    own: () => memory.keys,
    async rotate(nowMs, record) {
      const seed = randomBytes(32);
      const next = createSigningKey(seed);
      const introduced = { id: next.id, node, publicKey: next.publicKey };
      writeWhole(nextPath, `${seed.toString('hex')}\n`);
      const entry = { ...introduced, createdAtMs: nowMs, previousKeyId: current.id, signature: current.sign('key', successionText(current.id, introduced)) };
      await record(entry);
      adopt(next);
      return entry;
    },
    resume(isRecorded) {
      const seed = readSeed(nextPath);
      if (seed === null) return;
      const next = createSigningKey(seed);
      if (isRecorded(next.id)) adopt(next);
      else rmSync(nextPath, { force: true });
    },
    anchor: (organizationId) => memory.anchors[organizationId] ?? null,
    keepAnchor: (organizationId, anchor) => keep({ ...memory, anchors: { ...memory.anchors, [organizationId]: anchor } }),
  };
}

/**
 * After a restore: who signed what was restored is trusted, and how far each chain was signed is what the backup says, whatever this
 * node remembers of before. Before `openAuditKeys`. Faults: `state_broken`.
 */
export function rememberRestored({ paths }: Pick<StateFolder, 'paths'>, keys: readonly string[], anchors: Readonly<Record<string, AuditAnchor>>): void {
  const path = join(paths.root, 'audit.json');
  const before = readMemory(path, paths.root);
  writeWhole(path, JSON.stringify({ format: 1, keys: [...new Set([...before.keys, ...keys])], anchors } satisfies Remembered));
}

function readMemory(path: string, root: string): Remembered {
  const text = textOf(path);
  if (text === null) return { format: 1, keys: [], anchors: {} };
  try {
    return remembered.parse(JSON.parse(text));
  } catch (cause) {
    throw new Fault('state_broken', { path: root, reason: `${path} is not what the gateway wrote` }, { cause });
  }
}

function readSeed(path: string): Buffer | null {
  const seed = Buffer.from((textOf(path) ?? '').trim(), 'hex');
  return seed.length === 32 ? seed : null;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
