-- Why: the first tables of the registry: organizations, API keys, and the audit of every change.
-- Lock cost: none; all tables are new.
-- Backfill: none.

create table organizations (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now()
);

-- A fresh install has one organization.
insert into organizations (id, name) values ('org_default', 'Default');

create table api_keys (
  id text primary key,
  organization_id text not null references organizations (id),
  name text not null,
  environment text not null,
  prefix text not null,
  hash text not null,
  previous_prefix text,
  previous_hash text,
  previous_valid_until timestamptz,
  scopes jsonb not null,
  metadata jsonb not null,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  rotated_at timestamptz,
  revoked_at timestamptz,
  check (num_nulls(previous_prefix, previous_hash, previous_valid_until) in (0, 3))
);

create index api_keys_by_prefix on api_keys (prefix);
create index api_keys_by_previous_prefix on api_keys (previous_prefix) where previous_prefix is not null;
create index api_keys_by_age on api_keys (organization_id, created_at desc, id desc);

create table audit_events (
  -- The order of the events; gaps are rolled-back transactions.
  sequence bigint generated always as identity primary key,
  id text not null unique,
  organization_id text not null references organizations (id),
  at timestamptz not null,
  actor_kind text not null,
  actor_id text not null,
  action text not null,
  object_id text not null,
  request_id text not null,
  peer text not null,
  detail jsonb not null
);

create index audit_events_by_age on audit_events (organization_id, sequence desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger audit_events_append_only before update or delete on audit_events for each row execute function refuse_change();
create trigger audit_events_no_truncate before truncate on audit_events for each statement execute function refuse_change();
