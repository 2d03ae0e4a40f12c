import { bounds } from '../../kernel/bounds.ts';
import { SignInTrouble, type SignInStep } from '../sign-in-trouble.ts';
import { childrenOf, elementsOf, readText, readXml, type XmlElement } from './read-xml.ts';
import { allowed, names } from './saml-names.ts';

/** An answer whose shape is that of one: nothing is verified of it yet. */
export interface ReadResponse {
  readonly text: string;
  readonly root: XmlElement;
  /** The one that it carries, in the clear or encrypted. */
  readonly carried: XmlElement;
  readonly isEncrypted: boolean;
  /** Whether the answer as a whole has a signature. */
  readonly isSigned: boolean;
}

/**
 * What the form field `SAMLResponse` holds, if it is an answer of the one shape that is taken: one response with one assertion, signatures where they
 * belong and of what they stand in, ids that name one thing each. What is wrapped, doubled or hidden anywhere else has no place there (XSW). Throws
 * `SignInTrouble`.
 */
export function readResponse(field: string): ReadResponse {
  const text = readText(bytesOf(field), unread);
  const root = readXml(text, unread);
  if (root.namespace !== names.protocol || root.name !== 'Response') throw unread('it is no Response of SAML 2.0');
  const all = elementsOf(root);
  requireOneId(all);
  const responses = all.filter(({ name }) => name === 'Response');
  const assertions = all.filter(({ name }) => name === 'Assertion' || name === 'EncryptedAssertion');
  const [carried] = assertions;
  if (responses.length !== 1) throw unread('a second response is inside it');
  requireSuccess(root);
  if (carried === undefined) throw unread('it carries no assertion');
  if (assertions.length !== 1 || carried.namespace !== names.assertion || !root.children.includes(carried))
    throw unread('it carries more than one assertion, or one that stands elsewhere than in the response');
  const isEncrypted = carried.name === 'EncryptedAssertion';
  const isSigned = signatureOf(root) !== null;
  requireSignatures(all, isEncrypted ? [root] : [root, carried]);
  if (!isSigned && !isEncrypted && signatureOf(carried) === null) throw notSigned();
  if (isEncrypted) requireEncryption(carried, isSigned);
  return { text, root, carried, isEncrypted, isSigned };
}

/** An assertion that was encrypted, by itself. Throws `SignInTrouble`. */
export function readDecrypted(text: string): XmlElement {
  const root = readXml(text, unread);
  if (root.namespace !== names.assertion || root.name !== 'Assertion') throw unread('it is no assertion');
  const all = elementsOf(root);
  requireOneId(all);
  if (all.some((one) => one !== root && /^(?:Response|Assertion|EncryptedAssertion|EncryptedData)$/.test(one.name))) throw unread('another one is inside it');
  requireSignatures(all, [root]);
  return root;
}

/** The signature that stands in an element as its own; null: it has none. */
export function signatureOf(element: XmlElement): XmlElement | null {
  return childrenOf(element, names.signature, 'Signature')[0] ?? null;
}

function bytesOf(field: string): Buffer {
  if (field === '') throw unread('the form has no SAMLResponse');
  // Base64 has four characters for three bytes, and some write it in lines.
  if (field.length > bounds.samlAnswerBytesMax * 1.5) throw unread(`it is longer than ${bounds.samlAnswerBytesMax / 1_024} KiB`);
  const packed = field.replaceAll(/[\t\n\r ]/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(packed) || packed.length % 4 !== 0) throw unread('it is not Base64');
  const bytes = Buffer.from(packed, 'base64');
  if (bytes.length > bounds.samlAnswerBytesMax) throw unread(`it is longer than ${bounds.samlAnswerBytesMax / 1_024} KiB`);
  return bytes;
}

/** Attributes that one parser or another takes for an id name one thing each; what else begins with `xml:` changes what is signed. */
function requireOneId(all: readonly XmlElement[]): void {
  const seen = new Set<string>();
  for (const { attributes } of all)
    for (const [name, value] of attributes) {
      if (name.startsWith(`{${names.xml}}`) && name !== `{${names.xml}}lang`) throw unread(`it has xml:${name.slice(names.xml.length + 2)}`);
      if (!/^id$/i.test(name.replace(/^\{[^}]*\}/, ''))) continue;
      if (!/^[A-Za-z_][\w.-]*$/.test(value) || value.length > bounds.samlIdCharsMax) throw unread('an id in it is none');
      if (seen.has(value)) throw unread('two elements have the same id');
      seen.add(value);
    }
}

/** Whoever is refused at the provider comes back with why. */
function requireSuccess(root: XmlElement): void {
  const [status, ...more] = childrenOf(root, names.protocol, 'Status');
  const [code, ...others] = status === undefined ? [] : childrenOf(status, names.protocol, 'StatusCode');
  if (status === undefined || code === undefined || more.length > 0 || others.length > 0) throw unread('it has no status, or more than one');
  if (code.attributes.get('Value') === names.success) return;
  const inner = childrenOf(code, names.protocol, 'StatusCode')[0] ?? code;
  const said = (inner.attributes.get('Value') ?? '').replace(/^.*:/, '').slice(0, 100);
  const message = (childrenOf(status, names.protocol, 'StatusMessage')[0]?.text ?? '')
    .trim()
    .replaceAll(/\p{Cc}/gu, ' ')
    .slice(0, 200);
  throw new SignInTrouble(
    'answer',
    `the provider answered ${said}${message === '' ? '' : `: ${message}`}`,
    'Assign them to the application at the provider; else look for the sign-in in its log.',
  );
}

/** Every signature stands in what it signs, once, and is of a kind that is taken. */
function requireSignatures(all: readonly XmlElement[], holders: readonly XmlElement[]): void {
  const own = holders.map((holder) => childrenOf(holder, names.signature, 'Signature'));
  if (own.some((found) => found.length > 1)) throw unread('something has two signatures');
  const placed = new Set(own.flat());
  if (all.some((one) => one.name === 'Signature' && !placed.has(one))) throw unread('a signature stands where none belongs');
  for (const holder of holders) {
    const signature = signatureOf(holder);
    if (signature !== null) requireSignature(signature, holder);
  }
}

function requireSignature(signature: XmlElement, holder: XmlElement): void {
  const info = only(signature, 'SignedInfo');
  only(signature, 'SignatureValue');
  const reference = only(info, 'Reference');
  const digest = only(reference, 'DigestValue');
  const id = holder.attributes.get('ID');
  if (id === undefined || reference.attributes.get('URI') !== `#${id}`) throw untaken('it signs something else than what it stands in');
  if (childrenOf(signature, names.signature, 'Object').length > 0) throw untaken('it has an object');
  if (digest.children.length > 0 || !/^[\sA-Za-z0-9+/]+=*\s*$/.test(digest.text)) throw untaken('its digest is none');
  requireAlgorithm(only(info, 'SignatureMethod'), allowed.signature);
  requireAlgorithm(only(info, 'CanonicalizationMethod'), allowed.canonical);
  requireAlgorithm(only(reference, 'DigestMethod'), allowed.digest);
  const transforms = childrenOf(only(reference, 'Transforms'), names.signature, 'Transform').map((one) => one.attributes.get('Algorithm') ?? '');
  const [first = '', second = '', ...rest] = transforms;
  if (first !== allowed.enveloped || !allowed.canonical.has(second) || rest.length > 0)
    throw untaken(`its transforms are not the two of SAML: ${transforms.join(', ').slice(0, 200)}`);
}

function requireAlgorithm(element: XmlElement, known: ReadonlySet<string>): void {
  const algorithm = element.attributes.get('Algorithm') ?? '';
  if (!known.has(algorithm)) throw untaken(`${element.name} is ${algorithm === '' ? 'not named' : algorithm.slice(0, 200)}`);
}

function only(element: XmlElement, name: string): XmlElement {
  const [found, ...more] = element.children.filter((child) => child.name === name);
  if (found === undefined || more.length > 0 || found.namespace !== names.signature) throw untaken(`it has no ${name}, or more than one`);
  return found;
}

/**
 * One key and one content, each encrypted in a way that tells a stranger nothing by failing: keys by OAEP, the content by GCM, or below a signature of the
 * whole answer, which is verified before anything is decrypted.
 */
function requireEncryption(carried: XmlElement, isSigned: boolean): void {
  const below = elementsOf(carried);
  const one = (name: string): XmlElement => {
    const [found, ...more] = below.filter((element) => element.name === name);
    if (found === undefined || more.length > 0 || found.namespace !== names.encryption) throw undecryptable(`it has no ${name}, or more than one`);
    return found;
  };
  const [data, key] = [one('EncryptedData'), one('EncryptedKey')];
  if (!carried.children.includes(data) || !elementsOf(data).includes(key)) throw undecryptable('its key does not stand within the encrypted data');
  if (below.some(({ name }) => name === 'RetrievalMethod' || name === 'CipherReference')) throw undecryptable('it refers to something elsewhere');
  const method = (element: XmlElement): string => childrenOf(element, names.encryption, 'EncryptionMethod')[0]?.attributes.get('Algorithm') ?? '';
  if (!allowed.keyEncryption.has(method(key))) throw undecryptable(`its key is encrypted by ${method(key).slice(0, 200)}`);
  if (allowed.authenticated.has(method(data)) || (isSigned && allowed.unauthenticated.has(method(data)))) return;
  throw undecryptable(`it is encrypted by ${method(data).slice(0, 200)}${allowed.unauthenticated.has(method(data)) ? ', and the response is not signed' : ''}`);
}

function unread(reason: string): SignInTrouble {
  return trouble('answer', `the answer cannot be used: ${reason}`, 'Let them begin anew; where it stays so, ask whoever runs the provider what it sends.');
}

function notSigned(): SignInTrouble {
  return trouble('signature', 'neither the response nor the assertion is signed', 'Let the provider sign the assertion, with RSA and SHA-256.');
}

function untaken(reason: string): SignInTrouble {
  return trouble(
    'signature',
    `a signature is not of a kind that is taken: ${reason}`,
    'Let the provider sign with RSA and SHA-256, over the assertion or the response.',
  );
}

function undecryptable(reason: string): SignInTrouble {
  return trouble(
    'decryption',
    `the assertion is not encrypted in a way that is taken: ${reason}`,
    'Let the provider encrypt with AES-GCM and RSA-OAEP; with AES-CBC it must sign the response, too.',
  );
}

function trouble(step: SignInStep, reason: string, fix: string): SignInTrouble {
  return new SignInTrouble(step, reason, fix);
}
