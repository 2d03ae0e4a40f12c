import { z } from '@hono/zod-openapi';
import type { Operation, ThingKind } from '../authorise/access.ts';
import type { AccessExplained } from '../control/access/explain-access.ts';
import type { ListedPolicy } from '../control/policies/list-policies.ts';
import type { PolicyUse } from '../control/policies/read-policy-use.ts';
import { bounds } from '../kernel/bounds.ts';
import { actionPattern, policyNamePattern, subjectHelp, subjectPattern, subjectTexts } from '../kernel/policy.ts';
import { risks } from '../kernel/tool-facts.ts';
import { switchKinds } from '../kernel/switch.ts';
import type { PolicyRecord, SwitchRecord } from '../store/registry/registry-store.ts';
import { actorNameSchema } from './actor-names.ts';
import { timeSchema } from './route.ts';

const patterns = z.array(z.string().min(1).max(1024)).min(1).max(bounds.policyPatternsMax);
const rule = {
  effect: z.enum(['allow', 'deny', 'hold']),
  to: z
    .array(z.string().regex(subjectPattern, `it must be ${subjectHelp}`))
    .min(1)
    .max(bounds.policyPatternsMax)
    .openapi({ description: `Whom it is for: ${subjectHelp}.`, example: ['team:payments'] }),
  servers: patterns.openapi({ description: 'Names, in which `*` stands for any text.', example: ['github'] }),
};

/** As `policies` of gateway.yaml. */
export const writtenPolicySchema = z
  .strictObject({
    effect: rule.effect,
    to: rule.to.default(['everyone']),
    servers: rule.servers.default(['*']),
    tools: patterns.optional(),
    resources: patterns.optional(),
    prompts: patterns.optional(),
    actions: z.array(z.string().regex(actionPattern, 'it must be an operation of MCP, such as tools.call or tools.*')).min(1).max(100).optional(),
    when: z.string().min(1).max(bounds.conditionCharsMax).optional().openapi({ description: 'A condition in CEL.', example: 'args.amount > 100' }),
    reason: z.string().min(1).max(500).optional(),
    until: timeSchema.optional(),
  })
  .openapi('PolicyChange');

export const policySchema = z
  .object({
    name: z.string().regex(policyNamePattern),
    ...rule,
    tools: z.array(z.string()).nullable(),
    resources: z.array(z.string()).nullable(),
    prompts: z.array(z.string()).nullable(),
    actions: z.array(z.string()).nullable(),
    when: z.string().nullable(),
    reason: z.string().nullable(),
    until: timeSchema.nullable(),
    source: z.enum(['file', 'registry']),
    file: z.string().nullable().openapi({ description: 'Of one that gateway.yaml says: its path.' }),
    line: z.number().int().nullable(),
    served: z.boolean().openapi({ description: 'False: gateway.yaml has policies, so this one rests.' }),
    version: z.number().int().nullable(),
    changed_at: timeSchema.nullable(),
    changed_by: z.string().nullable(),
    changed_by_name: actorNameSchema,
    usage: z
      .object({ calls: z.number().int(), last_time: timeSchema.nullable() })
      .nullable()
      .openapi({ description: 'Calls of the last 24 hours that it decided. Null where it is not asked for, and while the ledger cannot say.' }),
  })
  .openapi('Policy');

interface Beside {
  readonly file: string | null;
  readonly usage: PolicyUse | null;
}

type PolicyBody = Omit<z.infer<typeof policySchema>, 'changed_by_name'>;

export function policyBody({ data, source, line, isServed, version, changedAtMs, changedBy }: ListedPolicy, { file, usage }: Beside): PolicyBody {
  const { name, effect, servers, tools, resources, prompts, actions, when, reason, untilMs } = data;
  const copy = (list: readonly string[] | null): string[] | null => list && [...list];
  return {
    name,
    effect,
    to: subjectTexts(data),
    servers: [...servers],
    tools: copy(tools),
    resources: copy(resources),
    prompts: copy(prompts),
    actions: copy(actions),
    when,
    reason,
    until: timeOf(untilMs),
    source,
    file: source === 'file' ? file : null,
    line,
    served: isServed,
    version,
    changed_at: timeOf(changedAtMs),
    changed_by: changedBy,
    usage: usage && { calls: usage.calls, last_time: timeOf(usage.lastMs) },
  };
}

export function recordBody(record: PolicyRecord): PolicyBody {
  return policyBody({ ...record, source: 'registry', line: null, isServed: true }, { file: null, usage: null });
}

export const switchSchema = z
  .object({
    kind: z.enum(switchKinds),
    name: z.string(),
    reason: z.string(),
    until: timeSchema.nullable(),
    changed_at: timeSchema,
    changed_by: z.string(),
    changed_by_name: actorNameSchema,
  })
  .openapi('Switch');

export function switchBody({ kind, name, reason, untilMs, changedAtMs, changedBy }: SwitchRecord): Omit<z.infer<typeof switchSchema>, 'changed_by_name'> {
  return { kind, name, reason, until: timeOf(untilMs), changed_at: new Date(changedAtMs).toISOString(), changed_by: changedBy };
}

const things = { tool: 'tools.call', resource: 'resources.read', prompt: 'prompts.get' } as const satisfies Record<ThingKind, string>;

export const explainSchema = z
  .strictObject({
    as: z.string().min(1).max(320).openapi({
      description:
        'Who calls: the id of a key; the e-mail address of a user; the id of a user, service account or agent, with its kind before it where several have it (`agent:ci`). Without a key, which takes the permission `people.read`, what is asked is what the directory and the rules allow.',
      example: 'key_01JD',
    }),
    server: z.string().min(1).max(63).openapi({ example: 'github' }),
    kind: z.enum(['tool', 'resource', 'prompt']).default('tool'),
    name: z.string().min(1).max(1024).openapi({ description: 'Name of the tool or prompt, or URI of the resource.', example: 'create_issue' }),
    arguments: z.record(z.string(), z.unknown()).optional(),
    ip: z.union([z.ipv4(), z.ipv6()]).optional().openapi({ description: 'The address that the call comes from.' }),
  })
  .openapi('ExplainRequest');

export function operationOf({ server, kind, name }: z.output<typeof explainSchema>): Operation & { readonly action: string } {
  return { server, action: things[kind], kind, name };
}

/** In the words of conditions, which are those of MCP. */
export const toolHintsSchema = z.object({ readOnlyHint: z.boolean(), destructiveHint: z.boolean(), idempotentHint: z.boolean(), openWorldHint: z.boolean() });
const toolSchema = z.object({
  title: z.string(),
  annotations: toolHintsSchema,
  said: z.array(z.string()).openapi({ description: 'The hints that its server gives; the others are what MCP has read for them.' }),
  risk: z.enum(risks),
});

export const explainedSchema = z
  .object({
    decision: z.enum(['allow', 'deny', 'hold']),
    hidden: z.boolean().openapi({ description: 'Refused as if it did not exist.' }),
    stop: z.enum(['auth', 'access', 'limit', 'server']).nullable().openapi({ description: 'The first stop that refuses; null: none does.' }),
    rule: z.string().nullable().openapi({ description: 'The policy that decides; null where there is none.' }),
    reason: z.string(),
    stops: z.array(z.object({ stop: z.enum(['auth', 'access', 'limit', 'server']), outcome: z.enum(['pass', 'refuse']), reason: z.string() })),
    rules: z.array(
      z.object({
        name: z.string(),
        effect: rule.effect,
        bearing: z.enum(['speaks', 'other_caller', 'other_server', 'other_operation', 'condition_not_met', 'condition_unknown', 'ended']),
        decided: z.boolean(),
      }),
    ),
    tool: toolSchema.nullable().openapi({ description: 'What is known of the tool, where a policy asks after it; null: nothing, or none does.' }),
    engine: z
      .object({ name: z.string(), decision: z.enum(['allow', 'deny', 'hold', 'none']), reason: z.string().nullable(), decision_id: z.string().nullable() })
      .nullable()
      .openapi({
        description: 'What the policy engine says, where it is asked: of what the policies allow. `none`: no answer that counts, so that the call is refused.',
      }),
    changes: z.array(z.string()).openapi({ description: 'What would let the call through.' }),
  })
  .openapi('AccessExplanation');

export function explainedBody(explained: AccessExplained): z.infer<typeof explainedSchema> {
  const { stops, rules, tool, engine, changes, ...rest } = explained;
  return {
    ...rest,
    stops: stops.map((stop) => ({ ...stop })),
    rules: rules.map((one) => ({ ...one })),
    tool: tool && { ...tool, annotations: { ...tool.annotations }, said: [...tool.said] },
    engine: engine && { name: engine.name, decision: engine.decision, reason: engine.reason, decision_id: engine.decisionId },
    changes: [...changes],
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
