import type { SamlProviderData } from '../provider-data.ts';
import { readClaims } from '../read-claims.ts';
import { SignInTrouble } from '../sign-in-trouble.ts';
import type { VerifiedIdentity } from '../verified-identity.ts';
import type { CheckedAssertion } from './check-assertion.ts';
import { names } from './saml-names.ts';

/** What providers call the same thing, the commonest first: so that nobody has to name it who uses one of them. */
const spellings = {
  email: [
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
    'mail',
    'urn:oid:0.9.2342.19200300.100.1.3',
    'Email',
    'emailAddress',
    'User.email',
  ],
  name: [
    'http://schemas.microsoft.com/identity/claims/displayname',
    'displayName',
    'urn:oid:2.16.840.1.113730.3.1.241',
    'cn',
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
  ],
  groups: [
    'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups',
    'http://schemas.xmlsoap.org/claims/Group',
    'memberOf',
    'urn:oid:1.3.6.1.4.1.5923.1.5.1.1',
    'Groups',
    'Role',
  ],
} as const;

/** Where Entra ID says that the groups are too many. */
const groupsElsewhere = 'http://schemas.microsoft.com/claims/groups.link';

/** Who an assertion is of: its name id is the claim `name_id`, its attributes are claims by their names. Throws `SignInTrouble`. */
export function readAttributes(provider: SamlProviderData, { nameId, nameIdFormat, attributes }: CheckedAssertion): VerifiedIdentity {
  const { subject } = provider.claims;
  if (attributes.has(groupsElsewhere))
    throw new SignInTrouble(
      'groups',
      'the provider left the groups out, for they are too many for an assertion',
      'Let the provider send only groups that are assigned to the application.',
    );
  if (subject === 'name_id' && nameIdFormat === names.transient)
    throw new SignInTrouble(
      'identity',
      'the name id is another one at each sign-in (transient)',
      'Let the provider send a persistent name id, or name an attribute in claims.subject that tells people apart.',
    );
  const claims: [string, unknown][] = [...attributes].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  for (const [name, known] of Object.entries(spellings)) {
    const found = attributes.has(name) ? undefined : known.find((one) => attributes.has(one));
    if (found !== undefined) claims.push([name, attributes.get(found)?.length === 1 ? attributes.get(found)?.[0] : attributes.get(found)]);
    else if (name === 'email' && !attributes.has(name) && nameIdFormat === names.emailFormat) claims.push([name, nameId]);
  }
  // An attribute of that name is not the name id.
  claims.push(['name_id', nameId], ['name_id_format', nameIdFormat]);
  return readClaims(provider, Object.fromEntries(claims));
}
