-- Why: identity providers send users and groups themselves (SCIM 2.0). A connection is a provider with the key that it shows. Of a user it is kept what the
-- provider says of them, beside the directory, and goes with them; of a group whom it has. What a provider was refused is kept for administrators, the
-- newest of each.
-- Lock cost: none; the tables are new.
-- Older nodes: go on; they serve no SCIM, and let groups of a token decide at sign-in.
-- Backfill: none.

create table scim_connections (
  organization_id text not null references organizations (id),
  -- As the configuration names it.
  provider text collate "C" not null,
  key_id text collate "C" not null references api_keys (id),
  created_at timestamptz not null,
  created_by text not null,
  primary key (organization_id, provider)
);

create unique index scim_connections_by_key on scim_connections (key_id);
select wall_in('scim_connections');

create table scim_users (
  organization_id text not null,
  user_id text collate "C" not null,
  kind text not null default 'user' check (kind = 'user'),
  provider text collate "C" not null,
  -- Folded: no two of a provider have the same.
  user_key text collate "C" not null,
  external_id text collate "C",
  -- Whether the provider made the user; else it found one with their address.
  made boolean not null,
  -- As the provider wrote it, what is kept of it.
  resource jsonb not null,
  version integer not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (organization_id, user_id),
  foreign key (organization_id, kind, user_id) references directory (organization_id, kind, id) on delete cascade
);

create unique index scim_users_by_name on scim_users (organization_id, provider, user_key);
create unique index scim_users_by_external_id on scim_users (organization_id, provider, external_id);
create index scim_users_by_age on scim_users (organization_id, provider, created_at, user_id);
select wall_in('scim_users');

create table scim_groups (
  organization_id text not null references organizations (id),
  id text collate "C" not null,
  provider text collate "C" not null,
  display_name text not null,
  -- Folded.
  name_key text collate "C" not null,
  external_id text collate "C",
  version integer not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (organization_id, id)
);

create unique index scim_groups_by_name on scim_groups (organization_id, provider, name_key);
create unique index scim_groups_by_external_id on scim_groups (organization_id, provider, external_id);
create index scim_groups_by_age on scim_groups (organization_id, provider, created_at, id);
select wall_in('scim_groups');

create table scim_members (
  organization_id text not null,
  group_id text collate "C" not null,
  user_id text collate "C" not null,
  primary key (organization_id, group_id, user_id),
  foreign key (organization_id, group_id) references scim_groups (organization_id, id) on delete cascade,
  foreign key (organization_id, user_id) references scim_users (organization_id, user_id) on delete cascade
);

create index scim_members_by_user on scim_members (organization_id, user_id);
select wall_in('scim_members');

create table scim_refusals (
  organization_id text not null references organizations (id),
  provider text collate "C" not null,
  number bigint generated always as identity,
  at timestamptz not null,
  method text not null,
  -- Users, Groups or another.
  resource text not null,
  resource_id text collate "C",
  status integer not null,
  scim_type text,
  detail text not null,
  request_id text not null,
  primary key (organization_id, provider, number)
);

select wall_in('scim_refusals');
