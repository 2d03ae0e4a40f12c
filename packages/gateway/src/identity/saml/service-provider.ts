/** What we are to a SAML provider: what we ask it, and what it is to know of us. */
import { randomBytes } from 'node:crypto';
import { SAML } from '@node-saml/node-saml';

export interface ServiceProvider {
  /** Our entity id: the audience of its assertions. */
  readonly entityId: string;
  /** Where it sends answers. */
  readonly acsUrl: string;
  /** PEM: we sign requests with it, and decrypt; null: neither. */
  readonly own: { readonly key: string; readonly certificate: string } | null;
}

/** The request of one sign-in: where the browser is sent with it, and the id that its answer must name. */
export interface AuthnRequest {
  readonly url: string;
  readonly requestId: string;
}

/** `signInUrl`: of the provider. `relayState` comes back with the answer, at most 80 bytes (saml-bindings-2.0-os, 3.4.3). */
export async function authnRequest(service: ServiceProvider, signInUrl: string, relayState: string): Promise<AuthnRequest> {
  // An id begins with no digit.
  const requestId = `_${randomBytes(20).toString('hex')}`;
  return { url: await engine(service, signInUrl, requestId).getAuthorizeUrlAsync(relayState, undefined, {}), requestId };
}

/** Our metadata, for whoever configures the provider. */
export function serviceMetadata(service: ServiceProvider): string {
  const { own, entityId } = service;
  const certificate = own?.certificate ?? null;
  return engine(service, entityId, '_gatewayops').generateServiceProviderMetadata(certificate, certificate);
}

function engine({ entityId, acsUrl, own }: ServiceProvider, entryPoint: string, requestId: string): SAML {
  return new SAML({
    issuer: entityId,
    callbackUrl: acsUrl,
    entryPoint,
    // Nothing is verified here.
    idpCert: 'none',
    generateUniqueId: () => requestId,
    // How somebody signs in, and by what they are named, is for the provider to say.
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    signatureAlgorithm: 'sha256',
    ...(own === null ? {} : { privateKey: own.key, decryptionPvk: own.key }),
  });
}
