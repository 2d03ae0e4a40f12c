-- Why: organizations are made, renamed and deleted while the gateway runs. What a deleted one leaves (its audit, its calls) stays its own: the row stays, and
-- nobody gets its id again.
-- Lock cost: `organizations` is locked for a moment; it has few rows.
-- Older nodes: go on.
-- Backfill: by the defaults.

alter table organizations
  add column version integer not null default 1,
  add column created_by text not null default 'system',
  add column changed_at timestamptz not null default now(),
  add column changed_by text not null default 'system',
  add column deleted_at timestamptz;
