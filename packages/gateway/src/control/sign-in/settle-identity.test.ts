import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../../test/support/access.ts';
import type { TestControl } from '../../../../../test/support/control.ts';
import type { ProvisionRules, VerifiedIdentity } from '../../identity/verified-identity.ts';
import { foldText } from '../../kernel/directory.ts';
import { defaultOrganizationId, type OrganizationId } from '../../kernel/id.ts';
import { createEntry } from '../directory/create-entry.ts';
import { deleteEntry } from '../directory/delete-entry.ts';
import { createOrganization } from '../organizations/create-organization.ts';
import { erasePerson } from '../privacy/erase-person.ts';
import { switchOff } from '../switches/switch-off.ts';
import { settleIdentity, type Settlement } from './settle-identity.ts';

let control: TestControl;
let end: () => Promise<void>;
let acme: OrganizationId;
beforeAll(async () => {
  ({ control, end } = await startControlWithAccess());
  acme = (await createOrganization(control.context(), { id: 'org_acme', name: 'Acme' })).id;
  for (const [kind, id] of [
    ['team', 'payments'],
    ['team', 'search'],
  ] as const)
    await createEntry(control.context(), { kind, id, change: { name: id, texts: {}, names: {}, links: {} }, dryRun: false });
});
afterAll(() => end());

let people = 0;
function somebody(more: Partial<VerifiedIdentity> = {}): VerifiedIdentity {
  const subject = `sub-${++people}`;
  return {
    providerId: 'okta',
    organizationId: defaultOrganizationId,
    issuer: 'https://acme.okta.example',
    subject,
    email: `${subject}@acme.example`,
    emailVerified: true,
    name: `Somebody ${people}`,
    groups: [],
    claims: {},
    ...more,
  };
}

const rules: ProvisionRules = {
  provision: 'just_in_time',
  linkByEmail: true,
  domains: ['acme.example'],
  allowedGroups: null,
  firstRoleIds: ['viewer'],
  mapping: [
    { group: 'Payments', teamIds: ['payments'], roleIds: ['developer'] },
    { group: 'Ghosts', teamIds: ['not-there'], roleIds: ['auditor'] },
  ],
};

const settle = (identity: VerifiedIdentity, more: Partial<ProvisionRules> = {}): Promise<Settlement> => {
  const { actor: _actor, organizationId: _organization, ...context } = control.context();
  return settleIdentity(context, identity, { ...rules, ...more });
};

/** The user whom somebody was settled as. */
async function userOf(identity: VerifiedIdentity, more: Partial<ProvisionRules> = {}) {
  const settled = await settle(identity, more);
  if (!settled.ok) throw new Error(`${settled.step}: ${settled.reason}`);
  return { outcome: settled.outcome, ...settled.user };
}

async function makeUser(id: string, email: string): Promise<void> {
  await createEntry(control.context(), { kind: 'user', id, change: { name: id, texts: { email }, names: {}, links: {} }, dryRun: false });
}

const idsOf = (links: Readonly<Record<string, readonly { id: string }[]>>, member: string): readonly string[] => (links[member] ?? []).map(({ id }) => id);

describe('who somebody is', () => {
  test('a new one is made a user with what their groups give, once, however many come at once; later they are the same user', async () => {
    const ana = somebody({ groups: ['Payments', 'Ghosts'] });
    const all = await Promise.all([1, 2, 3].map(() => userOf(ana)));
    expect(all.map(({ outcome }) => outcome).sort()).toEqual(['created', 'known', 'known']);
    const [first] = all;
    expect(new Set(all.map(({ entry }) => entry.id)).size).toBe(1);
    expect(first?.entry.attributes['email']).toBe(ana.email);
    expect(idsOf(first?.entry.links ?? {}, 'team_ids')).toEqual(['payments']);
    expect(idsOf(first?.entry.links ?? {}, 'role_ids')).toEqual(['auditor', 'developer', 'viewer']);
    expect(first?.actions).toContain('tools.call');
    expect((await userOf(ana)).outcome).toBe('known');
  });

  test('who leaves a group loses what it gave and keeps what an administrator gave', async () => {
    const bo = somebody({ groups: ['Payments'] });
    const { entry } = await userOf(bo);
    await control.dependencies.registry.transaction(async ({ directory }) =>
      directory.update(defaultOrganizationId, {
        ...entry,
        version: 2,
        links: {
          ...entry.links,
          team_ids: [
            { kind: 'team', id: 'payments' },
            { kind: 'team', id: 'search' },
          ],
        },
      }),
    );
    const after = await userOf({ ...bo, groups: [] });
    expect([after.outcome, idsOf(after.entry.links, 'team_ids'), idsOf(after.entry.links, 'role_ids')]).toEqual(['known', ['search'], ['viewer']]);
    expect(after.actions).not.toContain('tools.call');
  });

  test('A9 the same subject of another issuer, or of another organization, is somebody else', async () => {
    const cy = somebody();
    const { entry } = await userOf(cy);
    const other = await userOf({ ...cy, issuer: `${cy.issuer}/`, email: null });
    expect(other.entry.id).not.toBe(entry.id);
    const elsewhere = await userOf({ ...cy, organizationId: acme });
    expect([elsewhere.outcome, elsewhere.entry.id === entry.id]).toEqual(['created', false]);
  });

  test('a user who is there is taken to be who comes with their verified address, where the provider may speak for it', async () => {
    await makeUser('dora', 'Dora@Acme.example');
    const dora = somebody({ email: 'dora@acme.EXAMPLE' });
    expect(await settle(dora, { linkByEmail: false })).toMatchObject({ ok: false, step: 'email' });
    // Not verified, or of a domain that is not the provider's: not believed, so somebody else without an address.
    for (const [email, emailVerified] of [
      ['dora@acme.example', false],
      ['dora@acme.example.evil.example', true],
    ] as const) {
      const made = await userOf(somebody({ email, emailVerified }));
      expect([made.outcome, made.entry.attributes['email']]).toEqual(['created', undefined]);
    }
    expect(await userOf(dora)).toMatchObject({ outcome: 'linked', entry: { id: 'dora' } });
    expect(await userOf(dora, { linkByEmail: false })).toMatchObject({ outcome: 'known', entry: { id: 'dora' } });
    // An address that the provider has given to somebody else does not make them the same person.
    expect(await settle(somebody({ email: 'dora@acme.example' }))).toMatchObject({ ok: false, step: 'email' });
  });

  test('nobody is let in who is not known where that is required, in no allowed group, or of an organization that is gone', async () => {
    const eve = somebody();
    expect(await settle(eve, { provision: 'required' })).toMatchObject({ ok: false, step: 'user' });
    expect(await settle(eve, { allowedGroups: ['Staff'] })).toMatchObject({ ok: false, step: 'group' });
    expect(await settle({ ...eve, organizationId: 'org_gone' as OrganizationId })).toMatchObject({ ok: false, step: 'user' });
    expect(
      await control.dependencies.registry.directory.list(defaultOrganizationId, {
        kind: 'user',
        text: foldText(eve.subject),
        links: [],
        sort: 'name',
        descending: false,
        after: null,
        limit: 1,
      }),
    ).toEqual([]);
  });

  test('who is switched off, deleted or erased does not come back by signing in', async () => {
    const off = somebody();
    const { entry: offEntry } = await userOf(off);
    await switchOff(control.context(), { kind: 'user', name: offEntry.id, reason: 'left', untilMs: null });
    expect(await settle(off)).toMatchObject({ ok: false, step: 'user', reason: 'the user is switched off' });

    const deleted = somebody();
    const { entry } = await userOf(deleted);
    await deleteEntry(control.context(), { reference: entry, expected: entry.version, revokeKeys: false, dryRun: false });
    expect(await settle(deleted)).toMatchObject({ ok: false, step: 'user' });
    await makeUser('again', deleted.email ?? '');
    expect(await userOf(deleted)).toMatchObject({ outcome: 'linked', entry: { id: 'again' } });

    const erased = somebody();
    await erasePerson(control.context(), (await userOf(erased)).entry.id);
    expect(await settle(erased)).toMatchObject({ ok: false, step: 'user' });
  });

  test('what was done stands in the audit, done by the provider, and nobody is named there but under a pseudonym', async () => {
    const { body } = (await control.request('GET', '/v1/logs/audit?limit=100', { front: 'admin' }).then(async (answer) => ({ body: await answer.json() }))) as {
      body: { events: { action: string; actor: { kind: string; id: string }; object: { id: string } }[] };
    };
    const mine = body.events.filter(({ actor }) => actor.kind === 'provider');
    expect(new Set(mine.map(({ action }) => action))).toEqual(new Set(['user.created', 'user.changed', 'user.linked']));
    expect(mine.every(({ actor, object }) => actor.id === 'okta' && object.id.startsWith('psn_'))).toBe(true);
  });
});
