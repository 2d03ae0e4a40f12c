/** `access` of gateway.yaml: what decisions stand on beside the policies. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { risks } from '../kernel/tool-facts.ts';
import { durationText } from '../kernel/duration-text.ts';
import { credential, duration, section, strict, text, tlsFiles } from './schema-parts.ts';
import { allowAddresses } from './schema-upstream.ts';

const patternError = 'must be a name, in which * stands for any text';
const patterns = z
  .array(z.string({ error: patternError }).min(1, { error: patternError }).max(1024), { error: 'must be a list' })
  .min(1, { error: 'must name something, or be left out' })
  .max(bounds.policyPatternsMax)
  .default(['*']);

const risk = strict({
  servers: patterns.meta({ description: 'Servers, by name; `*` stands for any text.', examples: [['github', 'jira-*']] }),
  tools: patterns.meta({ description: 'Tools, by name; `*` stands for any text.', examples: [['delete_*']] }),
  risk: z.enum(risks, { error: `must be ${risks.join(', ')}` }).meta({ description: 'What conditions read as `tool.risk`.', examples: ['critical'] }),
});

const urlError = 'must be the http:// or https:// address of a server of Open Policy Agent';

const opa = strict({
  url: z
    .string({ error: urlError })
    .max(2048, { error: urlError })
    .refine((address) => /^https?:$/.test(URL.parse(address)?.protocol ?? ''), { error: urlError })
    .optional()
    .meta({ description: 'A server of Open Policy Agent, asked by its Data API: what stands before `/v1/data`.', examples: ['http://127.0.0.1:8181'] }),
  bundle: z
    .string({ error: 'must be the path of a file' })
    .min(1, { error: 'must be the path of a file' })
    .max(4096)
    .optional()
    .meta({
      description:
        'In the place of `url`: a bundle of policies compiled to WebAssembly (`opa build -t wasm`), relative to the configuration file. It is read again when it changes.',
      examples: ['./policy/bundle.tar.gz'],
    }),
  decision: text(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+){0,31}$/, 'must be the path of a decision, such as gatewayops/allow').meta({
    description: 'The rule that decides: its package and name with slashes. Of a bundle it must be an entrypoint.',
    examples: ['gatewayops/allow'],
  }),
  timeout: duration(5, bounds.opaTimeoutMs)
    .default(durationText(bounds.opaTimeoutMs))
    .meta({ description: 'How long a call waits for an answer; without one it is refused.', examples: ['50ms'] }),
  credential: credential.optional(),
  tls: tlsFiles.optional().meta({ description: 'TLS to the server (1.2 or later). Files are read again when they change.' }),
  allow_addresses: allowAddresses,
});

export type OpaEntry = z.output<typeof opa>;

export const accessSchema = section(
  strict({
    opa: opa.optional().meta({
      description: 'Open Policy Agent is asked of every call that the policies allow, and may refuse it or hold it.',
      examples: [{ url: 'http://127.0.0.1:8181', decision: 'gatewayops/allow' }],
    }),
    risks: z
      .array(risk, { error: 'must be a list' })
      .max(bounds.risksMax, { error: `must have at most ${bounds.risksMax} entries` })
      .default([])
      .meta({
        description:
          'The risk of tools, for conditions of policies. Of entries that fit a tool the highest counts; without one it follows from the hints that its server gives.',
        examples: [[{ servers: ['github'], tools: ['delete_*'], risk: 'critical' }]],
      }),
  }),
).meta({ description: 'What decisions stand on beside `policies`.' });
