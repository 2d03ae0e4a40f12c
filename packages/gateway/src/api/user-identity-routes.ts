import { z } from '@hono/zod-openapi';
import { listUserIdentities, unlinkIdentity } from '../control/sign-in/unlink-identity.ts';
import { entryIdPattern } from '../kernel/directory.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** By which accounts of identity providers a user signs in. */
export function userIdentityRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/users/{id}/identities',
      permission: 'people.read',
      tags: ['identity'],
      summary: 'List the identities that a user signs in by, oldest first',
      request: { params: z.object({ id: userId }) },
      responses: { 200: json(z.object({ identities: z.array(identitySchema) }), 'The identities.') },
    }),
    async (c) => {
      const links = await listUserIdentities(c.var.context(), c.req.valid('param').id);
      const identities = links.map(({ digest, provider, issuer, createdAtMs }) => ({
        id: digest,
        provider,
        issuer,
        linked_at: new Date(createdAtMs).toISOString(),
      }));
      return c.json({ identities }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/users/{id}/identities/{identity_id}',
      permission: 'people.write',
      tags: ['identity'],
      summary: 'Unlink an identity from a user',
      description:
        'Whoever signs in by it then comes as for the first time: as the user who has their verified address, where the provider may say so, else as somebody new, or nobody. Ends every session of the user, and what clients were allowed in their name.',
      request: { params: z.object({ id: userId, identity_id: identityId }) },
      responses: {
        200: json(
          z.object({
            ended: z.array(z.string()).openapi({ description: 'Ids of the sessions that ended.' }),
            revoked_grants: z.array(z.string()).openapi({ description: 'Ids of the grants that ended.' }),
          }),
          'It is unlinked.',
        ),
      },
    }),
    async (c) => {
      const { id, identity_id: digest } = c.req.valid('param');
      const { sessions, grants } = await unlinkIdentity(c.var.context(), { userId: id, digest });
      return c.json({ ended: [...sessions], revoked_grants: [...grants] }, 200);
    },
  );
}

const userId = z.string().regex(entryIdPattern);
const identityId = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const identitySchema = z
  .object({
    id: z.string().openapi({ description: 'A hash of the issuer and of what it calls them, which is kept nowhere.' }),
    provider: z.string().openapi({ example: 'okta' }),
    issuer: z.string().openapi({ example: 'https://acme.okta.com' }),
    linked_at: timeSchema,
  })
  .openapi('LinkedIdentity');
