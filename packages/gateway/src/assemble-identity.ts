/** The issuers of a node, whose tokens callers sign in with: what verifies them is loaded with the first token, where there are any. Part of `assemble.ts`. */
import type { HealthProbe, HealthState } from './control/health/read-health.ts';
import type { IssuerDesk } from './control/sign-in/issuer-desk.ts';
import type { IssuerData } from './identity/issuer-data.ts';
import type { TokenVerifier } from './identity/verify-token.ts';
import type { Clock } from './kernel/clock.ts';
import type { Log } from './kernel/log.ts';
import type { TokenStep } from './kernel/token-terms.ts';

export interface AssembledIdentity extends IssuerDesk {
  /** Other issuers are configured. What is known of those that stay is kept. */
  configure(issuers: readonly IssuerData[]): void;
}

export function assembleIdentity(first: readonly IssuerData[], clock: Clock, log: Log): AssembledIdentity {
  let issuers = first;
  const refusals = new Map<TokenStep, number>();
  let verifier: TokenVerifier | null = null;
  let loading: Promise<TokenVerifier> | null = null;

  async function load(): Promise<TokenVerifier> {
    const { createTokenVerifier } = await import('./identity/verify-token.ts');
    verifier = createTokenVerifier({ clock, log: log.child({ part: 'identity' }) });
    verifier.configure(issuers);
    return verifier;
  }

  return {
    verify: async (text) => (verifier ?? (await (loading ??= load()))).verify(text),
    reports: () => verifier?.reports() ?? [],
    noteRefused: (step) => void refusals.set(step, (refusals.get(step) ?? 0) + 1),
    refusals: () => refusals,
    configure(next) {
      issuers = next;
      verifier?.configure(next);
    },
  };
}

/** Of the issuers whose tokens have come: whether their keys can be gone by. Without them nobody else is held up. None where none is configured. */
export function issuersProbes(configured: readonly IssuerData[], identity: IssuerDesk): readonly HealthProbe[] {
  return configured.length === 0 ? [] : [{ name: 'issuers', required: false, check: () => stateOf(identity) }];
}

function stateOf(identity: IssuerDesk): HealthState {
  const troubled = identity.reports().filter(({ keys }) => keys.state === 'stale' || keys.state === 'away');
  const words = troubled.map(({ issuer, keys }) =>
    keys.state === 'away'
      ? `${issuer.name} does not say its keys, its callers get 503: ${keys.trouble ?? ''}`
      : `${issuer.name} does not answer, its keys of ${Math.round((keys.ageMs ?? 0) / 60_000)} min ago are gone by: ${keys.trouble ?? ''}`,
  );
  if (troubled.length === 0) return { state: 'ok', reason: null };
  return { state: troubled.some(({ keys }) => keys.state === 'away') ? 'down' : 'degraded', reason: words.join('; ') };
}
