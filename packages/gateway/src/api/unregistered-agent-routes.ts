import { z } from '@hono/zod-openapi';
import { listUnregisteredAgents } from '../control/directory/list-unregistered-agents.ts';
import { bounds } from '../kernel/bounds.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** Agents that call without being in the catalogue, so that somebody can answer for them. */
export function unregisteredAgentRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/unregistered-agents',
      permission: 'people.read',
      tags: ['people'],
      summary: 'List agents that called and are not in the catalogue, most calls first',
      description: `By the agent that their calls name (of the key, or of the request); where they name none, by the name that the program gives itself. Of the newest ${bounds.seenCallsMax} calls. \`POST /v1/agents\` with the \`agent\` as \`id\` puts one into the catalogue, with its calls.`,
      request: {
        query: z.strictObject({
          days: z.coerce.number().int().min(1).max(bounds.seenDaysMax).default(30).openapi({ description: 'Calls of so many days up to now.' }),
          limit: z.coerce.number().int().min(1).max(bounds.directoryListMax).default(50),
        }),
      },
      responses: { 200: json(z.object({ agents: z.array(seenSchema), since: timeSchema, truncated: z.boolean() }), 'Those that were seen.') },
    }),
    async (c) => {
      const { agents, fromMs, isCut } = await listUnregisteredAgents(c.var.context(), c.req.valid('query'));
      return c.json(
        {
          agents: agents.map(({ agent, clients, keys, servers, calls, first_ms: firstMs, last_ms: lastMs }) => ({
            agent: agent === '' ? null : agent,
            client_names: clients.filter((name) => name !== ''),
            keys,
            servers,
            calls,
            first_seen: new Date(firstMs).toISOString(),
            last_seen: new Date(lastMs).toISOString(),
          })),
          since: new Date(fromMs).toISOString(),
          truncated: isCut,
        },
        200,
      );
    },
  );
}

const some = `${bounds.seenNamesMax} at most.`;
const seenSchema = z
  .object({
    agent: z.string().nullable().openapi({ description: 'As its calls name it; null: they name none.' }),
    client_names: z.array(z.string()).openapi({ description: `\`clientInfo.name\` of MCP, ${some}`, example: ['claude-code'] }),
    keys: z.array(z.string()).openapi({ description: `Ids of the keys that it called with, ${some}` }),
    servers: z.array(z.string()).openapi({ description: `Servers that it called, ${some}` }),
    calls: z.number().int(),
    first_seen: timeSchema.openapi({ description: 'Of the calls that are looked at.' }),
    last_seen: timeSchema,
  })
  .openapi('UnregisteredAgent');
