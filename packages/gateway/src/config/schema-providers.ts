/** `identity.providers` as it is written: by whom people sign in. */
import { z } from 'zod';
import { providerPresets } from '../kernel/provider-presets.ts';
import { bounds } from '../kernel/bounds.ts';
import { entryId, organizationOf } from './schema-callers.ts';
import { list, secretReference, section, serverName, strict, text } from './schema-parts.ts';
import { allowAddresses, authoritiesFile } from './schema-upstream.ts';

const issuerError = 'must be the name by which the provider calls itself (issuer, entity id)';
const issuer = z
  .string({ error: issuerError })
  .min(1, { error: issuerError })
  .max(1024, { error: issuerError })
  .refine((one) => !/[\s\p{Cc}]/u.test(one), { error: issuerError });
const claimName = z.string({ error: 'must be the name of a claim' }).min(1, { error: 'must be the name of a claim' }).max(200);
const word = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' }).max(512);

const mapping = strict({
  group: word.meta({ description: 'A group as the provider names it, letter for letter: of Entra ID its object id.', examples: ['engineering'] }),
  teams: list(entryId, bounds.directoryLinksMax).meta({ description: 'Ids of teams that whoever is in it belongs to.', examples: [['payments']] }),
  roles: list(entryId, bounds.directoryLinksMax).meta({ description: 'Ids of roles that whoever is in it has.', examples: [['developer']] }),
});

const saml = strict({
  metadata: z
    .string({ error: 'must be the path of a file, or an https:// address' })
    .min(1)
    .max(2048)
    .meta({
      description: 'The metadata of the provider, a file or an address that is asked again and again: where people sign in, and its certificates.',
      examples: ['https://acme.okta.com/app/exk1/sso/saml/metadata'],
    }),
  entity_id: issuer.optional().meta({
    description: 'Our entity id, as the provider has it. Default: the address of our metadata, `…/v1/auth/sso/saml/metadata?provider=NAME`.',
    examples: ['urn:acme:gatewayops'],
  }),
  key: secretReference.optional().meta({
    description: 'Where our private key is kept, in PEM (RSA): requests are signed with it, and assertions decrypted. Without one neither.',
  }),
  certificate: z
    .string({ error: 'must be the path of a PEM file' })
    .min(1)
    .max(4096)
    .optional()
    .meta({ description: 'File of the certificate of `key`, in PEM. Our metadata have it.', examples: ['./gateway-saml.pem'] }),
  idp_initiated: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({
      description: 'Whether people may come from the pages of the provider. Whoever is sent there by a stranger then may come in as the stranger.',
      examples: [true],
    }),
});

const provider = strict({
  name: serverName.meta({ description: 'Name of the provider: part of links to it (`/v1/auth/sso/oidc/authorize?provider=okta`).', examples: ['okta'] }),
  title: text(/^[^\p{Cc}]{1,60}$/u, 'must be 1 to 60 characters')
    .optional()
    .meta({ description: 'What people read on the button. Default: that of the preset.', examples: ['Acme'] }),
  organization: organizationOf('people it signs in'),
  type: z
    .enum(['oidc', 'saml'], { error: 'must be oidc or saml' })
    .default('oidc')
    .meta({ description: 'OpenID Connect, or SAML 2.0 with what `saml` says.', examples: ['saml'] }),
  preset: z
    .enum(providerPresets, { error: `must be one of ${providerPresets.join(', ')}` })
    .default('custom')
    .meta({ description: 'What kind of provider it is: which form its issuer has, which scopes and claims it knows.', examples: ['okta'] }),
  issuer: issuer.meta({
    description: 'Its issuer, letter for letter; it is asked for its discovery document there. Of SAML its entity id.',
    examples: ['https://acme.okta.com'],
  }),
  client_id: word.optional().meta({ description: 'Id of the application at the provider, which OpenID Connect needs.', examples: ['0oa1b2c3d4'] }),
  client_secret: secretReference.optional().meta({ description: 'Where its secret is kept. Without one it is a public client, protected by PKCE alone.' }),
  scopes: z
    .array(text(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'must be the name of a scope'), { error: 'must be a list' })
    .max(50)
    .optional()
    .meta({
      description: 'Scopes that are asked for beside openid. Default: profile, email, and what the preset needs for groups.',
      examples: [['profile', 'email', 'groups']],
    }),
  response_mode: z
    .enum(['query', 'form_post'], { error: 'must be query or form_post' })
    .default('query')
    .meta({ description: 'How the provider answers: in the address, or in a form that the browser posts, which needs TLS here.', examples: ['form_post'] }),
  callback: z
    .enum(['own', 'shared'], { error: 'must be own or shared' })
    .optional()
    .meta({
      description:
        'Redirect URI at the provider. `own`, the default: `…/v1/auth/sso/oidc/callback/NAME`; `shared`: `…/v1/auth/sso/oidc/callback`, for one provider that was registered so.',
      examples: ['shared'],
    }),
  saml: saml.optional().meta({ description: 'What `type: saml` needs.' }),
  domains: list(text(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be a domain in lower case'), 200).meta({
    description: 'Domains whose addresses lead to it, and of which alone it is believed that an address is verified. Default: of any, and none leads to it.',
    examples: [['acme.example']],
  }),
  enforce: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({
      description:
        'Nobody with an address of its domains comes in by another provider or by an invitation. Test it before: `gateway identity test NAME`. The one-time link of `gateway admin link` stays.',
      examples: [true],
    }),
  claims: section(
    strict({
      subject: claimName
        .optional()
        .meta({ description: 'What tells one person from every other, for ever. Default: sub; of SAML the name id (name_id).', examples: ['oid'] }),
      email: claimName.default('email').meta({ description: 'Their address.', examples: ['upn'] }),
      name: claimName.default('name').meta({ description: 'Their name.', examples: ['name'] }),
      groups: z
        .array(claimName, { error: 'must be a list of claims' })
        .max(10)
        .optional()
        .meta({ description: 'Claims that name their groups, by name or path. Default: those of the preset.', examples: [['groups', 'realm_access.roles']] }),
    }),
  ).meta({ description: 'Where the provider says who somebody is, by name or path of the claim.' }),
  email_verified: z
    .enum(['required', 'assumed'], { error: 'must be required or assumed' })
    .default('required')
    .meta({
      description:
        '`required`: an address counts where the provider says that it is verified; `assumed`: always, where all its addresses are its own (Entra ID and SAML say nothing of it).',
      examples: ['assumed'],
    }),
  link_by_email: z
    .boolean({ error: 'must be true or false' })
    .optional()
    .meta({
      description: 'Whether whoever first comes with the verified address of a user is that user. Default: true where there are domains.',
      examples: [true],
    }),
  provision: z
    .enum(['required', 'just_in_time'], { error: 'must be required or just_in_time' })
    .default('required')
    .meta({
      description: '`required`: people must be users of the directory; `just_in_time`: they are made users when they first come.',
      examples: ['just_in_time'],
    }),
  allowed_groups: z
    .array(word, { error: 'must be a list' })
    .min(1, { error: 'must name a group, or be left out' })
    .max(200)
    .optional()
    .meta({ description: 'Groups of which one is needed to come in. Default: none is.', examples: [['gateway-users']] }),
  first_roles: list(entryId, 20).meta({
    description: 'Ids of roles of people who are made users. Without any, and without mapping, they may do nothing.',
    examples: [['viewer']],
  }),
  mapping: list(mapping, bounds.groupMappingsMax).meta({
    description: 'Teams and roles that people are given by their groups, and lose with them, at each sign-in. What no row names stays as it is.',
  }),
  allow_addresses: allowAddresses.meta({
    description: 'Networks in which the provider may be asked although they are private, of this machine or reserved; only there http:// is asked.',
    examples: [['10.20.0.0/16']],
  }),
  ca: authoritiesFile,
});

export type ProviderEntry = z.output<typeof provider>;

export const providersSchema = list(provider, bounds.identityProvidersMax).meta({
  description: 'Identity providers that people sign in by, in the browser at `/sign-in` (docs/guides/sign-in.md).',
});
