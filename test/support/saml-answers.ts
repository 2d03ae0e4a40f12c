/** Answers of a SAML provider, as a test needs them: signed by `xml-crypto` and encrypted by `xml-encryption`, or wrapped as an attacker does it. */
import { createPublicKey } from 'node:crypto';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { SignedXml } from 'xml-crypto';
import { encrypt } from 'xml-encryption';
import type { Certificate } from './certificates.ts';

export async function makeSigningCertificate(options: { readonly bits?: number; readonly days?: number } = {}): Promise<Certificate> {
  const { bits = 2_048, days = 365 } = options;
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'idp.example' }], {
    keyType: 'rsa',
    keySize: bits,
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + days * 86_400_000),
  });
  return { cert, key };
}

export interface AnswerParts {
  readonly issuer?: string;
  readonly responseIssuer?: string;
  readonly audience?: string | null;
  readonly recipient?: string;
  readonly destination?: string | null;
  readonly inResponseTo?: string | null;
  readonly assertionInResponseTo?: string | null;
  readonly nameId?: string;
  readonly nameIdFormat?: string;
  readonly assertionId?: string;
  readonly issuedMs?: number;
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly status?: string;
  readonly conditions?: string;
  readonly attributes?: string;
}

export const answerDefaults = {
  issuer: 'https://idp.example/entity',
  audience: 'https://gateway.example/v1/auth/sso/saml/metadata?provider=acme',
  recipient: 'https://gateway.example/v1/auth/sso/saml/acs',
  requestId: '_request1',
} as const;

const minuteMs = 60_000;

/** Without a signature. */
export function answerXml(nowMs: number, parts: AnswerParts = {}): string {
  const at = (ms: number): string => new Date(ms).toISOString();
  const {
    issuer = answerDefaults.issuer,
    responseIssuer = issuer,
    audience = answerDefaults.audience,
    recipient = answerDefaults.recipient,
    destination = recipient,
    inResponseTo = answerDefaults.requestId,
    assertionInResponseTo = inResponseTo,
    nameId = 'ada@acme.example',
    nameIdFormat = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    assertionId = '_assertion1',
    issuedMs = nowMs,
    fromMs = nowMs - minuteMs,
    untilMs = nowMs + 5 * minuteMs,
    status = 'urn:oasis:names:tc:SAML:2.0:status:Success',
    conditions = `<saml:Conditions NotBefore="${at(fromMs)}" NotOnOrAfter="${at(untilMs)}">${
      audience === null ? '' : `<saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction>`
    }</saml:Conditions>`,
    attributes = '<saml:Attribute Name="groups"><saml:AttributeValue>engineering</saml:AttributeValue><saml:AttributeValue>admins</saml:AttributeValue></saml:Attribute>',
  } = parts;
  const attribute = (name: string, value: string | null): string => (value === null ? '' : ` ${name}="${value}"`);
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response1" Version="2.0" IssueInstant="${at(issuedMs)}"` +
    `${attribute('Destination', destination)}${attribute('InResponseTo', inResponseTo)}><saml:Issuer>${responseIssuer}</saml:Issuer>` +
    `<samlp:Status><samlp:StatusCode Value="${status}"/></samlp:Status>` +
    `<saml:Assertion ID="${assertionId}" Version="2.0" IssueInstant="${at(issuedMs)}"><saml:Issuer>${issuer}</saml:Issuer>` +
    `<saml:Subject><saml:NameID Format="${nameIdFormat}">${nameId}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
    `<saml:SubjectConfirmationData NotOnOrAfter="${at(untilMs)}" Recipient="${recipient}"${attribute('InResponseTo', assertionInResponseTo)}/></saml:SubjectConfirmation></saml:Subject>` +
    `${conditions}<saml:AuthnStatement AuthnInstant="${at(issuedMs)}" SessionIndex="_session1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
    `<saml:AttributeStatement>${attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>`
  );
}

export interface SigningOptions {
  readonly what?: 'assertion' | 'response';
  readonly signature?: string;
  readonly digest?: string;
  readonly transforms?: readonly string[];
  /** Names the certificate within the signature. */
  readonly isKeyNamed?: boolean;
}

export const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';

export function sign(xml: string, { key, cert }: Certificate, options: SigningOptions = {}): string {
  const { what = 'assertion', signature = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', digest = 'http://www.w3.org/2001/04/xmlenc#sha256' } = options;
  const { transforms = [enveloped, exclusive], isKeyNamed = false } = options;
  const path = what === 'assertion' ? "//*[local-name(.)='Assertion']" : "/*[local-name(.)='Response']";
  const signed = new SignedXml({
    privateKey: key,
    ...(isKeyNamed ? { publicCert: cert } : {}),
    signatureAlgorithm: signature,
    canonicalizationAlgorithm: exclusive,
  });
  if (signature.includes('hmac')) signed.enableHMAC();
  signed.addReference({ xpath: path, transforms: [...transforms], digestAlgorithm: digest });
  signed.computeSignature(xml, { prefix: 'ds', location: { reference: `${path}/*[local-name(.)='Issuer']`, action: 'after' } });
  return signed.getSignedXml();
}

export async function encryptAssertion(
  xml: string,
  { cert }: Certificate,
  options: { readonly content?: string; readonly key?: string } = {},
): Promise<string> {
  const assertion = assertionOf(xml);
  const namespaced = assertion.replace('<saml:Assertion ', '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ');
  const encrypted = await promisify(encrypt)(assertion.includes('xmlns:saml=') ? assertion : namespaced, {
    rsa_pub: publicKeyOf(cert),
    pem: cert,
    encryptionAlgorithm: (options.content ?? 'http://www.w3.org/2009/xmlenc11#aes256-gcm') as 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
    keyEncryptionAlgorithm: (options.key ?? 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p') as 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
    warnInsecureAlgorithm: false,
  });
  return xml.replace(assertion, () => `<saml:EncryptedAssertion>${encrypted}</saml:EncryptedAssertion>`);
}

export function fieldOf(xml: string): string {
  return Buffer.from(xml).toString('base64');
}

export function assertionOf(xml: string): string {
  return /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
}

/** The eight ways to wrap what is signed (Somorovsky et al., 2012): somebody else where the application looks, what is signed where the verifier looks. */
export function wrappings(signedResponse: string, signedAssertion: string): Readonly<Record<string, string>> {
  const signatureForm = /<ds:Signature[\s\S]*?<\/ds:Signature>/;
  const own = (xml: string): string => signatureForm.exec(xml)?.[0] ?? '';
  const bare = (xml: string): string => xml.replace(signatureForm, '');
  const evil = (xml: string): string => xml.replace('ada@acme.example', 'eve@acme.example').replace('"_assertion1"', '"_evil"');
  const assertion = assertionOf(signedAssertion);
  const signature = own(assertion);
  const withAssertion = (put: string): string => signedAssertion.replace(assertion, () => put);
  const inSignature = (text: string, within: string): string => text.replace('</ds:Signature>', () => `${within}</ds:Signature>`);
  const response = own(signedResponse);
  const evilResponse = evil(signedResponse).replace('"_response1"', '"_evilresponse"');
  return {
    XSW1: evilResponse.replace(response, () => inSignature(response, bare(signedResponse))),
    XSW2: evilResponse.replace(response, () => bare(signedResponse) + response),
    XSW3: withAssertion(bare(evil(assertion)) + assertion),
    XSW4: withAssertion(bare(evil(assertion)).replace('</saml:Assertion>', () => `${assertion}</saml:Assertion>`)),
    XSW5: withAssertion(evil(assertion) + bare(assertion)),
    XSW6: withAssertion(evil(assertion).replace(signature, () => inSignature(signature, bare(assertion)))),
    XSW7: withAssertion(`<samlp:Extensions>${bare(evil(assertion))}</samlp:Extensions>${assertion}`),
    XSW8: withAssertion(evil(assertion).replace(signature, () => inSignature(signature, `<ds:Object>${bare(assertion)}</ds:Object>`))),
  };
}

function publicKeyOf(cert: string): string {
  return createPublicKey(cert).export({ type: 'spki', format: 'pem' }).toString();
}
