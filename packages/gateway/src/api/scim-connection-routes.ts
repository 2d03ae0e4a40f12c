import { z } from '@hono/zod-openapi';
import { createConnection, deleteConnection, listConnections, rotateConnection, scimPath, type ConnectionView } from '../control/scim/connections.ts';
import type { ControlContext } from '../control/context.ts';
import { listRefusals } from '../control/scim/refusals.ts';
import type { KeyWithSecret } from '../control/keys/create-key.ts';
import { bounds } from '../kernel/bounds.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** Which identity providers may send users and groups by SCIM, with their tokens, and what they were refused. SCIM itself is served in its own words (`scim/`). */
export function scimConnectionRoutes(api: Api): void {
  const tags = ['identity'];
  const all = '/v1/identity/scim' as const;
  const one = `${all}/{provider}` as const;
  api.openapi(
    route({
      method: 'get',
      path: all,
      permission: 'identity.read',
      tags,
      summary: 'List the identity providers that send users and groups',
      responses: { 200: json(z.object({ connections: z.array(connectionSchema), base_url: baseUrlSchema }), 'The connections.') },
    }),
    async (c) => {
      const context = c.var.context();
      return c.json({ connections: (await listConnections(context)).map(connectionBody), base_url: baseUrl(context) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: all,
      permission: 'identity.write',
      tags,
      summary: 'Let an identity provider send users and groups',
      description:
        'It is named as in `identity.providers` or `identity.issuers` of gateway.yaml, whose mapping and domains hold. The token is in this answer and nowhere else.',
      request: { body: body(z.strictObject({ provider: providerSchema })) },
      responses: { 201: json(tokenSchema, 'Its token.') },
    }),
    async (c) => {
      const context = c.var.context();
      const { provider } = c.req.valid('json');
      return c.json(tokenBody(context, provider, await createConnection(context, provider)), 201);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: `${one}/rotate`,
      permission: 'identity.write',
      tags,
      summary: 'Give an identity provider another token',
      description: 'The token before it stays good for 24 hours.',
      request: { params: providerParams },
      responses: { 200: json(tokenSchema, 'Its new token.') },
    }),
    async (c) => {
      const context = c.var.context();
      const { provider } = c.req.valid('param');
      return c.json(tokenBody(context, provider, await rotateConnection(context, provider)), 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: one,
      permission: 'identity.write',
      tags,
      summary: 'Stop an identity provider from sending users and groups',
      description: 'Its tokens are refused from then on. The users and groups that it has sent stay; a connection that is made again goes on with them.',
      request: { params: providerParams },
      responses: { 204: { description: 'It is stopped.' } },
    }),
    async (c) => {
      await deleteConnection(c.var.context(), c.req.valid('param').provider);
      return c.body(null, 204);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: `${one}/errors`,
      permission: 'identity.read',
      tags,
      summary: 'What an identity provider was refused, newest first',
      description: `The last ${bounds.scimRefusalsKept} of each are kept.`,
      request: {
        params: providerParams,
        query: z.object({
          limit: z.coerce.number().int().min(1).max(bounds.scimRefusalsKept).default(50),
          cursor: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
        }),
      },
      responses: { 200: json(z.object({ errors: z.array(errorSchema), cursor: z.string().nullable(), has_more: z.boolean() }), 'A page of them.') },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const { refusals, before } = await listRefusals(c.var.context(), { provider: c.req.valid('param').provider, limit, before: cursor ?? null });
      const errors = refusals.map(({ atMs, method, resource, resourceId, status, scimType, detail, requestId }) => ({
        at: new Date(atMs).toISOString(),
        method,
        resource,
        resource_id: resourceId,
        status,
        scim_type: scimType,
        detail,
        request_id: requestId,
      }));
      return c.json({ errors, cursor: before === null ? null : String(before), has_more: before !== null }, 200);
    },
  );
}

const providerSchema = z.string().min(1).max(63).openapi({ description: 'Name of the provider in the configuration.', example: 'okta' });
const providerParams = z.object({ provider: providerSchema });
const baseUrlSchema = z.string().openapi({ description: 'What is to be written at a provider as its base or tenant URL.' });

const connectionSchema = z
  .object({
    provider: z.string(),
    key_id: z.string().openapi({ description: 'The key that its token is of.' }),
    token_prefix: z.string().nullable(),
    previous_token_valid_until: timeSchema.nullable(),
    revoked: z.boolean().openapi({ description: 'Whether its tokens are refused: delete the connection and make it again.' }),
    users: z.number().int(),
    groups: z.number().int(),
    errors: z.number().int().openapi({ description: 'Refusals that are kept.' }),
    created_at: timeSchema,
    created_by: z.string(),
  })
  .openapi('ScimConnection');

const tokenSchema = z
  .object({
    provider: z.string(),
    base_url: baseUrlSchema,
    token: z.string(),
    key_id: z.string(),
    previous_token_valid_until: timeSchema.nullable(),
    warning: z.string(),
  })
  .openapi('ScimToken');

const errorSchema = z
  .object({
    at: timeSchema,
    method: z.string().openapi({ description: 'Empty: it is a notice, and nothing was refused.' }),
    resource: z.string().openapi({ example: 'Users' }),
    resource_id: z.string().nullable(),
    status: z.number().int(),
    scim_type: z.string().nullable().openapi({ example: 'uniqueness' }),
    detail: z.string(),
    request_id: z.string(),
  })
  .openapi('ScimError');

function baseUrl({ publicUrl }: Pick<ControlContext, 'publicUrl'>): string {
  return `${publicUrl()}${scimPath}`;
}

function connectionBody({ provider, keyId, key, users, groups, refusals, createdAtMs, createdBy }: ConnectionView): z.infer<typeof connectionSchema> {
  const previous = key?.previous ?? null;
  return {
    provider,
    key_id: keyId,
    token_prefix: key?.prefix ?? null,
    previous_token_valid_until: previous === null ? null : new Date(previous.validUntilMs).toISOString(),
    revoked: key === null || key.revokedAtMs !== null,
    users,
    groups,
    errors: refusals,
    created_at: new Date(createdAtMs).toISOString(),
    created_by: createdBy,
  };
}

function tokenBody(context: ControlContext, provider: string, { key, secret }: KeyWithSecret): z.infer<typeof tokenSchema> {
  return {
    provider,
    base_url: baseUrl(context),
    token: secret,
    key_id: key.id,
    previous_token_valid_until: key.previous === null ? null : new Date(key.previous.validUntilMs).toISOString(),
    warning: 'This token is shown once. Write it at the provider now; here it is kept as a hash only.',
  };
}
