import type { OrganizationId } from '../kernel/id.ts';
import type { ProviderPreset } from '../kernel/provider-presets.ts';
import type { ProvisionRules } from './verified-identity.ts';

/** An identity provider that people sign in by, with what is read for it. */
export interface ProviderData {
  readonly name: string;
  /** What people read on the button. */
  readonly title: string;
  readonly organizationId: OrganizationId;
  readonly type: 'oidc';
  readonly preset: ProviderPreset;
  /** As the provider writes itself, letter for letter. */
  readonly issuer: string;
  readonly clientId: string;
  /** Null: it is a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
  readonly scopes: readonly string[];
  readonly responseMode: 'query' | 'form_post';
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
