/** The port of what clients that sign in leave in the registry: grants, clients that have registered themselves, and the keys of tokens. */
import type { OrganizationId } from '../../kernel/id.ts';

/** What somebody has allowed a client at one address. */
export interface GrantRecord {
  readonly organizationId: OrganizationId;
  readonly id: string;
  /** In whose name the client acts; null: an administrator's session, which is of nobody in the directory. */
  readonly userId: string | null;
  /** Id of the actor. */
  readonly grantedBy: string;
  /** Where shared state holds the session that it is good as long as; null: it is of a user, or of before this was kept. */
  readonly sessionKey: string | null;
  readonly clientId: string;
  readonly clientName: string;
  readonly redirectUri: string;
  /** The address that its tokens are good at. */
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** When a token was last given out; null: its code has not been exchanged. */
  readonly usedAtMs: number | null;
  readonly revoked: { readonly atMs: number; readonly by: string; readonly why: string } | null;
}

/** What is kept of the refresh token that is good now. */
export interface RefreshHashes {
  /** Of the part that all refresh tokens of the grant have in common. */
  readonly family: string;
  readonly secret: string;
}

export interface GrantQuery {
  /** Null: those of everybody. */
  readonly userId: string | null;
  readonly after: { readonly createdAtMs: number; readonly id: string } | null;
  readonly limit: number;
}

export interface GrantReads {
  find(organizationId: OrganizationId, id: string): Promise<GrantRecord | null>;
  /** Newest first. */
  list(organizationId: OrganizationId, query: GrantQuery): Promise<readonly GrantRecord[]>;
  /** Of every organization: the token tells which. */
  findByToken(id: string): Promise<GrantRecord | null>;
}

export interface GrantWrites {
  insert(grant: GrantRecord): Promise<void>;
  /** Locked until the transaction ends. */
  findForUpdate(organizationId: OrganizationId, id: string): Promise<(GrantRecord & { readonly refresh: RefreshHashes | null }) | null>;
  /** Those that are not revoked, of a user (null: of none), and those of nobody in the directory that these sessions have given. Locked until the transaction ends. */
  findLiveForUpdate(organizationId: OrganizationId, userId: string | null, sessionIds: readonly string[]): Promise<readonly GrantRecord[]>;
  /** Another refresh token is good from now on; null: none. */
  updateRefresh(
    organizationId: OrganizationId,
    id: string,
    next: { readonly refresh: RefreshHashes | null; readonly usedAtMs: number; readonly expiresAtMs: number },
  ): Promise<void>;
  /** For every node to hear of it, see `AccessWrites.touchGrant`. */
  updateRevoked(organizationId: OrganizationId, id: string, revoked: NonNullable<GrantRecord['revoked']>): Promise<void>;
  /** Those of a user that are good at a time. */
  countOfUser(organizationId: OrganizationId, userId: string | null, atMs: number): Promise<number>;
  /** Returns the ids of those that were there. */
  deleteOfUser(organizationId: OrganizationId, userId: string): Promise<readonly string[]>;
  /** Those that were over, or revoked, before a time. */
  deleteOver(organizationId: OrganizationId, beforeMs: number): Promise<void>;
}

/** A client that has registered itself (RFC 7591). */
export interface RegisteredClient {
  readonly id: string;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly createdAtMs: number;
}

export interface OauthClientReads {
  find(id: string): Promise<RegisteredClient | null>;
}

export interface OauthClientWrites {
  count(): Promise<number>;
  insert(client: RegisteredClient): Promise<void>;
  /** It was used: it is kept for longer. */
  updateUsed(id: string, usedAtMs: number): Promise<void>;
  deleteUnused(beforeMs: number): Promise<void>;
}

/** A key that signs access tokens. */
export interface OauthKeyRecord {
  readonly id: string;
  /** Which node can open it, where nodes seal differently. */
  readonly node: string;
  /** As JSON Web Key (RFC 7517), without the private part. */
  readonly publicJwk: Readonly<Record<string, string>>;
  /** The private key, sealed. */
  readonly sealed: Buffer;
  readonly createdAtMs: number;
  /** Since when it signs; null: it is published and signs next. */
  readonly signsAtMs: number | null;
  /** Since when it signs no more; null: not yet. */
  readonly retiredAtMs: number | null;
}

export interface OauthKeyReads {
  /** Newest first. */
  list(): Promise<readonly OauthKeyRecord[]>;
}

export interface OauthKeyWrites extends OauthKeyReads {
  /** Whoever changes keys does it one after the other: held until the transaction ends. Reads go on. */
  lock(): Promise<void>;
  insert(key: OauthKeyRecord): Promise<void>;
  /** From a time on it signs, or signs no more. */
  update(id: string, change: { readonly signsAtMs: number } | { readonly retiredAtMs: number }): Promise<void>;
  delete(ids: readonly string[]): Promise<void>;
}
