import { z } from 'zod';
import { hashRecord, chainStart, type AuditRecord } from './audit-record.ts';
import type { CheckpointBody, TrustedKeys } from './checkpoint.ts';
import type { Findings } from './findings.ts';
import { isSignedBy } from './signing-key.ts';

/** A record as it is stored: whoever changed the store may have left anything in its link. */
export interface StoredRecord extends Omit<AuditRecord, 'sequence'> {
  readonly sequence: number | null;
  readonly previousHash: string | null;
  readonly hash: string | null;
  readonly keyId: string | null;
  readonly signature: string | null;
}

/** Where a chain may begin: after records whose retention was over. */
export interface ChainBegin {
  readonly sequence: number;
  readonly hash: string;
}

export interface EventChecks {
  /** In pages, by place; those without one first. */
  readonly records: AsyncIterable<readonly StoredRecord[]>;
  readonly begin: ChainBegin;
  readonly keys: TrustedKeys;
  /** Good ones only, by the place that they speak of. */
  readonly checkpoints: readonly CheckpointBody[];
  readonly findings: Findings;
  /** Sees each record that is as a node wrote it. */
  readonly onGood?: (record: StoredRecord) => void;
}

/** Calls that are not here because a restore left them out, as the node that restored recorded it. */
export interface LeftOut {
  readonly chain: string;
  /** Up to this entry. */
  readonly entry: number;
  /** Up to this place. */
  readonly sequence: number;
  /** Days whose calls are here, both included, null where it is open; `days` null: none are here, nor are their entries. */
  readonly days: { readonly from: string | null; readonly to: string | null } | null;
}

const restored = z.object({
  left_out: z.array(
    z.object({
      chain: z.string(),
      entry: z.int(),
      sequence: z.int(),
      days: z.object({ from: z.iso.date().nullable(), to: z.iso.date().nullable() }).nullable(),
    }),
  ),
});

export interface EventReport {
  readonly records: number;
  readonly from: number;
  readonly through: number;
  /** The last checkpoint that the records agree with. */
  readonly signed: { readonly sequence: number; readonly at: string; readonly keyId: string } | null;
  readonly leftOut: readonly LeftOut[];
}

/** What a node records of a restore. */
export const restoredAction = 'backup.restored';

const chain = 'events';
/** Records out of place that are compared with each other's places. */
const swapsMax = 50;

/** Checks the chain of audit events of one organization: each record, its link to the one before, and the checkpoints. */
export async function verifyEvents({ records, begin, keys, checkpoints, findings, onGood }: EventChecks): Promise<EventReport> {
  let count = 0;
  let at = begin.sequence;
  /** The hash that the next record must follow; null after a gap, where it is not known. */
  let link: string | null = begin.hash;
  let shift = 0;
  let checked = 0;
  let signed: EventReport['signed'] = null;
  let trustedTo = begin.sequence;
  const displaced: StoredRecord[] = [];
  const leftOut: LeftOut[] = [];
  while (checked < checkpoints.length && (checkpoints[checked]?.events.sequence ?? 0) <= begin.sequence) checked += 1;

  function content(record: StoredRecord, sequence: number, previousHash: string): string {
    return hashRecord({ ...record, sequence }, previousHash);
  }

  function check(record: StoredRecord): void {
    const { sequence, previousHash, hash } = record;
    count += 1;
    if (sequence === null || previousHash === null || hash === null) {
      findings.add('inserted', chain, 0, 0, `the record ${record.id} is in no chain: no gateway wrote it`);
      return;
    }
    if (sequence <= at) {
      findings.add('inserted', chain, sequence, sequence, `a second record stands at this place (${record.id})`);
      return;
    }
    if (sequence > at + 1) {
      findings.add('removed', chain, at + 1, sequence - 1, 'records are missing');
      link = null;
    }
    at = sequence;
    if (content(record, sequence, previousHash) !== hash) {
      const moved = [shift, shift + 1, shift - 1].find((by) => by !== 0 && content(record, sequence + by, previousHash) === hash);
      if (moved === undefined) displaced.push(record);
      else {
        shift = moved;
        findings.add('reordered', chain, sequence, sequence, `what stands here was written ${Math.abs(moved)} ${moved > 0 ? 'later' : 'earlier'}`);
      }
    } else if (link !== null && previousHash !== link) {
      findings.add('edited', chain, sequence - 1, sequence, 'the later of these two does not follow the earlier: one of them was written anew');
    }
    link = hash;
    const isGood = checkSignature(record, sequence, hash) && content(record, sequence, previousHash) === hash;
    if (isGood) onGood?.(record);
    if (isGood && record.action === restoredAction) leftOut.push(...(restored.safeParse(record.detail).data?.left_out ?? []));
    compareCheckpoints(sequence, hash);
  }

  function checkSignature({ keyId, signature }: StoredRecord, sequence: number, hash: string): boolean {
    const key = keys.get(keyId ?? '');
    const isGood = key !== undefined && isSignedBy(key, 'record', hash, signature ?? '');
    if (key === undefined) findings.add('unknown_key', chain, sequence, sequence, `signed by the key ${keyId ?? '(none)'}, which is not trusted`);
    else if (!isGood) findings.add('inserted', chain, sequence, sequence, 'no gateway signed this record: it was put there or written anew');
    return isGood;
  }

  function compareCheckpoints(sequence: number, hash: string): void {
    for (; checked < checkpoints.length; checked += 1) {
      const body = checkpoints[checked];
      if (body === undefined || body.events.sequence > sequence) return;
      if (body.events.sequence < sequence) continue;
      if (body.events.hash === hash) {
        signed = { sequence, at: body.at, keyId: body.key_id };
        trustedTo = sequence;
      } else
        findings.add(
          'rewritten',
          chain,
          trustedTo + 1,
          sequence,
          `the record at ${sequence} is not the one that the checkpoint of ${body.at} was signed for: one in this range was edited, removed or inserted`,
        );
    }
  }

  for await (const page of records) for (const record of page) check(record);
  for (const record of displaced) {
    const { sequence, previousHash, hash } = record;
    if (sequence === null || previousHash === null) continue;
    const place = displaced
      .slice(0, swapsMax)
      .map((other) => other.sequence)
      .find((other) => other !== null && other !== sequence && content(record, other, previousHash) === hash);
    if (place === undefined || place === null) findings.add('edited', chain, sequence, sequence, 'the record is not as it was written');
    else findings.add('reordered', chain, sequence, sequence, `what stands here was written at ${place}`);
  }
  const last = checkpoints.at(-1);
  if (last !== undefined && last.events.sequence > at)
    findings.add('removed', chain, at + 1, last.events.sequence, `records are missing at the end: the checkpoint of ${last.at} was signed for more`);
  return { records: count, from: begin.sequence + 1, through: at, signed, leftOut };
}

export const wholeChain: ChainBegin = { sequence: 0, hash: chainStart };
