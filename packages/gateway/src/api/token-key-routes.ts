import { z } from '@hono/zod-openapi';
import { tokenAlgorithm, type TokenKeyData } from '../control/oauth/token-keys.ts';
import { json, route, timeSchema, type Api } from './route.ts';

/** The keys of the tokens that the gateway gives out. */
export function tokenKeyRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/identity/token-keys',
      permission: 'identity.read',
      ofGateway: true,
      tags: ['identity'],
      summary: 'List the keys that sign the tokens which the gateway gives out',
      description: 'Their public parts are at `/oauth/jwks`. None before the first token.',
      responses: { 200: json(listSchema, 'The keys of all nodes, newest first.') },
    }),
    async (c) => c.json({ keys: (await c.var.context().oauth.keys.list()).map(keyBody) }, 200),
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/identity/token-keys/rotate',
      permission: 'identity.rotate',
      tags: ['identity'],
      summary: 'Rotate the keys that sign the tokens which the gateway gives out',
      description:
        'The next key, which is published already, signs from now on, on every node, and another one is next. Tokens by the earlier one stay good until they end.',
      responses: { 200: json(listSchema, 'The keys as they are now, newest first.') },
    }),
    async (c) => {
      const context = c.var.context();
      const { keys } = context.oauth;
      await keys.rotate(context);
      return c.json({ keys: (await keys.list()).map(keyBody) }, 200);
    },
  );
}

const keySchema = z
  .object({
    id: z.string().openapi({ description: 'As `kid` stands in tokens and in the set of keys.' }),
    algorithm: z.literal(tokenAlgorithm),
    node: z.string().openapi({ description: 'Which node made it.' }),
    state: z.enum(['signing', 'next', 'retired']).openapi({ description: '`next` is published and signs nothing yet; by a `retired` one tokens only end.' }),
    created_at: timeSchema,
    signs_since: timeSchema.nullable(),
    retired_at: timeSchema.nullable(),
    until: timeSchema.nullable().openapi({ description: 'When the state ends by itself; null: with that of the key that signs.' }),
  })
  .openapi('TokenKey');

const listSchema = z.object({ keys: z.array(keySchema) });

function keyBody({ id, node, state, createdAtMs, signsAtMs, retiredAtMs, untilMs }: TokenKeyData): z.infer<typeof keySchema> {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    id,
    algorithm: tokenAlgorithm,
    node,
    state,
    created_at: new Date(createdAtMs).toISOString(),
    signs_since: time(signsAtMs),
    retired_at: time(retiredAtMs),
    until: time(untilMs),
  };
}
