import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { AuditResult } from '../../chain/audit-record.ts';

/** The tables of `migrations/` as Kysely sees them. */
export interface Tables {
  organizations: OrganizationsTable;
  api_keys: KeysTable;
  audit_events: AuditEventsTable;
  audit_chains: AuditChainsTable;
  audit_keys: AuditKeysTable;
  audit_checkpoints: AuditCheckpointsTable;
  audit_removals: AuditRemovalsTable;
  audit_streams: AuditStreamsTable;
  backup_runs: BackupRunsTable;
  people: PeopleTable;
  erasures: ErasuresTable;
  server_orders: ServerOrdersTable;
  policies: PoliciesTable;
  switches: SwitchesTable;
  access_revisions: AccessRevisionsTable;
  price_versions: PriceVersionsTable;
  config_objects: ConfigObjectsTable;
  config_revisions: ConfigRevisionsTable;
  directory: DirectoryTable;
  directory_links: DirectoryLinksTable;
  invitations: InvitationsTable;
  idempotency_keys: IdempotencyKeysTable;
  identity_links: IdentityLinksTable;
  oauth_grants: OauthGrantsTable;
  oauth_clients: OauthClientsTable;
  oauth_keys: OauthKeysTable;
  used_assertions: UsedAssertionsTable;
  scim_connections: ScimConnectionsTable;
  scim_users: ScimUsersTable;
  scim_groups: ScimGroupsTable;
  scim_members: ScimMembersTable;
  scim_refusals: ScimRefusalsTable;
  saved_views: SavedViewsTable;
}

export interface OrganizationsTable {
  id: string;
  name: string;
  version: number;
  created_at: Date;
  created_by: string;
  changed_at: Date;
  changed_by: string;
  deleted_at: Date | null;
}

/** Written as JSON text, read as what it says. */
type Json<Value> = ColumnType<Value, string, string>;

export interface KeysTable {
  id: string;
  organization_id: string;
  name: string;
  environment: string;
  prefix: string;
  hash: string;
  secret_check: string | null;
  previous_prefix: string | null;
  previous_hash: string | null;
  previous_check: string | null;
  previous_valid_until: Date | null;
  scopes: Json<unknown>;
  metadata: Json<unknown>;
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  rotated_at: Date | null;
  revoked_at: Date | null;
  changed_revision: Generated<string>;
}

export interface PriceVersionsTable {
  organization_id: string;
  number: string;
  source: string;
  prices: Json<unknown>;
  effective_from: Date;
  created_at: Date;
  created_by: string;
}

export interface ConfigObjectsTable {
  organization_id: string;
  kind: string;
  name: string;
  spec: Json<unknown>;
  version: number;
  created_at: Date;
  created_by: string;
  changed_at: Date;
  changed_by: string;
}

export interface ConfigRevisionsTable {
  organization_id: string;
  revision: string;
}

export interface AuditEventsTable {
  sequence: GeneratedAlways<string>;
  id: string;
  organization_id: string;
  at: Date;
  actor_kind: string;
  actor_id: string;
  action: string;
  object_id: string;
  request_id: string;
  peer: string;
  detail: Json<unknown>;
  object_kind: string;
  result: AuditResult;
  chain_sequence: string | null;
  previous_hash: string | null;
  hash: string | null;
  key_id: string | null;
  signature: string | null;
}

export interface AuditChainsTable {
  organization_id: string;
  sequence: string;
  hash: string;
}

export interface AuditKeysTable {
  id: string;
  node: string;
  public_key: string;
  created_at: Date;
  previous_key_id: string | null;
  signature: string;
}

export interface AuditCheckpointsTable {
  id: string;
  organization_id: string;
  node: string;
  at: Date;
  sequence: string;
  body: string;
  signature: string;
}

export interface AuditRemovalsTable {
  organization_id: string;
  through_sequence: string;
  through_hash: string;
  checkpoint_id: string;
  removed_at: Date;
}

export interface PoliciesTable {
  organization_id: string;
  name: string;
  rule: Json<unknown>;
  version: number;
  changed_at: Date;
  changed_by: string;
}

export interface SwitchesTable {
  organization_id: string;
  kind: string;
  name: string;
  reason: string;
  until: Date | null;
  changed_at: Date;
  changed_by: string;
}

export interface AccessRevisionsTable {
  organization_id: string;
  revision: string;
  callers: Generated<string>;
}

export interface DirectoryTable {
  organization_id: string;
  kind: string;
  id: string;
  name: string;
  sort_name: string;
  handle: string | null;
  attributes: Json<unknown>;
  version: number;
  created_at: Date;
  created_by: string;
  changed_at: Date;
  changed_by: string;
}

export interface InvitationsTable {
  organization_id: string;
  id: string;
  user_id: string;
  email: string;
  name: string;
  team_ids: Json<unknown>;
  role_ids: Json<unknown>;
  token_hash: string;
  created_at: Date;
  created_by: string;
  expires_at: Date;
}

export interface IdentityLinksTable {
  organization_id: string;
  digest: string;
  issuer: string;
  provider: string;
  user_id: string;
  created_at: Date;
}

export interface UsedAssertionsTable {
  organization_id: string;
  digest: string;
  until: Date;
}

export interface IdempotencyKeysTable {
  organization_id: string;
  digest: string;
  caller: string;
  request: string;
  attempt: string;
  began_at: Date;
  held_until: Date;
  done_at: Date | null;
  answer: Buffer | null;
}

export interface DirectoryLinksTable {
  organization_id: string;
  from_kind: string;
  from_id: string;
  relation: string;
  to_kind: string;
  to_id: string;
}

export interface ServerOrdersTable {
  organization_id: string;
  server: string;
  asked: Json<unknown>;
  changed_at: Date;
  changed_by: string;
}

export interface AuditStreamsTable {
  organization_id: string;
  name: string;
  sequence: string;
  calls: Json<unknown>;
  holder: string;
  held_until: Date;
}

export interface BackupRunsTable {
  number: GeneratedAlways<string>;
  id: string;
  organization_id: string;
  node: string;
  ledger: string;
  path: string;
  started_at: Date;
  held_until: Date;
  ended_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  outcome: ColumnType<string | null, string | null | undefined, string | null>;
  reason: ColumnType<string | null, string | null | undefined, string | null>;
  bytes: ColumnType<string | null, string | null | undefined, string | null>;
  audit_ok: ColumnType<boolean | null, boolean | null | undefined, boolean | null>;
}

export interface PeopleTable {
  organization_id: string;
  user_id: string;
  pseudonym: string;
  key: Buffer;
}

export interface ErasuresTable {
  organization_id: string;
  pseudonym: string;
  key_ids: Json<unknown>;
  begun_at: Date;
  finished_at: Date | null;
}

export interface OauthGrantsTable {
  organization_id: string;
  id: string;
  user_id: string | null;
  granted_by: string;
  client_id: string;
  client_name: string;
  redirect_uri: string;
  resource: string;
  scopes: Json<unknown>;
  created_at: Date;
  expires_at: Date;
  used_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  family_hash: ColumnType<string | null, string | null | undefined, string | null>;
  refresh_hash: ColumnType<string | null, string | null | undefined, string | null>;
  revoked_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  revoked_by: ColumnType<string | null, string | null | undefined, string | null>;
  revoked_why: ColumnType<string | null, string | null | undefined, string | null>;
  changed_revision: Generated<string>;
  session_key: string | null;
}

export interface OauthClientsTable {
  id: string;
  name: string;
  redirect_uris: Json<unknown>;
  created_at: Date;
  used_at: Date;
}

export interface OauthKeysTable {
  id: string;
  node: string;
  public_jwk: Json<unknown>;
  sealed: Buffer;
  created_at: Date;
  signs_at: Date | null;
  retired_at: Date | null;
}

export interface SavedViewsTable {
  organization_id: string;
  id: string;
  page: string;
  name: string;
  state: Json<unknown>;
  owner_kind: string | null;
  owner_id: string | null;
  shared_with: string | null;
  version: number;
  created_at: Date;
  changed_at: Date;
}

export interface ScimConnectionsTable {
  organization_id: string;
  provider: string;
  key_id: string;
  created_at: Date;
  created_by: string;
}

export interface ScimUsersTable {
  organization_id: string;
  user_id: string;
  provider: string;
  user_key: string;
  external_id: string | null;
  made: boolean;
  resource: Json<unknown>;
  version: number;
  created_at: Date;
  changed_at: Date;
}

export interface ScimGroupsTable {
  organization_id: string;
  id: string;
  provider: string;
  display_name: string;
  name_key: string;
  external_id: string | null;
  version: number;
  created_at: Date;
  changed_at: Date;
}

export interface ScimMembersTable {
  organization_id: string;
  group_id: string;
  user_id: string;
}

export interface ScimRefusalsTable {
  organization_id: string;
  provider: string;
  number: GeneratedAlways<string>;
  at: Date;
  method: string;
  resource: string;
  resource_id: string | null;
  status: number;
  scim_type: string | null;
  detail: string;
  request_id: string;
}
