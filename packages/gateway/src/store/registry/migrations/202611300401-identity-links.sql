-- Why: who of the directory somebody is whom an identity provider vouches for. What tells them apart, issuer and subject, is kept as a hash only: it is
-- looked up, never shown. A link stays when its user is deleted or erased (then it names the pseudonym), so that nobody comes back by signing in.
-- Lock cost: none; the table is new.
-- Older nodes: go on; nobody signs in there by a provider.
-- Backfill: none.

create table identity_links (
  organization_id text not null references organizations (id),
  -- SHA-256 of issuer and subject.
  digest text collate "C" not null,
  issuer text not null,
  -- As the configuration names it.
  provider text not null,
  user_id text collate "C" not null,
  created_at timestamptz not null,
  primary key (organization_id, digest)
);

create index identity_links_by_user on identity_links (organization_id, user_id);

select wall_in('identity_links');
