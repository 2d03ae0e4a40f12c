/** The identity providers of a node: what speaks to them is loaded when somebody first signs in. Part of `assemble.ts`. */
import type { HealthProbe } from './control/health/read-health.ts';
import type { ProviderDesk } from './control/sign-in/provider-desk.ts';
import type { OidcClients } from './identity/oidc-client.ts';
import type { ProviderData } from './identity/provider-data.ts';
import type { SamlClients } from './identity/saml/saml-clients.ts';
import type { Clock } from './kernel/clock.ts';

export interface AssembledProviders extends ProviderDesk {
  /** Says of SAML whose certificates end soon; none where nobody signs in by it. */
  probes(): readonly HealthProbe[];
}

export function assembleProviders(list: () => readonly ProviderData[], clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): AssembledProviders {
  let loading: Promise<OidcClients> | null = null;
  let loadingSaml: Promise<SamlClients> | null = null;
  const saml = (): Promise<SamlClients> =>
    (loadingSaml ??= import('./identity/saml/saml-clients.ts').then(({ createSamlClients }) => createSamlClients(clock)));
  return {
    list,
    clients: () => (loading ??= import('./identity/oidc-client.ts').then(({ createOidcClients }) => createOidcClients(() => clock.monotonicMs()))),
    saml,
    probes() {
      const providers = list().filter((provider) => provider.type === 'saml');
      if (providers.length === 0) return [];
      const check: HealthProbe['check'] = async () => {
        const clients = await saml();
        const reasons = providers.map((provider) => clients.expiring(provider)).filter((reason) => reason !== null);
        return { state: reasons.length === 0 ? 'ok' : 'degraded', reason: reasons.length === 0 ? null : reasons.join('; ') };
      };
      return [{ name: 'saml_certificates', required: false, check }];
    },
  };
}
