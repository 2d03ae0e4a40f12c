-- Why: whoever looks at a list in one way again and again saves it by name, for themselves, a team or everybody. Of a view its page and the parameters of the
-- page's address are kept; what they mean is the page's.
-- Lock cost: none; the table is new.
-- Older nodes: go on; they know no views, and leave those of whom they erase or delete, which nobody can see from then on.
-- Backfill: none.

create table saved_views (
  organization_id text not null references organizations (id),
  id text collate "C" not null,
  page text not null,
  name text not null,
  state jsonb not null,
  -- Whose it is, such as user and their id; null: whoever it was is gone, and others go on using it.
  owner_kind text,
  owner_id text collate "C",
  -- Null: private. Else everyone, or team:ID.
  shared_with text collate "C",
  version integer not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (organization_id, id)
);

create index saved_views_by_owner on saved_views (organization_id, owner_kind, owner_id);
select wall_in('saved_views');
