import type { ProviderData } from '../../identity/provider-data.ts';

/** The link that leads to a provider; `prefix` as in `pathPrefix`. */
export function authorizePath({ name, type }: Pick<ProviderData, 'name' | 'type'>, returnTo: string, prefix: string): string {
  return `${prefix}/v1/auth/sso/${type === 'saml' ? 'saml/login' : 'oidc/authorize'}?${new URLSearchParams({ provider: name, return_to: returnTo }).toString()}`;
}
