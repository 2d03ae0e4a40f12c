import { inflateRawSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../../../../test/support/certificates.ts';
import { makeSigningCertificate } from '../../../../../test/support/saml-answers.ts';
import { SignInTrouble } from '../sign-in-trouble.ts';
import { readProviderMetadata, type ProviderMetadata } from './provider-metadata.ts';
import { readXml } from './read-xml.ts';
import { authnRequest, serviceMetadata } from './service-provider.ts';

const nowMs = Date.parse('2026-11-27T12:00:00Z');
const entityId = 'https://idp.example/entity';
const md = 'urn:oasis:names:tc:SAML:2.0:metadata';

let good: Certificate;
let weak: Certificate;

beforeAll(async () => {
  [good, weak] = await Promise.all([makeSigningCertificate(), makeSigningCertificate({ bits: 1_024 })]);
}, 120_000);

const bare = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');
const keyOf = (cert: string, use = 'use="signing"'): string =>
  `<md:KeyDescriptor ${use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${bare(cert)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
const place = (binding: string, at: string): string => `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${at}"/>`;

function metadata(
  keys: string,
  { id = entityId, more = '', places = place('HTTP-POST', 'https://idp.example/post') + place('HTTP-Redirect', 'https://idp.example/redirect') } = {},
): string {
  return `<md:EntityDescriptor xmlns:md="${md}" entityID="${id}" ${more}><md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${keys}${places}</md:IDPSSODescriptor></md:EntityDescriptor>`;
}

function refusal(text: string): string {
  try {
    readProviderMetadata(Buffer.from(text), entityId, nowMs);
    return 'taken';
  } catch (error) {
    return error instanceof SignInTrouble ? `${error.step}: ${error.reason}` : String(error);
  }
}

describe('the metadata of a provider', () => {
  test('say where people sign in and by what it signs; keys that are not for signing, or too short, are left out', () => {
    const read = (text: string): ProviderMetadata => readProviderMetadata(Buffer.from(text), entityId, nowMs);
    const found = read(metadata(keyOf(weak.cert) + keyOf(weak.cert, 'use="encryption"') + keyOf(good.cert)));
    expect(found).toMatchObject({ signInUrl: 'https://idp.example/redirect', wantsSignedRequests: true });
    expect(found.certificates.map(({ pem }) => bare(pem))).toEqual([bare(good.cert)]);
    expect(found.certificates[0]?.expiresAtMs).toBeGreaterThan(Date.now() + 300 * 86_400_000);
    const federation = `<md:EntitiesDescriptor xmlns:md="${md}">${metadata(keyOf(weak.cert), { id: 'https://other.example' })}${metadata(keyOf(good.cert, ''))}</md:EntitiesDescriptor>`;
    expect(read(federation).certificates).toHaveLength(1);
  });

  test('are refused where they are of another, over, without a key that is good enough, or could hide something (S3, S8)', () => {
    expect(refusal(metadata(keyOf(good.cert), { id: 'https://other.example' }))).toMatch(/they are of https:\/\/other\.example/);
    expect(refusal(metadata(keyOf(good.cert), { more: 'validUntil="2026-11-27T11:59:59Z"' }))).toMatch(/good until/);
    expect(refusal(metadata(keyOf(good.cert), { more: 'validUntil="soon"' }))).toMatch(/good until/);
    expect(refusal(metadata(keyOf(weak.cert)))).toMatch(/1024 bits/);
    expect(refusal(metadata(''))).toMatch(/no certificate/);
    expect(refusal(metadata(keyOf(good.cert), { places: place('HTTP-POST', 'https://idp.example/post') }))).toMatch(/HTTP-Redirect/);
    expect(refusal(metadata(keyOf(good.cert), { places: place('HTTP-Redirect', 'javascript:alert(1)') }))).toMatch(/no address/);
    expect(refusal(`<!DOCTYPE x>${metadata(keyOf(good.cert))}`)).toMatch(/DOCTYPE/);
    expect(refusal('a'.repeat(1_100_000))).toMatch(/longer than/);
    expect(refusal('{}')).toMatch(/^discovery: its metadata cannot be used: it is no well-formed XML/);
  });
});

describe('what a provider is told of us', () => {
  const service = { entityId: 'https://gateway.example/saml', acsUrl: 'https://gateway.example/v1/auth/sso/saml/acs', own: null };

  test('our metadata name the place for answers, want assertions signed, and have our certificate for both uses', () => {
    const text = serviceMetadata({ ...service, own: { key: good.key, certificate: good.cert } });
    const root = readXml(text, (reason) => new SignInTrouble('discovery', reason, ''));
    expect(root).toMatchObject({ namespace: md, name: 'EntityDescriptor' });
    expect(root.attributes.get('entityID')).toBe(service.entityId);
    expect(text).toContain(`Location="${service.acsUrl}"`);
    expect(text).toContain('WantAssertionsSigned="true"');
    expect(text).toContain('AuthnRequestsSigned="true"');
    expect(text.match(/use="(?:signing|encryption)"/g)).toEqual(['use="signing"', 'use="encryption"']);
    expect(text).not.toContain('PRIVATE');
    expect(serviceMetadata(service)).not.toContain('KeyDescriptor');
  });

  test('a request has an id that nobody guesses, names us, and is signed where we have a key', async () => {
    const plain = await authnRequest(service, 'https://idp.example/redirect?app=1', 'state1');
    const url = new URL(plain.url);
    expect([url.origin, url.searchParams.get('app'), url.searchParams.get('RelayState'), url.searchParams.get('Signature')]).toEqual([
      'https://idp.example',
      '1',
      'state1',
      null,
    ]);
    const request = inflateRawSync(Buffer.from(url.searchParams.get('SAMLRequest') ?? '', 'base64')).toString();
    expect(request).toContain(`ID="${plain.requestId}"`);
    expect(request).toContain(`AssertionConsumerServiceURL="${service.acsUrl}"`);
    expect(plain.requestId).toMatch(/^_[0-9a-f]{40}$/);
    const signed = new URL((await authnRequest({ ...service, own: { key: good.key, certificate: good.cert } }, 'https://idp.example/redirect', 'state1')).url);
    expect(signed.searchParams.get('SigAlg')).toBe('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
    expect(signed.searchParams.get('Signature')).not.toBeNull();
  });
});
