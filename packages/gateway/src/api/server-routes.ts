import { z } from '@hono/zod-openapi';
import type { ControlContext } from '../control/context.ts';
import { nameActors } from '../control/directory/name-actors.ts';
import { getServer, listServers, type ServerView } from '../control/servers/list-servers.ts';
import { changeServer, type ServerChange } from '../control/servers/change-server.ts';
import { changeTarget } from '../control/servers/change-target.ts';
import type { TargetView } from '../control/servers/target-view.ts';
import { testServer, type ListedTool } from '../control/servers/test-server.ts';
import type { CanaryData } from '../snapshot/upstream-data.ts';
import { actorNameSchema, named } from './actor-names.ts';
import { objectBody, objectSchemas } from './object-shape.ts';
import { toolHintsSchema } from './policy-shape.ts';
import { pageMembers, pageOfWhole, wholeListQuery } from './whole-list.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

const transports = ['http', 'stdio', 'websocket', 'sse'] as const;
const serverStates = ['ready', 'starting', 'degraded', 'failed', 'unknown'] as const;

/** The servers behind the gateway. */
export function serverRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/servers',
      permission: 'servers.read',
      tags: ['servers'],
      summary: 'List servers',
      request: {
        query: z.strictObject({
          ...wholeListQuery(['configured', 'name', 'state']),
          state: z.enum(serverStates).optional(),
          transport: z.enum(transports).optional(),
        }),
      },
      responses: { 200: json(z.object({ servers: z.array(serverSchema), ...pageMembers }), 'The servers that the caller may reach.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const servers = await serverBodies(c.var.context(), await listServers(c.var.context()));
      const places = new Map(servers.map(({ name }, index) => [name, String(index).padStart(6, '0')]));
      const wanted = servers.filter(({ state, transport }) => state === (query.state ?? state) && transport === (query.transport ?? transport));
      const { items, cursor } = pageOfWhole(wanted, query, {
        id: ({ name }) => name,
        texts: ({ name, target }) => [name, target],
        keys: { configured: ({ name }) => places.get(name) ?? '', name: ({ name }) => name, state: ({ state }) => state },
      });
      return c.json({ servers: [...items], cursor, has_more: cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/servers/{name}',
      permission: 'servers.read',
      tags: ['servers'],
      summary: 'One server',
      description: 'The ETag of one that was made by the API is what a change sends as `If-Match`.',
      request: { params: nameParams },
      responses: { 200: json(z.object({ server: serverSchema }), 'The server.') },
    }),
    async (c) => {
      const server = await getServer(c.var.context(), c.req.valid('param').name);
      const version = server.managed?.record?.version;
      if (version !== undefined) c.header('ETag', `"${version}"`);
      return c.json({ server: await bodyOfServer(c.var.context(), server) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'patch',
      path: '/v1/servers/{name}',
      permission: 'servers.write',
      tags: ['servers'],
      summary: 'Switch the active target of a server, or change its canary',
      description:
        'At once, on every node, until it is taken back or gateway.yaml says another active target or canary. Survives restarts. A canary that becomes the active target is one no longer.',
      request: {
        params: nameParams,
        query: z.strictObject({ dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Show what would be, change nothing.' }) }),
        body: body(serverChangeSchema),
      },
      responses: { 200: json(z.object({ server: serverSchema }), 'The server as it is now, or would be.') },
    }),
    async (c) => {
      const options = { dryRun: c.req.valid('query').dry_run === 'true' };
      const changed = await changeServer(c.var.context(), c.req.valid('param').name, changeOf(c.req.valid('json')), options);
      return c.json({ server: await bodyOfServer(c.var.context(), changed) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/servers/{name}/test',
      permission: 'servers.test',
      changesNothing: true,
      tags: ['servers'],
      summary: 'Connect to a server and list its tools, resources and prompts',
      description:
        'What the server offers, whatever rules let callers see of it. Ten seconds at most. A server that fails is a result with `ok: false`, not a fault.',
      request: { params: nameParams, query: z.strictObject({ target: z.string().max(64).optional().openapi({ description: 'One of several targets.' }) }) },
      responses: { 200: json(z.object({ test: testSchema }), 'What happened.') },
    }),
    async (c) => {
      const test = await testServer(c.var.context(), c.req.valid('param').name, c.req.valid('query').target ?? null);
      return c.json(
        {
          test: {
            ok: test.ok,
            failed_at: test.failedAt,
            reason: test.reason,
            fix: test.fix,
            era: test.era,
            protocol_version: test.protocolVersion,
            server_name: test.serverName,
            server_version: test.serverVersion,
            tools: test.tools && test.tools.map(toolBody),
            tools_cut: test.toolsCut,
            resources: test.resources && test.resources.map(({ isTemplate, mimeType, ...one }) => ({ ...one, is_template: isTemplate, mime_type: mimeType })),
            prompts: test.prompts && test.prompts.map((one) => ({ ...one, arguments: one.arguments.map((argument) => ({ ...argument })) })),
            others_cut: test.othersCut,
            handshake_ms: test.handshakeMs,
            tools_ms: test.toolsMs,
          },
        },
        200,
      );
    },
  );
  for (const how of [{ method: 'patch' }, { method: 'post', deprecation: targetsByPost }] as const)
    api.openapi(
      route({
        ...how,
        path: '/v1/servers/{name}/targets/{target}',
        permission: 'servers.write',
        tags: ['servers'],
        summary: 'Change the weight of a target, or drain it',
        description:
          'At once, on every node, until it is taken back or gateway.yaml names another weight. A target that drains takes no new calls; those under way end, and its sessions go on elsewhere.',
        request: { params: nameParams.extend({ target: z.string().max(128).openapi({ example: 'blue' }) }), body: body(changeSchema) },
        responses: { 200: json(z.object({ target: targetSchema }), 'The target as it is now.') },
      }),
      async (c) => {
        const { name, target } = c.req.valid('param');
        const { weight, draining } = c.req.valid('json');
        const change = { ...(weight === undefined ? {} : { weight }), ...(draining === undefined ? {} : { draining }) };
        return c.json({ target: targetBody(await changeTarget(c.var.context(), name, target, change)) }, 200);
      },
    );
}

const targetsByPost = { since: '2026-11-28', sunset: '2027-11-28', instead: 'PATCH /v1/servers/{name}/targets/{target}' } as const;

/** An object as `changeServer` takes it: what is left out is not there. */
function changeOf({ active, canary }: z.infer<typeof serverChangeSchema>): ServerChange {
  return {
    ...(active === undefined ? {} : { active }),
    ...(canary === undefined ? {} : { canary: canary && canaryChange(canary) }),
  };
}

function canaryChange({ target, share, header, principals }: z.infer<typeof canaryChangeSchema>): Partial<CanaryData> {
  return {
    ...(target === undefined ? {} : { target }),
    ...(share === undefined ? {} : { sharePercent: share }),
    ...(header === undefined ? {} : { header: header && { name: header.name.toLowerCase(), value: header.value } }),
    ...(principals === undefined ? {} : { principals }),
  };
}

const headerSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/i)
    .openapi({ example: 'x-canary' }),
  value: z.string().min(1).max(256).openapi({ example: 'yes' }),
});

const canaryChangeSchema = z
  .strictObject({
    target: z.string().max(128).optional().openapi({ example: 'green' }),
    share: z.number().min(0).max(100).optional().openapi({ description: 'Per cent of the calls.', example: 5 }),
    header: headerSchema.nullable().optional().openapi({ description: 'Calls that carry it go to the canary; null: no header decides.' }),
    principals: z.array(z.string().min(1).max(128)).max(1000).optional().openapi({ description: 'Ids of keys whose calls go to the canary.' }),
  })
  .openapi('CanaryChange');

const serverChangeSchema = z
  .strictObject({
    active: z
      .string()
      .max(128)
      .nullable()
      .optional()
      .openapi({ description: 'The target that takes the calls; null: the configured one again.', example: 'green' }),
    canary: canaryChangeSchema.nullable().optional().openapi({ description: 'What is left out stays; null: the configured one again.' }),
  })
  .refine(({ active, canary }) => active !== undefined || canary !== undefined, 'say active, canary or both')
  .openapi('ServerChange');

const changeSchema = z
  .strictObject({
    weight: z.number().int().min(0).max(1000).nullable().optional().openapi({ description: 'null: the configured one again.' }),
    draining: z.boolean().optional(),
  })
  .refine(({ weight, draining }) => weight !== undefined || draining !== undefined, 'say weight, draining or both')
  .openapi('TargetChange');

const targetSchema = z
  .object({
    name: z.string(),
    address: z.string(),
    role: z.enum(['active', 'standby', 'canary']).nullable(),
    state: z.enum(['ready', 'failing', 'recovering', 'down', 'draining', 'unknown']).openapi({
      description:
        '`failing`: its breaker refuses calls; `recovering`: it lets some through to see; `down`: active checks fail; `unknown`: not asked yet, or no call of it went well and its breaker has not opened.',
    }),
    reason: z.string().nullable(),
    weight: z.number().int(),
    calls: z.number().int().openapi({ description: 'Of this node, since its workers began to use it; so the other counts.' }),
    failures: z.number().int(),
    retries: z.number().int(),
    in_flight: z.number().int(),
    last_failure_at: timeSchema.nullable(),
    checked_at: timeSchema.nullable().openapi({ description: 'Of the last active check.' }),
  })
  .openapi('Target');

const nameParams = z.object({ name: z.string().max(128).openapi({ example: 'filesystem' }) });

const serverSchema = z
  .object({
    name: z.string(),
    transport: z.enum(transports),
    path: z.string().openapi({ example: '/mcp/filesystem' }),
    auth: z.string().openapi({ example: 'apiKey', description: 'What callers sign in with: `apiKey`, `jwt`, `oauth`, several as `apiKey, jwt`, or `none`.' }),
    target: z.string().openapi({ description: 'The address, or the program without its arguments.' }),
    timeout_ms: z.number().int(),
    state: z.enum(serverStates),
    reason: z.string().nullable(),
    tools_listed: z.number().int().nullable().openapi({
      description:
        'How many tools it listed when this node last read its list for calls; null: it has not, or there are none. `POST /v1/servers/{name}/test` asks it.',
    }),
    targets: z.array(targetSchema),
    active: z.string().nullable().openapi({ description: 'The target that takes the calls, the others stand by; null: all take them.' }),
    canary: z.object({ target: z.string(), share: z.number(), header: headerSchema.nullable(), principals: z.array(z.string()) }).nullable(),
    order: z
      .object({ changed_at: timeSchema, changed_by: z.string(), changed_by_name: actorNameSchema })
      .nullable()
      .openapi({ description: 'The last change that was asked for beside gateway.yaml, by `PATCH` here or at a target; null: what gateway.yaml says holds.' }),
    managed: objectSchemas.server.nullable().openapi({ description: 'Where it is said, and what; null where the registry does not answer.' }),
  })
  .openapi('Server');

const jsonSchema = z.record(z.string(), z.unknown());

const listedToolSchema = z
  .object({
    name: z.string(),
    title: z.string().openapi({ description: 'For people; empty where there is none.' }),
    description: z.string().openapi({ description: 'Its first 500 characters.' }),
    annotations: toolHintsSchema,
    said: z.array(z.string()).openapi({ description: 'The hints that its server gives; the others are what MCP has read for them.' }),
    input_schema: jsonSchema.nullable().openapi({ description: 'null: longer than 64 KiB, or all are longer than 2 MiB.' }),
    output_schema: jsonSchema.nullable().openapi({ description: 'null: there is none, or as above.' }),
  })
  .openapi('ListedTool');

const listedResourceSchema = z
  .object({
    uri: z.string().openapi({ description: 'Of a template that of RFC 6570, as its server says it.', example: 'file:///srv/{path}' }),
    is_template: z.boolean(),
    name: z.string(),
    description: z.string().openapi({ description: 'Its first 500 characters.' }),
    mime_type: z.string().nullable(),
  })
  .openapi('ListedResource');

const listedPromptSchema = z
  .object({
    name: z.string(),
    description: z.string().openapi({ description: 'Its first 500 characters.' }),
    arguments: z.array(z.object({ name: z.string(), description: z.string(), required: z.boolean() })),
  })
  .openapi('ListedPrompt');

const testSchema = z
  .object({
    ok: z.boolean(),
    failed_at: z.enum(['connect', 'handshake', 'tools']).nullable(),
    reason: z.string().nullable(),
    fix: z.string().nullable().openapi({ description: 'What mends it; null where nothing failed.' }),
    era: z.string().nullable().openapi({ description: '`modern` (2026-07-28, stateless) or `legacy`.' }),
    protocol_version: z.string().nullable(),
    server_name: z.string().nullable(),
    server_version: z.string().nullable(),
    tools: z.array(listedToolSchema).nullable(),
    tools_cut: z.boolean(),
    resources: z.array(listedResourceSchema).nullable().openapi({
      description: 'Templates behind them, 500 of either at most; empty: it offers none; null: they could not be listed, which does not fail the test.',
    }),
    prompts: z.array(listedPromptSchema).nullable().openapi({ description: '500 at most; null as above.' }),
    others_cut: z.boolean().openapi({ description: 'It has more resources or prompts than are listed here.' }),
    handshake_ms: z.number().nullable(),
    tools_ms: z.number().nullable(),
  })
  .openapi('ServerTest');

/** With the names of who changed them, by one question for all. */
async function serverBodies(context: ControlContext, servers: readonly ServerView[]): Promise<z.infer<typeof serverSchema>[]> {
  const ids = servers.flatMap(({ order, managed }) => [order?.changedBy ?? '', managed?.record?.createdBy ?? '', managed?.record?.changedBy ?? '']);
  const names = await nameActors(context, ids);
  return servers.map((server) => serverBody(server, names));
}

async function bodyOfServer(context: ControlContext, server: ServerView): Promise<z.infer<typeof serverSchema>> {
  const [body] = await serverBodies(context, [server]);
  if (body === undefined) throw new TypeError('a server has a body');
  return body;
}

function serverBody(
  { timeoutMs, targets, canary, order, managed, toolsListed, ...server }: ServerView,
  names: ReadonlyMap<string, string>,
): z.infer<typeof serverSchema> {
  return {
    ...server,
    timeout_ms: timeoutMs,
    tools_listed: toolsListed,
    targets: targets.map(targetBody),
    canary: canary && { target: canary.target, share: canary.sharePercent, header: canary.header, principals: [...canary.principals] },
    managed: managed && named(objectBody(managed), names),
    order: order && named({ changed_at: new Date(order.changedAtMs).toISOString(), changed_by: order.changedBy }, names),
  };
}

function toolBody({ annotations, said, inputSchema, outputSchema, ...tool }: ListedTool): z.infer<typeof listedToolSchema> {
  return {
    ...tool,
    annotations: { ...annotations },
    said: [...said],
    input_schema: inputSchema && { ...inputSchema },
    output_schema: outputSchema && { ...outputSchema },
  };
}

function targetBody({ inFlight, lastFailureAtMs, checkedAtMs, ...target }: TargetView): z.infer<typeof targetSchema> {
  return {
    ...target,
    in_flight: inFlight,
    last_failure_at: lastFailureAtMs === null ? null : new Date(lastFailureAtMs).toISOString(),
    checked_at: checkedAtMs === null ? null : new Date(checkedAtMs).toISOString(),
  };
}
