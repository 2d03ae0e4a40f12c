import { isDeepStrictEqual } from 'node:util';
import { Personal } from '../../chain/personal.ts';
import { bounds } from '../../kernel/bounds.ts';
import { foldText } from '../../kernel/directory.ts';
import { newEntryId } from '../../kernel/id.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import type { ScimUserRecord } from '../../store/registry/scim-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import { auditEntry, changedEntry, requirePlace } from '../directory/entry-change.ts';
import { endSessionsOfUser } from '../sessions/end-session.ts';
import { believedEmail, plainName } from '../sign-in/settle-identity.ts';
import { isObject } from './match-filter.ts';
import type { ScimResource } from './read-resource.ts';
import type { ScimContext } from './scim-context.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { requireVersion } from './require-version.ts';
import { setActive } from './set-active.ts';
import { sayIfUnled } from './say-if-unled.ts';

/**
 * A user whom the provider sends for the first time: one who has their address already becomes its own where the provider may speak for users who are there
 * (`link_by_email`) and for the domain; else a new one is made. Refusals: `uniqueness`, `invalidValue`. Faults: `unavailable`.
 */
export async function createScimUser(context: ScimContext, written: ScimResource): Promise<ScimUserRecord> {
  const { organizationId, registry, clock, provider, rules } = context;
  const resource = { ...written, active: written['active'] ?? true };
  const isActive = resource.active !== false;
  const made = await registry.transaction(async (writes): Promise<ScimUserRecord> => {
    const { access, directory, scim } = writes;
    await access.lock(organizationId);
    await requireFree(context, writes, resource, null);
    const email = addressOf(resource, rules);
    const holder = email === null ? null : await directory.findByHandle(organizationId, 'user', foldText(email));
    const entry = holder === null ? await newUser(context, writes, resource, email) : await adopt(context, writes, resource, holder);
    const nowMs = clock.nowMs();
    const user: ScimUserRecord = {
      provider,
      id: entry.id,
      ...keysOf(resource),
      isMade: holder === null,
      resource,
      version: 1,
      createdAtMs: nowMs,
      changedAtMs: nowMs,
    };
    await scim.insertUser(organizationId, user);
    await setActive(context, writes, entry.id, isActive);
    return user;
  });
  context.log.info('scim.user_created', { provider, adopted: !made.isMade });
  await context.access.refresh();
  if (!isActive) await endSessionsOfUser(context, made.id);
  return made;
}

export interface ChangeUserInput {
  readonly id: string;
  /** The version that the provider has seen; null: any. */
  readonly expected: number | null;
  readonly change: (before: ScimResource) => ScimResource;
}

/** What the provider changes of a user. Refusals: 404, 412, `uniqueness`, and what `change` refuses. Faults: `unavailable`. */
export async function changeScimUser(context: ScimContext, { id, expected, change }: ChangeUserInput): Promise<ScimUserRecord> {
  const { organizationId, registry, clock, provider, rules } = context;
  const result = await registry.transaction(async (writes) => {
    const { access, directory, scim } = writes;
    await access.lock(organizationId);
    const before = await scim.findUserForUpdate(organizationId, provider, id);
    const entry = before === null ? null : await directory.findForUpdate(organizationId, { kind: 'user', id });
    if (before === null || entry === null) throw unknownResource();
    requireVersion(before, expected);
    const resource = change(before.resource);
    const isSame = isDeepStrictEqual(resource, before.resource);
    if (!isSame) await requireFree(context, writes, resource, id);
    const user = isSame ? before : { ...before, ...keysOf(resource), resource, version: before.version + 1, changedAtMs: clock.nowMs() };
    if (!isSame) await scim.updateUser(organizationId, user);
    const changed = changedEntry(entry, { name: nameOf(resource, entry.id), texts: { email: addressOf(resource, rules) }, names: {}, links: {} });
    if (!isSame && !isDeepStrictEqual(changed, entry)) await updateEntryIn(context, writes, changed);
    const { active } = resource;
    // Each time: an administrator may have changed it meanwhile. Where nothing is said of it all stays.
    if (typeof active === 'boolean') await setActive(context, writes, id, active);
    return { user, entry, isOff: active === false };
  });
  await context.access.refresh();
  if (result.isOff) {
    await endSessionsOfUser(context, id);
    await sayIfUnled(context, [result.entry]);
  }
  return result.user;
}

export function unknownResource(): ScimRefusal {
  return new ScimRefusal(404, null, 'there is none with this id, or it was not sent by this provider');
}

/** Found by them: no two of a provider have the same. Refusals: `uniqueness`. */
async function requireFree({ organizationId, provider }: ScimContext, { scim }: RegistryWrites, resource: ScimResource, own: string | null): Promise<void> {
  const { userKey, externalId } = keysOf(resource);
  const named = await scim.holderOf(organizationId, provider, { userKey });
  if (named !== null && named !== own) throw new ScimRefusal(409, 'uniqueness', 'another user of the provider has this userName');
  const called = externalId === null ? null : await scim.holderOf(organizationId, provider, { externalId });
  if (called !== null && called !== own) throw new ScimRefusal(409, 'uniqueness', 'another user of the provider has this externalId');
}

async function newUser(context: ScimContext, writes: RegistryWrites, resource: ScimResource, email: string | null): Promise<EntryRecord> {
  const { organizationId, clock, actor, rules, provider, log } = context;
  const { directory, access } = writes;
  if ((await directory.count(organizationId, 'user')) >= bounds.directoryEntriesMax)
    throw new ScimRefusal(400, 'tooMany', `there are ${bounds.directoryEntriesMax} users already`);
  const roles = [];
  for (const id of rules.firstRoleIds)
    if (await directory.hold(organizationId, { kind: 'role', id })) roles.push({ kind: 'role', id } as const);
    else log.warn('identity.mapping_names_nothing', { provider, kind: 'role', id });
  const nowMs = clock.nowMs();
  const id = newEntryId('usr');
  const made = { createdAtMs: nowMs, createdBy: actor.id, changedAtMs: nowMs, changedBy: actor.id };
  const entry = changedEntry(
    { kind: 'user', id, name: '', handle: null, attributes: {}, names: {}, links: {}, version: 1, ...made },
    { name: nameOf(resource, id), texts: email === null ? {} : { email }, names: {}, links: { role_ids: roles } },
  );
  await requirePlace(context, writes, entry);
  await directory.insert(organizationId, entry);
  await access.touchKeysOf(organizationId, [entry]);
  await auditEntry(context, writes, 'created', entry, { provider });
  return entry;
}

/** A user who was there before is the provider's from now on: it says what they are called, and whether they are in. */
async function adopt(context: ScimContext, writes: RegistryWrites, resource: ScimResource, holder: EntryRecord): Promise<EntryRecord> {
  const { organizationId, rules, provider } = context;
  if (!rules.linkByEmail)
    throw new ScimRefusal(409, 'uniqueness', 'a user with their address is there, and the provider may not speak for users who are: link_by_email');
  if ((await writes.scim.findUser(organizationId, holder.id)) !== null)
    throw new ScimRefusal(409, 'uniqueness', 'a user with their address is there, sent by this provider with another userName, or by another provider');
  const { pseudonym } = await writes.people.take(organizationId, holder.id);
  await writes.audit.insert(auditEvent(context, 'user.adopted', pseudonym, { user: new Personal(holder.id, { id: holder.id }), provider }));
  const entry = changedEntry(holder, { name: nameOf(resource, holder.id), texts: {}, names: {}, links: {} });
  return isDeepStrictEqual(entry, holder) ? holder : await updateEntryIn(context, writes, entry);
}

async function updateEntryIn(context: ScimContext, writes: RegistryWrites, changed: EntryRecord): Promise<EntryRecord> {
  const { organizationId, clock, actor } = context;
  const entry = { ...changed, version: changed.version + 1, changedAtMs: clock.nowMs(), changedBy: actor.id };
  await requirePlace(context, writes, entry);
  await writes.directory.update(organizationId, entry);
  await auditEntry(context, writes, 'changed', entry);
  return entry;
}

function keysOf(resource: ScimResource): Pick<ScimUserRecord, 'userKey' | 'externalId'> {
  return { userKey: foldText(textOf(resource['userName']) ?? ''), externalId: textOf(resource['externalId']) };
}

function nameOf(resource: ScimResource, otherwise: string): string {
  const name = isObject(resource['name']) ? resource['name'] : {};
  const parts = [name['givenName'], name['familyName']].filter((part) => typeof part === 'string').join(' ');
  const wanted = [resource['displayName'], name['formatted'], parts, resource['userName']];
  for (const one of wanted) {
    const found = plainName(textOf(one));
    if (found !== null) return found;
  }
  return otherwise;
}

/**
 * The address for the directory: of those that the provider names, the primary one first, the first of a domain that it speaks for; without any, its
 * `userName`. A provider without domains speaks for none: whose an address is, only a sign-in shows that it has verified.
 */
function addressOf(resource: ScimResource, rules: ScimContext['rules']): string | null {
  if (rules.domains === null) return null;
  const emails = (Array.isArray(resource['emails']) ? (resource['emails'] as readonly unknown[]) : []).filter(isObject);
  const ordered = [...emails.filter(({ primary }) => primary === true), ...emails.filter(({ primary }) => primary !== true)];
  const addresses = ordered.length === 0 ? [resource['userName']] : ordered.map(({ value }) => value);
  for (const one of addresses) {
    const email = believedEmail({ email: textOf(one), emailVerified: true }, rules);
    if (email !== null) return email;
  }
  return null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
