import { z } from '@hono/zod-openapi';
import { explainAccess } from '../control/access/explain-access.ts';
import { dryRunAccess } from '../control/access/dry-run-access.ts';
import { deletePolicy } from '../control/policies/delete-policy.ts';
import { listPolicies } from '../control/policies/list-policies.ts';
import { putPolicy } from '../control/policies/put-policy.ts';
import { readPolicyUse } from '../control/policies/read-policy-use.ts';
import { switchOff, switchOn } from '../control/switches/switch-off.ts';
import { unknownObject } from '../control/unknown-object.ts';
import { policyNamePattern, readPolicy } from '../kernel/policy.ts';
import { switchKinds } from '../kernel/switch.ts';
import { withActorName, withActorNames } from './actor-names.ts';
import { dryRunBody, dryRunInput, dryRunSchema, dryRunSchemaOfAnswer } from './dry-run-shape.ts';
import { expectedVersion, ifMatchHeaders } from './if-match.ts';
import {
  explainSchema,
  explainedBody,
  explainedSchema,
  operationOf,
  policyBody,
  policySchema,
  recordBody,
  switchBody,
  switchSchema,
  writtenPolicySchema,
} from './policy-shape.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';
import { pageMembers, pageOfWhole, wholeListQuery } from './whole-list.ts';

const nameParam = z.object({ name: z.string().regex(policyNamePattern, 'it is no name of a policy').openapi({ example: 'no-deletes' }) });
const switchParams = z.object({
  kind: z.enum(switchKinds),
  name: z.string().min(1).max(512).openapi({ description: 'Of a tool SERVER/TOOL, its slash escaped.', example: 'github' }),
});

/** Rules of access, what is switched off, and why a call would be refused. */
export function policyRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/policies',
      permission: 'policies.read',
      tags: ['access'],
      summary: 'List the rules of access',
      description: 'Those of gateway.yaml first; where it has some, those of the registry rest. At most 5,000.',
      request: {
        query: z.strictObject({
          ...wholeListQuery(['source', 'name', 'changed_at']),
          effect: z.enum(['allow', 'deny', 'hold']).optional(),
          source: z.enum(['file', 'registry']).optional(),
          usage: z.enum(['true', 'false']).default('false').openapi({ description: 'Say of each how many calls it decided in the last 24 hours.' }),
        }),
      },
      responses: { 200: json(z.object({ policies: z.array(policySchema), ...pageMembers }), 'The rules.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const context = c.var.context();
      const [listed, usageOf] = await Promise.all([listPolicies(context), query.usage === 'true' ? readPolicyUse(context) : () => null]);
      const rules = listed.map((policy) => policyBody(policy, { file: context.config.file, usage: usageOf(policy.data.name) }));
      const wanted = rules.filter(({ effect, source }) => effect === (query.effect ?? effect) && source === (query.source ?? source));
      const { items, cursor } = pageOfWhole(wanted, query, {
        id: ({ source, name }) => `${source} ${name}`,
        texts: ({ name, reason }) => [name, reason],
        keys: { source: ({ source }) => source, name: ({ name }) => name, changed_at: ({ changed_at: at }) => at ?? '' },
      });
      return c.json({ policies: await withActorNames(context, items), cursor, has_more: cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/policies/{name}',
      permission: 'policies.read',
      tags: ['access'],
      summary: 'One rule of access',
      description: 'The ETag is what a change sends as `If-Match`.',
      request: { params: nameParam },
      responses: { 200: json(z.object({ policy: policySchema }), 'The rule.') },
    }),
    async (c) => {
      const { name } = c.req.valid('param');
      const context = c.var.context();
      const [listed, usageOf] = await Promise.all([listPolicies(context), readPolicyUse(context)]);
      const policy = listed.find(({ data }) => data.name === name);
      if (policy === undefined) throw unknownObject('policy', name);
      if (policy.version !== null) c.header('ETag', `"${policy.version}"`);
      return c.json({ policy: await withActorName(context, policyBody(policy, { file: context.config.file, usage: usageOf(name) })) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'put',
      path: '/v1/policies/{name}',
      permission: 'policies.write',
      tags: ['access'],
      summary: 'Make a rule of access, or change it',
      description: 'The whole rule. It holds on this node when the answer comes, on every other within a second. Refused where gateway.yaml has `policies`.',
      request: {
        params: nameParam,
        query: z.object({ dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Say whether it could be made, change nothing.' }) }),
        headers: ifMatchHeaders,
        body: body(writtenPolicySchema),
      },
      responses: {
        200: json(z.object({ outcome: z.enum(['created', 'changed', 'unchanged', 'planned']), policy: policySchema }), 'The rule as it is, or would be.'),
      },
    }),
    async (c) => {
      const context = c.var.context();
      const { outcome, policy } = await putPolicy(context, {
        data: readPolicy({ name: c.req.valid('param').name, ...c.req.valid('json') }),
        expected: expectedVersion(c.req.valid('header')['if-match']),
        dryRun: c.req.valid('query').dry_run === 'true',
      });
      c.header('ETag', `"${policy.version}"`);
      return c.json({ outcome, policy: await withActorName(context, recordBody(policy)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/policies/{name}',
      permission: 'policies.write',
      tags: ['access'],
      summary: 'Take a rule of access away',
      request: { params: nameParam, headers: ifMatchHeaders },
      responses: { 204: { description: 'It is gone.' } },
    }),
    async (c) => {
      await deletePolicy(c.var.context(), c.req.valid('param').name, expectedVersion(c.req.valid('header')['if-match']));
      return c.body(null, 204);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/switches',
      permission: 'policies.read',
      tags: ['access'],
      summary: 'What is switched off',
      request: {
        query: z.strictObject({ ...wholeListQuery(['kind', 'name', 'changed_at']), kind: z.enum(switchKinds).optional() }),
      },
      responses: {
        200: json(
          z.object({ switches: z.array(switchSchema), ...pageMembers }),
          'Every switch that is off; one whose time is over is in the list until it is switched on.',
        ),
      },
    }),
    async (c) => {
      const context = c.var.context();
      const { registry, organizationId } = context;
      const query = c.req.valid('query');
      const wanted = (await registry.access.switches(organizationId)).map(switchBody).filter(({ kind }) => kind === (query.kind ?? kind));
      const { items, cursor } = pageOfWhole(wanted, query, {
        id: ({ kind, name }) => `${kind} ${name}`,
        texts: ({ name, reason }) => [name, reason],
        keys: { kind: ({ kind }) => kind, name: ({ name }) => name, changed_at: ({ changed_at: at }) => at },
      });
      return c.json({ switches: await withActorNames(context, items), cursor, has_more: cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'put',
      path: '/v1/switches/{kind}/{name}',
      permission: 'switches.write',
      tags: ['access'],
      summary: 'Switch a server, a tool or a caller off',
      description: 'The kill switch: it wins over every policy, on this node when the answer comes, on every other within a second.',
      request: {
        params: switchParams,
        body: body(
          z.strictObject({
            reason: z.string().min(1).max(500).openapi({ description: 'Stands in the audit, and is said to who may hear of it.', example: 'INC-412' }),
            until: timeSchema.optional().openapi({ description: 'When it is on again by itself.' }),
          }),
        ),
      },
      responses: { 200: json(z.object({ switch: switchSchema }), 'The switch.') },
    }),
    async (c) => {
      const { reason, until } = c.req.valid('json');
      const context = c.var.context();
      const off = await switchOff(context, { ...c.req.valid('param'), reason, untilMs: until === undefined ? null : Date.parse(until) });
      return c.json({ switch: await withActorName(context, switchBody(off)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/switches/{kind}/{name}',
      permission: 'switches.write',
      tags: ['access'],
      summary: 'Switch it on again',
      request: { params: switchParams },
      responses: { 204: { description: 'It is on.' } },
    }),
    async (c) => {
      const { kind, name } = c.req.valid('param');
      await switchOn(c.var.context(), kind, name);
      return c.body(null, 204);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/access/explain',
      permission: 'policies.read',
      changesNothing: true,
      tags: ['access'],
      summary: 'Why a call would be let through or refused',
      description: 'Each rule on the way, the one that decides, what would change it, and where else the call would stop. Nothing is called.',
      request: { body: body(explainSchema) },
      responses: { 200: json(z.object({ explanation: explainedSchema }), 'What would be decided, and why.') },
    }),
    async (c) => {
      const asked = c.req.valid('json');
      const explained = await explainAccess(c.var.context(), {
        as: asked.as,
        operation: operationOf(asked),
        argumentsText: asked.arguments === undefined ? null : JSON.stringify(asked.arguments),
        ip: asked.ip ?? '',
      });
      return c.json({ explanation: explainedBody(explained) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/access/dry-run',
      permission: 'policies.read',
      changesNothing: true,
      tags: ['access'],
      summary: 'What other rules would have done with the calls of the last days',
      description:
        'Recorded calls are decided by the rules that hold and by those that would, for callers as they are now. Nothing is changed. What a call said is not looked at: where that decides, it is counted apart.',
      request: { body: body(dryRunSchema) },
      responses: { 200: json(z.object({ dry_run: dryRunSchemaOfAnswer }), 'What would be otherwise.') },
    }),
    async (c) => c.json({ dry_run: dryRunBody(await dryRunAccess(c.var.context(), dryRunInput(c.req.valid('json')))) }, 200),
  );
}
