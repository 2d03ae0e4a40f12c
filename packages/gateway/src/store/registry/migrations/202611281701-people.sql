-- Why: what the audit says of a person is sealed with a key of that person, which can be destroyed; and an erasure that was begun is
-- finished after a restart, and again for calls that come to the ledger late.
-- Lock cost: none, the tables are new.
-- Backfill: none; events of before name people in clear.

create table people (
  organization_id text not null references organizations (id),
  user_id text not null,
  -- What stands for the person in the audit, and in the ledger after an erasure.
  pseudonym text not null,
  -- 32 bytes. Without it nobody can tell who the pseudonym is.
  key bytea not null,
  primary key (organization_id, user_id),
  unique (organization_id, pseudonym)
);

create table erasures (
  organization_id text not null references organizations (id),
  pseudonym text not null,
  -- The keys that the person had: their calls are found by them.
  key_ids jsonb not null,
  begun_at timestamptz not null,
  finished_at timestamptz,
  primary key (organization_id, pseudonym)
);

create index api_keys_by_user on api_keys (organization_id, (metadata ->> 'user_id')) where metadata ? 'user_id';
