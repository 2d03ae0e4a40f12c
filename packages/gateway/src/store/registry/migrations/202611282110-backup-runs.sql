-- Why: backups that nodes take by themselves (`backup` in gateway.yaml): what came of each, and which node takes one now. Of several nodes
-- on one registry one does.
-- Lock cost: none, the table is new.
-- Backfill: none.

create table backup_runs (
  -- The order in which they began.
  number bigint generated always as identity primary key,
  id text not null unique,
  organization_id text not null references organizations (id),
  node text not null,
  -- none, costs or all.
  ledger text not null,
  -- Where it is written, on that node.
  path text not null,
  started_at timestamptz not null,
  -- No other node begins one until then, by the database's clock; a node that lives moves it on.
  held_until timestamptz not null,
  ended_at timestamptz,
  -- done or failed; null while it is under way.
  outcome text,
  reason text,
  bytes bigint,
  -- Whether the audit in it is whole.
  audit_ok boolean
);

create index backup_runs_by_number on backup_runs (organization_id, number);
