/** The port of what identity providers send by SCIM: users as they write them, groups with whom they have, and what they were refused. */
import type { OrganizationId } from '../../kernel/id.ts';

/** A provider of the configuration that may send users and groups, with the key that it shows. */
export interface ScimConnection {
  readonly organizationId: OrganizationId;
  readonly provider: string;
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly createdBy: string;
}

/** A connection with how much has come by it. */
export interface ScimConnectionUse extends ScimConnection {
  readonly users: number;
  readonly groups: number;
  readonly refusals: number;
}

/** What all that a provider sends has. */
interface ScimRecord {
  readonly provider: string;
  readonly id: string;
  readonly externalId: string | null;
  /** From 1; every change raises it. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

export interface ScimUserRecord extends ScimRecord {
  /** Folded `userName`. */
  readonly userKey: string;
  /** Whether the provider made the user of the directory; else it found one with their address. */
  readonly isMade: boolean;
  /** As the provider wrote it, what is kept of it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface ScimGroupRecord extends ScimRecord {
  readonly displayName: string;
}

/** A group as one of its members names it. */
export interface ScimGroupName {
  readonly id: string;
  readonly displayName: string;
  readonly externalId: string | null;
}

/** What a list is narrowed to before its filter is asked; null: nothing. */
export interface ScimNarrowing {
  readonly id: string | null;
  /** Folded `userName`, or `displayName` of groups. */
  readonly key: string | null;
  readonly externalId: string | null;
}

export const scimSorts = ['created', 'changed', 'name', 'id'] as const;

export interface ScimPage {
  readonly narrowing: ScimNarrowing;
  readonly sort: (typeof scimSorts)[number];
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
}

export interface ScimRefusalRecord {
  readonly organizationId: OrganizationId;
  readonly provider: string;
  /** Raised by each. */
  readonly number: number;
  readonly atMs: number;
  readonly method: string;
  readonly resource: string;
  readonly resourceId: string | null;
  readonly status: number;
  readonly scimType: string | null;
  readonly detail: string;
  readonly requestId: string;
}

export interface ScimReads {
  connections(organizationId: OrganizationId): Promise<readonly ScimConnectionUse[]>;
  findConnection(organizationId: OrganizationId, provider: string): Promise<ScimConnection | null>;
  connectionOfKey(organizationId: OrganizationId, keyId: string): Promise<ScimConnection | null>;
  findUser(organizationId: OrganizationId, userId: string): Promise<ScimUserRecord | null>;
  /** A user that the provider made and calls so. */
  findMade(organizationId: OrganizationId, provider: string, externalId: string): Promise<ScimUserRecord | null>;
  users(organizationId: OrganizationId, provider: string, page: ScimPage): Promise<readonly ScimUserRecord[]>;
  countUsers(organizationId: OrganizationId, provider: string): Promise<number>;
  findGroup(organizationId: OrganizationId, provider: string, id: string): Promise<ScimGroupRecord | null>;
  groups(organizationId: OrganizationId, provider: string, page: ScimPage): Promise<readonly ScimGroupRecord[]>;
  countGroups(organizationId: OrganizationId, provider: string): Promise<number>;
  /** The groups of each of these users, by name. */
  groupsOf(organizationId: OrganizationId, userIds: readonly string[]): Promise<ReadonlyMap<string, readonly ScimGroupName[]>>;
  /** Ids of the users in each of these groups. */
  membersOf(organizationId: OrganizationId, groupIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Newest first, those before the number `before`. */
  refusals(
    organizationId: OrganizationId,
    provider: string,
    page: { readonly before: number | null; readonly limit: number },
  ): Promise<readonly ScimRefusalRecord[]>;
}

export interface ScimWrites extends Pick<ScimReads, 'findUser' | 'findMade' | 'findConnection' | 'countGroups' | 'groupsOf' | 'membersOf'> {
  insertConnection(connection: ScimConnection): Promise<void>;
  deleteConnection(organizationId: OrganizationId, provider: string): Promise<void>;
  /** Locked against changes until the transaction ends. */
  findUserForUpdate(organizationId: OrganizationId, provider: string, userId: string): Promise<ScimUserRecord | null>;
  /** Id of the user of the provider that has the name, folded, or the external id. */
  holderOf(organizationId: OrganizationId, provider: string, what: { readonly userKey: string } | { readonly externalId: string }): Promise<string | null>;
  insertUser(organizationId: OrganizationId, user: ScimUserRecord): Promise<void>;
  updateUser(organizationId: OrganizationId, user: ScimUserRecord): Promise<void>;
  findGroupForUpdate(organizationId: OrganizationId, provider: string, id: string): Promise<ScimGroupRecord | null>;
  groupHolderOf(organizationId: OrganizationId, provider: string, what: { readonly nameKey: string } | { readonly externalId: string }): Promise<string | null>;
  insertGroup(organizationId: OrganizationId, group: ScimGroupRecord): Promise<void>;
  updateGroup(organizationId: OrganizationId, group: ScimGroupRecord): Promise<void>;
  deleteGroup(organizationId: OrganizationId, id: string): Promise<void>;
  /** Of these those whom the provider has sent. */
  usersAmong(organizationId: OrganizationId, provider: string, userIds: readonly string[]): Promise<readonly string[]>;
  addMembers(organizationId: OrganizationId, groupId: string, userIds: readonly string[]): Promise<void>;
  removeMembers(organizationId: OrganizationId, groupId: string, userIds: readonly string[]): Promise<void>;
  /** And forgets all but the newest `kept`. */
  insertRefusal(refusal: Omit<ScimRefusalRecord, 'number'>, kept: number): Promise<void>;
  /** Of whoever is erased. */
  deleteRefusalsOf(organizationId: OrganizationId, userId: string): Promise<void>;
}
