import type { CredentialVerdict, ShownCredential } from '../authenticate/authenticate.ts';
import type { Config } from '../config/config.ts';
import type { Operation } from '../authorise/access.ts';
import type { Question } from '../consult/consultant.ts';
import type { Opinion } from '../consult/opinion.ts';
import type { SessionRefusal } from '../exchange/session-refusals.ts';
import type { KeptLists, KeptText } from '../fabric/kept-lists.ts';
import type { ToolFacts } from '../kernel/tool-facts.ts';
import type { LeaseGrant, LeaseRecall, LeaseRequest, LeaseReturn } from '../limit/lease.ts';
import type { DoorTls } from '../listener/secure-server.ts';
import type { OrganizationRules, SnapshotData, SnapshotUpdate } from '../snapshot/snapshot.ts';
import type { TargetOrder } from '../snapshot/upstream-data.ts';
import type { ServerReports, WorkerReport } from './worker-report.ts';

/** What a worker needs to begin. */
export interface WorkerStart {
  readonly snapshot: SnapshotData;
  /** As `WorkerHandlers.switches`. */
  readonly switches: readonly OrganizationRules[];
  readonly host: string;
  readonly port: number;
  /** Null: plain HTTP. */
  readonly tls: DoorTls | null;
  readonly journal: { readonly folder: string; readonly writer: string; readonly sync: boolean };
  readonly keys: WorkerKeys;
  readonly controlSocket: string;
  readonly maskingSocket: string;
  readonly workers: number;
  readonly log: Config['log'];
  /** Whether what the worker logs is told to the supervisor as well. */
  readonly tellsLines: boolean;
  readonly readiness: Readiness;
  readonly targetOrders: readonly TargetOrder[];
}

/** 32 bytes each. The first of each seals or signs, all of them open. */
export interface WorkerKeys {
  /** Session handles, cursors, kept answers, notes of sessions. */
  readonly seal: readonly [Uint8Array, ...Uint8Array[]];
  /** Event ids. */
  readonly events: readonly [Uint8Array, ...Uint8Array[]];
}

/** What `/readyz` says: no names, no reasons. */
export interface Readiness {
  readonly ready: boolean;
  readonly registry: string;
  readonly ledger: string;
  readonly servers: { readonly ready: number; readonly starting: number; readonly failed: number };
  /** True while calls cannot be recorded: then none are made. */
  readonly recordBlocked: boolean;
  /** True while this node cannot know who may still call: then nobody may. */
  readonly viewStale: boolean;
}

/** A call that was not made. */
export interface ConsultInput extends Omit<Question, 'tool' | 'nowMs' | 'operation'> {
  readonly operation: Operation;
}

export interface Consulted {
  readonly engine: string;
  readonly opinion: Opinion;
}

export interface NamedTool {
  readonly server: string;
  readonly name: string;
}

/** What a worker asks of the supervisor. */
export type SupervisorHandlers = {
  begin: (input: null) => WorkerStart;
  listening: (input: { readonly port: number }) => void;
  listenFailed: (input: { readonly code: string }) => void;
  /** Resolves when what the supervisor was told of the worker's door before is done. */
  doorLetGo: (input: null) => void;
  /** `peer`: where it was shown. */
  verifyCredential: (input: { readonly secret: string; readonly peer: string; readonly kind: ShownCredential }) => Promise<CredentialVerdict>;
  /** Sessions that were shown and are not the caller's. */
  sessionsRefused: (input: readonly SessionRefusal[]) => void;
  lease: (input: LeaseRequest) => Promise<LeaseGrant>;
  stateGet: (input: { readonly key: string }) => Promise<Uint8Array | null>;
  stateSet: (input: { readonly key: string; readonly value: Uint8Array; readonly ttlMs: number }) => Promise<void>;
  stateSetIfAbsent: (input: { readonly key: string; readonly value: Uint8Array; readonly ttlMs: number }) => Promise<boolean>;
  stateReplace: (input: { readonly key: string; readonly before: Uint8Array | null; readonly after: Uint8Array; readonly ttlMs: number }) => Promise<boolean>;
  stateTouch: (input: { readonly key: string; readonly ttlMs: number }) => Promise<boolean>;
  stateDelete: (input: { readonly key: string }) => Promise<void>;
  journalBlocked: (input: { readonly blocked: boolean }) => void;
  logLine: (input: { readonly line: string }) => void;
  keptNote: (input: Parameters<KeptLists['note']>[0]) => number;
  keptPut: (input: Parameters<KeptLists['put']>[0]) => void;
  keptFind: (input: Parameters<KeptLists['find']>[0]) => KeptText | null;
};

/** What the supervisor asks of a worker. */
export type WorkerHandlers = {
  /** Resolves when new calls go by it; false: it changes another than the worker has, which asks for a whole one so. */
  snapshot: (input: SnapshotUpdate) => Promise<boolean>;
  /** The rules of what is switched off, which stand before all others. Resolves when new calls go by them; waits for no snapshot that is on its way. */
  switches: (input: readonly OrganizationRules[]) => Promise<void>;
  /** Resolves when every key is forgotten: what is known of them was told by another configuration. */
  keysChanged: (input: null) => void;
  /** Resolves when new handshakes go by it. */
  tls: (input: DoorTls) => Promise<void>;
  /** Resolves when the key, or another credential of that id, is forgotten. */
  keyChanged: (input: { readonly keyId: string }) => void;
  /** Resolves when all are forgotten who signed in without a key, of that organization. */
  tokensChanged: (input: { readonly organizationId: string }) => void;
  recallLease: (input: LeaseRecall) => Promise<readonly LeaseReturn[]>;
  readiness: (input: Readiness) => Promise<void>;
  /** All that is said of targets beside the configuration; resolves when new calls go by it. */
  targetOrders: (input: readonly TargetOrder[]) => Promise<void>;
  /** What this worker knows of the servers behind it. */
  serverReports: (input: null) => ServerReports;
  /** What is known of tools, in their order; null: nothing. Lists that have to be read are read. */
  toolFacts: (input: { readonly tools: readonly NamedTool[] }) => Promise<readonly (ToolFacts | null)[]>;
  /** Asks the policy engine as a call would; null: there is none, or it is not asked of such operations. */
  consult: (input: ConsultInput) => Promise<Consulted | null>;
  /** What this worker has to say of itself when metrics are read. */
  report: (input: null) => WorkerReport;
  /** No new connections or calls; resolves when what is under way has ended or `graceMs` is over. */
  drain: (input: { readonly graceMs: number }) => Promise<readonly LeaseReturn[]>;
};
