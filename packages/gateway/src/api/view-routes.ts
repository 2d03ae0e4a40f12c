import { z } from '@hono/zod-openapi';
import { createView } from '../control/views/create-view.ts';
import { deleteView } from '../control/views/delete-view.ts';
import { getView, listViews } from '../control/views/list-views.ts';
import { updateView } from '../control/views/update-view.ts';
import { isMine, viewPages, type ViewPage } from '../control/views/view-access.ts';
import type { ControlContext } from '../control/context.ts';
import { bounds } from '../kernel/bounds.ts';
import type { SavedViewRecord } from '../store/registry/saved-view-store.ts';
import { expectedVersion, ifMatchHeaders } from './if-match.ts';
import { body, json, route, timeSchema, type Api } from './route.ts';
import { pageMembers, pageOfWhole, wholeListQuery } from './whole-list.ts';

/** Views of lists that are saved by name. Each needs what its list needs, beside the permission that stands at the route. */
export function viewRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/views',
      permission: 'signed_in',
      tags: ['views'],
      summary: 'List saved views',
      description: "The caller's own, and those that are shared with everyone or with a team of theirs; of lists that they may see.",
      request: {
        query: z.strictObject({
          ...wholeListQuery(['name', 'changed_at']),
          page: pageSchema.optional(),
          all: z.enum(['true', 'false']).default('false').openapi({ description: 'Also what is shared with teams of others, for who holds `views.write`.' }),
        }),
      },
      responses: { 200: json(z.object({ views: z.array(viewSchema), ...pageMembers }), 'A page.') },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const context = c.var.context();
      const found = (await listViews(context, { page: query.page ?? null, all: query.all === 'true' })).map((view) => viewBody(context, view));
      const { items, cursor } = pageOfWhole(found, query, {
        id: ({ id }) => id,
        texts: ({ name }) => [name],
        keys: { name: ({ name }) => name.toLowerCase(), changed_at: ({ changed_at: at }) => at },
      });
      return c.json({ views: [...items], cursor, has_more: cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path: '/v1/views',
      permission: 'signed_in',
      tags: ['views'],
      summary: 'Save a view',
      description: 'To share it takes `views.share`.',
      request: { body: body(createSchema) },
      responses: { 201: json(z.object({ view: viewSchema }), 'The view.') },
    }),
    async (c) => {
      const { page, name, state, shared_with: sharedWith } = c.req.valid('json');
      const context = c.var.context();
      const view = await createView(context, { page, name, state, sharedWith: sharedWith ?? null });
      c.header('ETag', `"${view.version}"`);
      return c.json({ view: viewBody(context, view) }, 201);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: '/v1/views/{id}',
      permission: 'signed_in',
      tags: ['views'],
      summary: 'One saved view',
      description: 'The ETag is what a change sends as `If-Match`.',
      request: { params: idParams },
      responses: { 200: json(z.object({ view: viewSchema }), 'The view.') },
    }),
    async (c) => {
      const context = c.var.context();
      const view = await getView(context, c.req.valid('param').id);
      c.header('ETag', `"${view.version}"`);
      return c.json({ view: viewBody(context, view) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'patch',
      path: '/v1/views/{id}',
      permission: 'signed_in',
      tags: ['views'],
      summary: 'Change a saved view',
      description: 'By whose it is; one that is shared also by who holds `views.write`. What is left out stays as it is.',
      request: { params: idParams, headers: ifMatchHeaders, body: body(changeSchema) },
      responses: { 200: json(z.object({ outcome: z.enum(['changed', 'unchanged']), view: viewSchema }), 'As it is now.') },
    }),
    async (c) => {
      const { shared_with: sharedWith, name, state } = c.req.valid('json');
      const context = c.var.context();
      const { outcome, view } = await updateView(context, {
        id: c.req.valid('param').id,
        change: { ...(name === undefined ? {} : { name }), ...(state === undefined ? {} : { state }), ...(sharedWith === undefined ? {} : { sharedWith }) },
        expected: expectedVersion(c.req.valid('header')['if-match']),
      });
      c.header('ETag', `"${view.version}"`);
      return c.json({ outcome, view: viewBody(context, view) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: '/v1/views/{id}',
      permission: 'signed_in',
      tags: ['views'],
      summary: 'Delete a saved view',
      description: 'By whose it is; one that is shared also by who holds `views.write`.',
      request: { params: idParams, headers: ifMatchHeaders },
      responses: { 204: { description: 'It is gone.' } },
    }),
    async (c) => {
      await deleteView(c.var.context(), c.req.valid('param').id, expectedVersion(c.req.valid('header')['if-match']));
      return c.body(null, 204);
    },
  );
}

const idParams = z.object({ id: z.string().max(100).openapi({ example: 'view_4f2K9' }) });
const pageSchema = z.enum(Object.keys(viewPages) as [ViewPage, ...ViewPage[]]).openapi({ description: 'The list that it is a view of.' });
const nameSchema = z.string().min(1).max(bounds.savedViewNameCharsMax).openapi({ example: 'Failing payments' });
const stateSchema = z.record(z.string().regex(/^[a-z_]{1,40}$/, 'it is no parameter'), z.string().max(bounds.savedViewParameterCharsMax)).openapi({
  description: `Parameters of the page's address, at most ${bounds.savedViewParametersMax}; what they mean is the page's.`,
  example: { q: 'team:payments -status:ok', range: '24h', cols: 'time,rail,what,status' },
});
const sharedSchema = z
  .string()
  .regex(/^(everyone|team:[A-Za-z0-9][\w.@+-]{0,127})$/, 'it must be everyone or team:ID')
  .nullable()
  .openapi({ description: '`everyone` of the organization, `team:ID`, or null: it is private.', example: 'team:payments' });

const createSchema = z
  .strictObject({ page: pageSchema, name: nameSchema, state: stateSchema, shared_with: sharedSchema.optional() })
  .openapi('SavedViewCreate');
const changeSchema = z
  .strictObject({ name: nameSchema.optional(), state: stateSchema.optional(), shared_with: sharedSchema.optional() })
  .openapi('SavedViewChange');

const viewSchema = z
  .object({
    id: z.string().openapi({ example: 'view_4f2K9' }),
    page: z.string(),
    name: z.string(),
    state: z.record(z.string(), z.string()),
    shared_with: z.string().nullable(),
    owner: z.string().nullable().openapi({ description: 'Whose it is, such as `user:usr_ana`; null: they are gone.' }),
    mine: z.boolean().openapi({ description: "It is the caller's." }),
    changeable: z.boolean().openapi({ description: 'The caller may change and delete it.' }),
    version: z.number().int(),
    created_at: timeSchema,
    changed_at: timeSchema,
  })
  .openapi('SavedView');

/** As it is shown to who may see it. */
export function viewBody(context: ControlContext, view: SavedViewRecord): z.output<typeof viewSchema> {
  const { id, page, name, state, sharedWith, owner, version, createdAtMs, changedAtMs } = view;
  const mine = isMine(context, view);
  return {
    id,
    page,
    name,
    state: { ...state },
    shared_with: sharedWith,
    owner: owner === null ? null : owner.kind === 'operator' ? 'operator' : `${owner.kind}:${owner.id}`,
    mine,
    changeable: mine || context.actor.can('views.write'),
    version,
    created_at: new Date(createdAtMs).toISOString(),
    changed_at: new Date(changedAtMs).toISOString(),
  };
}
