import { z } from '@hono/zod-openapi';
import { setCookie } from 'hono/cookie';
import { permissionNames } from '../control/permissions.ts';
import { createAdminLink } from '../control/sessions/create-admin-link.ts';
import { endSession } from '../control/sessions/end-session.ts';
import { sessionCookie } from './authenticate-caller.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** Who is signed in, and how people sign in and out. */
export function sessionRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/auth/admin-links',
      permission: 'admin.link',
      tags: ['sessions'],
      summary: 'Make a one-time administrator link',
      description: 'Opens one session, once, within an hour.',
      responses: { 201: json(z.object({ url: z.string(), expires_at: timeSchema }).openapi('AdminLink'), 'The link.') },
    }),
    async (c) => {
      const link = await createAdminLink(c.var.context());
      return c.json({ url: link.url, expires_at: new Date(link.expiresAtMs).toISOString() }, 201);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/me',
      permission: 'signed_in',
      tags: ['sessions'],
      summary: 'Who the caller is and what they may do',
      responses: { 200: json(meSchema, 'The caller.') },
    }),
    (c) => {
      const { actor, organizationId } = c.var.context();
      const owner = actor.owner === null ? null : `${actor.owner.kind}:${actor.owner.id}`;
      const { servers, actions } = actor.grants;
      const scopes = { mcp_servers: servers && [...servers], actions: actions && [...actions] };
      return c.json(
        {
          kind: actor.kind,
          id: actor.id,
          organization_id: organizationId,
          owner,
          scopes,
          permissions: permissionNames.filter((permission) => actor.can(permission)),
        },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/auth/session',
      permission: 'signed_in',
      tags: ['sessions'],
      summary: 'Sign out',
      responses: { 204: { description: 'The session has ended.' } },
    }),
    async (c) => {
      const context = c.var.context();
      await endSession(context);
      const { name, secure } = sessionCookie(context.publicUrl());
      setCookie(c, name, '', { path: '/', httpOnly: true, sameSite: 'Strict', secure, maxAge: 0 });
      return c.body(null, 204);
    },
  );
}

const meSchema = z
  .object({
    kind: z.enum(['operator', 'key', 'session', 'user', 'service_account', 'agent', 'invitation', 'provider', 'client', 'system']),
    id: z.string(),
    organization_id: z.string(),
    owner: z.string().nullable().openapi({ description: 'The user or service account that it belongs to.', example: 'user:usr_ana' }),
    scopes: z.object({ mcp_servers: z.array(z.string()).nullable(), actions: z.array(z.string()).nullable() }),
    permissions: z.array(z.string()),
  })
  .openapi('Caller');
