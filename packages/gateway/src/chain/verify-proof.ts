import { openCheckpoint, trustedKeys, type CheckpointBody, type PublicKeyRecord, type SignedCheckpoint, type TrustedKeys } from './checkpoint.ts';
import { ErasedEntries } from './erased-entries.ts';
import { Findings, type Finding } from './findings.ts';
import { verifyCalls, type CallProof, type CallReport } from './verify-calls.ts';
import { verifyEvents, wholeChain, type ChainBegin, type EventReport, type StoredRecord } from './verify-events.ts';

/** Everything of one organization that a check looks at: the stores of a gateway, or a file made of them. */
export interface ProofSource {
  /** Public keys that the check begins with, in base64. */
  readonly trusted: readonly string[];
  keys(): Promise<readonly PublicKeyRecord[]>;
  removal(): Promise<ProofRemoval | null>;
  /** In pages, by the place that they speak of. */
  checkpoints(): AsyncIterable<readonly StoredCheckpoint[]>;
  /** In pages: those without a place, then all behind `after` by place. */
  records(after: number): AsyncIterable<readonly StoredRecord[]>;
  /** The farthest place that a checkpoint is known to have been made for, from elsewhere than the stores; null: none. */
  anchor(): ProofAnchor | null;
  /** Null where calls are no part of the check. */
  readonly calls: CallProof | null;
  /** After all of it was read: rejects where what was read is not all. */
  finish(): Promise<void>;
}

export interface StoredCheckpoint extends SignedCheckpoint {
  readonly id: string;
}

export interface ProofRemoval {
  readonly throughSequence: number;
  readonly throughHash: string;
  readonly checkpointId: string;
}

export interface ProofAnchor {
  readonly sequence: number;
  readonly hash: string;
  readonly at: string;
}

export interface ProofReport {
  readonly ok: boolean;
  readonly events: EventReport;
  readonly calls: CallReport | null;
  /** Places before it are gone because their retention was over; 0: none. */
  readonly removedThrough: number;
  /** Good ones. */
  readonly checkpoints: number;
  /** Ids of the keys that were trusted. */
  readonly keys: readonly string[];
  readonly findings: readonly Finding[];
  readonly findingsLeftOut: number;
}

/** Nothing younger may have been removed: the least retention that can be configured. */
const retentionMsMin = 365 * 86_400_000;

/** Checks a whole proof. Never rejects for what it finds, only where the source cannot be read. */
export async function verifyProof(source: ProofSource, options: { readonly nowMs: number; readonly findingsMax: number }): Promise<ProofReport> {
  const findings = new Findings(options.findingsMax);
  const known = await source.keys();
  const keys = trustedKeys(source.trusted, known);
  const { checkpoints, removed } = await readCheckpoints(source, keys, findings, await source.removal());
  const begin = removed === null ? wholeChain : checkRemoval(removed, options.nowMs, findings);
  const erased = new ErasedEntries();
  const events = await verifyEvents({ records: source.records(begin.sequence), begin, keys, checkpoints, findings, onGood: (record) => erased.note(record) });
  checkAnchor(source.anchor(), events, checkpoints, findings);
  const calls = source.calls && (await verifyCalls(source.calls, { checkpoints, leftOut: events.leftOut, erasedEntries: erased }, findings));
  await source.finish();
  return {
    ok: findings.list.length === 0,
    events,
    calls,
    removedThrough: begin.sequence,
    checkpoints: checkpoints.length,
    keys: [...keys.keys()],
    findings: findings.list,
    findingsLeftOut: findings.leftOut,
  };
}

interface Removed extends ProofRemoval {
  /** The one that it names, where it is good. */
  readonly checkpoint: CheckpointBody | null;
}

async function readCheckpoints(
  source: ProofSource,
  keys: TrustedKeys,
  findings: Findings,
  removal: ProofRemoval | null,
): Promise<{ checkpoints: CheckpointBody[]; removed: Removed | null }> {
  const checkpoints: CheckpointBody[] = [];
  let named: CheckpointBody | null = null;
  for await (const page of source.checkpoints()) {
    for (const stored of page) {
      const verdict = openCheckpoint(stored, keys);
      if (verdict.ok) {
        checkpoints.push(verdict.body);
        if (stored.id === removal?.checkpointId) named = verdict.body;
      } else if (verdict.reason === 'unknown_key')
        findings.add('unknown_key', '', 0, 0, `a checkpoint is signed by the key ${verdict.keyId}, which is not trusted`);
      else
        findings.add(
          'forged',
          '',
          0,
          0,
          `the checkpoint ${stored.id} ${verdict.reason === 'malformed' ? 'is none that a gateway writes' : 'was not signed by a node'}`,
        );
    }
  }
  // What the store says of their place is nothing that was signed.
  checkpoints.sort((a, b) => a.events.sequence - b.events.sequence || (a.at < b.at ? -1 : 1));
  return { checkpoints, removed: removal && { ...removal, checkpoint: named } };
}

/** Where the chain begins. A removal counts where a checkpoint that is older than any retention was signed for its end. */
function checkRemoval({ throughSequence, throughHash, checkpoint }: Removed, nowMs: number, findings: Findings): ChainBegin {
  const fits = checkpoint?.events.sequence === throughSequence && checkpoint.events.hash === throughHash;
  if (fits && nowMs - Date.parse(checkpoint.at) >= retentionMsMin) return { sequence: throughSequence, hash: throughHash };
  findings.add(
    'removed',
    'events',
    1,
    throughSequence,
    fits
      ? `records were removed although the checkpoint of ${checkpoint.at} is younger than any retention`
      : 'records were removed, and no checkpoint was signed for where they ended',
  );
  return { sequence: throughSequence, hash: throughHash };
}

function checkAnchor(anchor: ProofAnchor | null, events: EventReport, checkpoints: readonly CheckpointBody[], findings: Findings): void {
  if (anchor === null) return;
  const last = checkpoints.at(-1)?.events.sequence ?? 0;
  if (anchor.sequence <= Math.max(events.through, last)) return;
  findings.add(
    'removed',
    'events',
    events.through + 1,
    anchor.sequence,
    `records are missing at the end, and the checkpoints for them: this node signed ${anchor.sequence} of them at ${anchor.at}`,
  );
}
