-- Why: rules of access, and what is switched off for the moment, shared by every node. A fresh installation has one rule, to be seen and
-- changed: without any, nobody may call anything. Nodes look at the revision, which every change raises, and read the rest when it is new.
-- Lock cost: none; the tables are new.
-- Backfill: the first rule is written for organizations that are there, so that their callers keep what they had.

create table policies (
  organization_id text not null references organizations (id),
  name text not null,
  -- As kernel/policy.ts has it, without its name.
  rule jsonb not null,
  version integer not null,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (organization_id, name)
);

create table switches (
  organization_id text not null references organizations (id),
  -- server, tool, key, agent, user or team; of a tool `{server}/{tool}` is the name.
  kind text not null,
  name text not null,
  reason text not null,
  until timestamptz,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (organization_id, kind, name)
);

create table access_revisions (
  organization_id text primary key references organizations (id),
  revision bigint not null
);

insert into access_revisions (organization_id, revision) select id, 1 from organizations;

insert into policies (organization_id, name, rule, version, changed_at, changed_by)
select
  id,
  'members-may-call-every-server',
  '{"effect": "allow", "subjects": [{"kind": "member", "id": ""}], "servers": ["*"], "tools": null, "resources": null, "prompts": null, "actions": null, "when": null, "reason": null, "untilMs": null}',
  1,
  now(),
  'system'
from organizations;
