-- Why: prices change with time, and what a call was priced by must stay known: each change of the price list is a version,
-- whoever made it, the file included. Append-only: a version that was served is never another one.
-- Lock cost: none; the table is new.
-- Backfill: none; the gateway writes what its configuration says when it starts.

create table price_versions (
  organization_id text not null references organizations (id),
  -- Counts the versions of an organization from 1; calls name it.
  number bigint not null check (number > 0),
  source text not null check (source in ('file', 'api')),
  prices jsonb not null,
  effective_from timestamptz not null,
  created_at timestamptz not null,
  created_by text not null,
  primary key (organization_id, number)
);

create index price_versions_by_effect on price_versions (organization_id, effective_from desc, number desc);

create trigger price_versions_append_only before update or delete on price_versions for each row execute function refuse_change();
create trigger price_versions_no_truncate before truncate on price_versions for each statement execute function refuse_change();
