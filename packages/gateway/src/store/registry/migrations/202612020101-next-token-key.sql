-- Why: the key that signs access tokens next is published long before it signs, so that nobody who keeps the set of keys for a while meets an unknown one; and
-- a key can be replaced at any time. A key without signs_at is the next one; with it, it signs; with retired_at, tokens by it only end.
-- Lock cost: none to speak of; a column without a default and one with a stable default are added to a table of a few rows, which is updated.
-- Older nodes: go on; they sign with the newest key that they can open, which is published, and what they insert signs at once.
-- Backfill: of each node all but the newest key are retired since the next one was made.

alter table oauth_keys add column signs_at timestamptz default now();
alter table oauth_keys add column retired_at timestamptz;

update oauth_keys set signs_at = created_at;
update oauth_keys as earlier
  set retired_at = (select min(later.created_at) from oauth_keys as later where later.node = earlier.node and later.created_at > earlier.created_at);
