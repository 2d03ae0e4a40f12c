/**
 * gateway.yaml as it is written: names, shapes, bounds and defaults, each described beside its field. Strict: a key that
 * is not here is a fault. What a value means is made in `build-config.ts`; what needs the machine or other values is
 * checked in `check-config.ts`. Published as JSON Schema by `json-schema.ts`.
 */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { durationText } from '../kernel/duration-text.ts';
import { sizeText } from './quantities.ts';
import { parseListenAddress } from './listen-address.ts';
import { auditSchema } from './schema-audit.ts';
import { backupSchema } from './schema-backup.ts';
import { listenTls } from './schema-listen-tls.ts';
import {
  credential,
  duration,
  hour,
  KiB,
  list,
  MiB,
  secretReference,
  section,
  serverName,
  serverUrl,
  size,
  strict,
  text,
  toolName,
  whole,
  webSocketUrl,
} from './schema-parts.ts';
import { httpReach, reach, targetsOrUrl } from './schema-upstream.ts';
import { aggregateSchema, virtualServersSchema } from './schema-endpoints.ts';
import { cacheSchema } from './schema-cache.ts';
import { telemetrySchema } from './schema-telemetry.ts';
import { accessSchema } from './schema-access.ts';
import { identitySchema } from './schema-identity.ts';
import { policiesSchema } from './schema-policies.ts';
import { managedByApiSchema } from './schema-managed.ts';
import { routeAuth } from './schema-route-auth.ts';
import { recordSchema } from './schema-record.ts';
import { transformsSchema } from './schema-transforms.ts';

const priceError = 'must be an amount from 0 to 9007199 with at most 9 decimals';
const price = z
  .union([z.number().min(0, { error: priceError }).lt(9_007_200, { error: priceError }), z.string().regex(/^\d{1,7}(\.\d{1,9})?$/, { error: priceError })], {
    error: priceError,
  })
  .optional();

const prices = {
  per_call: price.meta({ description: 'Price of one call.', examples: [0.001] }),
  per_token_input: price.meta({ description: 'Price of one token of input, as far as the server reports tokens.', examples: [0.00001] }),
  per_token_output: price.meta({ description: 'Price of one token of output, as far as the server reports tokens.', examples: [0.00003] }),
  per_second: price.meta({ description: 'Price of one second that a call takes, counted to the microsecond.', examples: [0.0005] }),
};

const serverBase = {
  name: serverName
    .refine((name) => name !== 'v', { error: 'must not be "v": /mcp/v/… belongs to virtual servers' })
    .meta({ description: 'Name of the server: part of its address and of the scopes of keys.', examples: ['search'] }),
  organizations: z
    .array(text(/^(?:\*|org_[A-Za-z0-9][A-Za-z0-9_-]{0,58})$/, 'must be the id of an organization, such as org_acme, or "*" for every one'))
    .min(1, { error: 'must name an organization' })
    .max(bounds.organizationsMax)
    .optional()
    .meta({
      description:
        "Organizations that the server is offered to: their own policies then say who of them may use it; to all others it is not there. Default: the gateway's own, org_default.",
      examples: [['org_default', 'org_acme']],
    }),
  timeout: duration(100, hour)
    .default(durationText(bounds.upstreamTimeoutMs))
    .meta({ description: 'How long the gateway waits for the server: for an answer, or for the next event of a stream.', examples: ['30s'] }),
  connections_max: whole(1, 10_000)
    .default(bounds.upstreamConnectionsMax)
    .meta({ description: 'Most connections that a worker opens to this server, and to each of its targets.', examples: [100] }),
  renew_sessions: z
    .boolean({ error: 'must be true or false' })
    .default(true)
    .meta({
      description:
        'A session of a client before 2026-07-28 that the server has lost is begun anew without the client knowing; false: its client gets 404. For servers whose sessions hold what only the client can set up again.',
      examples: [false],
    }),
  reported_cost_max: price.meta({
    description:
      'Trusts the server to say in a result what the call cost (`_meta` key `io.gatewayops/cost`), up to this amount. Without it the price list alone says so.',
    examples: [0.5],
  }),
  ...reach,
};

const httpServer = strict({
  ...serverBase,
  transport: z
    .literal('http')
    .optional()
    .meta({ description: 'Streamable HTTP, the default.', examples: ['http'] }),
  url: serverUrl.optional().meta({ description: 'Address of the MCP endpoint, without credentials in it.', examples: ['https://search.example/mcp'] }),
  credential: credential.optional(),
  ...httpReach,
})
  .superRefine(targetsOrUrl)
  // The same for programs that read the published schema.
  .meta({ allOf: [{ oneOf: [{ required: ['url'] }, { required: ['targets'] }] }] });

const argument = z
  .string({ error: 'must be text; quote it' })
  .max(32 * KiB)
  .refine((one) => !one.includes('\0'), { error: 'must not hold a NUL' });

const stdioServer = strict({
  ...serverBase,
  transport: z.literal('stdio').meta({ description: 'A program that the gateway runs and speaks to by its standard streams.', examples: ['stdio'] }),
  command: z
    .array(argument, { error: 'must be a list: the program and each of its arguments (no shell reads it)' })
    .min(1, { error: 'must name a program' })
    .max(256, { error: 'must have at most 256 entries' })
    .refine(([program]) => program !== '', { error: 'must name a program' })
    .meta({
      description:
        'An argv, never a shell line. A program with a "/" is relative to the configuration file; a bare name is searched in node_modules/.bin upwards of `cwd` and in PATH.',
      examples: [['npx', '-y', '@modelcontextprotocol/server-everything']],
    }),
  env: z
    .record(
      text(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'must be a name of letters, digits and "_"'),
      z
        .union([argument, secretReference], { error: 'must be text or a reference to a secret; quote numbers, true and false' })
        .meta({ description: 'Text, or where a secret is kept.', examples: ['8080'] }),
      { error: 'must be a map of names to values' },
    )
    .default({})
    .meta({
      description: "Environment of the program, beside PATH, HOME and LANG. Nothing else of the gateway's own environment is passed.",
      examples: [{ LANG: 'C.UTF-8' }],
    }),
  cwd: z
    .string({ error: 'must be the path of a folder' })
    .min(1, { error: 'must be the path of a folder' })
    .max(4096)
    .default('.')
    .meta({ description: 'Folder in which the program runs; relative to the configuration file.', examples: ['./files'] }),
  processes: z
    .enum(['session', 'shared'], { error: 'must be session or shared' })
    .default('session')
    .meta({
      description: '`session`: one process for each MCP session; `shared`: one for all, for programs that keep no state of a client.',
      examples: ['session'],
    }),
});

const webSocketServer = strict({
  ...serverBase,
  transport: z.literal('websocket').meta({ description: 'WebSocket with the subprotocol `mcp`.', examples: ['websocket'] }),
  url: webSocketUrl.meta({ description: 'Address of the MCP endpoint, without credentials in it.', examples: ['wss://search.example/mcp'] }),
  credential: credential.optional(),
  tls: httpReach.tls,
  allow_addresses: httpReach.allow_addresses,
});

const sseServer = strict({
  ...serverBase,
  transport: z.literal('sse').meta({ description: 'HTTP+SSE of 2024-11-05, which newer servers no longer speak.', examples: ['sse'] }),
  url: serverUrl.meta({ description: 'Address of the stream, without credentials in it.', examples: ['https://search.example/sse'] }),
  credential: credential.optional(),
  tls: httpReach.tls,
  allow_addresses: httpReach.allow_addresses,
});

const server = z.discriminatedUnion('transport', [httpServer, stdioServer, webSocketServer, sseServer], {
  error: ({ code }) => (code === 'invalid_union' ? 'must be http, stdio, websocket or sse' : 'must be a map of settings'),
});

const route = strict({
  server: serverName.meta({ description: 'Name of the server that this route leads to.', examples: ['search'] }),
  path: text(/^\/mcp\/(?!v$)[a-z0-9][a-z0-9_-]{0,62}$/, 'must be /mcp/ and one name of lower-case letters, digits, "-" or "_" (not "v")')
    .optional()
    .meta({ description: 'Public path. Default: /mcp/ and the name of the server.', examples: ['/mcp/search'] }),
  auth: routeAuth.default({ type: 'apiKey' }).meta({
    description: 'Who may call. Without it a route asks for an API key.',
    examples: [{ type: 'apiKey' }, { type: ['apiKey', 'jwt'], issuers: ['okta'] }],
  }),
  timeout: duration(100, hour)
    .optional()
    .meta({ description: "How long a call may wait by this route. Default: the server's timeout.", examples: ['20s'] }),
});

const publicUrlError = 'must be an https:// address (http:// for loopback) without a slash at its end, user, query or fragment';

const listen = strict({
  http: z
    .string({ error: 'must be HOST:PORT' })
    .refine((address) => parseListenAddress(address) !== null, { error: 'must be HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or :8080 (all interfaces)' })
    .default('127.0.0.1:8080')
    .meta({
      description: 'The one public address. Port 0 picks a free one. Any other address than loopback needs authentication on every route and real secrets.',
      examples: ['127.0.0.1:8080'],
    }),
  hosts: z
    .array(text(/^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])$/i, 'must be a host name without scheme and port, such as gateway.example'))
    .max(100)
    .default([])
    .meta({ description: 'Further Host names that requests may carry, beside the listen address itself.', examples: [['gateway.example']] }),
  origins: z
    .array(z.string().refine(isOrigin, { error: 'must be an origin, such as https://app.example: scheme, host and port only' }))
    .max(100)
    .default([])
    .meta({ description: "Origins that browsers may call from, beside the gateway's own.", examples: [['https://app.example']] }),
  metrics: z
    .string({ error: 'must be HOST:PORT' })
    .refine((address) => parseListenAddress(address) !== null, { error: 'must be HOST:PORT, such as 127.0.0.1:9464' })
    .optional()
    .meta({
      description: 'A second address, for `/metrics` alone. On loopback it asks for no key; on any other address for one that holds `metrics.read`.',
      examples: ['127.0.0.1:9464'],
    }),
  public_url: z
    .string({ error: publicUrlError })
    .max(1024, { error: publicUrlError })
    .refine(isPublicUrl, { error: publicUrlError })
    .optional()
    .meta({
      description:
        'Address by which people and clients reach the gateway where a proxy stands before it, without a slash at its end. It is served as a Host and Origin, and it is what links and tokens name. Default: made of this section.',
      examples: ['https://gateway.example'],
    }),
  tls: listenTls.optional().meta({ description: 'Serve over TLS, by HTTP/2 and HTTP/1.1. Files are read again when they change.' }),
  websocket: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({ description: 'Serve MCP over WebSocket too, at the same addresses, with the subprotocol `mcp` and the same authentication.', examples: [true] }),
  sse: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({
      description: 'Serve the HTTP+SSE transport of 2024-11-05 too, at `{address}/sse`. It is deprecated: only for clients that know no other.',
      examples: [true],
    }),
});

function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.pathname === '/' ? url.origin : `${url.origin}${url.pathname}`) !== text || text.endsWith('/')) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname));
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === text;
}

const rateLimit = strict({
  scope: z.literal('api_key', { error: 'must be api_key' }).meta({ description: 'What the limit counts.', examples: ['api_key'] }),
  key_prefix: text(/^gwo_[a-z0-9-]{1,32}_[0-9A-Za-z]{4}$/, 'must be the visible prefix of a key, such as gwo_prod_a1b2, never the whole key')
    .optional()
    .meta({
      description: 'Prefix of the keys it holds for, as `gateway keys list` shows it. Without it: the default for every key.',
      examples: ['gwo_prod_a1b2'],
    }),
  limit: whole(1, 10_000_000).meta({ description: 'Requests per window.', examples: [500] }),
  window: duration(1000, 24 * hour).meta({ description: 'Length of the window.', examples: ['1m'] }),
  burst: whole(0, 10_000_000)
    .default(0)
    .meta({ description: 'Requests above the limit that may come at once.', examples: [50] }),
});

export const gatewayFileSchema = strict({
  version: z.literal(1, { error: 'must be 1' }).meta({ description: 'Version of this schema.', examples: [1] }),
  listen: section(listen).meta({ description: 'Where the gateway is reached.' }),
  servers: list(server, 1000).meta({ description: 'The MCP servers behind the gateway.' }),
  routes: list(route, 1000).meta({ description: 'How servers are reached. A server without a route is served at /mcp/{name} with auth apiKey.' }),
  pricing: strict({
    currency: text(/^[A-Z]{3}$/, 'must be a currency code of three capital letters')
      .default('USD')
      .meta({ description: 'ISO 4217 code; amounts are never converted.', examples: ['USD'] }),
    default: section(strict(prices)).meta({ description: 'Prices of every call that no override names. What is left out costs nothing.' }),
    overrides: list(
      strict({
        server: serverName.meta({ description: 'Name of the server.', examples: ['search'] }),
        tool: toolName.optional().meta({ description: 'Name of the tool. Without it: every tool of the server.', examples: ['query'] }),
        ...prices,
      }),
      10_000,
    ).meta({ description: 'Prices by server and tool. What an override leaves out it takes from the next wider one: tool, server, default.' }),
  })
    .optional()
    .meta({ description: 'What calls cost. Without this section prices are set by the API and the command line: `gateway costs prices`.' }),
  aggregate: aggregateSchema,
  virtual_servers: virtualServersSchema,
  transforms: transformsSchema,
  cache: cacheSchema,
  record: recordSchema,
  policies: policiesSchema.meta({
    description:
      'Who may do what: where this list stands, these rules hold and no others, and what none of them allows is refused. Without it, the rules of the registry hold.',
    examples: [[{ name: 'members-may-call', effect: 'allow', to: ['members'] }]],
  }),
  access: accessSchema,
  identity: identitySchema,
  rate_limits: list(rateLimit, 10_000).meta({ description: 'Rate limits. Without a default entry every key has 500 requests per minute.' }),
  limits: section(
    strict({
      body_max: size(KiB, 64 * MiB)
        .default(sizeText(bounds.bodyBytesMax))
        .meta({ description: 'Largest request body.', examples: ['4MiB'] }),
    }),
  ).meta({ description: 'Bounds on what callers send.' }),
  journal: section(
    strict({
      sync: z
        .boolean({ error: 'must be true or false' })
        .default(false)
        .meta({
          description:
            'Wait for the disk before a call goes on: no record is lost to a power cut, each call takes longer. A killed process loses no record either way.',
          examples: [false],
        }),
      spool_max: size(bounds.journalSegmentBytesMax * 2, 1024 * 1024 * MiB)
        .default(sizeText(bounds.spoolBytesMax))
        .meta({ description: 'Most bytes that records may take on disk while the ledger cannot be reached; then calls are refused.', examples: ['1GiB'] }),
    }),
  ).meta({ description: 'The record of calls on local disk.' }),
  retention: section(
    strict({
      traces: text(/^(?:[1-9]|[1-8]\d|90)d$/, 'must be whole days from 1d to 90d')
        .default('30d')
        .meta({ description: 'How long traces are kept.', examples: ['30d'] }),
      metrics: text(/^(?:[1-9]|[1-9]\d|[1-6]\d\d|7[0-2]\d|730)d$/, 'must be whole days from 1d to 730d')
        .default('90d')
        .meta({
          description: 'How long the counts and latencies of calls by minute and by day are kept. What calls cost is kept by day, for ever.',
          examples: ['90d'],
        }),
    }),
  ).meta({ description: 'How long records are kept.' }),
  telemetry: telemetrySchema,
  audit: auditSchema.meta({ description: 'The record of who changed what.' }),
  backup: backupSchema.meta({
    description: 'Backups that the gateway takes by itself; of several nodes on one registry one takes each. Without this section it takes none.',
    examples: [{ folder: '/backup/gatewayops' }],
  }),
  session_keys: list(secretReference, 8).meta({
    description:
      'Secrets of at least 32 characters, the same on every node of several: then a session id, a page or a kept answer of one node is good on all. The first seals, all of them open. Without it each node makes keys of its own.',
    examples: [[{ env: 'GATEWAYOPS_SESSION_KEY' }]],
  }),
  managed_by_api: managedByApiSchema.meta({
    description: 'What servers and export targets that are made by the API may refer to on this machine: nothing, unless it stands here.',
  }),
  environment: text(/^[a-z]{2,10}$/, 'must be 2 to 10 lower-case letters')
    .default('dev')
    .meta({ description: 'Name of this installation; part of every key: gwo_{environment}_….', examples: ['prod'] }),
  workers: whole(1, 256)
    .optional()
    .meta({ description: 'Processes that carry calls. Default: cores − 1, at least 1.', examples: [2] }),
  log: section(
    strict({
      level: z
        .enum(['debug', 'info', 'warn', 'error'], { error: 'must be debug, info, warn or error' })
        .default('info')
        .meta({ description: 'Least severity that is written.', examples: ['info'] }),
      format: z
        .enum(['json', 'text'], { error: 'must be json or text' })
        .default('json')
        .meta({ description: 'One JSON object a line, or text for people.', examples: ['json'] }),
    }),
  ).meta({ description: 'The log, on stderr.' }),
});

/** A gateway.yaml that has the right shape, with defaults filled in. */
export type GatewayFile = z.output<typeof gatewayFileSchema>;
export type ServerEntry = GatewayFile['servers'][number];
/** One reached over streamable HTTP. */
export type HttpServerEntry = Exclude<ServerEntry, { transport: 'stdio' | 'websocket' | 'sse' }>;
export type FilePrice = NonNullable<GatewayFile['pricing']>['default'];
