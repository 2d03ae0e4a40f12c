-- Why: what a configuration consists of can be made while the gateway runs, shared by every node: servers, routes, virtual servers, rules of tools,
-- masking rules, retention and export targets, each as its entry in gateway.yaml. Nodes look at the revision, which every change raises, and read
-- the rest when it is new.
-- Lock cost: none; the tables are new.
-- Backfill: none.

create table config_objects (
  organization_id text not null references organizations (id),
  kind text collate "C" not null,
  name text collate "C" not null,
  -- Its entry in gateway.yaml but for what names it. json, not jsonb: as it was written.
  spec json not null,
  version integer not null,
  created_at timestamptz not null,
  created_by text not null,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (organization_id, kind, name)
);

create table config_revisions (
  organization_id text primary key references organizations (id),
  revision bigint not null
);
