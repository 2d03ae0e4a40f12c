import { z } from '@hono/zod-openapi';
import { bounds } from '../kernel/bounds.ts';
import { nounKinds, nouns } from '../kernel/directory.ts';
import { createKey, type KeyWithSecret } from '../control/keys/create-key.ts';
import { getKey, type KeyWithUsage } from '../control/keys/get-key.ts';
import { listKeys } from '../control/keys/list-keys.ts';
import { revokeKey } from '../control/keys/revoke-key.ts';
import { rotateKey, rotationGraceMs } from '../control/keys/rotate-key.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

const revokedUsageWaitMs = 100;
const dayMs = 86_400_000;
const graceSecondsMax = rotationGraceMs / 1000;

/** What keys can be listed by: that which their metadata names. */
const ownerMembers = nounKinds.flatMap((kind) => {
  const [member] = nouns[kind].keyMembers;
  return member === undefined ? [] : [{ kind, member, title: nouns[kind].title }];
});

/** API keys, in the shapes of the product document (F004, "API Keys Management"). */
export function keyRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/auth/keys',
      permission: 'keys.write',
      tags: ['keys'],
      summary: 'Create an API key',
      description: 'The secret is in this answer and nowhere else. A key can hold no more than the one that creates it.',
      request: { body: body(createSchema) },
      responses: { 201: json(secretSchema, 'The key with its secret.') },
    }),
    async (c) => {
      const input = c.req.valid('json');
      const created = await createKey(c.var.context(), {
        name: input.name,
        environment: input.environment ?? null,
        scopes: { servers: input.scopes?.mcp_servers ?? null, actions: input.scopes?.actions ?? null },
        metadata: input.metadata ?? {},
        expiresAtMs: input.expires_at ? Date.parse(input.expires_at) : null,
      });
      return c.json(secretBody(created), 201);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/auth/keys',
      permission: 'keys.read',
      tags: ['keys'],
      summary: 'List API keys',
      request: {
        query: z.object({
          limit: z.coerce.number().int().min(1).max(bounds.keysListMax).default(50),
          cursor: z.string().max(200).optional(),
          q: z.string().min(1).max(100).optional().openapi({ description: 'Somewhere in the name, in any letter case, or the whole prefix.' }),
          status: z.enum(['active', 'expired', 'revoked']).optional(),
          sort: z.enum(['created_at', '-created_at']).default('-created_at'),
          unused_days: z.coerce.number().int().min(1).max(3650).optional().openapi({
            description: 'Only those that were made so many days ago and not used since; a page may hold fewer than `limit` though there are more.',
          }),
          ...Object.fromEntries(
            ownerMembers.map(({ member, title }) => [
              member,
              z
                .string()
                .max(512)
                .optional()
                .openapi({ description: `Only those of this ${title}.` }),
            ]),
          ),
        }),
      },
      responses: { 200: json(listSchema, 'A page of keys.') },
    }),
    async (c) => {
      const query: Readonly<Record<string, unknown>> & KeyListQuery = c.req.valid('query');
      const named = ownerMembers.flatMap(({ kind, member }) => {
        const id = query[member];
        return typeof id === 'string' ? [{ kind, id }] : [];
      });
      const page = await listKeys(c.var.context(), {
        limit: query.limit,
        cursor: query.cursor ?? null,
        named,
        text: query.q,
        status: query.status,
        oldestFirst: query.sort === 'created_at',
        unusedSinceMs: query.unused_days === undefined ? undefined : c.var.context().clock.nowMs() - query.unused_days * dayMs,
      });
      return c.json({ keys: page.keys.map(keyBody), cursor: page.cursor, has_more: page.cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/auth/keys/{key_id}',
      permission: 'keys.read',
      tags: ['keys'],
      summary: 'One API key',
      request: { params: idParams },
      responses: { 200: json(oneSchema, 'The key.') },
    }),
    async (c) => c.json({ key: keyBody(await getKey(c.var.context(), c.req.valid('param').key_id)) }, 200),
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/auth/keys/{key_id}',
      permission: 'keys.write',
      tags: ['keys'],
      summary: 'Revoke an API key at once and for good',
      request: { params: idParams },
      responses: { 200: json(oneSchema, 'The key, revoked.') },
    }),
    async (c) => {
      const context = c.var.context();
      const { key_id: id } = c.req.valid('param');
      await revokeKey(context, id);
      // Whoever revokes is told at once that it is done; what the key was used for can be asked.
      return c.json({ key: keyBody(await getKey(context, id, revokedUsageWaitMs)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/auth/keys/{key_id}/rotate',
      permission: 'keys.write',
      tags: ['keys'],
      summary: 'Give an API key a new secret',
      description: 'The old secret stays good for `grace_seconds` more; its answers carry `Deprecation`.',
      request: { params: idParams, query: z.object({ grace_seconds: z.coerce.number().int().min(0).max(graceSecondsMax).default(graceSecondsMax) }) },
      responses: { 200: json(secretSchema, 'The key with its new secret.') },
    }),
    async (c) => c.json(secretBody(await rotateKey(c.var.context(), c.req.valid('param').key_id, c.req.valid('query').grace_seconds * 1000)), 200),
  );
}

interface KeyListQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly q?: string | undefined;
  readonly status?: 'active' | 'expired' | 'revoked' | undefined;
  readonly sort: 'created_at' | '-created_at';
  readonly unused_days?: number | undefined;
}

const idParams = z.object({ key_id: z.string().max(100).openapi({ example: 'key_abc123' }) });
const name = z.string().max(bounds.keyNameCharsMax).openapi({ example: 'Production Agent Key' });
const scopeNames = z.array(z.string().min(1).max(128)).max(200);

const scopesSchema = z
  .strictObject({
    mcp_servers: scopeNames
      .nullable()
      .optional()
      .openapi({ description: 'Servers that the key may reach; absent or null: every one.', example: ['filesystem', 'database'] }),
    actions: scopeNames
      .nullable()
      .optional()
      .openapi({
        description:
          'MCP operations and permissions, patterns such as `tools.*` among them, and roles as `role:viewer`; absent or null: every MCP operation and no permission.',
        example: ['tools.call', 'tools.list'],
      }),
  })
  .openapi('KeyScopes');

const metadataSchema = z
  .record(z.string().regex(/^[a-zA-Z][a-zA-Z0-9_.-]{0,63}$/, 'names of metadata are 1 to 64 letters, digits, _ . -'), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 32, 'at most 32 entries')
  .openapi({
    description:
      'Free text. `team_id`, `project_id` (or `project`), `user_id`, `service_account_id`, `agent` and `environment` say whom calls are attributed to; what the directory knows by this id, or by its name, is meant.',
    example: { project: 'code-review' },
  });

const createSchema = z
  .strictObject({
    name,
    environment: z
      .string()
      .max(32)
      .optional()
      .openapi({ description: 'The word in the secret after `gwo_`. The one of the configuration by default.', example: 'prod' }),
    expires_at: z.iso.datetime({ offset: true }).nullable().optional().openapi({ example: '2027-01-01T00:00:00Z' }),
    scopes: scopesSchema.optional(),
    metadata: metadataSchema.optional(),
  })
  .openapi('CreateKey');

const scopesView = z.object({ mcp_servers: z.array(z.string()).nullable(), actions: z.array(z.string()).nullable() });
const metadataView = z.record(z.string(), z.string());

const keySchema = z
  .object({
    id: z.string().openapi({ example: 'key_abc123' }),
    name: z.string(),
    prefix: z.string().openapi({ example: 'gwo_prod_a1b2' }),
    status: z.enum(['active', 'expired', 'revoked']),
    created_at: timeSchema,
    expires_at: timeSchema.nullable(),
    revoked_at: timeSchema.nullable(),
    rotated_at: timeSchema.nullable(),
    previous_prefix: z.string().nullable().openapi({ description: 'The prefix of the secret before the last rotation.' }),
    previous_valid_until: timeSchema.nullable().openapi({ description: 'Until when that secret is good.' }),
    last_used: timeSchema.nullable().openapi({ description: 'To the day where the traces of then are no longer kept.' }),
    scopes: scopesView,
    metadata: metadataView,
    usage: z.object({ calls: z.number().int(), cost: z.number() }).nullable().openapi({
      description: 'Tool calls and their costs of all time, and other requests for as long as traces are kept. Null while the ledger cannot say.',
    }),
  })
  .openapi('Key');

const oneSchema = z.object({ key: keySchema });
const listSchema = z.object({ keys: z.array(keySchema), cursor: z.string().nullable(), has_more: z.boolean() });
const secretSchema = z
  .object({
    key: z.object({
      id: z.string(),
      name: z.string(),
      prefix: z.string(),
      secret: z.string().openapi({ example: 'gwo_prod_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6' }),
      created_at: timeSchema,
      expires_at: timeSchema.nullable(),
      scopes: scopesView,
      metadata: metadataView,
    }),
    warning: z.string(),
  })
  .openapi('KeyWithSecret');

function secretBody({ key, secret }: KeyWithSecret): z.infer<typeof secretSchema> {
  return {
    key: {
      id: key.id,
      name: key.name,
      prefix: key.prefix,
      secret,
      created_at: time(key.createdAtMs),
      expires_at: timeOrNull(key.expiresAtMs),
      scopes: scopesBody(key.scopes),
      metadata: { ...key.metadata, created_by: key.createdBy },
    },
    warning: 'Store this secret securely. It will not be shown again.',
  };
}

export function keyBody({ key, usage, status }: KeyWithUsage): z.infer<typeof keySchema> {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    status,
    created_at: time(key.createdAtMs),
    expires_at: timeOrNull(key.expiresAtMs),
    revoked_at: timeOrNull(key.revokedAtMs),
    rotated_at: timeOrNull(key.rotatedAtMs),
    previous_prefix: key.previous?.prefix ?? null,
    previous_valid_until: timeOrNull(key.previous?.validUntilMs ?? null),
    last_used: timeOrNull(usage?.lastUsedMs ?? null),
    scopes: scopesBody(key.scopes),
    metadata: { ...key.metadata, created_by: key.createdBy },
    usage: usage && { calls: usage.calls, cost: Number(usage.costNano) / 1e9 },
  };
}

function scopesBody({
  servers,
  actions,
}: {
  readonly servers: readonly string[] | null;
  readonly actions: readonly string[] | null;
}): z.infer<typeof scopesView> {
  return { mcp_servers: servers && [...servers], actions: actions && [...actions] };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : time(ms);
}
