/** `identity.providers` as it is written → by whom people sign in. */
import { resolve } from 'node:path';
import { presets } from '../kernel/provider-presets.ts';
import type { OrganizationId } from '../kernel/id.ts';
import type { ProviderConfig, SecretReference } from './config.ts';
import type { ProviderEntry } from './schema-providers.ts';

export function buildProvider(entry: ProviderEntry, folder: string, reference: (secret: SecretReference) => SecretReference): ProviderConfig {
  const { preset, domains, claims } = entry;
  const known = presets[preset];
  return {
    name: entry.name,
    title: entry.title ?? known.title,
    organizationId: entry.organization as OrganizationId,
    type: entry.type,
    preset,
    issuer: entry.issuer,
    clientId: entry.client_id,
    clientSecret: entry.client_secret === undefined ? null : reference(entry.client_secret),
    scopes: [...new Set(['openid', ...(entry.scopes ?? ['profile', 'email', ...known.scopes])])],
    responseMode: entry.response_mode,
    domains,
    enforce: entry.enforce,
    claims: { ...claims, groups: claims.groups ?? known.groups },
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
}
