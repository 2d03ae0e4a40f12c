-- Why: users are invited: whoever shows the token becomes the user that the invitation speaks of. Only a hash of the token is kept.
-- Lock cost: none; the table is new.
-- Backfill: none.

create table invitations (
  organization_id text not null references organizations (id),
  id text collate "C" not null,
  -- Whom it makes.
  user_id text not null,
  email text not null,
  name text not null,
  team_ids jsonb not null,
  role_ids jsonb not null,
  token_hash text not null unique,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz not null,
  primary key (organization_id, id)
);

create index invitations_by_age on invitations (organization_id, created_at desc, id desc);
