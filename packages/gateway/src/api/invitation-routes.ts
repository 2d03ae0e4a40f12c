import { z } from '@hono/zod-openapi';
import { acceptInvitation } from '../control/invitations/accept-invitation.ts';
import { invitationTokenPattern, inviteUser } from '../control/invitations/invite-user.ts';
import { getInvitation, listInvitations, revokeInvitation } from '../control/invitations/list-invitations.ts';
import { bounds } from '../kernel/bounds.ts';
import { entryIdPattern } from '../kernel/directory.ts';
import type { InvitationQuery, InvitationRecord } from '../store/registry/directory-store.ts';
import { actorNameSchema, withActorName, withActorNames } from './actor-names.ts';
import { peerOf } from './authenticate-caller.ts';
import { entryMembers } from './directory-shape.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** Users are invited, and make themselves users by the token that was sent to them. */
export function invitationRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/users/invite',
      permission: 'people.write',
      tags: ['people'],
      summary: 'Invite a user',
      description: 'The token is in this answer and nowhere else: send it to them. An earlier invitation to the same address ends.',
      request: { body: body(inviteSchema) },
      responses: { 201: json(z.object({ invitation: invitationSchema, token: z.string() }), 'The invitation with its token.') },
    }),
    async (c) => {
      const { email, name, team_ids: teamIds, role_ids: roleIds, expires_at: expiresAt } = c.req.valid('json');
      const { invitation, token } = await inviteUser(c.var.context(), {
        email,
        name: name ?? null,
        teamIds: teamIds ?? [],
        roleIds: roleIds ?? null,
        expiresAtMs: expiresAt === undefined ? null : Date.parse(expiresAt),
      });
      return c.json({ invitation: await withActorName(c.var.context(), invitationBody(invitation)), token }, 201);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/invitations',
      permission: 'people.read',
      tags: ['people'],
      summary: 'List invitations',
      description: 'Those that nobody has accepted; one whose time is over stays in the list for 30 days.',
      request: {
        query: z.strictObject({
          q: z.string().max(100).optional().openapi({ description: 'Somewhere in the address or the name, in any letter case.' }),
          state: z.enum(['open', 'over']).optional().openapi({ description: 'Only those that can still be accepted, or whose time is over.' }),
          team_id: z.string().max(160).optional().openapi({ description: 'Only those into this team.' }),
          role_id: z.string().max(160).optional().openapi({ description: 'Only those with this role.' }),
          sort: z.enum(['-created_at', 'created_at', 'expires_at', '-expires_at', 'email', '-email']).default('-created_at'),
          limit: z.coerce.number().int().min(1).max(bounds.directoryListMax).default(50),
          cursor: z.string().max(1000).optional(),
        }),
      },
      responses: { 200: json(z.object({ invitations: z.array(invitationSchema), cursor: z.string().nullable(), has_more: z.boolean() }), 'A page.') },
    }),
    async (c) => {
      const { q, state, team_id: teamId, role_id: roleId, sort, limit, cursor } = c.req.valid('query');
      const page = await listInvitations(c.var.context(), {
        text: q ?? null,
        teamId: teamId ?? null,
        roleId: roleId ?? null,
        isOver: state === undefined ? null : state === 'over',
        sort: sort.replace(/^-/, '') as InvitationQuery['sort'],
        descending: sort.startsWith('-'),
        limit,
        cursor: cursor ?? null,
      });
      return c.json(
        { invitations: await withActorNames(c.var.context(), page.invitations.map(invitationBody)), cursor: page.cursor, has_more: page.cursor !== null },
        200,
      );
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/invitations/{id}',
      permission: 'people.read',
      tags: ['people'],
      summary: 'One invitation',
      request: { params: idParams },
      responses: { 200: json(z.object({ invitation: invitationSchema }), 'The invitation.') },
    }),
    async (c) => {
      const invitation = await getInvitation(c.var.context(), c.req.valid('param').id);
      return c.json({ invitation: await withActorName(c.var.context(), invitationBody(invitation)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/invitations/{id}',
      permission: 'people.write',
      tags: ['people'],
      summary: 'Take an invitation back',
      request: { params: idParams },
      responses: { 204: { description: 'Its token is good for nothing.' } },
    }),
    async (c) => {
      await revokeInvitation(c.var.context(), c.req.valid('param').id);
      return c.body(null, 204);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/invitations/accept',
      permission: 'public',
      tags: ['people'],
      summary: 'Become the user that an invitation speaks of',
      description: 'Once, by whoever has the token.',
      request: { body: body(z.strictObject({ token: z.string().regex(invitationTokenPattern, 'it is no token of an invitation') })) },
      responses: { 201: json(z.object({ user: acceptedSchema }), 'The user.') },
    }),
    async (c) => {
      const { dependencies, requestId } = c.var;
      const user = await acceptInvitation({ ...dependencies, requestId, peer: peerOf(c) }, c.req.valid('json').token);
      return c.json({ user: entryMembers(user) as z.infer<typeof acceptedSchema> }, 201);
    },
  );
}

const ids = z.array(z.string().regex(entryIdPattern, 'it is no id')).max(bounds.directoryLinksMax);
const idParams = z.object({ id: z.string().max(100).openapi({ example: 'inv_4f2K9' }) });

const inviteSchema = z
  .strictObject({
    email: z.string().max(254).openapi({ example: 'ana@example.com' }),
    name: z.string().min(1).max(bounds.directoryNameCharsMax).optional().openapi({ description: 'Absent: the address.' }),
    team_ids: ids.optional(),
    role_ids: ids.optional().openapi({ description: 'Absent: developer.' }),
    expires_at: timeSchema.optional().openapi({ description: 'Absent: in a week; in 30 days at most.' }),
  })
  .openapi('Invite');

const invitationSchema = z
  .object({
    id: z.string(),
    user_id: z.string().openapi({ description: 'Of the user that it makes.' }),
    email: z.string(),
    name: z.string(),
    team_ids: z.array(z.string()),
    role_ids: z.array(z.string()),
    created_at: timeSchema,
    created_by: z.string(),
    created_by_name: actorNameSchema,
    expires_at: timeSchema,
  })
  .openapi('Invitation');

const acceptedSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  team_ids: z.array(z.string()),
  role_ids: z.array(z.string()),
});

function invitationBody(invitation: InvitationRecord): Omit<z.infer<typeof invitationSchema>, 'created_by_name'> {
  const { id, userId, email, name, teamIds, roleIds, createdAtMs, createdBy, expiresAtMs } = invitation;
  return {
    id,
    user_id: userId,
    email,
    name,
    team_ids: [...teamIds],
    role_ids: [...roleIds],
    created_at: new Date(createdAtMs).toISOString(),
    created_by: createdBy,
    expires_at: new Date(expiresAtMs).toISOString(),
  };
}
