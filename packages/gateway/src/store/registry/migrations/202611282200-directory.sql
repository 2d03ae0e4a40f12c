-- Why: departments, teams, projects, users, service accounts and agents, tied to each other: one table for all, for they differ in what
-- they are tied to and in free text only. Keys name them in their metadata, as they did before. Nodes look at `callers`, which is raised
-- by whatever changes what is known of a key's caller, and forget the keys whose `changed_revision` is newer than what they know.
-- Lock cost: `api_keys` is locked against writing while two indexes are built, a second for 100,000 keys; the columns have constant
-- defaults and rewrite nothing. The other tables are new.
-- Backfill: none; what keys name need not be here.

create table directory (
  organization_id text not null references organizations (id),
  -- As kernel/directory.ts has it.
  kind text not null,
  -- As keys carry it and policies name it.
  id text collate "C" not null,
  name text not null,
  -- Folded, for sorting and finding.
  sort_name text collate "C" not null,
  -- The text, folded, that no other of the kind may have; null: it has none.
  handle text collate "C",
  attributes jsonb not null,
  version integer not null,
  created_at timestamptz not null,
  created_by text not null,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (organization_id, kind, id),
  unique (organization_id, kind, handle)
);

create index directory_by_name on directory (organization_id, kind, sort_name, id);
create index directory_by_age on directory (organization_id, kind, created_at, id);

create table directory_links (
  organization_id text not null,
  from_kind text not null,
  from_id text collate "C" not null,
  -- The member that holds it: team_id, owner, …
  relation text not null,
  to_kind text not null,
  to_id text collate "C" not null,
  primary key (organization_id, from_kind, from_id, relation, to_kind, to_id),
  foreign key (organization_id, from_kind, from_id) references directory (organization_id, kind, id) on delete cascade,
  -- What others are tied to does not go.
  foreign key (organization_id, to_kind, to_id) references directory (organization_id, kind, id)
);

create index directory_links_by_target on directory_links (organization_id, to_kind, to_id);

alter table access_revisions add column callers bigint not null default 0;
alter table api_keys add column changed_revision bigint not null default 0;
create index api_keys_by_change on api_keys (organization_id, changed_revision) where changed_revision > 0;
create index api_keys_by_metadata on api_keys using gin (metadata jsonb_path_ops);
