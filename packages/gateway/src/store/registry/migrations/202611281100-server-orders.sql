-- Why: what an administrator asks of a server beside the configuration (which target is active, the canary, weights, drains) outlives a
-- restart and reaches every node.
-- Lock cost: none, the table is new.
-- Backfill: none.

create table server_orders (
  organization_id text not null references organizations (id),
  server text not null,
  -- { routing, targets }, as snapshot/server-order.ts has them.
  asked jsonb not null,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (organization_id, server)
);
