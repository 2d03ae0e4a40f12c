import { z } from '@hono/zod-openapi';
import { createOrganization } from '../control/organizations/create-organization.ts';
import { deleteOrganization } from '../control/organizations/delete-organization.ts';
import { getOrganization, listOrganizations } from '../control/organizations/list-organizations.ts';
import { updateOrganization } from '../control/organizations/update-organization.ts';
import { bounds } from '../kernel/bounds.ts';
import { organizationIdPattern } from '../kernel/id.ts';
import type { OrganizationRecord } from '../store/registry/organization-store.ts';
import { expectedVersion, ifMatchHeaders } from './if-match.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** Organizations: each sees its own; whoever is at home in the gateway's may see, make and delete others. */
export function organizationRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/organizations',
      permission: 'organizations.read',
      tags: ['organizations'],
      summary: 'List organizations',
      description: "The caller's own; every one for who holds organizations.enter or organizations.manage.",
      request: {
        query: z.strictObject({
          limit: z.coerce.number().int().min(1).max(bounds.directoryListMax).default(50),
          cursor: z.string().regex(organizationIdPattern, 'it is not a cursor of this list').optional(),
        }),
      },
      responses: {
        200: json(
          z.object({ organizations: z.array(organizationSchema), cursor: z.string().nullable(), has_more: z.boolean() }),
          'A page of organizations, by id.',
        ),
      },
    }),
    async (c) => {
      const { limit, cursor = null } = c.req.valid('query');
      const page = await listOrganizations(c.var.context(), { limit, cursor });
      return c.json({ organizations: page.organizations.map(organizationBody), cursor: page.cursor, has_more: page.cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/organizations/{id}',
      permission: 'organizations.read',
      tags: ['organizations'],
      summary: 'One organization',
      description: 'The ETag is what a change sends as `If-Match`.',
      request: { params: idParams },
      responses: { 200: json(z.object({ organization: organizationSchema }), 'The organization.') },
    }),
    async (c) => {
      const organization = await getOrganization(c.var.context(), c.req.valid('param').id);
      c.header('ETag', `"${organization.version}"`);
      return c.json({ organization: organizationBody(organization) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/organizations',
      permission: 'organizations.manage',
      tags: ['organizations'],
      summary: 'Make an organization',
      description:
        'It has the built-in roles, and one policy: its members may call every server that it is offered. Servers are offered in gateway.yaml. Its first administrator comes in by a link: `POST /v1/auth/admin-links` with the header GatewayOps-Organization.',
      request: {
        body: body(
          z
            .strictObject({
              name: nameSchema,
              id: z.string().max(64).optional().openapi({ description: 'As gateway.yaml names it. Default: one is made.', example: 'org_acme' }),
            })
            .openapi('OrganizationCreate'),
        ),
      },
      responses: { 201: json(z.object({ outcome: z.literal('created'), organization: organizationSchema }), 'The organization.') },
    }),
    async (c) => {
      const { name, id = null } = c.req.valid('json');
      const organization = await createOrganization(c.var.context(), { name, id });
      c.header('ETag', `"${organization.version}"`);
      return c.json({ outcome: 'created' as const, organization: organizationBody(organization) }, 201);
    },
  );
  api.openapi(
    route({
      method: 'patch',
      path: '/v1/organizations/{id}',
      permission: 'organizations.write',
      tags: ['organizations'],
      summary: 'Rename an organization',
      description: "The caller's own; any for who holds organizations.manage.",
      request: { params: idParams, headers: ifMatchHeaders, body: body(z.strictObject({ name: nameSchema }).openapi('OrganizationChange')) },
      responses: { 200: json(z.object({ outcome: z.enum(['changed', 'unchanged']), organization: organizationSchema }), 'As it is now.') },
    }),
    async (c) => {
      const { outcome, organization } = await updateOrganization(c.var.context(), {
        id: c.req.valid('param').id,
        name: c.req.valid('json').name,
        expected: expectedVersion(c.req.valid('header')['if-match']),
      });
      c.header('ETag', `"${organization.version}"`);
      return c.json({ outcome, organization: organizationBody(organization) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/organizations/{id}',
      permission: 'organizations.manage',
      tags: ['organizations'],
      summary: 'Delete an organization',
      description:
        'Refused with 409 and by what as long as it has keys or anything in its directory, but for `cascade`. Its audit and its calls are kept as long as they must be, and its id is never given again.',
      request: {
        params: idParams,
        query: z.strictObject({
          dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Say what would go, change nothing.' }),
          cascade: z.enum(['true', 'false']).default('false').openapi({ description: 'Revoke its keys and delete all that is in it, instead of refusing.' }),
        }),
        headers: ifMatchHeaders,
      },
      responses: {
        200: json(
          z.object({
            outcome: z.enum(['deleted', 'planned']),
            contents: z
              .record(z.string(), z.number())
              .openapi({ description: 'What went, or would go, with it: how many of what.', example: { keys: 2, users: 1 } }),
          }),
          'It is gone, or could go; with these.',
        ),
      },
    }),
    async (c) => {
      const { dry_run: planned, cascade } = c.req.valid('query');
      const contents = await deleteOrganization(c.var.context(), {
        id: c.req.valid('param').id,
        expected: expectedVersion(c.req.valid('header')['if-match']),
        cascade: cascade === 'true',
        dryRun: planned === 'true',
      });
      return c.json({ outcome: planned === 'true' ? ('planned' as const) : ('deleted' as const), contents: { ...contents } }, 200);
    },
  );
}

const idParams = z.object({ id: z.string().max(100).openapi({ example: 'org_acme' }) });
const nameSchema = z.string().min(1).max(bounds.keyNameCharsMax).openapi({ example: 'Acme' });

const organizationSchema = z
  .object({
    id: z.string().openapi({ example: 'org_acme' }),
    name: z.string(),
    version: z.number(),
    created_at: timeSchema,
    created_by: z.string(),
    changed_at: timeSchema,
    changed_by: z.string(),
  })
  .openapi('Organization');

function organizationBody({ id, name, version, createdAtMs, createdBy, changedAtMs, changedBy }: OrganizationRecord): z.output<typeof organizationSchema> {
  return {
    id,
    name,
    version,
    created_at: new Date(createdAtMs).toISOString(),
    created_by: createdBy,
    changed_at: new Date(changedAtMs).toISOString(),
    changed_by: changedBy,
  };
}
