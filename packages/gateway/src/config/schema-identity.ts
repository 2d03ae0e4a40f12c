/** `identity` as it is written: who vouches for callers that have no API key. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { callerEntry, entryId, mostOf, organizationOf } from './schema-callers.ts';
import { certificatesSchema } from './schema-certificates.ts';
import { authorizationServerSchema } from './schema-authorization-server.ts';
import { durationText } from '../kernel/duration-text.ts';
import { signatureAlgorithms, tokenTypes } from '../kernel/token-terms.ts';
import { day, duration, list, section, strict, text } from './schema-parts.ts';
import { providersSchema } from './schema-providers.ts';
import { issuerName } from './schema-route-auth.ts';
import { allowAddresses, authoritiesFile } from './schema-upstream.ts';

const issuerError = 'must be the https:// address by which the issuer calls itself (iss), without query and fragment';
const issuerUrl = z
  .string({ error: issuerError })
  .max(2048, { error: issuerError })
  .refine((one) => isPlace(one) && !/[?#]/.test(one), { error: issuerError });

function isPlace(one: string): boolean {
  return /^https?:$/.test(URL.parse(one)?.protocol ?? '');
}

const placeError = 'must be an https:// address';
const word = z.string({ error: 'must be text' }).min(1).max(512);
const claimName = z
  .string({ error: 'must be the name of a claim' })
  .min(1, { error: 'must be the name of a claim' })
  .max(200)
  .refine((one) => !/\p{Cc}/u.test(one), { error: 'must be the name of a claim' });
const callerRule = strict({
  claims: z
    .record(claimName, word, { error: 'must be a map of claims to text' })
    .refine((claims) => Object.keys(claims).length > 0 && Object.keys(claims).length <= 20, { error: 'must name 1 to 20 claims' })
    .meta({
      description: 'Claims that the token must have, by name or path (`realm_access.roles`); `*` stands for any text. Of a list one must fit.',
      examples: [{ sub: 'system:serviceaccount:prod:indexer' }],
    }),
  ...callerEntry,
});

const mapping = strict({
  group: z
    .string({ error: 'must be text' })
    .min(1)
    .max(255)
    .meta({ description: 'A value of the claims in `claims.groups`, letter for letter.', examples: ['engineering'] }),
  teams: list(entryId, 100).meta({ description: 'Ids of the teams that whoever has it belongs to.', examples: [['team_platform']] }),
  roles: list(entryId, 100).meta({ description: 'Ids of the roles that whoever has it holds.', examples: [['developer']] }),
});

const issuer = strict({
  name: issuerName.meta({ description: 'Name of the issuer, for records and `auth.issuers`.', examples: ['okta'] }),
  organization: organizationOf('callers it vouches for'),
  issuer: issuerUrl.meta({ description: 'What its tokens say in `iss`, letter for letter.', examples: ['https://acme.okta.com/oauth2/default'] }),
  audience: z
    .union([word, z.array(word).min(1).max(20)], { error: 'must be text, or a list of texts' })
    .meta({ description: 'What a token must say in `aud`, letter for letter; of several one.', examples: ['https://gateway.example/mcp'] }),
  jwks_url: z
    .string({ error: placeError })
    .max(2048)
    .refine(isPlace, { error: placeError })
    .optional()
    .meta({
      description: "Where its keys are. Default: where the issuer's metadata says (OpenID Connect Discovery, RFC 8414).",
      examples: ['https://acme.okta.com/oauth2/default/v1/keys'],
    }),
  algorithms: z
    .array(z.enum(signatureAlgorithms, { error: `must be of ${signatureAlgorithms.join(', ')}` }), { error: 'must be a list' })
    .min(1, { error: 'must name an algorithm' })
    .default(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])
    .meta({ description: 'Signatures that are taken. Those with a shared secret (HS…) never are.', examples: [['RS256']] }),
  token_types: z
    .array(z.enum(tokenTypes, { error: `must be of ${tokenTypes.join(', ')}` }), { error: 'must be a list' })
    .min(1, { error: 'must name a type' })
    .default(['at+jwt', 'JWT'])
    .meta({
      description: 'What the header `typ` of a token may say; `none`: there is none. With [at+jwt] alone no other token passes for an access token.',
      examples: [['at+jwt']],
    }),
  authorized_parties: z
    .array(word, { error: 'must be a list' })
    .min(1, { error: 'must name a client, or be left out' })
    .max(200)
    .optional()
    .meta({ description: 'Clients that a token may have been made for (`azp`, `client_id`, `cid` or `appid`). Default: any.', examples: [['0oa1b2c3']] }),
  required_claims: z
    .record(claimName, z.union([z.string().max(512), z.number(), z.boolean()], { error: 'must be text, a number, true or false' }), {
      error: 'must be a map of claims to values',
    })
    .default({})
    .meta({ description: 'What else a token must say, by name or path of the claim; of a list one value must be it.', examples: [{ tid: '2b4e…' }] }),
  max_age: duration(60_000, 7 * day)
    .default(durationText(day))
    .meta({ description: 'How long after it was issued (`iat`) a token is taken at most, whatever it says itself.', examples: ['1h'] }),
  allow_addresses: allowAddresses.meta({
    description: 'Networks that its metadata and keys may come from although they are private, of this machine or reserved; only there http:// is asked.',
    examples: [['10.20.0.0/16']],
  }),
  ca: authoritiesFile,
  callers: list(callerRule, 1000).meta({
    description: 'Which tokens are of which user, service account or agent of the directory; the first that fits. It has to be there.',
  }),
  provision: z
    .enum(['none', 'required', 'just_in_time'], { error: 'must be none, required or just_in_time' })
    .default('required')
    .meta({
      description:
        'What becomes of people, whom no entry of `callers` fits. `required`: they must be users of the directory; `just_in_time`: they are made users when they first come; `none`: nobody else may come.',
      examples: ['just_in_time'],
    }),
  claims: section(
    strict({
      subject: claimName.default('sub').meta({ description: 'The claim that tells one person from every other, for ever.', examples: ['oid'] }),
      email: claimName.default('email').meta({ description: 'Their e-mail address.', examples: ['upn'] }),
      name: claimName.default('name').meta({ description: 'Their name.', examples: ['name'] }),
      groups: z
        .array(claimName, { error: 'must be a list of claims' })
        .max(10)
        .default(['groups', 'roles'])
        .meta({ description: 'Claims whose values `mapping` is about: lists, or text with spaces between.', examples: [['groups', 'realm_access.roles']] }),
    }),
  ).meta({ description: 'Where a token says who a person is, by name or path of the claim.' }),
  link_by_email: z
    .boolean({ error: 'must be true or false' })
    .optional()
    .meta({
      description: 'Whether whoever first comes with the verified address of a user is that user. Default: true with provision: required, else false.',
      examples: [true],
    }),
  email_verified: z
    .enum(['required', 'assumed'], { error: 'must be required or assumed' })
    .default('required')
    .meta({
      description: '`required`: an address counts with `email_verified: true` alone; `assumed`: always, where all addresses of the issuer are its own.',
      examples: ['assumed'],
    }),
  domains: z
    .array(text(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be a domain in lower case'), { error: 'must be a list of domains' })
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Domains of addresses that it is believed. Default: any.', examples: [['acme.example']] }),
  allowed_groups: z
    .array(word, { error: 'must be a list' })
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'People must have one of these values in the claims of `claims.groups`. Default: none is needed.', examples: [['gateway-users']] }),
  first_roles: list(entryId, 20).meta({
    description: 'Ids of roles that people have who are made users. Without any, and without mapping, they may do nothing.',
    examples: [['developer']],
  }),
  mapping: list(mapping, 1000).meta({ description: 'Teams and roles that people are given by their groups, and lose with them.' }),
  ...mostOf('issuer'),
  control_api: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({
      description:
        'Whether its callers may use the control API, within their roles and `actions`, which names permissions then. Give tokens for it an audience of their own.',
      examples: [true],
    }),
});

export type IssuerEntry = z.output<typeof issuer>;

export const identitySchema = section(
  strict({
    issuers: list(issuer, bounds.issuersMax).meta({
      description: 'Issuers of signed tokens (JWT) that routes with `auth: { type: jwt }` take.',
    }),
    certificates: section(certificatesSchema).meta({
      description: 'Who vouches for callers by client certificates (mTLS), for addresses with `auth: { type: mtls }`.',
    }),
    providers: providersSchema,
    authorization_server: authorizationServerSchema.optional().meta({
      description:
        'The gateway signs MCP clients in by itself: a client that knows only the address asks its person in the browser, and gets tokens that are good there. Addresses take them by auth: { type: oauth }. Without this section it gives out none.',
      examples: [{ dynamic_registration: true }],
    }),
  }),
).meta({ description: 'Who vouches for callers that have no API key, and for people.' });
