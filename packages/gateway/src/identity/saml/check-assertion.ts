import { bounds } from '../../kernel/bounds.ts';
import { SignInTrouble } from '../sign-in-trouble.ts';
import { childrenOf, type XmlElement } from './read-xml.ts';
import { names } from './saml-names.ts';

const toleranceMs = bounds.clockToleranceSeconds * 1_000;

/** What an answer must say to be one to us (saml-profiles-2.0-os, 4.1.4.3). */
export interface Expected {
  /** The entity id of the provider, letter for letter. */
  readonly issuer: string;
  /** Ours. */
  readonly audience: string;
  /** Where we take answers. */
  readonly recipient: string;
  /** Id of our request; null: nobody asked, and that is allowed. */
  readonly requestId: string | null;
  readonly nowMs: number;
}

/** Who a provider vouches for, as it stands in what is signed. */
export interface CheckedAssertion {
  readonly id: string;
  /** Until when it might be shown again: so long it is remembered. */
  readonly untilMs: number;
  readonly nameId: string;
  /** Empty: it is not named. */
  readonly nameIdFormat: string;
  /** By name, and by friendly name where no attribute has that name. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** Of the response as a whole. Throws `SignInTrouble`. */
export function checkResponse({ attributes, children }: XmlElement, isSigned: boolean, expected: Expected): void {
  if (attributes.get('Version') !== '2.0') throw refused('the response is of another version than 2.0', versionFix);
  const issuers = children.filter(({ namespace, name }) => namespace === names.assertion && name === 'Issuer');
  if (issuers.length > 1) throw refused('the response names more than one issuer', issuerFix);
  for (const issuer of issuers) checkIssuer(issuer, 'the response', expected);
  const destination = attributes.get('Destination');
  if (destination === undefined ? isSigned : destination !== expected.recipient)
    throw refused(`the response is for ${destination === undefined ? 'no destination' : destination.slice(0, 200)}`, recipientFix(expected));
  checkRequest(attributes.get('InResponseTo'), 'the response', expected);
}

/** Of the assertion, as its signature covers it. Throws `SignInTrouble`. */
export function checkAssertion(assertion: XmlElement, expected: Expected): CheckedAssertion {
  const { nowMs } = expected;
  const id = assertion.attributes.get('ID') ?? '';
  if (id === '' || id.length > bounds.samlIdCharsMax) throw refused('the assertion has no id', versionFix);
  if (assertion.attributes.get('Version') !== '2.0') throw refused('the assertion is of another version than 2.0', versionFix);
  checkIssuer(only(assertion, 'Issuer'), 'the assertion', expected);
  const issuedMs = timeOf(assertion, 'IssueInstant');
  if (issuedMs === null || issuedMs > nowMs + toleranceMs) throw refused('the assertion was issued in the future', clockFix);
  if (issuedMs < nowMs - bounds.samlAssertionMs - toleranceMs) throw refused('the assertion was issued more than a day ago', clockFix);
  const untilMs = checkConditions(only(assertion, 'Conditions'), expected);
  const { nameId, nameIdFormat } = checkSubject(only(assertion, 'Subject'), expected);
  const statements = childrenOf(assertion, names.assertion, 'AuthnStatement');
  if (statements.length === 0) throw refused('the assertion does not say that somebody signed in', statementFix);
  for (const statement of statements) {
    const endMs = timeOf(statement, 'SessionNotOnOrAfter');
    if (endMs !== null && endMs <= nowMs - toleranceMs) throw refused('their session at the provider is over', clockFix);
  }
  return { id, untilMs: untilMs + toleranceMs, nameId, nameIdFormat, attributes: attributesOf(assertion) };
}

function checkConditions(conditions: XmlElement, { audience, nowMs }: Expected): number {
  const fromMs = timeOf(conditions, 'NotBefore');
  const untilMs = timeOf(conditions, 'NotOnOrAfter');
  if (untilMs === null) throw refused('the assertion has no end', 'Let the provider limit its assertions to some minutes (NotOnOrAfter).');
  if (fromMs !== null && fromMs > nowMs + toleranceMs) throw refused('the assertion is not good yet', clockFix);
  if (untilMs <= nowMs - toleranceMs) throw refused('the assertion is over', clockFix);
  if (untilMs > nowMs + bounds.samlAssertionMs + toleranceMs)
    throw refused('the assertion is good for more than a day', 'Let the provider limit its assertions to some minutes (NotOnOrAfter).');
  // A condition that is not understood is one that does not hold (saml-core-2.0-os, 2.5.1.1).
  const unknown = conditions.children.find(
    ({ namespace, name }) => namespace !== names.assertion || !/^(?:AudienceRestriction|OneTimeUse|ProxyRestriction)$/.test(name),
  );
  if (unknown !== undefined) throw refused(`the assertion has the condition ${unknown.name.slice(0, 100)}, which nobody here can check`, versionFix);
  const restrictions = childrenOf(conditions, names.assertion, 'AudienceRestriction');
  const audiences = restrictions.map((one) => childrenOf(one, names.assertion, 'Audience').map(({ text }) => text.trim()));
  if (audiences.length === 0 || audiences.some((some) => !some.includes(audience)))
    throw refused(
      audiences.length === 0 ? 'the assertion names no audience' : `the assertion is for ${audiences.flat().join(', ').slice(0, 300)}`,
      `Let the audience (entity id of the service provider) at the provider be ${audience}`,
    );
  return untilMs;
}

function checkSubject(subject: XmlElement, expected: Expected): { readonly nameId: string; readonly nameIdFormat: string } {
  if (childrenOf(subject, names.assertion, 'EncryptedID').length > 0)
    throw refused('the name id is encrypted by itself', 'Let the provider encrypt the whole assertion, or nothing.');
  const named = only(subject, 'NameID');
  const nameId = named.text.trim();
  if (named.children.length > 0 || nameId === '' || nameId.length > 1_000)
    throw refused('the name id is empty, or no text', 'Let the provider send a name id.');
  const confirmations = childrenOf(subject, names.assertion, 'SubjectConfirmation').filter(({ attributes }) => attributes.get('Method') === names.bearer);
  const troubles = confirmations.map((one) => troubleOf(one, expected));
  // One that holds is enough.
  if (!troubles.includes(null)) throw troubles[0] ?? refused('the assertion is not for whoever bears it', recipientFix(expected));
  return { nameId, nameIdFormat: named.attributes.get('Format') ?? '' };
}

/** Why a confirmation does not hold; null: it does. */
function troubleOf(confirmation: XmlElement, expected: Expected): SignInTrouble | null {
  const { nowMs, recipient } = expected;
  try {
    const data = only(confirmation, 'SubjectConfirmationData');
    const given = data.attributes.get('Recipient');
    if (given !== recipient) return refused(`the assertion is to be shown at ${given?.slice(0, 200) ?? 'no place'}`, recipientFix(expected));
    const untilMs = timeOf(data, 'NotOnOrAfter');
    if (untilMs === null || untilMs <= nowMs - toleranceMs) return refused('the time to show the assertion is over, or not named', clockFix);
    const fromMs = timeOf(data, 'NotBefore');
    if (fromMs !== null && fromMs > nowMs + toleranceMs) return refused('the time to show the assertion is not there yet', clockFix);
    checkRequest(data.attributes.get('InResponseTo'), 'the assertion', expected);
    return null;
  } catch (error) {
    if (error instanceof SignInTrouble) return error;
    throw error;
  }
}

function checkRequest(given: string | undefined, what: string, { requestId }: Expected): void {
  if (given === (requestId ?? undefined)) return;
  throw refused(
    requestId === null ? `${what} answers a request, and none was made` : `${what} answers ${given === undefined ? 'no request' : 'another request'}`,
    'Let them begin anew from the page of the gateway.',
  );
}

function checkIssuer({ text, attributes, children }: XmlElement, what: string, { issuer }: Expected): void {
  const given = text.trim();
  const format = attributes.get('Format');
  if (given !== issuer || children.length > 0 || (format !== undefined && format !== names.entityFormat))
    throw refused(`${what} is by ${given === '' ? 'nobody' : given.slice(0, 200)}`, issuerFix);
}

function attributesOf(assertion: XmlElement): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const friendly = new Map<string, string[]>();
  let count = 0;
  for (const statement of childrenOf(assertion, names.assertion, 'AttributeStatement'))
    for (const attribute of childrenOf(statement, names.assertion, 'Attribute')) {
      const values = childrenOf(attribute, names.assertion, 'AttributeValue')
        .filter(({ children }) => children.length === 0)
        .map(({ text }) => text.trim());
      count += values.length;
      if (count > bounds.samlValuesMax)
        throw new SignInTrouble(
          'groups',
          `there are more than ${bounds.samlValuesMax} values`,
          'Let the provider send only groups that are assigned to the application.',
        );
      // Some providers write one attribute for each value.
      append(found, attribute.attributes.get('Name'), values);
      append(friendly, attribute.attributes.get('FriendlyName'), values);
    }
  for (const [name, values] of friendly) if (!found.has(name)) found.set(name, values);
  return found;
}

function append(into: Map<string, string[]>, name: string | undefined, values: readonly string[]): void {
  if (name === undefined || name === '') return;
  const before = into.get(name);
  if (before === undefined) into.set(name, [...values]);
  else before.push(...values);
}

function only(element: XmlElement, name: string): XmlElement {
  const [found, ...more] = childrenOf(element, names.assertion, name);
  if (found === undefined || more.length > 0) throw refused(`${element.name} has ${found === undefined ? 'no' : 'more than one'} ${name}`, versionFix);
  return found;
}

/** Milliseconds; null: it is not there. What is there and is no time of UTC is refused. */
function timeOf({ attributes }: XmlElement, name: string): number | null {
  const text = attributes.get(name);
  if (text === undefined) return null;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw refused(`${name} is no time`, versionFix);
  return ms;
}

const statementFix = 'Let the provider put an AuthnStatement into the assertion (Keycloak: Include AuthnStatement).';
const versionFix = 'Ask whoever runs the provider: the assertion is not as SAML 2.0 (web browser SSO) has it.';
const clockFix = 'Set the clocks of this machine and the provider (NTP), and let them begin anew.';
const issuerFix = 'Correct issuer: it is the entity id of the provider, letter for letter.';

function recipientFix({ recipient }: Expected): string {
  return `Let the address of the assertion consumer service (ACS, single sign-on URL) at the provider be ${recipient}`;
}

function refused(reason: string, fix: string): SignInTrouble {
  return new SignInTrouble('assertion', reason, fix);
}
