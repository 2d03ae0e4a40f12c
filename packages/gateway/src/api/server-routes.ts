import { z } from '@hono/zod-openapi';
import { getServer, listServers, type ServerView } from '../control/servers/list-servers.ts';
import { testServer } from '../control/servers/test-server.ts';
import { json, route, type Api } from './route.ts';

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
    (c) => c.json({ servers: listServers(c.var.context()).map(serverBody) }, 200),
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
    (c) => c.json({ server: serverBody(getServer(c.var.context(), c.req.valid('param').name)) }, 200),
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/servers/{name}/test',
      permission: 'servers.test',
      tags: ['servers'],
      summary: 'Connect to a server and list its tools',
      description: 'Ten seconds at most. A server that fails is a result with `ok: false`, not a fault.',
      request: { params: nameParams },
      responses: { 200: json(z.object({ test: testSchema }), 'What happened.') },
    }),
    async (c) => {
      const test = await testServer(c.var.context(), c.req.valid('param').name);
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
}

const nameParams = z.object({ name: z.string().max(128).openapi({ example: 'filesystem' }) });

const serverSchema = z
  .object({
    name: z.string(),
    transport: z.enum(['http', 'stdio']),
    path: z.string().openapi({ example: '/mcp/filesystem' }),
    auth: z.enum(['apiKey', 'none']),
    target: z.string().openapi({ description: 'The address, or the program without its arguments.' }),
    timeout_ms: z.number().int(),
    state: z.enum(['ready', 'starting', 'failed', 'unknown']),
    reason: z.string().nullable(),
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

function serverBody({ timeoutMs, ...server }: ServerView): z.infer<typeof serverSchema> {
  return { ...server, timeout_ms: timeoutMs };
}
