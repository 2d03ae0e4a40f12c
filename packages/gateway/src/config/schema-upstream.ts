/** How a server is reached: targets, time limits, further tries, breaker, checks, TLS. All of it may be left out. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { durationText } from '../kernel/duration-text.ts';
import { networksOf } from '../kernel/outward-address.ts';
import { duration, hour, serverName, serverUrl, strict, text, tlsFiles, whole } from './schema-parts.ts';

const day = 24 * hour;

function percent(least: number) {
  const error = `must be a number from ${least} to 100`;
  return z.number({ error }).min(least, { error }).max(100, { error });
}

const networkError = 'must be an address or a network, such as 169.254.10.5 or 169.254.10.0/24';

/** Of every server. */
export const reach = {
  timeouts: strict({
    connect: duration(50, 60_000)
      .default(durationText(bounds.upstreamConnectTimeoutMs))
      .meta({ description: 'For a connection: name, TCP and TLS.', examples: ['3s'] }),
    first_byte: duration(50, hour)
      .optional()
      .meta({ description: "Until the reply begins. Default: the server's (or its route's) timeout.", examples: ['30s'] }),
    idle: duration(50, hour)
      .optional()
      .meta({ description: 'Between two parts of a reply. Default: as above.', examples: ['60s'] }),
    total: duration(50, day)
      .optional()
      .meta({ description: 'For a call in all, further tries included; streams that stay open have no such limit. Default: none.', examples: ['5m'] }),
  })
    .optional()
    .meta({ description: 'Time limits, each by itself.' }),
  connections: strict({
    idle: duration(1000, day)
      .default(durationText(bounds.upstreamKeepAliveMs))
      .meta({ description: 'How long a connection that nobody uses is kept.', examples: ['60s'] }),
    waiting_max: whole(0, 100_000)
      .default(bounds.upstreamQueueMax)
      .meta({ description: 'Calls of one worker that may wait for a free connection; further ones are refused at once.', examples: [1000] }),
  })
    .optional()
    .meta({ description: 'The pool of connections. How many there may be is said by connections_max.' }),
  retries: strict({
    tries_max: whole(1, 10)
      .default(bounds.upstreamTriesMax)
      .meta({ description: 'Tries of one call in all; 1 makes no further ones.', examples: [3] }),
    budget: percent(0)
      .default(bounds.upstreamRetryBudgetPercent)
      .meta({ description: "Further tries in per cent of the server's calls.", examples: [10] }),
  })
    .optional()
    .meta({ description: 'A call of which nothing was sent, and a list or read, is tried again. A tool call of which a byte was sent never is.' }),
  breaker: z
    .union(
      [
        z.literal('off').describe('No breaker.'),
        strict({
          failures: percent(1)
            .default(bounds.breakerFailurePercent)
            .meta({ description: 'Opens when so many per cent of the calls failed…', examples: [50] }),
          calls_min: whole(1, 1_000_000)
            .default(bounds.breakerCallsMin)
            .meta({ description: '…of at least so many calls of one worker…', examples: [20] }),
          window: duration(1000, hour)
            .default(durationText(bounds.breakerWindowMs))
            .meta({ description: '…within this time.', examples: ['10s'] }),
          open: duration(100, hour)
            .default(durationText(bounds.breakerOpenMs))
            .meta({ description: 'How long it then refuses all calls before it lets some through to see.', examples: ['10s'] }),
          probes_max: whole(1, 1000)
            .default(bounds.breakerProbesMax)
            .meta({ description: 'Calls that may be under way while it sees.', examples: [1] }),
        }),
      ],
      { error: 'must be off or a map of settings' },
    )
    .optional()
    .meta({
      description:
        'Keeps calls from a target that fails most of them. Each target has its own; a server behind a bridge (stdio, websocket, sse) has none unless it is written.',
      examples: ['off'],
    }),
};

const targetName = serverName.meta({ description: 'Name of the target, for records, canary and active.', examples: ['blue'] });

/** Of an identity provider. */
export const authoritiesFile = z
  .string({ error: 'must be the path of a PEM file' })
  .min(1)
  .max(4096)
  .optional()
  .meta({ description: 'File of the certificate authorities to trust, in PEM, in the place of the public ones.', examples: ['./idp-ca.pem'] });

export const allowAddresses = z
  .array(
    z
      .string({ error: networkError })
      .max(49, { error: networkError })
      .refine((one) => networksOf([one]) !== null, { error: networkError }),
    { error: 'must be a list of addresses and networks' },
  )
  .max(32, { error: 'must have at most 32 entries' })
  .optional()
  .meta({
    description:
      'Addresses that the server may have although the gateway connects to none such: link-local, metadata of clouds, multicast, reserved, and IPv4 in IPv6 (NAT64, 6to4). Private networks and this machine need no entry.',
    examples: [['169.254.10.0/24']],
  });

/** Of servers reached by an address. */
export const httpReach = {
  targets: z
    .array(
      strict({
        name: targetName,
        url: serverUrl.meta({ description: 'Address of its MCP endpoint, without credentials in it.', examples: ['https://blue.example/mcp'] }),
        weight: whole(0, 1000)
          .default(1)
          .meta({ description: 'Its share of the calls beside that of the others; 0: none.', examples: [1] }),
      }),
      { error: 'must be a list' },
    )
    .min(1, { error: 'must name at least one target' })
    .max(bounds.upstreamTargetsMax, { error: `must have at most ${bounds.upstreamTargetsMax} entries` })
    .optional()
    .meta({ description: 'Several addresses of the same server, in the place of url. The credential is sent to each of them.' }),
  balance: z
    .enum(['round-robin', 'weighted', 'least-loaded', 'sticky'], { error: 'must be round-robin, weighted, least-loaded or sticky' })
    .default('round-robin')
    .meta({
      description: 'How calls are shared among targets. `sticky`: the same caller comes to the same target. A session stays at its target always.',
      examples: ['least-loaded'],
    }),
  active: serverName.optional().meta({ description: 'Blue-green: the one target that takes the calls; the others stand by.', examples: ['blue'] }),
  canary: strict({
    target: serverName.meta({ description: 'Name of the target that is tried out. It takes no other calls than these.', examples: ['green'] }),
    share: percent(0)
      .default(0)
      .meta({ description: 'Per cent of the calls that go there.', examples: [5] }),
    header: strict({
      name: text(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/i, 'must be the name of a header').meta({ description: 'Name of the header.', examples: ['x-canary'] }),
      value: z
        .string({ error: 'must be text; quote it' })
        .min(1)
        .max(256)
        .meta({ description: 'What it must say.', examples: ['yes'] }),
    })
      .optional()
      .meta({ description: 'Calls that carry this header go there.' }),
    principals: z
      .array(z.string({ error: 'must be the id of a key' }).min(1).max(128), { error: 'must be a list' })
      .max(1000)
      .default([])
      .meta({ description: 'Calls with these keys go there.', examples: [['key_01J8ZK3V9QXW']] }),
  })
    .optional()
    .meta({ description: 'Which calls go to a target that is tried out.' }),
  tls: tlsFiles.optional().meta({ description: 'TLS to the server (1.2 or later). Files are read again when they change.' }),
  allow_addresses: allowAddresses,
  health_check: strict({
    ask: z
      .union(
        [
          z.enum(['ping', 'server/discover'], { error: 'must be ping or server/discover' }),
          text(/^\/[!-~]{0,2047}$/, 'must be ping, server/discover or a path that begins with "/"').describe('Path of a GET that must be answered by 2xx.'),
        ],
        { error: 'must be ping, server/discover or a path that begins with "/"' },
      )
      .default('ping')
      .meta({ description: 'What is asked. By a method of MCP a target is well if it answers at all, by a path if it answers 2xx.', examples: ['ping'] }),
    interval: duration(500, hour)
      .default('10s')
      .meta({ description: 'Time between two checks.', examples: ['10s'] }),
    timeout: duration(50, 60_000)
      .default('2s')
      .meta({ description: 'For one check.', examples: ['2s'] }),
    failures_min: whole(1, 100)
      .default(3)
      .meta({ description: 'Checks in a row that must fail before a target counts as down.', examples: [3] }),
    successes_min: whole(1, 100)
      .default(2)
      .meta({ description: 'Checks in a row that must succeed before it counts as well again.', examples: [2] }),
  })
    .optional()
    .meta({ description: 'Active checks of each target, made once a node and apart from all sessions. Default: none.' }),
};

/** One of `url` and `targets` says where the server is. */
export function targetsOrUrl(server: { readonly url?: string | undefined; readonly targets?: unknown }, context: z.core.$RefinementCtx): void {
  if (server.url === undefined && server.targets === undefined) context.addIssue({ code: 'custom', path: ['url'], message: 'is missing' });
  if (server.url !== undefined && server.targets !== undefined)
    context.addIssue({ code: 'custom', path: ['targets'], message: 'cannot stand beside url: write the address as one of them' });
}
