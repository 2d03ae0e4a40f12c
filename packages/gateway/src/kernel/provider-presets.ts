export const providerPresets = ['okta', 'entra', 'google', 'onelogin', 'auth0', 'keycloak', 'custom'] as const;
export type ProviderPreset = (typeof providerPresets)[number];

/** What is known of a kind of provider, so that nobody has to look it up. */
export interface PresetRow {
  readonly title: string;
  /** What its issuers look like, and how that is said. */
  readonly issuer: RegExp;
  readonly issuerForm: string;
  /** Beside openid, profile and email. */
  readonly scopes: readonly string[];
  /** Claims that name groups. */
  readonly groups: readonly string[];
}

const anyIssuer = /^https?:\/\/./;

export const presets: Readonly<Record<ProviderPreset, PresetRow>> = {
  okta: {
    title: 'Okta',
    issuer: /^https:\/\/[a-z0-9.-]+(?:\/oauth2\/[A-Za-z0-9]+)?$/,
    issuerForm: 'https://ACME.okta.com, or https://ACME.okta.com/oauth2/default',
    scopes: ['groups'],
    groups: ['groups'],
  },
  entra: {
    title: 'Microsoft',
    // Of one tenant: common and organizations let the accounts of everybody in.
    issuer: /^https:\/\/login\.microsoftonline\.(?:com|us)\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/v2\.0$/,
    issuerForm: 'https://login.microsoftonline.com/TENANT-ID/v2.0, with the id of one tenant',
    scopes: [],
    groups: ['groups', 'roles'],
  },
  google: { title: 'Google', issuer: /^https:\/\/accounts\.google\.com$/, issuerForm: 'https://accounts.google.com', scopes: [], groups: ['hd'] },
  onelogin: {
    title: 'OneLogin',
    issuer: /^https:\/\/[a-z0-9-]+\.onelogin\.com\/oidc\/2$/,
    issuerForm: 'https://ACME.onelogin.com/oidc/2',
    scopes: ['groups'],
    groups: ['groups'],
  },
  // The slash at its end is part of the name.
  auth0: {
    title: 'Auth0',
    issuer: /^https:\/\/[a-z0-9.-]+\/$/,
    issuerForm: 'https://ACME.eu.auth0.com/, with the slash at its end',
    scopes: [],
    groups: ['groups'],
  },
  keycloak: {
    title: 'Keycloak',
    issuer: /^https?:\/\/[^?#]+\/realms\/[^/?#]+$/,
    issuerForm: 'https://HOST/realms/REALM',
    scopes: [],
    groups: ['groups', 'realm_access.roles'],
  },
  custom: { title: 'Single sign-on', issuer: anyIssuer, issuerForm: 'the address that its discovery document says as issuer', scopes: [], groups: ['groups'] },
};
