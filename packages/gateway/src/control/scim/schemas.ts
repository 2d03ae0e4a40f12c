/** What the gateway keeps of users and groups that identity providers send, as RFC 7643 section 7 describes attributes. The documents at `/Schemas`, the reading of bodies, PATCH and filters go by it. */

export interface ScimAttribute {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex';
  readonly description: string;
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable';
  readonly returned: 'always' | 'default';
  readonly uniqueness: 'none' | 'server';
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly ScimAttribute[];
}

export interface ScimSchema {
  readonly urn: string;
  readonly name: 'User' | 'Group';
  /** As in paths. */
  readonly plural: 'Users' | 'Groups';
  readonly description: string;
  readonly attributes: readonly ScimAttribute[];
  /** Of the standard, or of many clients: taken without a word and not kept. In lower case. */
  readonly unkept: ReadonlySet<string>;
}

const plain = {
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
} as const;

function text(name: string, description: string, more: Partial<ScimAttribute> = {}): ScimAttribute {
  return { ...plain, name, description, ...more };
}

/** What all resources have (RFC 7643 section 3.1); not part of their schemas. */
export const commonAttributes: readonly ScimAttribute[] = [
  text('id', 'The id that the gateway gave it.', { caseExact: true, mutability: 'readOnly', returned: 'always', uniqueness: 'server' }),
  text('externalId', 'How the provider calls it.', { caseExact: true }),
  text('meta', 'When it was made and changed.', {
    type: 'complex',
    mutability: 'readOnly',
    subAttributes: [
      text('resourceType', 'User or Group.', { caseExact: true, mutability: 'readOnly' }),
      text('created', 'When it was made.', { type: 'dateTime', mutability: 'readOnly' }),
      text('lastModified', 'When it was changed last.', { type: 'dateTime', mutability: 'readOnly' }),
      text('location', 'Its address.', { type: 'reference', caseExact: true, mutability: 'readOnly' }),
      text('version', 'Its ETag.', { caseExact: true, mutability: 'readOnly' }),
    ],
  }),
  text('schemas', 'What it is.', { type: 'reference', multiValued: true, caseExact: true, mutability: 'readOnly', returned: 'always' }),
];

export const userSchema: ScimSchema = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  plural: 'Users',
  description: 'A user of the directory of the organization.',
  attributes: [
    text('userName', 'The name that the provider knows the user by; no two users of a provider have the same.', { required: true, uniqueness: 'server' }),
    text('name', 'The parts of their name.', {
      type: 'complex',
      subAttributes: [text('formatted', 'The whole name.'), text('familyName', 'The family name.'), text('givenName', 'The given name.')],
    }),
    text('displayName', 'Their name in the directory; without it the parts of `name` are, or `userName`.'),
    text('active', 'False: the user is switched off: their sessions end, their keys and what they allowed others is refused, calls under way end.', {
      type: 'boolean',
    }),
    text('emails', 'Their addresses. One of a domain that the provider speaks for becomes the address in the directory: the primary one, else the first.', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        text('value', 'The address.'),
        text('display', 'How it is shown.'),
        text('type', 'What it is for.', { canonicalValues: ['work', 'home', 'other'] }),
        text('primary', 'Whether it is the one to use.', { type: 'boolean' }),
      ],
    }),
    text('groups', 'The groups that the provider has put them into.', {
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      subAttributes: [
        text('value', 'The id of the group.', { caseExact: true, mutability: 'readOnly' }),
        text('$ref', 'Its address.', { type: 'reference', caseExact: true, mutability: 'readOnly', referenceTypes: ['Group'] }),
        text('display', 'Its name.', { mutability: 'readOnly' }),
        text('type', 'Always direct.', { mutability: 'readOnly', canonicalValues: ['direct'] }),
      ],
    }),
  ],
  unkept: new Set([
    'nickname',
    'profileurl',
    'title',
    'usertype',
    'preferredlanguage',
    'locale',
    'timezone',
    'password',
    'phonenumbers',
    'ims',
    'photos',
    'addresses',
    'entitlements',
    'roles',
    'x509certificates',
    'middlename',
    'honorificprefix',
    'honorificsuffix',
  ]),
};

export const groupSchema: ScimSchema = {
  urn: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  plural: 'Groups',
  description: 'A group of the provider; what it gives its members, the mapping of the provider says.',
  attributes: [
    text('displayName', 'The name that the mapping of the provider names it by; no two groups of a provider have the same.', {
      required: true,
      uniqueness: 'server',
    }),
    text('members', 'The users in it.', {
      type: 'complex',
      multiValued: true,
      subAttributes: [
        text('value', 'The id of the user.', { caseExact: true, mutability: 'immutable' }),
        text('$ref', 'The address of the user.', { type: 'reference', caseExact: true, mutability: 'immutable', referenceTypes: ['User'] }),
        text('type', 'Always User.', { mutability: 'immutable', canonicalValues: ['User'] }),
      ],
    }),
  ],
  unkept: new Set(['description', 'display']),
};

export const scimSchemas: readonly ScimSchema[] = [userSchema, groupSchema];

/** The attribute of that name in any letter case. */
export function attributeNamed(attributes: readonly ScimAttribute[], name: string): ScimAttribute | null {
  const lower = name.toLowerCase();
  return attributes.find((attribute) => attribute.name.toLowerCase() === lower) ?? null;
}

/** All that a resource of the schema has. */
export function allAttributes(schema: ScimSchema): readonly ScimAttribute[] {
  return [...commonAttributes, ...schema.attributes];
}
