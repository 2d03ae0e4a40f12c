/** The identity providers of a node: what speaks to them is loaded when somebody first signs in. Part of `assemble.ts`. */
import type { HealthProbe, HealthState } from './control/health/read-health.ts';
import type { ProviderDesk } from './control/sign-in/provider-desk.ts';
import type { OidcClients } from './identity/oidc-client.ts';
import type { ProviderData } from './identity/provider-data.ts';
import type { ProviderTrouble } from './identity/provider-documents.ts';
import type { SamlClients } from './identity/saml/saml-clients.ts';
import type { Clock } from './kernel/clock.ts';

export interface AssembledProviders extends ProviderDesk {
  /** Who does not say how people sign in by it, and of SAML whose certificates end soon; none where nobody signs in so. */
  probes(): readonly HealthProbe[];
}

export function assembleProviders(list: () => readonly ProviderData[], clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): AssembledProviders {
  let loading: Promise<OidcClients> | null = null;
  let loaded: OidcClients | null = null;
  let loadingSaml: Promise<SamlClients> | null = null;
  const saml = (): Promise<SamlClients> =>
    (loadingSaml ??= import('./identity/saml/saml-clients.ts').then(({ createSamlClients }) => createSamlClients(clock)));
  return {
    list,
    clients: () => (loading ??= import('./identity/oidc-client.ts').then(({ createOidcClients }) => (loaded = createOidcClients(() => clock.monotonicMs())))),
    saml,
    probes() {
      const all = list();
      if (all.length === 0) return [];
      // By nobody who was never loaded anybody was asked.
      const troubles = async (): Promise<HealthState> => {
        const clients = loadingSaml === null ? null : await loadingSaml;
        return stateOf(all.map((one) => ({ name: one.name, trouble: (one.type === 'saml' ? clients?.trouble(one) : loaded?.trouble(one)) ?? null })));
      };
      const own: HealthProbe = { name: 'identity_providers', required: false, check: troubles };
      const providers = all.filter((provider) => provider.type === 'saml');
      if (providers.length === 0) return [own];
      const check: HealthProbe['check'] = async () => {
        const clients = await saml();
        const reasons = providers.map((provider) => clients.expiring(provider)).filter((reason) => reason !== null);
        return { state: reasons.length === 0 ? 'ok' : 'degraded', reason: reasons.length === 0 ? null : reasons.join('; ') };
      };
      return [own, { name: 'saml_certificates', required: false, check }];
    },
  };
}

/** Without them nobody else is held up: who has a session or another provider goes on. */
function stateOf(providers: readonly { readonly name: string; readonly trouble: ProviderTrouble | null }[]): HealthState {
  const troubled = providers.flatMap(({ name, trouble }) => (trouble === null ? [] : [{ name, ...trouble }]));
  if (troubled.length === 0) return { state: 'ok', reason: null };
  const words = troubled.map(({ name, reason, retryMs, isGoneBy }) => {
    const when = retryMs === 0 ? 'when somebody next signs in' : `in ${Math.ceil(retryMs / 1_000)} s`;
    return `${isGoneBy ? `${name} is gone by what it said before` : `nobody can sign in by ${name}`}: ${reason}; it is asked again ${when}`;
  });
  return { state: troubled.some(({ isGoneBy }) => !isGoneBy) ? 'down' : 'degraded', reason: words.join('; ') };
}
