/**
 * Registry: what the organization has decided: keys, their scopes, and who changed what. PostgreSQL is the server,
 * PGlite in a process of its own the embedded engine; one adapter speaks to both over the same wire protocol.
 *
 * This folder imports `kernel/` only; SQL stands nowhere else. Promises: a write and its audit event are one
 * transaction, an acknowledged write survives the death of any process, and every method rejects with the fault
 * `unavailable` when the store does not answer in its time or too many wait for it.
 */
import type { AuditId, KeyId, OrganizationId } from '../../kernel/id.ts';

export interface RegistryStore {
  readonly keys: KeyReads;
  /** Runs `work` in one transaction; what it throws rolls back. Await nothing in it but the writes it is given. */
  transaction<Result>(work: (writes: RegistryWrites) => Promise<Result>): Promise<Result>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RegistryWrites {
  readonly keys: KeyWrites;
  readonly audit: AuditWrites;
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
  /** The secret before the last rotation, while it is still good. */
  readonly previous: { readonly prefix: string; readonly hash: string; readonly validUntilMs: number } | null;
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
  list(organizationId: OrganizationId, page: { readonly after: KeyPlace | null; readonly limit: number }): Promise<readonly KeyRecord[]>;
  /** Whether the organization ever had a key. */
  any(organizationId: OrganizationId): Promise<boolean>;
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
  updateSecret(organizationId: OrganizationId, id: string, secret: Pick<KeyRecord, 'prefix' | 'hash' | 'previous' | 'rotatedAtMs'>): Promise<void>;
  updateRevoked(organizationId: OrganizationId, id: string, revokedAtMs: number): Promise<void>;
}

export interface AuditWrites {
  insert(event: AuditEvent): Promise<void>;
}

/** Who changed what. `detail` holds public values only: never a secret or its hash. */
export interface AuditEvent {
  readonly id: AuditId;
  readonly organizationId: OrganizationId;
  readonly atMs: number;
  readonly actorKind: string;
  readonly actorId: string;
  /** Noun and past participle: `key.created`. */
  readonly action: string;
  readonly objectId: string;
  readonly requestId: string;
  readonly peer: string;
  readonly detail: Readonly<Record<string, unknown>>;
}
