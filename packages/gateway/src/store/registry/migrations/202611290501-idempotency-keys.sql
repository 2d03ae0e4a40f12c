-- Why: a request to the control API that carries an Idempotency-Key is carried out once, however often it is sent, on whichever node and over restarts.
-- What it has changed and that it was carried out are one transaction.
-- Lock cost: none; the table is new.
-- Older nodes: go on; they pass the header by.
-- Backfill: none.

create table idempotency_keys (
  organization_id text not null references organizations (id),
  -- Of caller, method, address and key: none of them stands here.
  digest text collate "C" not null,
  caller text collate "C" not null,
  -- Tells another request from the same one, for whoever knows the key.
  request text not null,
  -- Whose it is: who comes back after another has begun anew writes nothing.
  attempt text not null,
  began_at timestamptz not null,
  -- By the database's clock: nobody else begins it until then.
  held_until timestamptz not null,
  -- Set with the change itself.
  done_at timestamptz,
  -- Sealed by what the caller signs in with.
  answer bytea,
  primary key (organization_id, digest)
);

create index idempotency_keys_by_caller on idempotency_keys (organization_id, caller, began_at desc);
create index idempotency_keys_by_age on idempotency_keys (organization_id, began_at);
