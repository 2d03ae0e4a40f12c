/** The port of the audit: a chain of events for each organization, its checkpoints, and how far its streams are. */
import type { AuditRecord, ChainedRecord } from '../../chain/audit-record.ts';
import type { PublicKeyRecord, SignedCheckpoint } from '../../chain/checkpoint.ts';
import type { StoredRecord } from '../../chain/verify-events.ts';
import type { AuditId, OrganizationId } from '../../kernel/id.ts';

export interface AuditWrites {
  /** Adds the event at the end of its organization's chain; who adds to the same chain waits until this transaction ends. */
  insert(event: AuditEvent): Promise<ChainedRecord>;
  insertKey(key: PublicKeyRecord): Promise<void>;
  insertCheckpoint(checkpoint: CheckpointRecord): Promise<void>;
  insertRemoval(removal: AuditRemoval): Promise<void>;
  /** Deletes checkpoints of before a time for which a later one of the same node and day (UTC) speaks, `limit` at most; how many. The database refuses younger ones. */
  deleteSuperseded(organizationId: OrganizationId, beforeMs: number, limit: number): Promise<number>;
  /** Deletes the oldest events that a removal speaks of, `limit` at most; the database refuses all others. How many were deleted. */
  deleteThrough(organizationId: OrganizationId, sequence: number, limit: number): Promise<number>;
}

/** Who changed what. `detail` holds public values only: never a secret or its hash. */
export interface AuditEvent extends Omit<AuditRecord, 'id' | 'organizationId' | 'sequence'> {
  readonly id: AuditId;
  readonly organizationId: OrganizationId;
}

export interface AuditReads {
  /** Newest first, those after `after`, `limit` at most. */
  list(organizationId: OrganizationId, query: AuditQuery): Promise<readonly ChainedRecord[]>;
  find(organizationId: OrganizationId, id: string): Promise<ChainedRecord | null>;
  /** Where the chain ends; place 0 where it has not begun. */
  head(organizationId: OrganizationId): Promise<ChainHead>;
  /** The same of every chain that has begun. */
  heads(): Promise<ReadonlyMap<OrganizationId, ChainHead>>;
  /** Records as they are stored, by place, those behind `after`; with `after` null those without a place. */
  range(organizationId: OrganizationId, page: { readonly after: number | null; readonly limit: number }): Promise<readonly StoredRecord[]>;
  /** Of all nodes, oldest first. */
  keys(): Promise<readonly PublicKeyRecord[]>;
  /** By the place that they speak of. */
  checkpoints(organizationId: OrganizationId, page: { readonly after: CheckpointPlace | null; readonly limit: number }): Promise<readonly CheckpointRecord[]>;
  /** The newest of a node, or null. */
  lastCheckpoint(organizationId: OrganizationId, node: string): Promise<CheckpointRecord | null>;
  /** The last that was made before a time, or null. */
  lastCheckpointBefore(organizationId: OrganizationId, beforeMs: number): Promise<CheckpointRecord | null>;
  /** Where the chain begins because what was before it has been removed, or null. */
  lastRemoval(organizationId: OrganizationId): Promise<AuditRemoval | null>;
  /** What the events of all organizations weigh on disk with their indexes, and when the oldest of this one was; null: there is none. */
  size(organizationId: OrganizationId): Promise<{ readonly bytes: number; readonly oldestMs: number | null }>;
}

export interface AuditQuery {
  /** Milliseconds since the epoch: at or after, and before. Null: open. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly actorKind: string | null;
  readonly actorId: string | null;
  /** Names, or beginnings with `*` behind them: `key.*`. Null: any. */
  readonly actions: readonly string[] | null;
  readonly objectKind: string | null;
  readonly objectId: string | null;
  readonly result: string | null;
  /** Somewhere in its ids, its action, its address or its detail, in any letter case. */
  readonly text: string | null;
  /** Leaves out what the gateway itself did. */
  readonly withoutSystem: boolean;
  readonly after: AuditPlace | null;
  readonly limit: number;
}

/** A place in the list: by time, and by place in the chain where two have the same. */
export interface AuditPlace {
  readonly atMs: number;
  readonly sequence: number;
}

export interface ChainHead {
  readonly sequence: number;
  readonly hash: string;
}

export interface CheckpointRecord extends SignedCheckpoint {
  readonly id: string;
  readonly organizationId: string;
  readonly node: string;
  readonly atMs: number;
  readonly sequence: number;
}

export interface CheckpointPlace {
  readonly sequence: number;
  readonly id: string;
}

/** Everything up to a place is gone because its retention was over. */
export interface AuditRemoval {
  readonly organizationId: string;
  readonly throughSequence: number;
  readonly throughHash: string;
  readonly checkpointId: string;
  readonly removedAtMs: number;
}

/** How far streams of the audit have been delivered. */
export interface AuditStreamWrites {
  /**
   * Makes the node the one that sends, for so long, and says how far it is; null while another node is. A stream that is not known
   * begins at `begin`.
   */
  hold(stream: StreamHold & { readonly holdMs: number; readonly begin: StreamPlace }): Promise<StreamPlace | null>;
  /** Everything up to the place is delivered. False where the node is not the one that sends any more: nothing was written. */
  advance(stream: StreamHold & { readonly holdMs: number; readonly place: StreamPlace }): Promise<boolean>;
  /** Another node may send from now on. */
  release(stream: StreamHold): Promise<void>;
}

export interface StreamHold {
  readonly organizationId: OrganizationId;
  readonly name: string;
  readonly node: string;
}

/** The last place that has been delivered: of the chain of events, and of each chain of calls. */
export interface StreamPlace {
  readonly sequence: number;
  readonly calls: Readonly<Record<string, number>>;
}
