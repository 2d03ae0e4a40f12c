/** Signing in by SAML 2.0 (web browser SSO: redirect there, post back), for `control/sign-in`. Loaded when somebody first signs in by it. */
import { X509Certificate } from 'node:crypto';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { createGuardedFetch } from '../guarded-fetch.ts';
import type { StepReport } from '../oidc-client.ts';
import type { SamlProviderData } from '../provider-data.ts';
import { createProviderDocuments, type ProviderTrouble } from '../provider-documents.ts';
import { readClaims } from '../read-claims.ts';
import { SignInTrouble } from '../sign-in-trouble.ts';
import type { VerifiedIdentity } from '../verified-identity.ts';
import { readProviderMetadata, type ProviderMetadata } from './provider-metadata.ts';
import { readAttributes } from './read-attributes.ts';
import { readResponse } from './read-response.ts';
import { authnRequest, serviceMetadata, type ServiceProvider } from './service-provider.ts';
import { names } from './saml-names.ts';
import { verifyResponse } from './verify-response.ts';

/** Where we are to a provider. */
export interface OwnPlaces {
  readonly acsUrl: string;
  /** Of our metadata for this provider. */
  readonly metadataUrl: string;
}

export interface VouchedFor {
  readonly identity: VerifiedIdentity;
  /** Tells the assertion from every other of the provider; to be used once until then. */
  readonly assertionId: string;
  readonly untilMs: number;
}

export interface SamlClients {
  /** Where the browser is sent; `state` comes back with it. Throws `SignInTrouble`. */
  begin(provider: SamlProviderData, places: OwnPlaces, state: string): Promise<{ readonly url: string; readonly requestId: string }>;
  /** Who came back with the form field `SAMLResponse`; `requestId` null: nobody asked. Throws `SignInTrouble`. */
  finish(provider: SamlProviderData, places: OwnPlaces, field: string, requestId: string | null): Promise<VouchedFor>;
  /** By whom an answer says that it is, before anything of it is verified; null: it is none. */
  issuerOf(field: string): string | null;
  /** What attributes say of a person, by nobody's word but who wrote them: for a preview. Faults: `invalid_params`. */
  read(provider: SamlProviderData, claims: Readonly<Record<string, unknown>>): VerifiedIdentity;
  /** Ours, for whoever configures the provider. */
  metadata(provider: SamlProviderData, places: OwnPlaces): string;
  /** Each step that can be tried without a person, up to the first that fails. Never rejects. */
  test(provider: SamlProviderData, places: OwnPlaces): Promise<readonly StepReport[]>;
  /** What ends within a month, of what is known without asking anybody; null: nothing. */
  expiring(provider: SamlProviderData): string | null;
  /** As `ProviderDocuments` has it, of its metadata. */
  trouble(provider: SamlProviderData): ProviderTrouble | null;
}

/** `nowMs`: by the wall; `monotonicMs`: by a clock that never goes back. */
export function createSamlClients(clock: { nowMs(): number; monotonicMs(): number }): SamlClients {
  const documents = createProviderDocuments({
    read: (provider: SamlProviderData) => readMetadata(provider, clock.nowMs()),
    // While it is away, people still come in by what it said within a day.
    staleMs: bounds.samlMetadataStaleMs,
    nowMs: () => clock.monotonicMs(),
  });

  const trustOf = async (provider: SamlProviderData, places: OwnPlaces, requestId: string | null) => ({
    issuer: provider.issuer,
    audience: serviceOf(provider, places).entityId,
    recipient: places.acsUrl,
    requestId,
    nowMs: clock.nowMs(),
    certificates: (await documents.of(provider)).certificates.map(({ pem }) => pem),
    decryptionKey: provider.own?.key ?? null,
  });

  return {
    async begin(provider, places, state) {
      const { signInUrl } = await documents.of(provider);
      return authnRequest(serviceOf(provider, places), signInUrl, state);
    },
    async finish(provider, places, field, requestId) {
      const assertion = await verifyResponse(field, await trustOf(provider, places, requestId));
      return { identity: readAttributes(provider, assertion), assertionId: assertion.id, untilMs: assertion.untilMs };
    },
    issuerOf(field) {
      try {
        const { children } = readResponse(field).root;
        return children.find(({ namespace, name }) => namespace === names.assertion && name === 'Issuer')?.text.trim() ?? null;
      } catch (error) {
        if (error instanceof SignInTrouble) return null;
        throw error;
      }
    },
    read(provider, claims) {
      try {
        return readClaims(provider, claims);
      } catch (error) {
        if (error instanceof SignInTrouble) throw new Fault('invalid_params', { reason: `${error.reason} ${error.fix}` }, { cause: error });
        throw error;
      }
    },
    metadata: (provider, places) => serviceMetadata(serviceOf(provider, places)),
    async test(provider) {
      const reports: StepReport[] = [];
      try {
        const { signInUrl, certificates, wantsSignedRequests } = await documents.ask(provider);
        reports.push({ step: 'discovery', ok: true, detail: `${provider.issuer} describes itself; people sign in at ${signInUrl}`, fix: null });
        const end = certificates.map(({ expiresAtMs }) => new Date(expiresAtMs).toISOString().slice(0, 10)).join(', ');
        reports.push({
          step: 'keys',
          ok: true,
          detail: `it signs by ${certificates.length} certificate${certificates.length === 1 ? '' : 's'}, good until ${end}`,
          // Keycloak says so of a realm whatever its clients are set to: it is tried, and the provider decides.
          fix:
            wantsSignedRequests && provider.own === null
              ? 'It says that it wants signed requests: where it refuses ours, set saml.key and saml.certificate.'
              : null,
        });
      } catch (error) {
        if (!(error instanceof SignInTrouble)) throw error;
        reports.push({ step: error.step, ok: false, detail: error.reason, fix: error.fix });
      }
      return reports;
    },
    expiring(provider) {
      const metadata = documents.known(provider) ?? inText(provider, clock.nowMs());
      const soonMs = clock.nowMs() + bounds.certificateWarnMs;
      // Of several the last: the others are on their way out.
      const endMs = Math.max(...(metadata?.certificates ?? []).map(({ expiresAtMs }) => expiresAtMs));
      const ownEndMs = provider.own === null ? Number.POSITIVE_INFINITY : new X509Certificate(provider.own.certificate).validToDate.getTime();
      if (metadata !== null && endMs <= soonMs) return `the certificate of ${provider.name} ends on ${dayOf(endMs)}: take its new metadata`;
      return ownEndMs <= soonMs ? `our certificate for ${provider.name} ends on ${dayOf(ownEndMs)}: make a new one, and give it to the provider` : null;
    },
    trouble: documents.trouble,
  };
}

function serviceOf({ entityId, own }: SamlProviderData, { acsUrl, metadataUrl }: OwnPlaces): ServiceProvider {
  return { entityId: entityId ?? metadataUrl, acsUrl, own };
}

async function readMetadata(provider: SamlProviderData, nowMs: number): Promise<ProviderMetadata> {
  const { metadata, issuer } = provider;
  if ('text' in metadata) return readProviderMetadata(Buffer.from(metadata.text), issuer, nowMs);
  const answer = await createGuardedFetch(provider)(metadata.url, {});
  if (!answer.ok)
    throw new SignInTrouble(
      'discovery',
      `there is no metadata at ${metadata.url}: HTTP ${answer.status}`,
      'Correct saml.metadata, or write the path of a file with it.',
    );
  return readProviderMetadata(new Uint8Array(await answer.arrayBuffer()), issuer, nowMs);
}

/** Metadata that stands in a file need not be asked for; null: it cannot be used, or stands elsewhere. */
function inText({ metadata, issuer }: SamlProviderData, nowMs: number): ProviderMetadata | null {
  if (!('text' in metadata)) return null;
  try {
    return readProviderMetadata(Buffer.from(metadata.text), issuer, nowMs);
  } catch (error) {
    if (error instanceof SignInTrouble) return null;
    throw error;
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
