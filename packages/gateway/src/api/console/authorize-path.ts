import type { ProviderData } from '../../identity/provider-data.ts';

/** The link that leads to a provider. */
export function authorizePath({ name }: Pick<ProviderData, 'name'>, returnTo: string): string {
  return `/v1/auth/sso/oidc/authorize?${new URLSearchParams({ provider: name, return_to: returnTo }).toString()}`;
}
