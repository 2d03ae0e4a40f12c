import { z } from '@hono/zod-openapi';
import { bounds } from '../kernel/bounds.ts';
import { testMasking } from '../control/masking/test-masking.ts';
import { body, json, route, type Api } from './route.ts';

/** What is masked before anything is stored, to be tried. */
export function maskingRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/masking/test',
      permission: 'masking.test',
      changesNothing: true,
      tags: ['masking'],
      summary: 'Try what would be masked in a text',
      description: 'Nothing is stored or logged. Without `rules` by those that serve, with them by these and what is always masked.',
      request: { body: body(requestSchema) },
      responses: { 200: json(z.object({ test: testSchema }), 'What would be kept.') },
    }),
    async (c) => {
      const { text, form, rules } = c.req.valid('json');
      const tested = await testMasking(c.var.context(), {
        text,
        form: form ?? null,
        rules:
          rules === undefined
            ? null
            : {
                email: rules.email,
                phone: rules.phone,
                fields: rules.fields,
                paths: rules.paths,
                patterns: rules.patterns,
                fieldCharsMax: bounds.maskingFieldCharsMax,
                overLimit: rules.over_limit,
              },
      });
      const kept = 'text' in tested.text ? tested.text : null;
      return c.json(
        {
          test: {
            text: kept?.text ?? null,
            cut: kept?.isCut ?? false,
            not_kept: 'notKept' in tested.text ? tested.text.notKept : null,
            masked: tested.masked.map(({ rule, kind, path, offset, count }) => ({ rule, kind, path, offset, count })),
          },
        },
        200,
      );
    },
  );
}

const rulesSchema = z
  .strictObject({
    email: z.boolean().default(false),
    phone: z.boolean().default(false),
    fields: z.array(z.string().min(1).max(128)).max(1000).default([]),
    paths: z.array(z.string().min(1).max(512)).max(1000).default([]),
    patterns: z
      .array(z.strictObject({ name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/), pattern: z.string().min(1).max(500) }))
      .max(100)
      .default([]),
    over_limit: z.enum(['drop', 'truncate']).default('drop'),
  })
  .openapi('MaskingRules', { description: 'As `record.masking` of gateway.yaml.' });

const requestSchema = z.strictObject({
  text: z
    .string()
    .max(2 * bounds.maskingFieldCharsMax)
    .openapi({ example: '{"card":"4111 1111 1111 1111"}' }),
  form: z.enum(['json', 'events', 'headers', 'text']).optional().openapi({ description: 'What the text is; without it, what it looks like.' }),
  rules: rulesSchema.optional(),
});

/** One kind of finding at one place of a body. */
export const maskedSchema = z
  .object({
    rule: z.string().openapi({ description: '`card`, `ssn`, `jwt`, `github-pat`, `field`, `path`, or the name of a pattern.', example: 'card' }),
    kind: z.string(),
    path: z.string().openapi({ description: 'JSON Pointer of the value; empty in a text that is no JSON.', example: '/params/arguments/card' }),
    offset: z.number().int().openapi({ description: 'Characters of the value before the first.' }),
    count: z.number().int(),
  })
  .openapi('MaskedValue');

const testSchema = z
  .object({
    text: z.string().nullable().openapi({ description: 'As it would be kept; null where it would not.' }),
    cut: z.boolean().openapi({ description: 'A part of it was longer than is looked at, and ends there.' }),
    not_kept: z.enum(['not_text', 'over_scan_limit', 'timeout', 'failed']).nullable(),
    masked: z.array(maskedSchema),
  })
  .openapi('MaskingTest');
