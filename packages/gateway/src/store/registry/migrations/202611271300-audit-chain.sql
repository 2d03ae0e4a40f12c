-- Why: every audit event is a signed link of its organization's chain, signed checkpoints stand above it, and what is older than
-- its retention can be removed as a whole range and in no other way.
-- Lock cost: audit_events is locked exclusively while its columns are added; it holds control actions only.
-- Backfill: object_kind here; the links of earlier events are made by the program at its next start (store/registry/audit-chain.ts),
-- for which the guard lets a missing link be filled in, once.

drop trigger audit_events_append_only on audit_events;

alter table audit_events
  add column object_kind text not null default '',
  add column result text not null default 'success' check (result in ('success', 'denied', 'failed')),
  add column chain_sequence bigint,
  add column previous_hash text,
  add column hash text,
  add column key_id text,
  add column signature text,
  add check (num_nulls(chain_sequence, previous_hash, hash, key_id, signature) in (0, 5));

update audit_events set object_kind = split_part(action, '.', 1);

create unique index audit_events_by_chain on audit_events (organization_id, chain_sequence);
create index audit_events_by_time on audit_events (organization_id, at desc, sequence desc);

-- Where each chain ends: the row is the lock under which events are written one after the other.
create table audit_chains (
  organization_id text primary key references organizations (id),
  sequence bigint not null,
  hash text not null
);

-- Public keys of nodes. One that follows another carries that one's signature.
create table audit_keys (
  id text primary key,
  node text not null,
  public_key text not null,
  created_at timestamptz not null,
  previous_key_id text references audit_keys (id),
  signature text not null
);

create table audit_checkpoints (
  id text primary key,
  organization_id text not null references organizations (id),
  node text not null,
  at timestamptz not null,
  -- The place in the chain of events that it speaks of.
  sequence bigint not null,
  -- Canonical JSON as it was signed.
  body text not null,
  signature text not null
);
create index audit_checkpoints_by_place on audit_checkpoints (organization_id, sequence, at);

-- Ranges whose retention is over: everything up to `through_sequence`, which a checkpoint that is kept speaks of.
create table audit_removals (
  organization_id text not null references organizations (id),
  through_sequence bigint not null,
  through_hash text not null,
  checkpoint_id text not null references audit_checkpoints (id),
  removed_at timestamptz not null,
  primary key (organization_id, through_sequence)
);

create function guard_audit_event() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.hash is null and new.hash is not null
    and to_jsonb(old) - '{chain_sequence,previous_hash,hash,key_id,signature}'::text[] = to_jsonb(new) - '{chain_sequence,previous_hash,hash,key_id,signature}'::text[] then
    return new;
  end if;
  -- The least retention that can be configured is a year: nothing younger can be removed, whatever is asked.
  if tg_op = 'DELETE' and old.at < now() - interval '365 days' and exists (
    select from audit_removals where organization_id = old.organization_id and through_sequence >= old.chain_sequence
  ) then
    return old;
  end if;
  raise exception 'audit_events is append-only' using errcode = 'restrict_violation';
end
$$;

create trigger audit_events_append_only before update or delete on audit_events for each row execute function guard_audit_event();
create trigger audit_keys_append_only before update or delete on audit_keys for each row execute function refuse_change();
create trigger audit_removals_append_only before update or delete on audit_removals for each row execute function refuse_change();

create function guard_audit_checkpoint() returns trigger language plpgsql as $$
begin
  -- Of a day that is long over the last checkpoint of each node says all that the others said.
  if tg_op = 'DELETE' and old.at < now() - interval '7 days' and exists (
    select from audit_checkpoints later
    where later.organization_id = old.organization_id and later.node = old.node and later.at > old.at and later.sequence >= old.sequence
      and later.at < date_trunc('day', old.at at time zone 'UTC') at time zone 'UTC' + interval '1 day'
  ) then
    return old;
  end if;
  raise exception 'audit_checkpoints is append-only' using errcode = 'restrict_violation';
end
$$;

create trigger audit_checkpoints_append_only before update or delete on audit_checkpoints for each row execute function guard_audit_checkpoint();
create trigger audit_keys_no_truncate before truncate on audit_keys for each statement execute function refuse_change();
create trigger audit_checkpoints_no_truncate before truncate on audit_checkpoints for each statement execute function refuse_change();
create trigger audit_removals_no_truncate before truncate on audit_removals for each statement execute function refuse_change();
