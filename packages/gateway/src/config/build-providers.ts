/** `identity.providers` as it is written → by whom people sign in. */
import { resolve } from 'node:path';
import { presets } from '../kernel/provider-presets.ts';
import type { OrganizationId } from '../kernel/id.ts';
import type { ProviderConfig, SamlProviderConfig, SecretReference } from './config.ts';
import type { ProviderEntry } from './schema-providers.ts';

type MakeReference = (secret: SecretReference) => SecretReference;

export function buildProvider(entry: ProviderEntry, folder: string, reference: MakeReference): ProviderConfig {
  const { preset, domains, claims } = entry;
  const known = presets[preset];
  const any = {
    name: entry.name,
    title: entry.title ?? known.title,
    organizationId: entry.organization as OrganizationId,
    preset,
    issuer: entry.issuer,
    domains,
    enforce: entry.enforce,
    claims: { ...claims, subject: claims.subject ?? (entry.type === 'saml' ? 'name_id' : 'sub'), groups: claims.groups ?? known.groups },
    isEmailTrusted: entry.email_verified === 'assumed',
    rules: {
      provision: entry.provision,
      linkByEmail: entry.link_by_email ?? domains.length > 0,
      domains: domains.length === 0 ? null : domains,
      allowedGroups: entry.allowed_groups ?? null,
      firstRoleIds: entry.first_roles,
      mapping: entry.mapping.map(({ group, teams, roles }) => ({ group, teamIds: teams, roleIds: roles })),
    },
    allowedNetworks: entry.allow_addresses ?? [],
    caFile: entry.ca === undefined ? null : resolve(folder, entry.ca),
  };
  if (entry.type === 'saml') return { ...any, type: 'saml', ...buildSaml(entry.saml, folder, reference) };
  return {
    ...any,
    type: 'oidc',
    // That it is there the check sees to.
    clientId: entry.client_id ?? '',
    clientSecret: entry.client_secret === undefined ? null : reference(entry.client_secret),
    scopes: [...new Set(['openid', ...(entry.scopes ?? ['profile', 'email', ...known.scopes])])],
    responseMode: entry.response_mode,
    callback: entry.callback ?? 'own',
  };
}

function buildSaml(
  saml: ProviderEntry['saml'],
  folder: string,
  reference: MakeReference,
): Pick<SamlProviderConfig, 'metadata' | 'entityId' | 'own' | 'isUnaskedTaken'> {
  const { metadata = '', entity_id: entityId = null, key, certificate, idp_initiated: isUnaskedTaken = false } = saml ?? {};
  return {
    metadata: /^https?:\/\//.test(metadata) ? { url: metadata } : { file: resolve(folder, metadata) },
    entityId,
    own: key === undefined || certificate === undefined ? null : { key: reference(key), certificateFile: resolve(folder, certificate) },
    isUnaskedTaken,
  };
}
