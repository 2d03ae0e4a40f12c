/**
 * Registry: what the organization has decided: keys, their scopes, prices, and who changed what. PostgreSQL is the server,
 * PGlite in a process of its own the embedded engine; one adapter speaks to both over the same wire protocol.
 *
 * This folder imports `kernel/` only; SQL stands nowhere else. Promises: a write and its audit event are one
 * transaction, an acknowledged write survives the death of any process, and every method rejects with the fault
 * `unavailable` when the store does not answer in its time or too many wait for it.
 */
import type { KeyId, OrganizationId } from '../../kernel/id.ts';
import type { ConfigObject, ObjectName } from '../../kernel/config-object.ts';
import type { PolicyData } from '../../kernel/policy.ts';
import type { ServerOrder } from '../../snapshot/server-order.ts';
import type { SwitchData } from '../../kernel/switch.ts';
import type { Reference } from '../../kernel/directory.ts';
import type { AuditReads, AuditStreamWrites, AuditWrites, ChainHead } from './audit-store.ts';
import type { IdempotencyWrites } from './idempotency-store.ts';
import type { AssertionWrites, IdentityReads, IdentityWrites } from './identity-store.ts';
import type { DirectoryReads, DirectoryWrites, InvitationReads, InvitationWrites } from './directory-store.ts';
import type { OrganizationReads, OrganizationWrites } from './organization-store.ts';
import type { GrantReads, GrantWrites, OauthClientReads, OauthClientWrites, OauthKeyReads, OauthKeyWrites } from './oauth-store.ts';
import type { SavedViewReads, SavedViewWrites } from './saved-view-store.ts';
import type { ScimReads, ScimWrites } from './scim-store.ts';
import type { PriceList } from '../../kernel/price-list.ts';

export interface RegistryStore {
  readonly organizations: OrganizationReads;
  readonly keys: KeyReads;
  readonly audit: AuditReads;
  readonly serverOrders: ServerOrderReads;
  readonly access: AccessReads;
  readonly prices: PriceReads;
  readonly configObjects: ConfigObjectReads;
  readonly backup: RegistryBackup;
  readonly backupRuns: BackupRunReads;
  readonly people: PeopleReads;
  readonly directory: DirectoryReads;
  readonly invitations: InvitationReads;
  readonly identities: IdentityReads;
  readonly grants: GrantReads;
  readonly oauthClients: OauthClientReads;
  readonly oauthKeys: OauthKeyReads;
  readonly scim: ScimReads;
  readonly savedViews: SavedViewReads;
  /** Runs `work` in one transaction; what it throws rolls back. Await nothing in it but the writes it is given. */
  transaction<Result>(work: (writes: RegistryWrites) => Promise<Result>): Promise<Result>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RegistryWrites {
  readonly organizations: OrganizationWrites;
  readonly keys: KeyWrites;
  readonly prices: PriceWrites;
  readonly configObjects: ConfigObjectWrites;
  readonly audit: AuditWrites;
  readonly serverOrders: ServerOrderWrites;
  readonly auditStreams: AuditStreamWrites;
  readonly backupRuns: BackupRunWrites;
  readonly access: AccessWrites;
  readonly people: PeopleWrites;
  readonly directory: DirectoryWrites;
  readonly invitations: InvitationWrites;
  readonly identities: IdentityWrites;
  readonly assertions: AssertionWrites;
  readonly idempotency: IdempotencyWrites;
  readonly grants: GrantWrites;
  readonly oauthClients: OauthClientWrites;
  readonly oauthKeys: OauthKeyWrites;
  readonly scim: ScimWrites;
  readonly savedViews: SavedViewWrites;
}

/** A rule of access as it is kept. */
export interface PolicyRecord {
  readonly data: PolicyData;
  /** Of this rule, from 1; every change raises it. */
  readonly version: number;
  readonly changedAtMs: number;
  readonly changedBy: string;
}

export interface SwitchRecord extends SwitchData {
  readonly changedAtMs: number;
  readonly changedBy: string;
}

/** A thing of the configuration that was made while the gateway ran, as it is kept. */
export interface ConfigObjectRecord extends ConfigObject {
  /** Of this one, from 1; every change raises it. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly changedAtMs: number;
  readonly changedBy: string;
}

export interface ConfigObjectReads {
  /** Raised by every change; 0: nothing was ever made. */
  revision(organizationId: OrganizationId): Promise<number>;
  /** By kind and name. */
  list(organizationId: OrganizationId): Promise<readonly ConfigObjectRecord[]>;
}

export interface ConfigObjectWrites extends Pick<ConfigObjectReads, 'list'> {
  /** First in every change: it waits for others under way, and gives the new revision. */
  begin(organizationId: OrganizationId): Promise<number>;
  /** All of it but who made it and when, where it is there. */
  put(organizationId: OrganizationId, object: ConfigObjectRecord): Promise<void>;
  delete(organizationId: OrganizationId, name: ObjectName): Promise<void>;
}

export interface AccessRevision {
  readonly organizationId: OrganizationId;
  /** Raised by every change of a rule or a switch. */
  readonly rules: number;
  /** Raised by every change of what is known of a key's caller. */
  readonly callers: number;
}

export interface AccessReads {
  revision(organizationId: OrganizationId): Promise<AccessRevision>;
  /** Of every organization. */
  revisions(): Promise<readonly AccessRevision[]>;
  /** Keys and grants of whose callers something has changed after that revision; null: more than `limit`. */
  changedKeys(organizationId: OrganizationId, after: number, limit: number): Promise<readonly string[] | null>;
  /** By name. */
  policies(organizationId: OrganizationId): Promise<readonly PolicyRecord[]>;
  switches(organizationId: OrganizationId): Promise<readonly SwitchRecord[]>;
}

export interface AccessWrites {
  /** First in every change: it waits for others under way, and gives the new revision. */
  begin(organizationId: OrganizationId): Promise<number>;
  /** Who changes access or the directory waits until this transaction ends; first in every transaction that touches keys. */
  lock(organizationId: OrganizationId): Promise<void>;
  /** Every node forgets what it knows of the key. */
  touchKey(organizationId: OrganizationId, keyId: string): Promise<void>;
  /** The same of a grant. */
  touchGrant(organizationId: OrganizationId, grantId: string): Promise<void>;
  /** The same of every key that names one of these, or what inherits from them, and of the grants of such users. */
  touchKeysOf(organizationId: OrganizationId, references: readonly Reference[]): Promise<void>;
  findPolicy(organizationId: OrganizationId, name: string): Promise<PolicyRecord | null>;
  countPolicies(organizationId: OrganizationId): Promise<number>;
  putPolicy(organizationId: OrganizationId, policy: PolicyRecord): Promise<void>;
  deletePolicy(organizationId: OrganizationId, name: string): Promise<void>;
  findSwitch(organizationId: OrganizationId, kind: SwitchData['kind'], name: string): Promise<SwitchRecord | null>;
  putSwitch(organizationId: OrganizationId, one: SwitchRecord): Promise<void>;
  /** Whether there was one. */
  deleteSwitch(organizationId: OrganizationId, kind: SwitchData['kind'], name: string): Promise<boolean>;
}

/** The registry as rows, each the JSON text of a table's row. */
export interface RegistryBackup {
  /** What the tables were made by, oldest first. */
  migrations(): Promise<readonly { readonly name: string; readonly checksum: string }[]>;
  /**
   * All tables but the audit's events, table after table and page after page, as they are at one moment. Others may wait meanwhile:
   * `page` has no time to lose. Resolves with where each organization's chain of events ended at that moment.
   */
  snapshot(page: (table: string, rows: readonly string[]) => Promise<void>): Promise<readonly { readonly organizationId: string; readonly head: ChainHead }[]>;
  /** An organization's events of the audit up to a place, by place, in pages; those without one first. */
  events(organizationId: string, through: number): AsyncGenerator<readonly string[]>;
}

/** A backup that a node took by itself. */
export interface BackupRun {
  /** Raised by each. */
  readonly number: number;
  readonly id: string;
  readonly organizationId: OrganizationId;
  readonly node: string;
  readonly ledger: string;
  /** Of the file, on that node. */
  readonly path: string;
  readonly startedAtMs: number;
  /** Null while it is under way. */
  readonly endedAtMs: number | null;
  readonly state: 'running' | 'done' | 'failed';
  /** Why it failed. */
  readonly reason: string | null;
  readonly bytes: number | null;
  /** Whether the audit in it is whole. */
  readonly auditOk: boolean | null;
}

export interface BackupRunReads {
  /** Newest first, those before the number `before`, `limit` at most. */
  list(organizationId: OrganizationId, page: { readonly before: number | null; readonly limit: number }): Promise<readonly BackupRun[]>;
  /** The last that ended, whatever came of it, and the last that is whole. */
  newest(organizationId: OrganizationId): Promise<{ readonly ended: BackupRun | null; readonly done: BackupRun | null }>;
}

export interface BackupRunWrites {
  /**
   * Makes the node the one that takes a backup, for so long. False where another takes one, where one that began at or after `doneSinceMs`
   * is whole, or where one failed at or after `failedSinceMs`. One whose node has not been heard of for its time has failed from then on.
   */
  begin(
    run: Pick<BackupRun, 'id' | 'organizationId' | 'node' | 'ledger' | 'path' | 'startedAtMs'>,
    when: { readonly holdMs: number; readonly doneSinceMs: number; readonly failedSinceMs: number },
  ): Promise<boolean>;
  /** The node lives: no other may begin for so long. */
  hold(id: string, holdMs: number): Promise<void>;
  end(id: string, result: { readonly outcome: 'done' | 'failed'; readonly endedAtMs: number } & Pick<BackupRun, 'reason' | 'bytes' | 'auditOk'>): Promise<void>;
  delete(id: string): Promise<void>;
  /** What began before a time and has ended, but for the last that is whole and what came after it. */
  deleteBefore(organizationId: OrganizationId, startedMs: number): Promise<void>;
}

export interface ServerOrderReads {
  /** By name of the server. */
  list(organizationId: OrganizationId): Promise<readonly ServerOrder[]>;
}

export interface ServerOrderWrites {
  /** Locked against other changes until the transaction ends, also where there is none. */
  findForUpdate(organizationId: OrganizationId, server: string): Promise<ServerOrder | null>;
  put(organizationId: OrganizationId, order: ServerOrder): Promise<void>;
  delete(organizationId: OrganizationId, server: string): Promise<void>;
}

export interface KeyRecord {
  readonly id: KeyId;
  readonly organizationId: OrganizationId;
  readonly name: string;
  readonly environment: string;
  /** The first characters of the secret, by which it is found. */
  readonly prefix: string;
  /** bcrypt. */
  readonly hash: string;
  /** Tells most wrong secrets without bcrypt; null: the secret is from before there were checks. */
  readonly check: string | null;
  /** The secret before the last rotation, while it is still good. */
  readonly previous: { readonly prefix: string; readonly hash: string; readonly check: string | null; readonly validUntilMs: number } | null;
  readonly scopes: KeyScopes;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  /** Id of the actor. */
  readonly createdBy: string;
  readonly expiresAtMs: number | null;
  readonly rotatedAtMs: number | null;
  readonly revokedAtMs: number | null;
}

export interface KeyScopes {
  /** Null: every server. */
  readonly servers: readonly string[] | null;
  /** Null: every MCP operation. */
  readonly actions: readonly string[] | null;
}

export interface KeyReads {
  find(organizationId: OrganizationId, id: string): Promise<KeyRecord | null>;
  /** The keys whose secret, or whose previous one, begins with `prefix`, of every organization: the secret tells which. */
  findByPrefix(prefix: string): Promise<readonly KeyRecord[]>;
  /** Newest first, those after `after`, `limit` at most. */
  list(organizationId: OrganizationId, page: KeyQuery): Promise<readonly KeyRecord[]>;
  /** Those whose calls are attributed to the user, newest first. */
  listOfUser(organizationId: OrganizationId, userId: string): Promise<readonly KeyRecord[]>;
  /** Whether the organization ever had a key. */
  any(organizationId: OrganizationId): Promise<boolean>;
}

export interface KeyQuery {
  readonly after: KeyPlace | null;
  readonly limit: number;
  /** Only those that name all of these; absent: all keys. */
  readonly named?: readonly Reference[];
  /** Somewhere in the name, in any letter case, or the whole prefix. */
  readonly text?: string;
  /** As they are at a time. */
  readonly status?: { readonly is: 'active' | 'expired' | 'revoked'; readonly atMs: number };
  /** Oldest first. */
  readonly oldestFirst?: boolean;
}

/** A place in the list of keys. */
export interface KeyPlace {
  readonly createdAtMs: number;
  readonly id: string;
}

export interface KeyWrites {
  /** The key, locked against other changes until the transaction ends. */
  findForUpdate(organizationId: OrganizationId, id: string): Promise<KeyRecord | null>;
  /** Whether the organization never had a key; nobody else can give it one until the transaction ends. */
  lockEmpty(organizationId: OrganizationId): Promise<boolean>;
  insert(key: KeyRecord): Promise<void>;
  updateSecret(organizationId: OrganizationId, id: string, secret: Pick<KeyRecord, 'prefix' | 'hash' | 'check' | 'previous' | 'rotatedAtMs'>): Promise<void>;
  updateRevoked(organizationId: OrganizationId, id: string, revokedAtMs: number): Promise<void>;
  /** What it is called and whom its calls are attributed to. */
  updateDescription(organizationId: OrganizationId, id: string, description: Pick<KeyRecord, 'name' | 'metadata'>): Promise<void>;
}

/** A price list as it was set once. */
export interface PriceVersion {
  readonly organizationId: OrganizationId;
  /** Counts from 1; calls name it. */
  readonly number: number;
  readonly source: 'file' | 'api';
  readonly list: PriceList;
  readonly effectiveFromMs: number;
  readonly createdAtMs: number;
  /** Id of the actor. */
  readonly createdBy: string;
}

export interface PriceReads {
  newest(organizationId: OrganizationId): Promise<PriceVersion | null>;
  /** The version whose time came last until then, of a source or of any; of two with one time the later. */
  inForce(organizationId: OrganizationId, atMs: number, source: PriceVersion['source'] | null): Promise<PriceVersion | null>;
  /** When the next version after this time begins, or null. */
  nextChangeMs(organizationId: OrganizationId, afterMs: number): Promise<number | null>;
  /** Newest first, those before the number `before`, `limit` at most. */
  list(organizationId: OrganizationId, page: { readonly before: number | null; readonly limit: number }): Promise<readonly PriceVersion[]>;
}

export interface PriceWrites {
  /** The newest version, or null; nobody else can add one until the transaction ends. */
  lockNewest(organizationId: OrganizationId): Promise<PriceVersion | null>;
  insert(version: PriceVersion): Promise<void>;
}

/** A person whose key the audit seals with. */
export interface PersonRecord {
  readonly userId: string;
  readonly pseudonym: string;
  readonly key: Buffer;
}

export interface ErasureRecord {
  readonly organizationId: OrganizationId;
  readonly pseudonym: string;
  /** The keys that the person had. */
  readonly keyIds: readonly string[];
  readonly begunAtMs: number;
  /** Null: not everything is erased yet. */
  readonly finishedAtMs: number | null;
}

export interface PeopleReads {
  find(organizationId: OrganizationId, userId: string): Promise<PersonRecord | null>;
  /** Those that have not been erased. */
  listByPseudonym(organizationId: OrganizationId, pseudonyms: readonly string[]): Promise<readonly PersonRecord[]>;
  /** Oldest first. */
  erasures(organizationId: OrganizationId): Promise<readonly ErasureRecord[]>;
}

export interface PeopleWrites {
  /** The person, with a new key where there is none yet; locked until the transaction ends. */
  take(organizationId: OrganizationId, userId: string): Promise<PersonRecord>;
  /** Destroys the key. */
  delete(organizationId: OrganizationId, userId: string): Promise<void>;
  insertErasure(erasure: Omit<ErasureRecord, 'finishedAtMs'>): Promise<void>;
  updateErasure(organizationId: OrganizationId, pseudonym: string, finishedAtMs: number): Promise<void>;
}
