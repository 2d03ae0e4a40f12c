import type { ColumnType, GeneratedAlways } from 'kysely';

/** The tables of `migrations/` as Kysely sees them. */
export interface Tables {
  organizations: OrganizationsTable;
  api_keys: KeysTable;
  audit_events: AuditEventsTable;
}

export interface OrganizationsTable {
  id: string;
  name: string;
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
  previous_prefix: string | null;
  previous_hash: string | null;
  previous_valid_until: Date | null;
  scopes: Json<unknown>;
  metadata: Json<unknown>;
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  rotated_at: Date | null;
  revoked_at: Date | null;
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
}
