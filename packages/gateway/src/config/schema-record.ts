/** `record` of gateway.yaml: whether the bodies of calls are kept with their traces, and what is masked in them before. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { parsePath } from '../kernel/json-path.ts';
import { sizeText } from './quantities.ts';
import { KiB, list, MiB, section, serverName, size, strict, text, toolName } from './schema-parts.ts';

const pathError = 'must be member names joined by dots, such as arguments.customer.name (`*` for every item of a list), or a JSON Pointer';
const flag = z.boolean({ error: 'must be true or false' }).default(false);
const bodies = z.enum(['masked', 'off'], { error: 'must be masked or off' });

/** Also the body of `POST /v1/masking/test`. */
export const maskingSchema = strict({
  email: flag.meta({ description: 'Mask e-mail addresses.', examples: [true] }),
  phone: flag.meta({ description: 'Mask telephone numbers.', examples: [true] }),
  fields: list(text(/^[^\s]{1,128}$/u, 'must be the name of a member, in which * stands for any text'), 1000).meta({
    description:
      'Names of members and headers whose whole value is masked, beside `password`, `authorization` and their like. Upper and lower case, `_`, `-` and `.` make no difference; `*` stands for any text.',
    examples: [['date_of_birth', 'patient*']],
  }),
  paths: list(
    z
      .string({ error: pathError })
      .min(1, { error: pathError })
      .max(512, { error: pathError })
      .refine((path) => (parsePath(path)?.length ?? 100) <= 16, { error: pathError }),
    1000,
  ).meta({
    description: 'Places whose whole value is masked. A path fits at any depth.',
    examples: [['arguments.customer.name', 'structuredContent.rows.*.iban']],
  }),
  patterns: list(
    strict({
      name: text(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, "-" or "_"').meta({
        description: 'Stands where the text stood: `[masked:name]`.',
        examples: ['employee-number'],
      }),
      pattern: z
        .string({ error: 'must be a pattern in the syntax of RE2' })
        .min(1)
        .max(500, { error: 'must be a pattern of at most 500 characters' })
        .meta({ description: 'A pattern (RE2); what fits is masked.', examples: ['EMP-[0-9]{6}'] }),
    }),
    100,
  ).meta({ description: 'Further things to mask.' }),
  scan_max: size(4 * KiB, MiB)
    .default(sizeText(bounds.maskingFieldCharsMax))
    .meta({ description: 'Longest text that is looked at as a whole.', examples: ['256KiB'] }),
  over_limit: z
    .enum(['drop', 'truncate'], { error: 'must be drop or truncate' })
    .default('drop')
    .meta({ description: 'What becomes of a body with a longer text: `drop`: it is not kept; `truncate`: the text ends there.', examples: ['truncate'] }),
});

export const recordSchema = section(
  strict({
    bodies: bodies.default('masked').meta({
      description: '`masked`: requests and responses of calls by a key are kept with their traces, masked before anything is written; `off`: none is.',
      examples: ['masked'],
    }),
    body_max: size(KiB, bounds.recordBodyBytesMax)
      .default(sizeText(bounds.recordBodyBytes))
      .meta({ description: 'Most that is kept of one request or response.', examples: ['64KiB'] }),
    overrides: list(
      strict({
        server: serverName.meta({ description: 'Name of the server.', examples: ['search'] }),
        tool: toolName.optional().meta({ description: 'Name of the tool. Without it: all that the server is asked.', examples: ['query'] }),
        bodies: bodies.meta({ description: 'Whether its bodies are kept.', examples: ['off'] }),
      }),
      10_000,
    ).meta({ description: 'Servers and tools for which it is otherwise.' }),
    masking: section(maskingSchema).meta({
      description: 'What is masked beside card numbers, US social security numbers, IBANs, private keys, API keys and tokens, which always are.',
    }),
  }),
).meta({ description: 'The bodies of calls.' });

export type RecordEntry = z.output<typeof recordSchema>;
export type MaskingEntry = z.output<typeof maskingSchema>;
