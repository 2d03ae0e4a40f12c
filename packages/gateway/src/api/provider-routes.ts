import { z } from '@hono/zod-openapi';
import { listProviders, previewMapping, testProvider, type MappingPreview } from '../control/sign-in/list-providers.ts';
import { placesOf, redirectUriOf } from '../control/sign-in/provider-desk.ts';
import { askTry, readTry } from '../control/sign-in/try-sign-in.ts';
import type { ProviderData } from '../identity/provider-data.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';

/** The identity providers that people sign in by: whether they work, and what they would make of somebody. */
export function providerRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/identity/providers',
      permission: 'identity.read',
      tags: ['identity'],
      summary: 'List identity providers',
      description: 'As `identity.providers` of gateway.yaml has them.',
      responses: {
        200: json(z.object({ providers: z.array(providerSchema) }), 'The providers.'),
      },
    }),
    (c) => {
      const context = c.var.context();
      return c.json({ providers: listProviders(context).map((one) => providerBody(one, context.publicUrl())) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/identity/providers/{name}/test',
      permission: 'identity.test',
      tags: ['identity'],
      summary: 'Test an identity provider',
      description: 'Each step of a sign-in for which nobody is needed: its discovery document, its keys, and whether it knows the client and its secret.',
      request: { params: z.object({ name: z.string().max(63) }) },
      responses: { 200: json(z.object({ ok: z.boolean(), steps: z.array(stepSchema) }), 'The steps, up to the first that fails.') },
    }),
    async (c) => {
      const steps = await testProvider(c.var.context(), c.req.valid('param').name);
      return c.json({ ok: steps.every(({ ok }) => ok), steps: [...steps] }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/identity/mapping/preview',
      permission: 'identity.read',
      changesNothing: true,
      tags: ['identity'],
      summary: 'Preview what claims would give somebody',
      request: {
        body: body(
          z
            .strictObject({
              provider: z.string().max(63),
              claims: z
                .record(z.string(), z.unknown())
                .openapi({ description: 'Those of an ID token.', example: { sub: '00u1', email: 'ana@acme.example', groups: ['engineering'] } }),
            })
            .openapi('MappingQuestion'),
        ),
      },
      responses: { 200: json(previewSchema, 'Who they would be.') },
    }),
    async (c) => {
      const { provider, claims } = c.req.valid('json');
      const { identity, ...preview } = await previewMapping(c.var.context(), provider, claims);
      return c.json(previewBody(identity, preview), 200);
    },
  );
  tryRoutes(api);
}

function tryRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'post',
      path: '/v1/identity/providers/{name}/tries',
      permission: 'identity.test',
      tags: ['identity'],
      summary: 'Try a sign-in, all the way',
      description:
        "Makes a link for a browser, good once and for ten minutes: whoever goes by it signs in at the provider, and `GET /v1/identity/tries/{try_id}` says what the provider says of them and what they would be given. Nobody is signed in here or made a user: a preview on one's own token, and a test before `enforce`.",
      request: { params: z.object({ name: z.string().max(63) }) },
      responses: { 201: json(z.object({ id: z.string(), url: z.string(), expires_at: timeSchema }).openapi('SignInTry'), 'The link.') },
    }),
    async (c) => {
      const { id, url, expiresAtMs } = await askTry(c.var.context(), c.req.valid('param').name);
      return c.json({ id, url, expires_at: new Date(expiresAtMs).toISOString() }, 201);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/identity/tries/{try_id}',
      permission: 'identity.test',
      tags: ['identity'],
      summary: 'What became of a sign-in that was tried',
      request: { params: z.object({ try_id: z.string().regex(/^try_[0-9A-Za-z]{43}$/) }) },
      responses: {
        200: json(
          z
            .object({
              state: z.enum(['waiting', 'done', 'failed']),
              preview: previewSchema.nullable(),
              claims: z.record(z.string(), z.unknown()).nullable().openapi({ description: 'All that the provider said of them.' }),
              failure: z.object({ step: z.string(), reason: z.string(), fix: z.string() }).nullable(),
            })
            .openapi('SignInTryOutcome'),
          'As far as it has come.',
        ),
      },
    }),
    async (c) => {
      const outcome = await readTry(c.var.context(), c.req.valid('param').try_id);
      const isDone = outcome.state === 'done';
      return c.json(
        {
          state: outcome.state,
          preview: isDone ? previewBody(outcome.identity, outcome.preview) : null,
          claims: isDone ? { ...outcome.identity.claims } : null,
          failure: outcome.state === 'failed' ? { step: outcome.step, reason: outcome.reason, fix: outcome.fix } : null,
        },
        200,
      );
    },
  );
}

function previewBody(
  { subject, name, groups }: Pick<MappingPreview['identity'], 'subject' | 'name' | 'groups'>,
  { email, allowed, teamIds, roleIds, missing, userId }: Omit<MappingPreview, 'identity'>,
): z.infer<typeof previewSchema> {
  return {
    subject,
    name,
    email,
    groups: [...groups],
    allowed,
    user_id: userId,
    team_ids: [...teamIds],
    role_ids: [...roleIds],
    missing: missing.map(({ kind, id }) => `${kind}:${id}`),
  };
}

const providerSchema = z
  .object({
    name: z.string(),
    title: z.string(),
    type: z.enum(['oidc', 'saml']),
    preset: z.string(),
    issuer: z.string(),
    client_id: z.string().nullable().openapi({ description: 'Null: SAML has none.' }),
    redirect_uri: z.string().nullable().openapi({ description: 'To be written at the provider, letter for letter. Null: SAML has none.' }),
    saml: z
      .object({ entity_id: z.string(), acs_url: z.string(), metadata_url: z.string() })
      .nullable()
      .openapi({ description: 'What is to be written at a SAML provider, letter for letter.' }),
    domains: z.array(z.string()),
    provision: z.enum(['required', 'just_in_time']),
    enforce: z.boolean(),
  })
  .openapi('IdentityProvider');

const stepSchema = z.object({
  step: z.string().openapi({ example: 'discovery' }),
  ok: z.boolean(),
  detail: z.string(),
  fix: z.string().nullable(),
});

const previewSchema = z
  .object({
    subject: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable().openapi({ description: 'Null: none that counts.' }),
    groups: z.array(z.string()),
    allowed: z.boolean().openapi({ description: 'Whether one of their groups may come in.' }),
    user_id: z.string().nullable().openapi({ description: 'The user who they were before, or else who has that address.' }),
    team_ids: z.array(z.string()),
    role_ids: z.array(z.string()),
    missing: z.array(z.string()).openapi({ description: 'What the mapping names and there is not.' }),
  })
  .openapi('MappingPreview');

function providerBody(provider: ProviderData, publicUrl: string): z.infer<typeof providerSchema> {
  const { name, title, type, preset, issuer, domains, rules, enforce } = provider;
  const any = { name, title, type, preset, issuer, domains: [...domains], provision: rules.provision, enforce };
  if (provider.type === 'oidc') return { ...any, client_id: provider.clientId, redirect_uri: redirectUriOf(provider, publicUrl), saml: null };
  const { acsUrl, metadataUrl } = placesOf(provider, publicUrl);
  return { ...any, client_id: null, redirect_uri: null, saml: { entity_id: provider.entityId ?? metadataUrl, acs_url: acsUrl, metadata_url: metadataUrl } };
}
