/** `policies` of gateway.yaml: who may do what. The same shape is the body of the API's policies. */
import { z } from 'zod';
import { bounds } from '../kernel/bounds.ts';
import { actionPattern, policyNamePattern, subjectHelp, subjectPattern } from '../kernel/policy.ts';
import { strict, text } from './schema-parts.ts';

const subjectError = `must be ${subjectHelp}`;
const subject = text(subjectPattern, subjectError);
const untilError = 'must be a time such as 2026-12-31T18:00:00Z';
const pattern = z
  .string({ error: 'must be a name, in which * stands for any text' })
  .min(1, { error: 'must be a name, in which * stands for any text' })
  .max(1024);
const patterns = (what: string, example: string) =>
  z
    .array(pattern, { error: 'must be a list' })
    .min(1, { error: 'must name something, or be left out' })
    .max(bounds.policyPatternsMax)
    .optional()
    .meta({ description: `${what} that the rule is for, by name; \`*\` stands for any text.`, examples: [[example]] });

const policySchema = strict({
  name: text(policyNamePattern, 'must be 1 to 63 lower-case letters, digits, "-" or "_", beginning with a letter or digit').meta({
    description: 'Name of the rule: it stands in records, refusals and explanations.',
    examples: ['no-deletes'],
  }),
  effect: z.enum(['allow', 'deny', 'hold'], { error: 'must be allow, deny or hold' }).meta({
    description: '`allow`; `deny`, which wins over every other rule; or `hold`: it needs approval, which wins over `allow`.',
    examples: ['deny'],
  }),
  to: z
    .array(subject, { error: 'must be a list' })
    .min(1, { error: 'must name somebody, or be left out' })
    .max(bounds.policyPatternsMax)
    .default(['everyone'])
    .meta({ description: `Whom the rule is for: ${subjectHelp}.`, examples: [['team:payments', 'user:ana@example.com']] }),
  servers: z
    .array(pattern, { error: 'must be a list' })
    .min(1, { error: 'must name something, or be left out' })
    .max(bounds.policyPatternsMax)
    .default(['*'])
    .meta({ description: 'Servers that the rule is for, by name; `*` stands for any text.', examples: [['github', 'jira-*']] }),
  tools: patterns('Tools', 'delete_*'),
  resources: patterns('Resources', 'file:///home/*'),
  prompts: patterns('Prompts', 'review'),
  actions: z
    .array(text(actionPattern, 'must be an operation of MCP, such as tools.call or tools.*'), { error: 'must be a list' })
    .min(1, { error: 'must name something, or be left out' })
    .max(100)
    .optional()
    .meta({ description: 'Operations that the rule is for. Without it: all.', examples: [['tools.call']] }),
  when: z
    .string({ error: 'must be a condition in CEL' })
    .min(1, { error: 'must be a condition in CEL' })
    .max(bounds.conditionCharsMax, { error: `must be a condition of at most ${bounds.conditionCharsMax} characters` })
    .optional()
    .meta({
      description: 'A condition in the Common Expression Language over principal, server, action, name, tool, args, ip and now.',
      examples: ['args.repository.startsWith("prod-") && principal.team != "platform"'],
    }),
  reason: z
    .string({ error: 'must be a text' })
    .min(1)
    .max(500)
    .optional()
    .meta({
      description: 'Said to whom the rule refuses.',
      examples: ['Deleting goes through the platform team.'],
    }),
  until: text(/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/, untilError)
    .refine((value) => !Number.isNaN(Date.parse(value)), { error: untilError })
    .optional()
    .meta({ description: 'From then on the rule does not hold any more.', examples: ['2026-12-31T18:00:00Z'] }),
});

/** Absent: the rules of the registry hold. Present: these and no others. */
export const policiesSchema = z
  .array(policySchema, { error: 'must be a list' })
  .max(bounds.policiesMax, { error: `must have at most ${bounds.policiesMax} entries` })
  .optional();
