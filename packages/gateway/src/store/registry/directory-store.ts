/** The port of the directory: departments, teams, projects, users, service accounts and agents, and what ties them together. */
import type { NounKind, Reference } from '../../kernel/directory.ts';
import type { KeyId, OrganizationId } from '../../kernel/id.ts';

/** One of them as it is kept. */
export interface EntryRecord extends Reference {
  readonly name: string;
  /** Folded: no other of the kind has the same; null: it has none. */
  readonly handle: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  /** By member; one without any is left out. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** By member, sorted by kind and id; a member without any is left out. */
  readonly links: Readonly<Record<string, readonly Reference[]>>;
  /** From 1; every change raises it. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly changedAtMs: number;
  readonly changedBy: string;
}

export interface EntryQuery {
  readonly kind: NounKind;
  /** Folded; somewhere in the id, the name or the handle. */
  readonly text: string | null;
  /** Tied to all of these by the members. */
  readonly links: readonly { readonly member: string; readonly to: Reference }[];
  readonly sort: 'name' | 'created_at';
  readonly descending: boolean;
  readonly after: EntryPlace | null;
  readonly limit: number;
}

/** A place in a list: what it is sorted by, the folded name or milliseconds, and the id. */
export interface EntryPlace {
  readonly value: string | number;
  readonly id: string;
}

export interface Ancestor extends Reference {
  /** False: it is a name that only keys know. */
  readonly isRegistered: boolean;
  /** Of a role: what it says it allows. */
  readonly permissions: readonly string[];
}

export interface DirectoryReads {
  find(organizationId: OrganizationId, reference: Reference): Promise<EntryRecord | null>;
  /** By its handle, or null. */
  findByHandle(organizationId: OrganizationId, kind: NounKind, handle: string): Promise<EntryRecord | null>;
  list(organizationId: OrganizationId, query: EntryQuery): Promise<readonly EntryRecord[]>;
  /** What these are and what they inherit from, their roles among them. */
  lineage(organizationId: OrganizationId, references: readonly Reference[]): Promise<readonly Ancestor[]>;
  /** Names of keys, of users by their pseudonym, of service accounts and agents, by id; who has been erased has none. */
  actorNames(organizationId: OrganizationId, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Keys that name it and are not revoked: how many, and some of them. */
  keysOf(organizationId: OrganizationId, reference: Reference, limit: number): Promise<{ readonly count: number; readonly first: readonly KeyId[] }>;
}

export interface DirectoryWrites extends Pick<DirectoryReads, 'findByHandle' | 'keysOf'> {
  /** Locked against changes until the transaction ends. */
  findForUpdate(organizationId: OrganizationId, reference: Reference): Promise<EntryRecord | null>;
  /** Whether it is there; it is not deleted until the transaction ends. */
  hold(organizationId: OrganizationId, reference: Reference): Promise<boolean>;
  count(organizationId: OrganizationId, kind: NounKind): Promise<number>;
  insert(organizationId: OrganizationId, entry: EntryRecord): Promise<void>;
  /** All of it but who made it and when. */
  update(organizationId: OrganizationId, entry: EntryRecord): Promise<void>;
  delete(organizationId: OrganizationId, reference: Reference): Promise<void>;
  /** What is tied to it: how many, and some of them. */
  tiedTo(organizationId: OrganizationId, reference: Reference, limit: number): Promise<{ readonly count: number; readonly first: readonly Reference[] }>;
  /** Lets go of it, whoever is tied to it. */
  untie(organizationId: OrganizationId, reference: Reference): Promise<void>;
}

/** Someone who may become a user. */
export interface InvitationRecord {
  readonly organizationId: OrganizationId;
  readonly id: string;
  /** Of the user that it makes. */
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly teamIds: readonly string[];
  readonly roleIds: readonly string[];
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly expiresAtMs: number;
}

/** Null: any. */
export interface InvitationQuery {
  /** Folded; somewhere in the address or the name. */
  readonly text: string | null;
  readonly teamId: string | null;
  readonly roleId: string | null;
  /** Whether its time is over, by a time that is given. */
  readonly over: { readonly is: boolean; readonly nowMs: number } | null;
  readonly sort: 'created_at' | 'expires_at' | 'email';
  readonly descending: boolean;
  /** As `EntryPlace`; of the address in lower case. */
  readonly after: EntryPlace | null;
  readonly limit: number;
}

export interface InvitationReads {
  find(organizationId: OrganizationId, id: string): Promise<InvitationRecord | null>;
  list(organizationId: OrganizationId, query: InvitationQuery): Promise<readonly InvitationRecord[]>;
  /** Of every organization: the token tells which. */
  findByToken(tokenHash: string): Promise<InvitationRecord | null>;
}

export interface InvitationWrites {
  insert(organizationId: OrganizationId, invitation: InvitationRecord & { readonly tokenHash: string }): Promise<void>;
  /** Takes it away: of several that do at once one gets it. */
  take(organizationId: OrganizationId, id: string): Promise<InvitationRecord | null>;
  /** Those for an address, in lower case, or for a user to be. */
  deleteOf(organizationId: OrganizationId, who: { readonly email: string } | { readonly userId: string }): Promise<void>;
  deleteExpired(organizationId: OrganizationId, beforeMs: number): Promise<void>;
  count(organizationId: OrganizationId): Promise<number>;
}
