import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Personal } from '../../chain/personal.ts';
import type { ProvisionRules, VerifiedIdentity } from '../../identity/verified-identity.ts';
import { bounds } from '../../kernel/bounds.ts';
import { foldText, type Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import { newEntryId } from '../../kernel/id.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { IdentityLink } from '../../store/registry/identity-store.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import type { ScimGroupName, ScimReads } from '../../store/registry/scim-store.ts';
import { createActor } from '../actor.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { auditEntry, changedEntry, requirePlace } from '../directory/entry-change.ts';
import { linkedIds, mapGroups, type MappedLinks } from './map-groups.ts';
import { readUser, type KnownUser } from './read-user.ts';

/** `known`: nothing was changed but, perhaps, their teams and roles. */
export type Settlement =
  | { readonly ok: true; readonly outcome: 'known' | 'linked' | 'created'; readonly user: KnownUser }
  | { readonly ok: false; readonly step: RefusedStep; readonly reason: string; readonly fix: string };

/** `group`: not in one that may come; `email`: their address is another's; `user`: not known, or not let in any more. */
export type RefusedStep = 'group' | 'email' | 'user';

/**
 * Which user of the directory somebody is whom a provider has vouched for: the one that they were before, else one who has their verified address, else
 * a new one, each as far as the rules allow; then what their groups give and take. Whoever was deleted or erased comes back only as a user that an
 * administrator has made anew. Costs two reads where nothing changes. Faults: `unavailable`.
 */
export async function settleIdentity(
  context: Omit<ControlContext, 'actor' | 'organizationId'>,
  identity: VerifiedIdentity,
  rules: ProvisionRules,
): Promise<Settlement> {
  const { organizationId, providerId } = identity;
  if ((await context.registry.organizations.find(organizationId)) === null)
    return refused('user', `there is no organization ${organizationId}`, 'Correct organization of the provider in the configuration.');
  const own: ControlContext = {
    ...context,
    organizationId,
    actor: createActor('provider', providerId, { actions: [], servers: [] }, organizationId),
  };
  const digest = identityDigest(identity);
  const found = await context.registry.identities.find(organizationId, digest);
  const { scim } = context.registry;
  const sentId = found === null ? (await scim.findMade(organizationId, providerId, identity.subject))?.id : found.isProvisioned ? found.userId : undefined;
  const groups = sentId === undefined ? identity.groups : await groupsOfSent(scim, identity, sentId);
  if (rules.allowedGroups !== null && !rules.allowedGroups.some((group) => groups.includes(group)))
    return refused('group', 'it is in none of the groups that may sign in', 'Add them to such a group at the provider, or change groups.allowed.');
  const before = found === null ? null : await context.registry.directory.find(organizationId, { kind: 'user', id: found.userId });
  if (before !== null && (await isAsMapped(own, before, groups, rules))) return await letIn(own, 'known', before.id);

  const outcome = await own.registry.transaction((writes) => settle(own, writes, identity, rules, digest));
  if (!outcome.ok) return outcome;
  if (outcome.changed) {
    own.log.info('identity.settled', { provider: providerId, outcome: outcome.outcome });
    await own.access.refresh();
  }
  return await letIn(own, outcome.outcome, outcome.userId);
}

/** Of a user whom the provider has sent by SCIM: where it sends groups too, those that it has put them into, and no others. What a token says may be of an earlier time. */
async function groupsOfSent(
  scim: Pick<ScimReads, 'countGroups' | 'groupsOf'>,
  { groups, providerId, organizationId }: VerifiedIdentity,
  userId: string,
): Promise<readonly string[]> {
  if ((await scim.countGroups(organizationId, providerId)) === 0) return groups;
  return namesOfGroups((await scim.groupsOf(organizationId, [userId])).get(userId) ?? []);
}

/** The same inside a transaction, where groups do not change any more, of any user. */
async function withGroups({ scim }: RegistryWrites, identity: VerifiedIdentity, userId: string): Promise<VerifiedIdentity> {
  const sent = await scim.findUser(identity.organizationId, userId);
  return sent?.provider === identity.providerId ? { ...identity, groups: await groupsOfSent(scim, identity, userId) } : identity;
}

/** All that a mapping can name a group by. */
export function namesOfGroups(groups: readonly ScimGroupName[]): readonly string[] {
  return groups.flatMap(({ displayName, externalId }) => (externalId === null ? [displayName] : [displayName, externalId]));
}

/** What the registry knows somebody by. */
export function identityDigest({ issuer, subject }: Pick<VerifiedIdentity, 'issuer' | 'subject'>): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url');
}

async function letIn(context: ControlContext, outcome: 'known' | 'linked' | 'created', userId: string): Promise<Settlement> {
  const user = await readUser(context, context.organizationId, userId);
  if (user === null) return refused('user', 'the user is switched off', 'Switch the user, or the team or department that is off, on again.');
  return { ok: true, outcome, user };
}

type Settled =
  | { readonly ok: true; readonly outcome: 'known' | 'linked' | 'created'; readonly userId: string; readonly changed: boolean }
  | Extract<Settlement, { ok: false }>;

async function settle(context: ControlContext, writes: RegistryWrites, identity: VerifiedIdentity, rules: ProvisionRules, digest: string): Promise<Settled> {
  const { organizationId, clock } = context;
  const { access, directory, identities, scim } = writes;
  // Two who come at once come one after the other.
  await access.lock(organizationId);
  const link = await identities.find(organizationId, digest);
  const known = link === null ? null : await directory.findForUpdate(organizationId, { kind: 'user', id: link.userId });
  if (known !== null)
    return {
      ok: true,
      outcome: 'known',
      userId: known.id,
      changed: await bringUpToDate(context, writes, known, await withGroups(writes, identity, known.id), rules),
    };

  const email = believedEmail(identity, rules);
  // Whom the provider itself has made, and calls by the same id; who was there before is found by their verified address alone.
  const sent = await scim.findMade(organizationId, identity.providerId, identity.subject);
  const holder = sent !== null ? await directory.findForUpdate(organizationId, { kind: 'user', id: sent.id }) : await holderOf(context, writes, email);
  const made = (userId: string): IdentityLink => ({
    digest,
    issuer: identity.issuer,
    provider: identity.providerId,
    userId,
    createdAtMs: clock.nowMs(),
  });
  if (holder !== null) {
    if (!rules.linkByEmail && sent === null && !(await isMadeBy(context, writes, holder.id, identity.providerId)))
      return refused('email', 'a user with their address is there, and the provider may not speak for users who are', 'Allow it with link_by_email: true.');
    const others = await identities.listOfUser(organizationId, holder.id);
    if (others.some(({ issuer }) => issuer === identity.issuer))
      return refused(
        'email',
        'the user with their address signs in with another account of the same provider: the address may have been given to somebody else',
        'Where it is the same person, unlink their former account (gateway identity unlink); else give the one who has left another address.',
      );
    const user = await directory.findForUpdate(organizationId, holder);
    if (user === null) return notKnown();
    await identities.put(organizationId, made(user.id));
    const { pseudonym } = await writes.people.take(organizationId, user.id);
    await writes.audit.insert(auditEvent(context, 'user.linked', pseudonym, { user: new Personal(user.id, { id: user.id, email }), issuer: identity.issuer }));
    await bringUpToDate(context, writes, user, await withGroups(writes, identity, user.id), rules);
    return { ok: true, outcome: 'linked', userId: user.id, changed: true };
  }
  if (link !== null)
    return refused(
      'user',
      'the user was deleted or erased',
      'To let them in again, make a user with their address; link_by_email: true then lets them be that user.',
    );
  if (rules.provision === 'required') return notKnown();
  if ((await directory.count(organizationId, 'user')) >= bounds.directoryEntriesMax)
    return refused('user', `there are ${bounds.directoryEntriesMax} users already`, 'Delete users who have left.');
  const user = await newUser(context, writes, identity, rules, email);
  await identities.put(organizationId, made(user.id));
  return { ok: true, outcome: 'created', userId: user.id, changed: true };
}

function holderOf({ organizationId }: ControlContext, { directory }: RegistryWrites, email: string | null): Promise<EntryRecord | null> {
  return email === null ? Promise.resolve(null) : directory.findByHandle(organizationId, 'user', foldText(email));
}

async function isMadeBy({ organizationId }: ControlContext, { scim }: RegistryWrites, userId: string, provider: string): Promise<boolean> {
  const sent = await scim.findUser(organizationId, userId);
  return sent !== null && sent.isMade && sent.provider === provider;
}

function notKnown(): Extract<Settlement, { ok: false }> {
  return refused('user', 'the directory does not know them', 'Make a user with their address, or set provision: just_in_time.');
}

function refused(step: RefusedStep, reason: string, fix: string): Extract<Settlement, { ok: false }> {
  return { ok: false, step, reason, fix };
}

/** The address as far as the provider is believed: one that it has verified, of a domain that it speaks for. */
export function believedEmail(
  { email, emailVerified }: Pick<VerifiedIdentity, 'email' | 'emailVerified'>,
  { domains }: Pick<ProvisionRules, 'domains'>,
): string | null {
  if (email === null || !emailVerified || !/^[^\s@<>"\p{Cc}]{1,64}@[^\s@<>"\p{Cc}]{1,189}$/u.test(email)) return null;
  const domain = foldText(email.slice(email.lastIndexOf('@') + 1));
  return domains === null || domains.includes(domain) ? email : null;
}

async function newUser(
  context: ControlContext,
  writes: RegistryWrites,
  identity: VerifiedIdentity,
  rules: ProvisionRules,
  email: string | null,
): Promise<EntryRecord> {
  const { organizationId, clock, actor } = context;
  const nowMs = clock.nowMs();
  const made = { createdAtMs: nowMs, createdBy: actor.id, changedAtMs: nowMs, changedBy: actor.id };
  const id = newEntryId('usr');
  const links = mapGroups(rules.mapping, identity.groups, { teams: [], roles: rules.firstRoleIds });
  const user = changedEntry(
    { kind: 'user', id, name: '', handle: null, attributes: {}, names: {}, links: {}, version: 1, ...made },
    {
      name: plainName(identity.name) ?? email ?? id,
      texts: email === null ? {} : { email },
      names: {},
      links: await present(context, writes, links, identity.providerId),
    },
  );
  await requirePlace(context, writes, user);
  await writes.directory.insert(organizationId, user);
  await writes.access.touchKeysOf(organizationId, [user]);
  await auditEntry(context, writes, 'created', user, { issuer: identity.issuer });
  return user;
}

/** A name as the directory takes it; null: nothing is left of it. */
export function plainName(name: string | null): string | null {
  const text = (name ?? '')
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, bounds.directoryNameCharsMax)
    .toWellFormed()
    .trim();
  return text === '' ? null : text;
}

/** Gives and takes what the groups do. Whether anything was changed. Faults: `invalid_params`. */
export async function bringUpToDate(
  context: ControlContext,
  writes: RegistryWrites,
  before: EntryRecord,
  { groups, providerId }: Pick<VerifiedIdentity, 'groups' | 'providerId'>,
  { mapping }: Pick<ProvisionRules, 'mapping'>,
): Promise<boolean> {
  const { organizationId, clock, actor } = context;
  const links = await present(context, writes, mapGroups(mapping, groups, linksOf(before)), providerId);
  const same = changedEntry(before, { texts: {}, names: {}, links });
  if (isDeepStrictEqual(same, before)) return false;
  const user = { ...same, version: before.version + 1, changedAtMs: clock.nowMs(), changedBy: actor.id };
  await writes.directory.update(organizationId, user);
  await writes.access.touchKeysOf(organizationId, [user]);
  await auditEntry(context, writes, 'changed', user);
  return true;
}

/** Without looking whether what the mapping gives is there: what is not is the same as before, nothing. */
async function isAsMapped(
  { registry, organizationId }: ControlContext,
  user: EntryRecord,
  groups: readonly string[],
  { mapping }: ProvisionRules,
): Promise<boolean> {
  if (mapping.length === 0) return true;
  const before = linksOf(user);
  const after = mapGroups(mapping, groups, before);
  const added = [
    ...after.teams.filter((id) => !before.teams.includes(id)).map((id): Reference => ({ kind: 'team', id })),
    ...after.roles.filter((id) => !before.roles.includes(id)).map((id): Reference => ({ kind: 'role', id })),
  ];
  for (const one of added) if ((await registry.directory.find(organizationId, one)) !== null) return false;
  const kept = (ids: readonly string[], now: readonly string[]): boolean => ids.every((id) => now.includes(id));
  return kept(before.teams, after.teams) && kept(before.roles, after.roles);
}

function linksOf({ links }: EntryRecord): MappedLinks {
  return { teams: linkedIds(links, 'team_ids'), roles: linkedIds(links, 'role_ids') };
}

/** Teams and roles that are there; others are left out, and the log says so: a name that is wrong must not keep people out. Faults: `invalid_params`. */
async function present(
  { organizationId, log }: ControlContext,
  { directory }: RegistryWrites,
  { teams, roles }: MappedLinks,
  provider: string,
): Promise<Record<string, readonly Reference[]>> {
  const there = async (kind: 'team' | 'role', ids: readonly string[]): Promise<readonly Reference[]> => {
    const found: Reference[] = [];
    for (const id of ids)
      if (await directory.hold(organizationId, { kind, id })) found.push({ kind, id });
      else log.warn('identity.mapping_names_nothing', { provider, kind, id });
    if (found.length > bounds.directoryLinksMax) throw new Fault('invalid_params', { reason: `more than ${bounds.directoryLinksMax} ${kind}s at once` });
    return found;
  };
  return { team_ids: await there('team', teams), role_ids: await there('role', roles) };
}
