import type { OidcClients } from '../../identity/oidc-client.ts';
import type { OidcProviderData, ProviderData, SamlProviderData } from '../../identity/provider-data.ts';
import type { OwnPlaces, SamlClients } from '../../identity/saml/saml-clients.ts';
import { foldText } from '../../kernel/directory.ts';
import type { OrganizationId } from '../../kernel/id.ts';

/** The identity providers that people of this node's organizations sign in by. */
export interface ProviderDesk {
  /** As the configuration has them. */
  list(): readonly ProviderData[];
  /** What speaks to them; loaded when it is first needed. */
  clients(): Promise<OidcClients>;
  saml(): Promise<SamlClients>;
}

/** Where the browser comes back to, below it the provider's name: to be written there letter for letter. Without a name: of the one provider that was registered so. */
export const callbackPath = '/v1/auth/sso/oidc/callback';
/** The same of SAML: where the browser posts the answer. */
export const acsPath = '/v1/auth/sso/saml/acs';
export const samlMetadataPath = '/v1/auth/sso/saml/metadata';

/** To be written at the provider as redirect URI, letter for letter. */
export function redirectUriOf({ name, callback }: Pick<OidcProviderData, 'name' | 'callback'>, publicUrl: string): string {
  return `${publicUrl}${callbackPath}${callback === 'shared' ? '' : `/${name}`}`;
}

/** Where we are to a SAML provider. */
export function placesOf({ name }: Pick<SamlProviderData, 'name'>, publicUrl: string): OwnPlaces {
  return { acsUrl: `${publicUrl}${acsPath}`, metadataUrl: `${publicUrl}${samlMetadataPath}?provider=${name}` };
}

/** The provider that an address leads to. */
export function providerOf(providers: readonly ProviderData[], email: string): ProviderData | null {
  const domain = domainOf(email);
  return domain === '' ? null : (providers.find(({ domains }) => domains.includes(domain)) ?? null);
}

/** The provider by which alone somebody with that address comes in; null: other ways are open. */
export function enforcedFor(providers: readonly ProviderData[], organizationId: OrganizationId, email: string): ProviderData | null {
  const domain = domainOf(email);
  return providers.find((one) => one.enforce && one.organizationId === organizationId && one.domains.includes(domain)) ?? null;
}

function domainOf(email: string): string {
  const at = email.lastIndexOf('@');
  return at < 1 ? '' : foldText(email.slice(at + 1));
}
