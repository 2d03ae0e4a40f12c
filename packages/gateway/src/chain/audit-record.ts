/**
 * chain: was a record edited, removed, reordered or inserted? What an audit record is as bytes, the hashes that tie each to
 * the one before, the signed checkpoints above them, and the check of all that, with no more than a public key. Imports
 * `kernel/` only and does no I/O: the same code checks the stores of a running gateway and an export on another machine.
 *
 * Promises: every change of a record that is older than the last checkpoint is found and named by its place; only the
 * holder of a node's signing key can make a checkpoint.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A record of the audit as it is hashed: one link of its organization's chain. */
export interface AuditRecord {
  readonly id: string;
  readonly organizationId: string;
  /** Its place in the chain, from 1. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly actorKind: string;
  readonly actorId: string;
  /** Noun and past participle: `key.created`. */
  readonly action: string;
  readonly objectKind: string;
  readonly objectId: string;
  readonly result: AuditResult;
  readonly requestId: string;
  /** The address that the actor came from; empty where it is the machine itself. */
  readonly peer: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** `denied`: it was asked for and refused; `failed`: it was allowed and did not come about. */
export type AuditResult = 'success' | 'denied' | 'failed';
export const auditResults = ['success', 'denied', 'failed'] as const satisfies readonly AuditResult[];

/** A record with its link, and the signature of the node that wrote it. */
export interface ChainedRecord extends AuditRecord {
  /** 64 hex digits each. */
  readonly previousHash: string;
  readonly hash: string;
  readonly keyId: string;
  /** Base64, over the hash. */
  readonly signature: string;
}

/** What the first record of every chain follows. */
export const chainStart = '0'.repeat(64);

/** SHA-256 over the canonical JSON (RFC 8785) of a record and the hash of the one before it. */
export function hashRecord(record: AuditRecord, previousHash: string): string {
  return hash(
    'sha256',
    canonical({
      format: 1,
      previous: previousHash,
      sequence: record.sequence,
      id: record.id,
      organization_id: record.organizationId,
      at: new Date(record.atMs).toISOString(),
      actor: { kind: record.actorKind, id: record.actorId },
      action: record.action,
      object: { kind: record.objectKind, id: record.objectId },
      result: record.result,
      request_id: record.requestId,
      peer: record.peer,
      detail: record.detail,
    }),
    'hex',
  );
}

/** RFC 8785. */
export function canonical(value: Readonly<Record<string, unknown>>): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('an object has a canonical form');
  return text;
}

/**
 * The same value without what a store or the canonical form cannot keep: NUL, lone surrogates, members that are undefined,
 * numbers that are none. Texts are cut at `textCharsMax`.
 */
export function storable(value: unknown, textCharsMax: number): unknown {
  if (typeof value === 'string') return text(value, textCharsMax);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map((item) => storable(item, textCharsMax));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => [text(name, textCharsMax), storable(member, textCharsMax)]),
    );
  return typeof value === 'boolean' ? value : null;
}

function text(value: string, charsMax: number): string {
  return value.replaceAll('\0', '\ufffd').slice(0, charsMax).toWellFormed();
}
