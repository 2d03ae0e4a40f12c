import type { OrganizationId } from '../kernel/id.ts';
import type { ProviderPreset } from '../kernel/provider-presets.ts';
import type { ProvisionRules } from './verified-identity.ts';

/** An identity provider that people sign in by, with what is read for it. */
export type ProviderData = OidcProviderData | SamlProviderData;

interface AnyProviderData {
  readonly name: string;
  /** What people read on the button. */
  readonly title: string;
  readonly organizationId: OrganizationId;
  readonly preset: ProviderPreset;
  /** As the provider writes itself, letter for letter: of SAML its entity id. */
  readonly issuer: string;
  /** Whose addresses lead to it; those that it is believed. */
  readonly domains: readonly string[];
  /** Nobody with an address of its domains comes in by another way. */
  readonly enforce: boolean;
  readonly claims: { readonly subject: string; readonly email: string; readonly name: string; readonly groups: readonly string[] };
  /** Its addresses are all its own: it need not say of each that it is verified. */
  readonly isEmailTrusted: boolean;
  readonly rules: ProvisionRules;
  /** Networks that may be asked although they are private or reserved; only they may be asked without TLS. */
  readonly allowedNetworks: readonly string[];
  readonly ca: string | null;
}

export interface OidcProviderData extends AnyProviderData {
  readonly type: 'oidc';
  readonly clientId: string;
  /** Null: it is a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  readonly responseMode: 'query' | 'form_post';
  /** Where it leads people back to: an address of its own, or the one that a single provider may have been registered with. */
  readonly callback: 'own' | 'shared';
}

export interface SamlProviderData extends AnyProviderData {
  readonly type: 'saml';
  /** What it publishes of itself: a text that was read, or the address where it stands. */
  readonly metadata: { readonly text: string } | { readonly url: string };
  /** Ours, as it knows us; null: the address of our metadata for it. */
  readonly entityId: string | null;
  /** PEM: we sign requests with it, and decrypt; null: neither. */
  readonly own: { readonly key: string; readonly certificate: string } | null;
  /** Whether people may come from its pages, with an answer that nobody asked for. */
  readonly isUnaskedTaken: boolean;
}
