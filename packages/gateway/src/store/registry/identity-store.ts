/** The port of what ties people of identity providers to users of the directory. */
import type { OrganizationId } from '../../kernel/id.ts';

export interface IdentityLink {
  /** SHA-256 of issuer and subject. */
  readonly digest: string;
  readonly issuer: string;
  readonly provider: string;
  /** Of a user who may be gone meanwhile; the pseudonym of one who was erased. */
  readonly userId: string;
  readonly createdAtMs: number;
}

/** A link as it is looked up at a sign-in. */
export interface FoundIdentity extends IdentityLink {
  /** Whether its provider has sent the user by SCIM. */
  readonly isProvisioned: boolean;
}

export interface IdentityReads {
  find(organizationId: OrganizationId, digest: string): Promise<FoundIdentity | null>;
  /** Oldest first. */
  listOfUser(organizationId: OrganizationId, userId: string): Promise<readonly IdentityLink[]>;
}

export interface IdentityWrites extends IdentityReads {
  /** In the place of the one with the same digest. */
  put(organizationId: OrganizationId, link: IdentityLink): Promise<void>;
  /** The link of the user that was there; null: none. Whoever comes by it then comes for the first time. */
  delete(organizationId: OrganizationId, userId: string, digest: string): Promise<IdentityLink | null>;
  /** Every link of the user names another one from now on: the pseudonym. */
  rename(organizationId: OrganizationId, userId: string, pseudonym: string): Promise<void>;
}

/** Assertions that somebody has come in by. */
export interface AssertionWrites {
  /** True for one of any number who show it, until it is over. */
  use(organizationId: OrganizationId, digest: string, untilMs: number): Promise<boolean>;
  /** Of those that are over `limit` at most. */
  deleteExpired(organizationId: OrganizationId, limit: number): Promise<void>;
}
