-- Why: MCP clients sign in at the gateway. A grant is what a person has allowed a client at one address; its tokens are good as long as it is there
-- and not revoked. Of a refresh token only hashes are kept: one that is the same for all tokens of a grant, and one that changes with each, so
-- that an earlier token that is shown again is told from a made-up one. Keys that sign access tokens are sealed by the node that made them.
-- Lock cost: none; the tables are new.
-- Older nodes: go on; they know no clients that sign in, and take none of their tokens.
-- Backfill: none.

create table oauth_grants (
  organization_id text not null references organizations (id),
  id text collate "C" not null,
  -- In whose name the client acts; null: in that of an administrator's session that is of nobody in the directory.
  user_id text collate "C",
  granted_by text not null,
  client_id text not null,
  client_name text not null,
  redirect_uri text not null,
  resource text not null,
  scopes jsonb not null,
  created_at timestamptz not null,
  -- Of the code, until it is exchanged; then of the refresh token, which every use moves on.
  expires_at timestamptz not null,
  used_at timestamptz,
  family_hash text,
  refresh_hash text,
  revoked_at timestamptz,
  revoked_by text,
  revoked_why text,
  changed_revision bigint not null default 0,
  primary key (organization_id, id)
);

create unique index oauth_grants_by_id on oauth_grants (id);
create index oauth_grants_by_age on oauth_grants (organization_id, created_at desc, id desc);
create index oauth_grants_by_user on oauth_grants (organization_id, user_id);
create index oauth_grants_by_change on oauth_grants (organization_id, changed_revision) where changed_revision > 0;
select wall_in('oauth_grants');

-- Of clients that have registered themselves: of no organization, for whoever registers has not signed in.
create table oauth_clients (
  id text collate "C" primary key,
  name text not null,
  redirect_uris jsonb not null,
  created_at timestamptz not null,
  used_at timestamptz not null
);

create index oauth_clients_by_use on oauth_clients (used_at);

create table oauth_keys (
  id text collate "C" primary key,
  node text not null,
  public_jwk jsonb not null,
  sealed bytea not null,
  created_at timestamptz not null
);
