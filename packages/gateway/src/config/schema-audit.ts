/** The section `audit` of gateway.yaml. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { durationText } from '../kernel/duration-text.ts';
import { sizeText } from './quantities.ts';
import { duration, headerMap, KiB, list, secretReference, section, serverName, size, strict, text, tlsFiles, whole } from './schema-parts.ts';

const addressError = 'must be HOST:PORT, such as siem.example:6514';
const webhookError = 'must be the https:// address of a receiver, or an http:// one on this machine';
const action = text(/^[a-z0-9_.*]{1,100}$/, 'must be an action, in which * stands for any text, such as key.*');

export const syslogFacilities = {
  kern: 0,
  user: 1,
  daemon: 3,
  auth: 4,
  authpriv: 10,
  audit: 13,
  alert: 14,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

const syslog = strict({
  address: text(/^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?):[1-9]\d{0,4}$/i, addressError)
    .refine((address) => Number(address.slice(address.lastIndexOf(':') + 1)) < 65_536, { error: addressError })
    .meta({ description: 'Host and port of the receiver. 6514 is the port of syslog over TLS.', examples: ['siem.example:6514'] }),
  transport: z
    .enum(['tls', 'tcp'], { error: 'must be tls or tcp' })
    .default('tls')
    .meta({ description: '`tls` (RFC 5425), or `tcp` (RFC 6587): then everyone on the way can read and change it.', examples: ['tls'] }),
  facility: z
    .enum(Object.keys(syslogFacilities) as (keyof typeof syslogFacilities)[], { error: `must be of ${Object.keys(syslogFacilities).join(', ')}` })
    .default('audit')
    .meta({ description: 'Facility of the messages; `audit` is 13, log audit.', examples: ['local4'] }),
  message_max: size(2 * KiB, bounds.syslogMessageBytesMax)
    .default(sizeText(bounds.syslogMessageBytes))
    .meta({ description: 'Longest message that the receiver takes. An event that is longer is sent without its detail.', examples: ['64KiB'] }),
  tls: tlsFiles.optional().meta({ description: 'TLS to the receiver (1.2 or later). Files are read again when they change.' }),
});

const webhook = strict({
  url: z
    .string({ error: webhookError })
    .max(2048, { error: webhookError })
    .refine((address) => /^https?:$/.test(URL.parse(address)?.protocol ?? ''), { error: webhookError })
    .meta({ description: 'Where events are posted to. Redirects are not followed.', examples: ['https://soc.example/gatewayops'] }),
  secrets: list(secretReference, 4).meta({
    description:
      'Secrets of 24 to 64 bytes in base64, `whsec_` before them or not, as https://www.standardwebhooks.com has it. Each signs: with two of them one takes the place of the other without a gap.',
    examples: [[{ env: 'SOC_WEBHOOK_SECRET' }]],
  }),
  headers: headerMap.meta({ description: 'Sent with each request.', examples: [{ authorization: { env: 'SOC_TOKEN' } }] }),
  tls: tlsFiles.optional().meta({ description: 'TLS to the receiver (1.2 or later). Files are read again when they change.' }),
});

const stream = strict({
  name: serverName.meta({ description: 'Names the stream in health, metrics and the log. Its place in the audit is kept by it.', examples: ['siem'] }),
  syslog: syslog.optional().meta({ description: 'Send by syslog (RFC 5424).' }),
  webhook: webhook.optional().meta({ description: 'Send by HTTP, signed.' }),
  format: z
    .enum(['json', 'cef', 'ocsf'], { error: 'must be json, cef or ocsf' })
    .default('json')
    .meta({
      description: 'How an event is written: as the API has it, ArcSight Common Event Format, Open Cybersecurity Schema Framework.',
      examples: ['ocsf'],
    }),
  events: z
    .array(action, { error: 'must be a list of actions' })
    .min(1, { error: 'must name at least one action' })
    .max(100)
    .default(['*'])
    .meta({ description: 'Only these actions.', examples: [['key.*', 'sign_in.failed']] }),
  except: list(action, 100).meta({ description: 'But not these.', examples: [['sign_in.succeeded']] }),
  calls: z
    .boolean({ error: 'must be true or false' })
    .default(false)
    .meta({ description: 'Send each call of a tool, too, as `tool.called` with its trace id, when it is in the ledger.', examples: [true] }),
  from: z
    .enum(['now', 'beginning'], { error: 'must be now or beginning' })
    .default('now')
    .meta({ description: 'Where a new stream begins: with what happens from then on, or with all that the audit still has.', examples: ['beginning'] }),
  batch: whole(1, bounds.auditStreamBatchMax)
    .default(bounds.auditStreamBatchMax)
    .meta({ description: 'Most events of one delivery.', examples: [100] }),
  timeout: duration(100, 60_000)
    .default(durationText(bounds.auditStreamTimeoutMs))
    .meta({ description: 'Longest time of one delivery.', examples: ['10s'] }),
});

export const auditSchema = section(
  strict({
    retention: text(/^(?:36[5-9]|3[7-9]\d|[4-9]\d\d|1\d{3}|2[0-4]\d\d|25[0-4]\d|255[0-5])d$/, 'must be whole days from 365d (a year) to 2555d (seven years)')
      .default('365d')
      .meta({ description: 'How long events of the audit are kept, from one year to seven.', examples: ['2555d'] }),
    trusted_keys: list(z.string().regex(/^[A-Za-z0-9+/]{43}=$/, { error: 'must be a public key as `gateway audit keys` shows it' }), 100).meta({
      description:
        'Public keys of other nodes on the same registry, as `gateway audit keys` shows them: what they signed is verified too. Its own keys a node knows.',
      examples: [['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=']],
    }),
    streams: list(stream, bounds.auditStreamsMax).meta({ description: 'Where events go as they are written: to a SIEM, by syslog or webhook.' }),
  }),
);

export type AuditEntry = z.output<typeof auditSchema>;
export type StreamEntry = AuditEntry['streams'][number];
