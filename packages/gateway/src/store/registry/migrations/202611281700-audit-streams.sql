-- Why: how far each stream of the audit (`audit.streams` in gateway.yaml) has been delivered outlives restarts, and of several nodes on one
-- registry one sends at a time.
-- Lock cost: none, the table is new.
-- Backfill: none.

create table audit_streams (
  organization_id text not null references organizations (id),
  name text not null,
  -- The last place of the chain of events that has been delivered.
  sequence bigint not null,
  -- The same for each chain of calls, by its name.
  calls jsonb not null,
  -- The node that sends, and until when no other may.
  holder text not null,
  held_until timestamptz not null,
  primary key (organization_id, name)
);
