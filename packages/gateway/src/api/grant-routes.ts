import { z } from '@hono/zod-openapi';
import type { ControlContext } from '../control/context.ts';
import { getGrant, grantStatus, listGrants, type GrantPage } from '../control/oauth/list-grants.ts';
import { revokeGrant } from '../control/oauth/revoke-grant.ts';
import { bounds } from '../kernel/bounds.ts';
import { unknownObject } from '../control/unknown-object.ts';
import type { GrantRecord } from '../store/registry/oauth-store.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** What people have allowed clients: their own, and for administrators everybody's. */
export function grantRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/grants',
      permission: 'grants.read',
      tags: ['grants'],
      summary: 'List what people have allowed clients, newest first',
      description: 'One that is over, or revoked, stays in the list for 30 days.',
      request: { query: pageQuery.extend({ user_id: z.string().max(128).optional().openapi({ description: 'Only those of this user.' }) }) },
      responses: { 200: json(pageSchema, 'A page.') },
    }),
    async (c) => {
      const { limit, cursor, user_id: userId } = c.req.valid('query');
      const context = c.var.context();
      return c.json(pageBody(context, await listGrants(context, { userId: userId ?? null, limit, cursor: cursor ?? null })), 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/grants/{grant_id}',
      permission: 'grants.read',
      tags: ['grants'],
      summary: 'One grant',
      request: { params: idParams },
      responses: { 200: json(z.object({ grant: grantSchema }), 'The grant.') },
    }),
    async (c) => {
      const context = c.var.context();
      return c.json({ grant: grantBody(context, await getGrant(context, c.req.valid('param').grant_id)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/grants/{grant_id}',
      permission: 'grants.revoke',
      tags: ['grants'],
      summary: 'Revoke a grant',
      request: { params: idParams },
      responses: { 204: { description: 'Its tokens are refused everywhere, and what runs by them ends.' } },
    }),
    async (c) => {
      await revokeGrant(c.var.context(), { id: c.req.valid('param').grant_id, userId: null });
      return c.body(null, 204);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/me/grants',
      permission: 'signed_in',
      tags: ['grants'],
      summary: 'List what the caller has allowed clients, newest first',
      request: { query: pageQuery },
      responses: { 200: json(pageSchema, 'A page; empty where the caller is no user of the directory.') },
    }),
    async (c) => {
      const context = c.var.context();
      const userId = userOf(context);
      const page = userId === null ? { grants: [], cursor: null } : await listGrants(context, { userId, ...pageOf(c.req.valid('query')) });
      return c.json(pageBody(context, page), 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/me/grants/{grant_id}',
      permission: 'signed_in',
      tags: ['grants'],
      summary: 'Revoke what the caller has allowed a client',
      request: { params: idParams },
      responses: { 204: { description: 'Its tokens are refused everywhere, and what runs by them ends.' } },
    }),
    async (c) => {
      const context = c.var.context();
      const userId = userOf(context);
      if (userId === null) throw unknownObject('grant', c.req.valid('param').grant_id);
      await revokeGrant(context, { id: c.req.valid('param').grant_id, userId });
      return c.body(null, 204);
    },
  );
}

const idParams = z.object({ grant_id: z.string().max(100).openapi({ example: 'gra_4f2K9' }) });
const pageQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(bounds.grantsListMax).default(50), cursor: z.string().max(200).optional() });

function pageOf({ limit, cursor }: z.infer<typeof pageQuery>): { readonly limit: number; readonly cursor: string | null } {
  return { limit, cursor: cursor ?? null };
}

const grantSchema = z
  .object({
    id: z.string(),
    status: z.enum(['pending', 'active', 'expired', 'revoked']),
    user_id: z.string().nullable().openapi({ description: 'In whose name the client acts; null: an administrator, who is nobody in the directory.' }),
    client_id: z.string(),
    client_name: z.string().openapi({ description: 'What the client calls itself.' }),
    redirect_uri: z.string(),
    resource: z.string().openapi({ description: 'The address that its tokens are good at.', example: 'https://gateway.example/mcp/search' }),
    scopes: z.array(z.string()),
    granted_by: z.string(),
    created_at: timeSchema,
    used_at: timeSchema.nullable().openapi({ description: 'When it was last given a token.' }),
    expires_at: timeSchema,
    revoked_at: timeSchema.nullable(),
    revoked_by: z.string().nullable(),
    revoked_reason: z.string().nullable(),
  })
  .openapi('Grant');

const pageSchema = z.object({ grants: z.array(grantSchema), cursor: z.string().nullable(), has_more: z.boolean() });

function userOf({ actor }: ControlContext): string | null {
  return actor.owner?.kind === 'user' ? actor.owner.id : null;
}

function pageBody(context: Pick<ControlContext, 'expiryClock'>, { grants, cursor }: GrantPage): z.infer<typeof pageSchema> {
  return { grants: grants.map((grant) => grantBody(context, grant)), cursor, has_more: cursor !== null };
}

export function grantBody({ expiryClock }: Pick<ControlContext, 'expiryClock'>, grant: GrantRecord): z.infer<typeof grantSchema> {
  const time = (ms: number): string => new Date(ms).toISOString();
  const { revoked, usedAtMs } = grant;
  return {
    id: grant.id,
    status: grantStatus(grant, expiryClock.nowMs()),
    user_id: grant.userId,
    client_id: grant.clientId,
    client_name: grant.clientName,
    redirect_uri: grant.redirectUri,
    resource: grant.resource,
    scopes: [...grant.scopes],
    granted_by: grant.grantedBy,
    created_at: time(grant.createdAtMs),
    used_at: usedAtMs === null ? null : time(usedAtMs),
    expires_at: time(grant.expiresAtMs),
    revoked_at: revoked === null ? null : time(revoked.atMs),
    revoked_by: revoked?.by ?? null,
    revoked_reason: revoked?.why ?? null,
  };
}
