import { z } from '@hono/zod-openapi';
import { dryRunOutcomes, type AccessDryRun, type DryRunInput } from '../control/access/dry-run-access.ts';
import { bounds } from '../kernel/bounds.ts';
import { traceIdOf } from '../kernel/id.ts';
import { policyNamePattern, readPolicy } from '../kernel/policy.ts';
import { writtenPolicySchema } from './policy-shape.ts';
import { timeSchema } from './route.ts';

const policyName = z.string().regex(policyNamePattern, 'it is no name of a policy').openapi({ example: 'no-deletes' });
const named = writtenPolicySchema.extend({ name: policyName }).openapi('NamedPolicy');

export const dryRunSchema = z
  .strictObject({
    policies: z.array(named).max(bounds.policiesMax).optional().openapi({ description: 'The whole list, in the place of the rules that hold.' }),
    put: z.array(named).max(bounds.policiesMax).default([]).openapi({ description: 'Rules that would be made, or take the place of those with their names.' }),
    remove: z.array(policyName).max(bounds.policiesMax).default([]).openapi({ description: 'Names of rules that would be taken away.' }),
    days: z.number().int().min(1).max(bounds.dryRunDaysMax).default(7).openapi({ description: 'Of so many days up to now.' }),
  })
  .openapi('DryRunRequest');

export function dryRunInput({ policies, put, remove, days }: z.output<typeof dryRunSchema>): DryRunInput {
  return { policies: policies?.map(readPolicy) ?? null, put: put.map(readPolicy), remove, days };
}

const sum = z.object({ calls: z.number().int(), callers: z.number().int().openapi({ description: 'Users, agents where there is no user, else keys.' }) });
const decision = z.enum(['allow', 'deny', 'hold']).nullable();
const text = z.string().nullable();

export const dryRunSchemaOfAnswer = z
  .object({
    start_time: timeSchema,
    end_time: timeSchema,
    calls: z.number().int().openapi({ description: 'Calls that were looked at: of tools, resources and prompts.' }),
    unknown_callers_calls: z
      .number()
      .int()
      .openapi({ description: 'Those of keys, users, service accounts and agents that are not there any more: nothing can be said of them.' }),
    truncated: z
      .boolean()
      .openapi({ description: `There are more: at most the newest ${bounds.dryRunCallsMax}, and ${bounds.dryRunGroupsMax} kinds of them, are looked at.` }),
    denied: sum,
    held: sum,
    allowed: sum,
    depends: sum.openapi({ description: 'A rule that differs is about them, and it depends on arguments, address or time what it would have done.' }),
    groups: z
      .array(
        z.object({
          outcome: z.enum(dryRunOutcomes),
          before: decision.openapi({ description: 'By the rules that hold; null: it depends.' }),
          after: decision,
          calls: z.number().int(),
          key_id: text,
          user_id: text,
          agent_name: text,
          environment: text,
          server: z.string(),
          kind: z.enum(['tool', 'resource', 'prompt']),
          name: z.string(),
          last_time: timeSchema,
          trace_id: z.string().openapi({ description: 'Of the newest of them.' }),
        }),
      )
      .openapi({ description: `Most calls first; at most ${bounds.dryRunShownMax}.` }),
  })
  .openapi('AccessDryRun');

export function dryRunBody({ startMs, endMs, calls, callsOfUnknown, truncated, outcomes, groups }: AccessDryRun): z.infer<typeof dryRunSchemaOfAnswer> {
  return {
    start_time: new Date(startMs).toISOString(),
    end_time: new Date(endMs).toISOString(),
    calls,
    unknown_callers_calls: callsOfUnknown,
    truncated,
    ...outcomes,
    groups: groups.map(({ outcome, before, after, kind, of }) => ({
      outcome,
      before,
      after,
      calls: of.calls,
      key_id: of.key_id || null,
      user_id: of.user_id || null,
      agent_name: of.agent || null,
      environment: of.environment || null,
      server: of.server,
      kind,
      name: of.name,
      last_time: new Date(Number(of.last_us / 1000n)).toISOString(),
      trace_id: traceIdOf(of.trace_hex),
    })),
  };
}
