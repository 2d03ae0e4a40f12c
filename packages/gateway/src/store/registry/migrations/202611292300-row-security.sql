-- Why: the second wall between organizations. What the program forgets to ask for, PostgreSQL does not give: rows are there for the organization that the
-- setting gatewayops.organization names, for none where it is not set, for all where it is `*`. For the owner of the tables too (force); not for superusers
-- and roles that bypass row security: the gateway says so in its log.
-- Lock cost: each table is locked for a moment.
-- Older nodes: refuse; they name no organization to PostgreSQL, and would find nothing.
-- Backfill: none.

create function wall_in(name regclass, owner text default 'organization_id') returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', name);
  execute format('alter table %s force row level security', name);
  -- The setting is read once for a statement.
  execute format(
    'create policy organizations_apart on %s using ((select current_setting(''gatewayops.organization'', true)) in (%I, ''*''))',
    name, owner
  );
end
$$;

select wall_in('organizations', 'id');
select wall_in(c.oid::regclass)
from pg_class c
where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped);
