import { z } from '@hono/zod-openapi';
import { getServer, listServers, type ServerView } from '../control/servers/list-servers.ts';
import { changeTarget } from '../control/servers/change-target.ts';
import type { TargetView } from '../control/servers/target-view.ts';
import { testServer } from '../control/servers/test-server.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** The servers behind the gateway. */
export function serverRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/servers',
      permission: 'servers.read',
      tags: ['servers'],
      summary: 'List servers',
      responses: { 200: json(z.object({ servers: z.array(serverSchema) }), 'The servers that the caller may reach.') },
    }),
    async (c) => c.json({ servers: (await listServers(c.var.context())).map(serverBody) }, 200),
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/servers/{name}',
      permission: 'servers.read',
      tags: ['servers'],
      summary: 'One server',
      request: { params: nameParams },
      responses: { 200: json(z.object({ server: serverSchema }), 'The server.') },
    }),
    async (c) => c.json({ server: serverBody(await getServer(c.var.context(), c.req.valid('param').name)) }, 200),
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/servers/{name}/test',
      permission: 'servers.test',
      tags: ['servers'],
      summary: 'Connect to a server and list its tools',
      description: 'Ten seconds at most. A server that fails is a result with `ok: false`, not a fault.',
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
            era: test.era,
            protocol_version: test.protocolVersion,
            server_name: test.serverName,
            server_version: test.serverVersion,
            tools: test.tools && [...test.tools],
            tools_cut: test.toolsCut,
            handshake_ms: test.handshakeMs,
            tools_ms: test.toolsMs,
          },
        },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/servers/{name}/targets/{target}',
      permission: 'servers.write',
      tags: ['servers'],
      summary: 'Change the weight of a target, or drain it',
      description:
        'At once, on this node, until it restarts; gateway.yaml says what holds from then on. A target that drains takes no new calls; those under way end, and its sessions are over.',
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
      description: '`failing`: its breaker refuses calls; `recovering`: it lets some through to see; `down`: active checks fail; `unknown`: not asked yet.',
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
    transport: z.enum(['http', 'stdio', 'websocket', 'sse']),
    path: z.string().openapi({ example: '/mcp/filesystem' }),
    auth: z.enum(['apiKey', 'none']),
    target: z.string().openapi({ description: 'The address, or the program without its arguments.' }),
    timeout_ms: z.number().int(),
    state: z.enum(['ready', 'starting', 'degraded', 'failed', 'unknown']),
    reason: z.string().nullable(),
    targets: z.array(targetSchema),
  })
  .openapi('Server');

const testSchema = z
  .object({
    ok: z.boolean(),
    failed_at: z.enum(['connect', 'handshake', 'tools']).nullable(),
    reason: z.string().nullable(),
    era: z.string().nullable().openapi({ description: '`modern` (2026-07-28, stateless) or `legacy`.' }),
    protocol_version: z.string().nullable(),
    server_name: z.string().nullable(),
    server_version: z.string().nullable(),
    tools: z.array(z.object({ name: z.string(), description: z.string() })).nullable(),
    tools_cut: z.boolean(),
    handshake_ms: z.number().nullable(),
    tools_ms: z.number().nullable(),
  })
  .openapi('ServerTest');

function serverBody({ timeoutMs, targets, ...server }: ServerView): z.infer<typeof serverSchema> {
  return { ...server, timeout_ms: timeoutMs, targets: targets.map(targetBody) };
}

function targetBody({ inFlight, lastFailureAtMs, checkedAtMs, ...target }: TargetView): z.infer<typeof targetSchema> {
  return {
    ...target,
    in_flight: inFlight,
    last_failure_at: lastFailureAtMs === null ? null : new Date(lastFailureAtMs).toISOString(),
    checked_at: checkedAtMs === null ? null : new Date(checkedAtMs).toISOString(),
  };
}
