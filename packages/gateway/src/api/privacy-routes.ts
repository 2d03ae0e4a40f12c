import { z } from '@hono/zod-openapi';
import { recordBody } from '../chain/record-body.ts';
import { spanIdOf, traceIdOf } from '../kernel/id.ts';
import type { ControlContext } from '../control/context.ts';
import { erasePerson, finishErasures } from '../control/privacy/erase-person.ts';
import { exportPerson, type HeldItem } from '../control/privacy/export-person.ts';
import type { ErasureRecord } from '../store/registry/registry-store.ts';
import { entryMembers } from './directory-shape.ts';
import { viewBody } from './view-routes.ts';
import { grantBody } from './grant-routes.ts';
import { keyBody } from './key-routes.ts';
import { requestBody } from './log-shape.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';
import { streamed } from './streamed.ts';
import { isoOf } from './trace-shape.ts';
import { sessionBody } from './user-session-routes.ts';

const userId = z.string().min(1).max(256).openapi({ description: 'As `user_id` in the metadata of keys has it.', example: 'usr_ana' });

/** What is held about a person, and its erasure. */
export function privacyRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/privacy/export',
      permission: 'privacy.export',
      tags: ['privacy'],
      summary: 'Everything that is held about a person',
      description:
        'One JSON object a line, each with its `type`: `person`, `user`, `key`, `identity`, `session`, `view`, `grant`, `audit_event`, `call`, `body` (masked, as it is stored). Sent as it is read, however much it is; that it was taken is recorded.',
      request: { query: z.object({ user_id: userId }) },
      responses: { 200: { content: { 'application/x-ndjson': { schema: z.string() } }, description: 'The export. One that was cut is not ended.' } },
    }),
    async (c) => {
      return streamed(c, lines(c.var.context(), await exportPerson(c.var.context(), c.req.valid('query').user_id)), 'application/x-ndjson');
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/privacy/erasures',
      permission: 'privacy.erase',
      tags: ['privacy'],
      summary: 'Erase a person',
      description:
        'Their keys end and lose their names, the key that seals what the audit says of them is destroyed, their bodies are deleted, and their calls and costs go under a pseudonym that nobody can resolve. The registry has forgotten them when this answers; the ledger follows, also after a restart. It cannot be undone.',
      request: { body: body(z.strictObject({ user_id: userId })) },
      responses: { 202: json(z.object({ erasure: erasureSchema }), 'It is under way; the list says when it is finished.') },
    }),
    async (c) => {
      const context = c.var.context();
      const erasure = await erasePerson(context, c.req.valid('json').user_id);
      finishErasures(context).catch((error: unknown) => context.log.warn('privacy.erasure_waits', { person: erasure.pseudonym, error }));
      return c.json({ erasure: erasureBody(erasure) }, 202);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/privacy/erasures',
      permission: 'privacy.erase',
      tags: ['privacy'],
      summary: 'List erasures, oldest first',
      responses: { 200: json(z.object({ erasures: z.array(erasureSchema) }), 'Each with the pseudonym that took the place of the person.') },
    }),
    async (c) => {
      const { registry, organizationId } = c.var.context();
      return c.json({ erasures: (await registry.people.erasures(organizationId)).map(erasureBody) }, 200);
    },
  );
}

const erasureSchema = z
  .object({
    person: z.string().openapi({ description: 'The pseudonym.', example: 'psn_4f2K9…' }),
    keys: z.array(z.string()).openapi({ description: 'Ids of the keys that the person had.' }),
    begun_at: timeSchema,
    finished_at: timeSchema.nullable().openapi({ description: 'Null while the ledger still has something.' }),
  })
  .openapi('Erasure');

function erasureBody({ pseudonym, keyIds, begunAtMs, finishedAtMs }: ErasureRecord): z.infer<typeof erasureSchema> {
  return {
    person: pseudonym,
    keys: [...keyIds],
    begun_at: new Date(begunAtMs).toISOString(),
    finished_at: finishedAtMs === null ? null : new Date(finishedAtMs).toISOString(),
  };
}

async function* lines(context: ControlContext, items: AsyncIterable<HeldItem>): AsyncGenerator<string> {
  for await (const item of items) yield JSON.stringify(itemBody(context, item));
}

function itemBody(context: ControlContext, item: HeldItem): object {
  switch (item.type) {
    case 'person':
      return { type: item.type, user_id: item.userId, pseudonym: item.pseudonym };
    case 'user':
      return { type: item.type, ...entryMembers(item.entry) };
    case 'key':
      return { type: item.type, ...keyBody(item.key) };
    case 'identity':
      return { type: item.type, provider: item.link.provider, issuer: item.link.issuer, created_at: new Date(item.link.createdAtMs).toISOString() };
    case 'provisioned': {
      const { provider, createdAtMs, changedAtMs, resource } = item.user;
      const times = { created_at: new Date(createdAtMs).toISOString(), changed_at: new Date(changedAtMs).toISOString() };
      return { type: item.type, provider, ...times, resource, groups: item.groups.map(({ displayName }) => displayName) };
    }
    case 'session':
      return { type: item.type, ...sessionBody(item.session) };
    case 'view':
      return { type: item.type, ...viewBody(context, item.view) };
    case 'grant':
      return { type: item.type, ...grantBody(context, item.grant) };
    case 'audit_event':
      return { type: item.type, ...recordBody(item.event) };
    case 'call':
      return { type: item.type, ...requestBody(item.call) };
    case 'body': {
      const { body: stored } = item;
      return {
        type: item.type,
        trace_id: traceIdOf(stored.trace_hex),
        span_id: spanIdOf(stored.span_hex),
        time: isoOf(stored.start_us),
        kind: stored.kind,
        server: stored.server,
        content_type: stored.content_type,
        headers: stored.headers,
        text: stored.text,
        size_bytes: stored.bytes,
        truncated: stored.truncated === 1,
        not_kept: stored.not_kept === '' ? null : stored.not_kept,
      };
    }
  }
}
