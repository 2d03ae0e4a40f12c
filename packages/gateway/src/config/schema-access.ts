/** `access` of gateway.yaml: what decisions stand on beside the policies. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { risks } from '../kernel/tool-facts.ts';
import { section, strict } from './schema-parts.ts';

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

export const accessSchema = section(
  strict({
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
