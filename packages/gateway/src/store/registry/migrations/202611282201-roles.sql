-- Why: roles say what users and service accounts may do. Four are built in and stand in the directory of every organization, so that whoever
-- has one is tied to it; what they allow stands in the program.
-- Lock cost: `api_keys` is locked against writing while two indexes are built, a second for 100,000 keys.
-- Backfill: users and service accounts that are there get the role developer, as new ones do: before roles every one could do that much.

insert into directory (organization_id, kind, id, name, sort_name, handle, attributes, version, created_at, created_by, changed_at, changed_by)
select o.id, 'role', r.id, r.name, r.id, r.id, '{}', 1, now(), 'system', now(), 'system'
from organizations o, (values ('admin', 'Admin'), ('developer', 'Developer'), ('viewer', 'Viewer'), ('auditor', 'Auditor')) as r (id, name);

insert into directory_links (organization_id, from_kind, from_id, relation, to_kind, to_id)
select organization_id, kind, id, 'role_ids', 'role', 'developer' from directory where kind in ('user', 'service_account');

-- Keys that hold a role are few.
create index api_keys_by_role on api_keys (organization_id) where scopes::text like '%"role:%';

-- Keys that name nothing cost nothing.
drop index api_keys_by_metadata;
create index api_keys_by_metadata on api_keys using gin (metadata jsonb_path_ops) where metadata <> '{}'::jsonb;
