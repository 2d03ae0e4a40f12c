import { z } from 'zod';
import { auditResults } from '../chain/audit-record.ts';
import type { ChainedEntry } from '../chain/call-entry.ts';
import type { PublicKeyRecord } from '../chain/checkpoint.ts';
import type { CallProof } from '../chain/verify-calls.ts';
import type { StoredRecord } from '../chain/verify-events.ts';
import { verifyProof, type ProofReport, type ProofSource, type StoredCheckpoint } from '../chain/verify-proof.ts';
import { keyIdOf } from '../chain/signing-key.ts';
import { BackupDamaged, type BackupFile } from './open-backup.ts';

/** Folders of the parts that are rows of a table. */
export const registryFolder = (table: string): string => `registry/${table}/`;
export const ledgerFolder = (table: string): string => `ledger/${table}/`;

export interface BackupVerdict {
  /** By organization. */
  readonly audits: readonly { readonly organizationId: string; readonly report: ProofReport }[];
  readonly ok: boolean;
}

export interface VerifyOptions {
  /** Public keys in base64 that come from elsewhere; null: those that the backup itself names. */
  readonly trusted: readonly string[] | null;
  readonly findingsMax: number;
  readonly onPart?: (done: number, of: number) => void;
}

/**
 * Reads all of a backup: each part against its checksum, and the audit of each organization as `gateway audit verify` does, to the
 * end that the manifest names. What is wrong with the audit is a finding; rejects with `BackupDamaged` for the file.
 */
export async function verifyBackup(file: BackupFile, { trusted, findingsMax, onPart = () => undefined }: VerifyOptions): Promise<BackupVerdict> {
  const { audit, made_at: madeAt } = file.manifest;
  if (trusted !== null && !trusted.some((key) => keyIdOf(key) === file.signer.keyId) && !(await isVouchedFor(file, trusted)))
    throw new BackupDamaged(null, `it is signed by the key ${file.signer.keyId}, which is not among those that were given`);
  await file.check(onPart);
  const audits: { organizationId: string; report: ProofReport }[] = [];
  for (const head of audit.heads) {
    const source = proofOf(file, head.organization_id, trusted ?? audit.trusted_keys);
    const report = await verifyProof(source, { nowMs: Date.parse(madeAt), findingsMax });
    const through = Math.max(report.events.through, report.removedThrough);
    if (through !== head.sequence)
      throw new BackupDamaged(
        registryFolder('audit_events'),
        `the chain of ${head.organization_id} ends at ${through}, and the manifest was signed for ${head.sequence}`,
      );
    audits.push({ organizationId: head.organization_id, report });
  }
  return { audits, ok: audits.every(({ report }) => report.ok) };
}

/** A successor of a key that is trusted, as the audit of the backup has it. */
async function isVouchedFor(file: BackupFile, trusted: readonly string[]): Promise<boolean> {
  const { trustedKeys } = await import('../chain/checkpoint.ts');
  return trustedKeys(trusted, await keysOf(file)).has(file.signer.keyId);
}

const time = z.string().transform((text) => Date.parse(text));

const keyRow = z.object({
  id: z.string(),
  node: z.string(),
  public_key: z.string(),
  created_at: time,
  previous_key_id: z.string().nullable(),
  signature: z.string(),
});
const removalRow = z.object({ organization_id: z.string(), through_sequence: z.int(), through_hash: z.string(), checkpoint_id: z.string() });
const checkpointRow = z.object({ id: z.string(), organization_id: z.string(), body: z.string(), signature: z.string() });
const eventRow = z.object({
  id: z.string(),
  organization_id: z.string(),
  at: time,
  actor_kind: z.string(),
  actor_id: z.string(),
  action: z.string(),
  object_kind: z.string(),
  object_id: z.string(),
  result: z.enum(auditResults),
  request_id: z.string(),
  peer: z.string(),
  detail: z.record(z.string(), z.unknown()),
  chain_sequence: z.int().nullable(),
  previous_hash: z.string().nullable(),
  hash: z.string().nullable(),
  key_id: z.string().nullable(),
  signature: z.string().nullable(),
});
const entryRow = z.object({
  organizationId: z.string(),
  chain: z.string(),
  entry: z.int(),
  day: z.iso.date(),
  firstSequence: z.int(),
  rows: z.int(),
  rowsHash: z.string(),
  columns: z.string(),
  previousHash: z.string(),
  hash: z.string(),
}) satisfies z.ZodType<ChainedEntry>;

/** Rows of a table, page by page. Rejects with `BackupDamaged` at one that has not its form. */
export async function* rowsOf<Row>(file: BackupFile, folder: string, schema: z.ZodType<Row>): AsyncGenerator<readonly Row[]> {
  for await (const lines of file.lines(folder)) {
    yield lines.map((line) => {
      try {
        return schema.parse(JSON.parse(line));
      } catch (error) {
        throw new BackupDamaged(folder, `a row is none that a gateway writes: ${line.slice(0, 80)}`, error);
      }
    });
  }
}

export function entriesOf(file: BackupFile): AsyncGenerator<readonly ChainedEntry[]> {
  return rowsOf(file, ledgerFolder('call_chain'), entryRow);
}

async function keysOf(file: BackupFile): Promise<readonly PublicKeyRecord[]> {
  const keys: PublicKeyRecord[] = [];
  for await (const rows of rowsOf(file, registryFolder('audit_keys'), keyRow))
    for (const row of rows)
      keys.push({
        id: row.id,
        node: row.node,
        publicKey: row.public_key,
        createdAtMs: row.created_at,
        previousKeyId: row.previous_key_id,
        signature: row.signature,
      });
  return keys;
}

function proofOf(file: BackupFile, organizationId: string, trusted: readonly string[]): ProofSource {
  return {
    trusted,
    keys: () => keysOf(file),
    async removal() {
      let last: z.infer<typeof removalRow> | null = null;
      for await (const rows of rowsOf(file, registryFolder('audit_removals'), removalRow))
        for (const row of rows) if (row.organization_id === organizationId && row.through_sequence > (last?.through_sequence ?? 0)) last = row;
      return last && { throughSequence: last.through_sequence, throughHash: last.through_hash, checkpointId: last.checkpoint_id };
    },
    async *checkpoints() {
      for await (const rows of rowsOf(file, registryFolder('audit_checkpoints'), checkpointRow))
        yield rows.filter((row) => row.organization_id === organizationId) satisfies readonly StoredCheckpoint[];
    },
    async *records(after) {
      for await (const rows of rowsOf(file, registryFolder('audit_events'), eventRow))
        yield rows.map(recordOf).filter((row) => row.organizationId === organizationId && (row.sequence === null || row.sequence > after));
    },
    anchor: () => null,
    calls: file.manifest.ledger.scope === 'all' ? callsOf(file, organizationId) : null,
    finish: async () => undefined,
  };
}

/** The chains; that their rows are as they were written is what the checksums of their parts say. */
function callsOf(file: BackupFile, organizationId: string): CallProof {
  return {
    async *entries() {
      for await (const page of entriesOf(file)) yield page.filter((entry) => entry.organizationId === organizationId);
    },
    rows: null,
    strays: async () => [],
  };
}

function recordOf(row: z.infer<typeof eventRow>): StoredRecord {
  return {
    id: row.id,
    organizationId: row.organization_id,
    sequence: row.chain_sequence,
    atMs: row.at,
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    action: row.action,
    objectKind: row.object_kind,
    objectId: row.object_id,
    result: row.result,
    requestId: row.request_id,
    peer: row.peer,
    detail: row.detail,
    previousHash: row.previous_hash,
    hash: row.hash,
    keyId: row.key_id,
    signature: row.signature,
  };
}
