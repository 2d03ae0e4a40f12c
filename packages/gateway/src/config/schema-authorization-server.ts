/** `identity.authorization_server` of gateway.yaml: how the gateway signs MCP clients in. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { isDocumentId } from '../kernel/document-id.ts';
import { refusedRedirectUri } from '../kernel/redirect-uri.ts';
import { day, duration, hour, list, section, strict, text } from './schema-parts.ts';
import { allowAddresses, authoritiesFile } from './schema-upstream.ts';

const minute = 60_000;
const clientIdError = 'must be 1 to 128 letters, digits, ".", "_", "~" or "-", or the https address of a document';
const redirectError = 'must be an https:// address, http:// on loopback, or one with a scheme of the client’s own';

const oauthClient = strict({
  client_id: z
    .string({ error: clientIdError })
    .refine((id) => /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/.test(id) || isDocumentId(id), { error: clientIdError })
    .meta({
      description: 'Name by which the client says who it is. The address of a document is not fetched where it stands here: what the entry says holds.',
      examples: ['build-bot', 'https://claude.ai/oauth/claude-code-client-metadata'],
    }),
  name: text(/^[^\p{Cc}]{1,100}$/u, 'must be 1 to 100 characters').meta({
    description: 'What people read of it when they are asked.',
    examples: ['Claude Code'],
  }),
  redirect_uris: z
    .array(
      z.string({ error: redirectError }).refine((uri) => refusedRedirectUri(uri) === null, { error: redirectError }),
      { error: 'must be a list' },
    )
    .min(1, { error: 'must name an address' })
    .max(50)
    .meta({
      description: 'Where it may be answered, character by character; of a loopback address the port may be any.',
      examples: [['http://localhost/callback', 'https://client.example/oauth/callback']],
    }),
  secret_sha256: text(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex: printf %s "$SECRET" | sha256sum')
    .optional()
    .meta({
      description: 'SHA-256 of its secret, in hex, where it has one: a secret of at least 32 random characters. Without it the client is a public one.',
      examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    }),
});

export const authorizationServerSchema = strict({
  clients: list(oauthClient, 200).meta({ description: 'Clients that the operator vouches for.' }),
  client_documents: section(
    strict({
      enabled: z
        .boolean({ error: 'must be true or false' })
        .default(true)
        .meta({
          description:
            'Take clients whose id is the https address of a document about them (OAuth Client ID Metadata Document). It is fetched when somebody who has signed in is asked.',
          examples: [true],
        }),
      allow_addresses: allowAddresses.meta({
        description:
          'Networks that documents may lie in although they are private, of this machine or reserved; with any, addresses with a port are asked too.',
        examples: [['10.20.0.0/16']],
      }),
      ca: authoritiesFile.meta({
        description: 'File of the certificate authorities to trust for them, in PEM, in the place of the public ones.',
        examples: ['./ca.pem'],
      }),
    }),
  ).meta({ description: 'Clients that describe themselves.' }),
  dynamic_registration: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({
      description: `Let any client register itself (RFC 7591), ${bounds.registeredClientsMax} at most. Older clients know no other way; newer ones have a document.`,
      examples: [true],
    }),
  control_api: z
    .boolean({ error: 'must be true or false' })
    .default(true)
    .meta({
      description:
        'Give out tokens for the control API (`/v1`), too: to `gateway login` and to `clients`, never to clients that nobody vouches for. They may what their person may, of what they were allowed.',
      examples: [false],
    }),
  access_token_ttl: duration(minute, hour)
    .default('10m')
    .meta({ description: 'How long an access token is good. A revoked one is refused at once, whatever its time.', examples: ['10m'] }),
  refresh_token_ttl: duration(hour, 365 * day)
    .default('30d')
    .meta({ description: 'After how long without use a client has to ask its person again.', examples: ['30d'] }),
});

export type AuthorizationServerEntry = z.output<typeof authorizationServerSchema>;
