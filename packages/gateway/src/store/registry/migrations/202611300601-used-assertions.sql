-- Why: an assertion of a SAML provider lets somebody in once, on whichever node it is shown: of several at once one inserts it. What tells them apart, issuer
-- and id, is kept as a hash until the assertion is over.
-- Lock cost: none; the table is new.
-- Older nodes: go on; nobody signs in there by SAML.
-- Backfill: none.

create table used_assertions (
  organization_id text not null references organizations (id),
  -- SHA-256 of issuer and id.
  digest text collate "C" not null,
  until timestamptz not null,
  primary key (organization_id, digest)
);

create index used_assertions_by_end on used_assertions (organization_id, until);

select wall_in('used_assertions');
