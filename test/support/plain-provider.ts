import type { OidcProviderData } from '../../packages/gateway/src/identity/provider-data.ts';
import { defaultOrganizationId } from '../../packages/gateway/src/kernel/id.ts';

/** A provider of OpenID Connect as a configuration that says the least has it. Nobody signs in by it. */
export const plainProvider: OidcProviderData = {
  name: 'okta',
  title: 'Okta',
  organizationId: defaultOrganizationId,
  type: 'oidc',
  preset: 'okta',
  issuer: 'https://acme.okta.example',
  clientId: 'x',
  clientSecret: null,
  scopes: ['openid'],
  responseMode: 'query',
  callback: 'own',
  domains: [],
  enforce: false,
  claims: { subject: 'sub', email: 'email', name: 'name', groups: [] },
  isEmailTrusted: false,
  rules: { provision: 'required', linkByEmail: false, domains: null, allowedGroups: null, firstRoleIds: [], mapping: [] },
  allowedNetworks: [],
  ca: null,
};
