import { bounds } from '../../kernel/bounds.ts';
import { SignInTrouble } from '../sign-in-trouble.ts';
import { childrenOf, elementsOf, readText, readXml, type XmlElement } from './read-xml.ts';
import { framed, readCertificates, type SamlCertificate } from './saml-certificate.ts';
import { names } from './saml-names.ts';

/** What is taken of a provider's metadata: where people sign in, and by what it signs. How much must be signed is never for it to say. */
export interface ProviderMetadata {
  readonly signInUrl: string;
  readonly certificates: readonly SamlCertificate[];
  /** It takes requests only that are signed. */
  readonly wantsSignedRequests: boolean;
}

/** Of the provider with that entity id, from its own metadata or those of a federation. Throws `SignInTrouble`. */
export function readProviderMetadata(bytes: Uint8Array, entityId: string, nowMs: number): ProviderMetadata {
  if (bytes.length > bounds.providerAnswerBytesMax) throw unusable(`they are longer than ${bounds.providerAnswerBytesMax} bytes`);
  const root = readXml(readText(bytes, unusable), unusable);
  const entities = elementsOf(root).filter(({ namespace, name }) => namespace === names.metadata && name === 'EntityDescriptor');
  const [entity, ...more] = entities.filter(({ attributes }) => attributes.get('entityID') === entityId);
  if (entity === undefined) {
    const found = entities.map(({ attributes }) => attributes.get('entityID') ?? '').slice(0, 3);
    throw unusable(
      `they are of ${found.length === 0 ? 'no provider' : found.join(', ').slice(0, 300)}`,
      'Write issuer as the entityID of the metadata, letter for letter.',
    );
  }
  if (more.length > 0) throw unusable('they name the provider twice');
  for (const one of [root, entity]) {
    const until = one.attributes.get('validUntil');
    const untilMs = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until);
    if (!(untilMs > nowMs)) throw unusable(`they were good until ${until?.slice(0, 40) ?? ''}`, 'Take newer metadata from the provider.');
  }
  const roles = childrenOf(entity, names.metadata, 'IDPSSODescriptor').filter(({ attributes }) =>
    (attributes.get('protocolSupportEnumeration') ?? '').split(/\s+/).includes(names.protocol),
  );
  const [role] = roles;
  if (role === undefined || roles.length > 1) throw unusable('they are not those of one identity provider of SAML 2.0');
  return {
    signInUrl: signInUrlOf(role),
    certificates: certificatesOf(role),
    wantsSignedRequests: /^(?:true|1)$/.test(role.attributes.get('WantAuthnRequestsSigned') ?? ''),
  };
}

function signInUrlOf(role: XmlElement): string {
  const places = childrenOf(role, names.metadata, 'SingleSignOnService').filter(({ attributes }) => attributes.get('Binding') === names.redirect);
  const [place] = places.map(({ attributes }) => attributes.get('Location') ?? '');
  if (place === undefined) throw unusable('they name no place to sign in by redirect (HTTP-Redirect)', 'Let the provider offer the binding HTTP-Redirect.');
  if (!/^https?:$/.test(URL.parse(place)?.protocol ?? '')) throw unusable(`${place.slice(0, 200)} is no address to sign in at`);
  return place;
}

function certificatesOf(role: XmlElement): readonly SamlCertificate[] {
  const texts = childrenOf(role, names.metadata, 'KeyDescriptor')
    .filter(({ attributes }) => (attributes.get('use') ?? 'signing') === 'signing')
    .flatMap((one) => elementsOf(one))
    .filter(({ namespace, name }) => namespace === names.signature && name === 'X509Certificate')
    .map(({ text }) => text);
  const read = texts.map((text) => readCertificates(framed(text)));
  const good = read.filter((one) => typeof one !== 'string').flat();
  // One that cannot be taken is left out: its signatures then are not.
  if (good.length === 0)
    throw unusable(
      read.find((one) => typeof one === 'string') ?? 'they have no certificate to sign with',
      'Let the provider sign with RSA, 2048 bits or more.',
    );
  return good;
}

function unusable(reason: string, fix = 'Take the metadata of the identity provider from where it publishes them.'): SignInTrouble {
  return new SignInTrouble('discovery', `its metadata cannot be used: ${reason}`, fix);
}
