import type { StepReport } from '../../identity/oidc-client.ts';
import type { ProviderData } from '../../identity/provider-data.ts';
import type { VerifiedIdentity } from '../../identity/verified-identity.ts';
import { foldText, type Reference } from '../../kernel/directory.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { mapGroups } from './map-groups.ts';
import { placesOf, redirectUriOf } from './provider-desk.ts';
import { believedEmail, identityDigest } from './settle-identity.ts';

/** The organization's, in the order of the configuration. */
export function listProviders({ providers, organizationId }: ControlContext): readonly ProviderData[] {
  return providers.list().filter((provider) => provider.organizationId === organizationId);
}

/** Tries each step of a sign-in for which nobody is needed. Faults: `unknown_object`, `unavailable`. */
export async function testProvider(context: ControlContext, name: string): Promise<readonly StepReport[]> {
  const provider = requireProvider(context, name);
  const reports =
    provider.type === 'saml'
      ? await (await context.providers.saml()).test(provider, placesOf(provider, context.publicUrl()))
      : await (await context.providers.clients()).test(provider, redirectUriOf(provider, context.publicUrl()));
  const failed = reports.find(({ ok }) => !ok);
  await context.registry.transaction(({ audit }) =>
    audit.insert(
      auditEvent(
        context,
        'provider.tested',
        name,
        failed === undefined ? {} : { step: failed.step, reason: failed.detail },
        failed === undefined ? 'success' : 'failed',
      ),
    ),
  );
  return reports;
}

export interface MappingPreview {
  readonly identity: VerifiedIdentity;
  /** Their address as far as it counts. */
  readonly email: string | null;
  /** Whether one of their groups may come in. */
  readonly allowed: boolean;
  /** Of a user who has nothing else. */
  readonly teamIds: readonly string[];
  readonly roleIds: readonly string[];
  /** Teams and roles of the mapping that there are not. */
  readonly missing: readonly Reference[];
  /** Of the user who they were before, or else who has that address. */
  readonly userId: string | null;
}

/** What claims would make of somebody, without anybody signing in. Faults: `unknown_object`, `invalid_params` for claims that are nobody's, `unavailable`. */
export async function previewMapping(context: ControlContext, name: string, claims: Readonly<Record<string, unknown>>): Promise<MappingPreview> {
  const provider = requireProvider(context, name);
  const identity =
    provider.type === 'saml' ? (await context.providers.saml()).read(provider, claims) : (await context.providers.clients()).read(provider, claims);
  return await previewIdentity(context, provider, identity);
}

/** What somebody whom the provider vouches for would be. Faults: `unavailable`. */
export async function previewIdentity(
  { registry }: Pick<ControlContext, 'registry'>,
  { organizationId, rules }: ProviderData,
  identity: VerifiedIdentity,
): Promise<MappingPreview> {
  const email = believedEmail(identity, rules);
  const held = mapGroups(rules.mapping, identity.groups, { teams: [], roles: rules.firstRoleIds });
  const given = [...held.teams.map((id): Reference => ({ kind: 'team', id })), ...held.roles.map((id): Reference => ({ kind: 'role', id }))];
  const there = await Promise.all(given.map((one) => registry.directory.find(organizationId, one)));
  const missing = given.filter((_, index) => there[index] === null);
  const isThere = (id: string): boolean => !missing.some((one) => one.id === id);
  const link = await registry.identities.find(organizationId, identityDigest(identity));
  const linked = link === null ? null : await registry.directory.find(organizationId, { kind: 'user', id: link.userId });
  const found =
    linked !== null || email === null
      ? []
      : await registry.directory.list(organizationId, {
          kind: 'user',
          text: foldText(email),
          links: [],
          sort: 'name',
          descending: false,
          after: null,
          limit: 10,
        });
  return {
    identity,
    email,
    allowed: rules.allowedGroups === null || rules.allowedGroups.some((group) => identity.groups.includes(group)),
    teamIds: held.teams.filter(isThere),
    roleIds: held.roles.filter(isThere),
    missing,
    userId: linked?.id ?? found.find(({ handle }) => email !== null && handle === foldText(email))?.id ?? null,
  };
}

/** Faults: `unknown_object`. */
export function requireProvider(context: ControlContext, name: string): ProviderData {
  const provider = listProviders(context).find((one) => one.name === name);
  if (provider === undefined) throw unknownObject('provider', name);
  return provider;
}
