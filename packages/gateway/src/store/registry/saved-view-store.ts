/** The port of views that are saved by name. */
import type { OrganizationId } from '../../kernel/id.ts';

/** Whose a view is: a user or service account, a key of nobody, the operator of the machine. */
export interface ViewOwner {
  readonly kind: 'user' | 'service_account' | 'key' | 'operator';
  readonly id: string;
}

export interface SavedViewRecord {
  readonly id: string;
  /** Which list it is of. */
  readonly page: string;
  readonly name: string;
  /** Parameters of the page's address. */
  readonly state: Readonly<Record<string, string>>;
  /** Null: whoever it was is gone. */
  readonly owner: ViewOwner | null;
  /** `everyone`, `team:ID`, or null: it is private. */
  readonly sharedWith: string | null;
  /** From 1; every change raises it. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

export interface SavedViewReads {
  find(organizationId: OrganizationId, id: string): Promise<SavedViewRecord | null>;
  /** Those of an owner (null: of none), and those that are shared with one of these (null: with anybody). */
  list(
    organizationId: OrganizationId,
    of: { readonly owner: ViewOwner | null; readonly sharedWith: readonly string[] | null },
  ): Promise<readonly SavedViewRecord[]>;
}

export interface SavedViewWrites {
  /** The view, locked against other changes until the transaction ends. */
  findForUpdate(organizationId: OrganizationId, id: string): Promise<SavedViewRecord | null>;
  /** How many the owner has, and the organization. */
  count(organizationId: OrganizationId, owner: ViewOwner): Promise<{ readonly ofOwner: number; readonly all: number }>;
  insert(organizationId: OrganizationId, view: SavedViewRecord): Promise<void>;
  /** Its name, its state and with whom it is shared. */
  update(organizationId: OrganizationId, view: SavedViewRecord): Promise<void>;
  delete(organizationId: OrganizationId, id: string): Promise<void>;
  /** Deletes what the owner has for themselves; what they share stays, and is nobody's. */
  leave(organizationId: OrganizationId, owner: ViewOwner): Promise<void>;
  /** What was shared with it is private from then on: whatever gets the same name is something else. */
  unshare(organizationId: OrganizationId, sharedWith: string): Promise<void>;
}
