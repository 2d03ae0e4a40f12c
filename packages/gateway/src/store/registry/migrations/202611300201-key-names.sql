-- Why: which keys name a user, team, role or another, as rows. Row security lets an index be used by comparisons only of which PostgreSQL knows that they tell
-- nothing of what they compare (leakproof); those of jsonb are none, so that every key of an organization was read to find the few of one user, and to
-- note that something has changed for them. A trigger writes the rows, so that nodes of earlier versions write them too.
-- Lock cost: `api_keys` is locked against writing while its names are written, a few seconds for 100,000 keys; the indexes that nobody needs any more go at once.
-- Older nodes: go on; what they look for in metadata is read key by key, as row security has made them do so far.
-- Backfill: the names of all keys, here.

create table key_names (
  organization_id text not null,
  -- A member of the key's metadata; `:role`: the value is a role that its actions name.
  member text collate "C" not null,
  value text collate "C" not null,
  key_id text not null references api_keys (id) on delete cascade,
  primary key (organization_id, member, value, key_id)
);

create index key_names_by_key on key_names (key_id);

create function names_of_key(metadata jsonb, scopes jsonb) returns table (member text, value text) language sql immutable as $$
  select key, value from jsonb_each_text(metadata) where value <> ''
  union
  select ':role', substr(action, 6)
  from jsonb_array_elements_text(case jsonb_typeof(scopes -> 'actions') when 'array' then scopes -> 'actions' else '[]' end) as action
  where action like 'role:%'
$$;

create function write_key_names() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if new.metadata = old.metadata and new.scopes = old.scopes then
      return null;
    end if;
    delete from key_names where organization_id = new.organization_id and key_id = new.id;
  end if;
  insert into key_names (organization_id, member, value, key_id)
  select new.organization_id, n.member, n.value, new.id from names_of_key(new.metadata, new.scopes) n;
  return null;
end
$$;

create trigger api_keys_names after insert or update of metadata, scopes on api_keys for each row execute function write_key_names();

insert into key_names (organization_id, member, value, key_id)
select k.organization_id, n.member, n.value, k.id from api_keys k, names_of_key(k.metadata, k.scopes) n;

select wall_in('key_names');

drop index api_keys_by_metadata;
drop index api_keys_by_user;
