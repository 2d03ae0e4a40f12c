import { z } from '@hono/zod-openapi';
import { mcpPermissions, permissionNames, permissions } from '../control/permissions.ts';
import { listCapabilities } from '../control/roles/list-capabilities.ts';
import { json, route, type Api } from './route.ts';
import { pageMembers, pageOfWhole, wholeListQuery } from './whole-list.ts';

/** What can be permitted, and what the caller may do of it. Roles themselves are in the directory. */
export function roleRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/permissions',
      permission: 'roles.read',
      tags: ['roles'],
      summary: 'What roles and keys can permit',
      description: 'Patterns such as `tools.*` and `*` stand for several.',
      request: { query: z.strictObject({ ...wholeListQuery(['kind', 'name']), kind: z.enum(['mcp', 'control']).optional() }) },
      responses: { 200: json(z.object({ permissions: z.array(permissionSchema), ...pageMembers }), 'MCP operations and permissions of the control API.') },
    }),
    (c) => {
      const query = c.req.valid('query');
      const { mcpActions } = c.var.context();
      const all = [
        ...mcpActions.map((name) => ({ name, kind: 'mcp' as const, description: mcpPermissions[name] ?? '' })),
        ...permissionNames.map((name) => ({ name, kind: 'control' as const, description: permissions[name] })),
      ];
      const { items, cursor } = pageOfWhole(
        all.filter(({ kind }) => kind === (query.kind ?? kind)),
        query,
        // MCP operations first.
        {
          id: ({ name }) => name,
          texts: ({ name, description }) => [name, description],
          keys: { kind: ({ kind }) => (kind === 'mcp' ? '0' : '1'), name: ({ name }) => name },
        },
      );
      return c.json({ permissions: [...items], cursor, has_more: cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/me/capabilities',
      permission: 'signed_in',
      tags: ['sessions'],
      summary: 'What the caller may do, why not, and who can grant it',
      responses: { 200: json(z.object({ capabilities: z.array(capabilitySchema) }), 'Every permission of the control API.') },
    }),
    async (c) => {
      const capabilities = await listCapabilities(c.var.context());
      return c.json(
        {
          capabilities: capabilities.map(({ about, grantedBy, granters, ...rest }) => ({
            ...rest,
            description: about,
            granted_by: [...grantedBy],
            granters: [...granters],
          })),
        },
        200,
      );
    },
  );
}

const permissionSchema = z
  .object({ name: z.string().openapi({ example: 'keys.write' }), kind: z.enum(['mcp', 'control']), description: z.string() })
  .openapi('Permission');

const capabilitySchema = z
  .object({
    permission: z.string(),
    description: z.string(),
    allowed: z.boolean(),
    reason: z.string(),
    granted_by: z.array(z.string()).openapi({ description: 'Whoever holds it and may give it, such as `user:usr_ana`; the operator of the machine always.' }),
    granters: z.array(z.object({ reference: z.string(), name: z.string() })).openapi({ description: 'The same without the operator, with the name of each.' }),
  })
  .openapi('Capability');
