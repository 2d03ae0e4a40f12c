/** What the sections of gateway.yaml are made of: quantities, names, lists, each with the words that a fault says. */
import { z } from 'zod';
import { durationText } from '../kernel/duration-text.ts';
import { durationPattern, parseDuration, parseSize, sizePattern, sizeText } from './quantities.ts';

/** A map in which a key that is not named is a fault. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? 'must be a map of settings' : undefined) });
}

export const hour = 3_600_000;
export const day = 24 * hour;
export const KiB = 1024;
export const MiB = 1024 * KiB;

export function duration(least: number, most: number) {
  const expected = `must be a duration from ${durationText(least)} to ${durationText(most)} with its unit (ms, s, m, h, d)`;
  return z
    .string({ error: expected })
    .regex(durationPattern, { error: expected, abort: true })
    .refine((text) => inRange(parseDuration(text), least, most), { error: expected });
}

export function size(least: number, most: number) {
  const expected = `must be a size from ${sizeText(least)} to ${sizeText(most)} with its unit (B, KiB, MiB, GiB)`;
  return z
    .string({ error: expected })
    .regex(sizePattern, { error: expected, abort: true })
    .refine((text) => inRange(parseSize(text), least, most), { error: expected });
}

export function whole(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export function text(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

function inRange(value: number | null, least: number, most: number): boolean {
  return value !== null && value >= least && value <= most;
}

export const serverNamePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const serverNameError = 'must be 1 to 63 lower-case letters, digits, "-" or "_", beginning with a letter or digit';
export const serverName = text(serverNamePattern, serverNameError);

const toolNameError = 'must be the name of a tool';
export const toolName = z.string({ error: toolNameError }).min(1, { error: toolNameError }).max(256);

export function list<Item extends z.ZodType>(item: Item, most: number) {
  return z
    .array(item, { error: 'must be a list' })
    .max(most, { error: `must have at most ${most} entries` })
    .default([]);
}

/** A section whose fields all have defaults may be left out as a whole. */
export function section<Shape extends z.ZodRawShape>(shape: z.ZodObject<Shape>) {
  return shape.prefault({} as z.input<z.ZodObject<Shape>>);
}

export const secretReference = z
  .union(
    [
      strict({
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/)
          .describe('Name of an environment variable of the gateway.'),
      }),
      strict({
        file: z
          .string()
          .min(1)
          .max(4096)
          .describe('Path of a file that holds only the secret, readable by its owner alone; relative to the configuration file.'),
      }),
      strict({
        kubernetes: z
          .strictObject({
            name: z
              .string()
              .regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/)
              .describe('Name of the Kubernetes Secret.'),
            key: z
              .string()
              .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,253}$/)
              .describe('Key in the Secret.'),
          })
          .describe('A Kubernetes Secret mounted at /var/run/secrets/gatewayops/{name}.'),
      }),
    ],
    {
      error: ({ input }) =>
        typeof input === 'object' && input !== null
          ? 'must be one of { env: NAME }, { file: PATH }, { kubernetes: { name: NAME, key: KEY } }'
          : 'is a secret written into the file; it must be a reference to the place that holds it',
    },
  )
  .meta({
    description: 'Where a secret is kept. Its value never stands in this file.',
    examples: [{ env: 'SEARCH_TOKEN' }],
    cause: 'Files are copied to backups, tickets and version control; a secret in them is everywhere.',
  });

/** What the gateway trusts and shows where it is the client of TLS. */
export const tlsFiles = strict({
  ca: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({ description: 'File of the certificate authorities to trust, in PEM, in the place of the public ones.', examples: ['./ca.pem'] }),
  cert: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({ description: "File of the gateway's own certificate and its chain, in PEM.", examples: ['./client.pem'] }),
  key: secretReference.optional(),
  server_name: text(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i, 'must be a host name')
    .optional()
    .meta({ description: 'Name that its certificate must have. Default: the host of the address.', examples: ['search.internal'] }),
});

const headerValue = z
  .union([z.string({ error: 'must be text' }).max(1024), secretReference], { error: 'must be text or a reference to a secret' })
  .meta({ description: 'Text, or where a secret is kept.', examples: [{ env: 'OTLP_API_KEY' }] });

/** Headers that are sent with each request. */
export const headerMap = z
  .record(text(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/i, 'must be a header name'), headerValue, { error: 'must be a map of names to values' })
  .default({});

const urlError = 'must be the http:// or https:// address of an MCP endpoint (ws:// and wss:// need transport: websocket)';
export const serverUrl = z.string({ error: urlError }).max(2048, { error: urlError }).refine(isHttpUrl, { error: urlError });

const webSocketUrlError = 'must be the ws:// or wss:// address of an MCP endpoint';
export const webSocketUrl = z
  .string({ error: webSocketUrlError })
  .max(2048, { error: webSocketUrlError })
  .refine((address) => /^wss?:$/.test(URL.parse(address)?.protocol ?? ''), { error: webSocketUrlError });

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:');
}

export const credential = z
  .discriminatedUnion('type', [
    strict({ type: z.literal('bearer').describe('Sent as `Authorization: Bearer SECRET`.'), secret: secretReference }),
    strict({
      type: z.literal('header').describe('Sent as the value of a header of your choice.'),
      name: text(
        /^(?!(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|keep-alive|accept|accept-encoding|cookie|expect|traceparent|tracestate|last-event-id|mcp-.*|proxy-.*)$)[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/i,
        'must be a header name that the gateway does not write itself',
      ).meta({ description: 'Name of the header.', examples: ['x-api-key'] }),
      secret: secretReference,
    }),
  ])
  .meta({
    description: "The gateway's own credential for this server. A caller's credential is never passed on.",
    examples: [{ type: 'bearer', secret: { env: 'SEARCH_TOKEN' } }],
  });

/** Actions that a caller is limited to. */
export const actionPatterns = z
  .array(text(/^(?:\*|[a-z]+(?:\.(?:\*|[a-z_]+))*)$/, 'must be an action such as tools.call, or a pattern such as tools.*'), { error: 'must be a list' })
  .min(1, { error: 'must name an action, or be left out' })
  .max(200)
  .optional();
