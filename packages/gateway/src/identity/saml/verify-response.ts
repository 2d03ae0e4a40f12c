import { promisify } from 'node:util';
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { decrypt } from 'xml-encryption';
import { SignInTrouble } from '../sign-in-trouble.ts';
import { checkAssertion, checkResponse, type CheckedAssertion, type Expected } from './check-assertion.ts';
import { readDecrypted, readResponse, signatureOf, type ReadResponse } from './read-response.ts';
import { readXml } from './read-xml.ts';

/** By what answers are verified: nothing of it comes from the answer. */
export interface Trust extends Expected {
  /** PEM, of the provider. */
  readonly certificates: readonly string[];
  /** PEM; null: nothing that is encrypted is taken. */
  readonly decryptionKey: string | null;
}

/**
 * Who the form field `SAMLResponse` vouches for. node-saml verifies what is signed and decrypts; what it leaves open is closed here: the shape of the
 * answer before anything is parsed by it, the algorithms, and whom the answer is for, all read again from the bytes that the signature covers. Whether
 * it was shown before is for the caller to ask, at once and for all nodes. Throws `SignInTrouble`.
 */
export async function verifyResponse(field: string, trust: Trust): Promise<CheckedAssertion> {
  const response = readResponse(field);
  checkResponse(response.root, response.isSigned, trust);
  const signed = response.isEncrypted
    ? await decrypted(field, response, trust)
    : await verified(field, { isResponseSigned: response.isSigned, isAssertionSigned: signatureOf(response.carried) !== null }, trust);
  const assertion = readXml(signed, notCovered);
  if (!response.isEncrypted && assertion.attributes.get('ID') !== response.carried.attributes.get('ID')) throw notCovered();
  return checkAssertion(assertion, trust);
}

interface Signatures {
  readonly isResponseSigned: boolean;
  readonly isAssertionSigned: boolean;
}

/** The assertion as its signature covers it. Each signature that is there must be good. */
async function verified(field: string, signatures: Signatures, trust: Trust): Promise<string> {
  try {
    const { profile } = await engine(signatures, trust, trust.decryptionKey).validatePostResponseAsync({ SAMLResponse: field });
    const signed = profile?.getAssertionXml?.();
    if (signed !== undefined) return signed;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (!/signature|transforms/i.test(message))
      throw new SignInTrouble('assertion', `the assertion cannot be used: ${message.slice(0, 200)}`, askFix, { cause: error });
    throw notCovered(error);
  }
  throw notCovered();
}

/**
 * As `verified`, of an answer whose assertion is encrypted. What fails on the way says one thing only, whatever it was: a stranger who changes bytes
 * and asks again learns nothing. What is decrypted is looked at like an answer before node-saml parses it.
 */
async function decrypted(field: string, { text, carried, isSigned }: ReadResponse, trust: Trust): Promise<string> {
  if (trust.decryptionKey === null)
    throw new SignInTrouble(
      'decryption',
      'the assertion is encrypted, and there is no key to decrypt it',
      'Set key and certificate, or let the provider not encrypt.',
    );
  if (isSigned) await requireSignedResponse(field, trust);
  try {
    const inner = await promisify(decrypt)(text.slice(carried.start, carried.end), { key: trust.decryptionKey, disallowDecryptionWithInsecureAlgorithm: true });
    const isAssertionSigned = signatureOf(readDecrypted(inner)) !== null;
    if (!isSigned && !isAssertionSigned) throw notCovered();
    return await verified(field, { isResponseSigned: isSigned, isAssertionSigned }, trust);
  } catch (error) {
    throw new SignInTrouble(
      'decryption',
      'the encrypted assertion cannot be used: it is not encrypted for our certificate, or not signed inside by the provider',
      'Give the provider the certificate anew; let it sign the assertion, too.',
      { cause: error },
    );
  }
}

/** Before anything is decrypted: the signature of the answer as a whole. Without a key node-saml comes as far as that, and says so. */
async function requireSignedResponse(field: string, trust: Trust): Promise<void> {
  const signatures = { isResponseSigned: true, isAssertionSigned: false };
  const said = await engine(signatures, trust, null)
    .validatePostResponseAsync({ SAMLResponse: field })
    .then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );
  if (said !== 'No decryption key for encrypted SAML response') throw notCovered();
}

function engine({ isResponseSigned, isAssertionSigned }: Signatures, { certificates, audience, recipient }: Trust, decryptionKey: string | null): SAML {
  return new SAML({
    issuer: audience,
    callbackUrl: recipient,
    idpCert: [...certificates],
    wantAuthnResponseSigned: isResponseSigned,
    wantAssertionsSigned: isAssertionSigned,
    // What it would look at in other bytes, by another clock, or only of this process is looked at by us.
    audience: false,
    acceptedClockSkewMs: -1,
    validateInResponseTo: ValidateInResponseTo.never,
    ...(decryptionKey === null ? {} : { decryptionPvk: decryptionKey }),
  });
}

const askFix = 'Ask whoever runs the provider: the assertion is not as SAML 2.0 (web browser SSO) has it.';

function notCovered(cause?: unknown): SignInTrouble {
  return new SignInTrouble(
    'signature',
    'the signature is not one of the certificates of the provider, or what it covers was changed',
    'Has the provider another certificate? Read its metadata anew, or name its new certificate.',
    { cause },
  );
}
