/** The identity providers of a node: what speaks to them is loaded when somebody first signs in. Part of `assemble.ts`. */
import type { ProviderDesk } from './control/sign-in/provider-desk.ts';
import type { OidcClients } from './identity/oidc-client.ts';
import type { ProviderData } from './identity/provider-data.ts';
import type { Clock } from './kernel/clock.ts';

export function assembleProviders(list: () => readonly ProviderData[], clock: Pick<Clock, 'monotonicMs'>): ProviderDesk {
  let loading: Promise<OidcClients> | null = null;
  return {
    list,
    clients: () => (loading ??= import('./identity/oidc-client.ts').then(({ createOidcClients }) => createOidcClients(() => clock.monotonicMs()))),
  };
}
