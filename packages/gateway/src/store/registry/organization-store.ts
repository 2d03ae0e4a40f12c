/** The port of the organizations themselves. */
import type { OrganizationId } from '../../kernel/id.ts';

export interface OrganizationRecord {
  readonly id: OrganizationId;
  readonly name: string;
  /** From 1; every change raises it. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
  readonly changedAtMs: number;
  readonly changedBy: string;
}

export interface OrganizationReads {
  /** Null also where it has been deleted. */
  find(id: OrganizationId): Promise<OrganizationRecord | null>;
  /** By id, those behind `after`; without those that have been deleted. */
  list(page: { readonly after: string | null; readonly limit: number }): Promise<readonly OrganizationRecord[]>;
  /** Of all that ever were: what one that has been deleted leaves is kept as long as it must be. */
  ids(): Promise<readonly OrganizationId[]>;
}

export interface OrganizationWrites {
  /** Locked against changes until the transaction ends; null also where it has been deleted. */
  findForUpdate(id: OrganizationId): Promise<OrganizationRecord | null>;
  count(): Promise<number>;
  /** False: there is or was one with that id, and nothing was written. */
  insert(organization: OrganizationRecord): Promise<boolean>;
  update(organization: OrganizationRecord): Promise<void>;
  /** How much of it there is: keys that are not revoked, and of each noun of the directory but roles. */
  contents(id: OrganizationId): Promise<{ readonly keys: number; readonly entries: Readonly<Record<string, number>> }>;
  /** Revokes its keys, and deletes its directory, who signs in as whom, invitations, saved views, policies, switches and orders. */
  clear(id: OrganizationId, nowMs: number): Promise<void>;
  /** Nobody finds it any more, and nobody gets its id. */
  delete(id: OrganizationId, deletedAtMs: number): Promise<void>;
}
