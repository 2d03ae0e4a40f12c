/** `auth` of routes and of addresses of many servers, as it is written. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { credentialTypes } from '../kernel/route-auth.ts';
import { text } from './schema-parts.ts';

export const issuerNamePattern = /^[a-z0-9][a-z0-9_-]{0,31}$/;
export const issuerName = text(issuerNamePattern, 'must be 1 to 32 lower-case letters, digits, "-" or "_", beginning with a letter or digit');

const typeError = `must be none, ${credentialTypes.join(' or ')}, or a list of what is taken, such as [apiKey, jwt]`;

const credentials = z
  .array(z.enum(credentialTypes, { error: typeError }), { error: typeError })
  .min(1, { error: 'must name what is taken; none opens it to everyone who reaches the address' })
  .max(credentialTypes.length, { error: 'must name each once' });

export const routeAuth = z.strictObject({
  type: z
    .union([z.enum(['none', ...credentialTypes]), credentials], { error: typeError })
    .describe(
      '`apiKey`: callers send an API key; `jwt`: a token of one of `identity.issuers`; `oauth`: one that the gateway has given a client (`identity.authorization_server`); `mtls`: a client certificate of one of `identity.certificates`; a list: any of them; `none`: everyone who reaches the address.',
    ),
  issuers: z
    .array(issuerName, { error: 'must be a list of names of issuers' })
    .min(1, { error: 'must name an issuer, or be left out' })
    .max(bounds.issuersMax)
    .optional()
    .describe('Names of the issuers whose tokens are taken. Default: every one.'),
});
