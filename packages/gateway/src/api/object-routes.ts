import { z } from '@hono/zod-openapi';
import { deleteObject } from '../control/objects/delete-object.ts';
import { getObject, listObjects, type ObjectView } from '../control/objects/object-view.ts';
import { putObject } from '../control/objects/put-object.ts';
import { objectKinds, objectRows, type ObjectKind } from '../kernel/config-object.ts';
import { withActorName, withActorNames } from './actor-names.ts';
import { expectedVersion, ifMatchHeaders } from './if-match.ts';
import { anyObjectSchema, objectBody, objectSchemas, specSchemas } from './object-shape.ts';
import { body, json, route, type Api } from './route.ts';
import { pageMembers, pageOfWhole, wholeListQuery, type WholeListQuery } from './whole-list.ts';

const tags = ['config'];
const dryRun = z.enum(['true', 'false']).default('false').openapi({ description: 'Say whether it could be done, change nothing.' });
const page = wholeListQuery(['name']);
const pageOf = (views: readonly ObjectView[], query: WholeListQuery) =>
  pageOfWhole(views, query, {
    id: ({ kind, name, source }) => JSON.stringify([kind, name, source]),
    texts: ({ name }) => [name],
    keys: { name: ({ kind, name }) => `${objectKinds.indexOf(kind)} ${name}` },
  });

/** What the configuration consists of: five routes for each kind, of one table. */
export function objectRoutes(api: Api): void {
  api.openapi(
    route({
      method: 'get',
      path: '/v1/config/objects',
      permission: 'config.read',
      tags,
      summary: 'List everything that the configuration consists of',
      description: 'What the file says and what was made by the API, served or not, by kind and name.',
      request: {
        query: z.strictObject({
          kind: z.enum(objectKinds).optional(),
          source: z.enum(['file', 'environment', 'registry', 'default']).optional(),
          ...page,
        }),
      },
      responses: { 200: json(z.object({ objects: z.array(anyObjectSchema), ...pageMembers }), 'A page of it.') },
    }),
    async (c) => {
      const { kind, source, ...query } = c.req.valid('query');
      const all = await listObjects(c.var.context(), kind ?? null);
      const found = pageOf(
        all.filter((view) => source === undefined || view.source === source),
        query,
      );
      const objects = await withActorNames(
        c.var.context(),
        found.items.map((view) => ({ kind: view.kind, ...objectBody(view) })),
      );
      return c.json({ objects, cursor: found.cursor, has_more: found.cursor !== null }, 200);
    },
  );
  for (const kind of objectKinds) kindRoutes(api, kind);
}

function kindRoutes(api: Api, kind: ObjectKind): void {
  const { plural, title, name } = objectRows[kind];
  const path = `/v1/${plural}` as const;
  const one = `${path}/{name}` as const;
  // What servers are seen as has more: `server-routes.ts`.
  const isServer = kind === 'server';
  const schema = objectSchemas[kind];
  const spec = specSchemas[kind];
  const params = z.object({
    name: z
      .string()
      .min(1)
      .max(600)
      .openapi({ description: `${name.about} A slash in it is escaped.`, example: name.example }),
  });
  const put = z.object({ outcome: z.enum(['created', 'changed', 'unchanged', 'planned']), [kind]: schema });
  const many = plural.replaceAll('-', '_');
  if (!isServer) readRoutes();
  api.openapi(
    route({
      method: 'post',
      path,
      permission: 'config.write',
      tags,
      summary: `Make a ${title}`,
      description: `It serves on this node when the answer comes, on every other within a second. Refused where gateway.yaml has one of the name, and with 422 where the whole configuration could not serve with it. ${guardedAbout(kind)}`,
      request: {
        query: z.object({ dry_run: dryRun }),
        body: body(z.strictObject({ name: z.string().min(1).max(600).openapi({ description: name.about, example: name.example }), spec })),
      },
      responses: { 200: json(put, 'As it would be.'), 201: json(put, `The ${title}.`) },
    }),
    async (c) => {
      const written = c.req.valid('json');
      const planned = c.req.valid('query').dry_run === 'true';
      const made = await putObject(c.var.context(), { object: { kind, ...written }, expected: null, dryRun: planned });
      c.header('ETag', `"${made.version}"`);
      return c.json({ outcome: made.outcome, [kind]: await withActorName(c.var.context(), objectBody(made.view)) }, planned ? 200 : 201);
    },
  );
  api.openapi(
    route({
      method: 'put',
      path: one,
      permission: 'config.write',
      tags,
      summary: `Change a ${title}`,
      description: 'The whole of what is said of it: what is left out has its default. Only what was made by the API can be changed here.',
      request: { params, query: z.object({ dry_run: dryRun }), headers: ifMatchHeaders, body: body(z.strictObject({ spec })) },
      responses: { 200: json(put, 'As it is, or would be.') },
    }),
    async (c) => {
      const made = await putObject(c.var.context(), {
        object: { kind, name: c.req.valid('param').name, spec: c.req.valid('json').spec },
        expected: expectedVersion(c.req.valid('header')['if-match']),
        dryRun: c.req.valid('query').dry_run === 'true',
      });
      c.header('ETag', `"${made.version}"`);
      return c.json({ outcome: made.outcome, [kind]: await withActorName(c.var.context(), objectBody(made.view)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: one,
      permission: 'config.write',
      tags,
      summary: `Delete a ${title}`,
      description: 'Only what was made by the API; refused with 409 as long as something else needs it.',
      request: { params, query: z.object({ dry_run: dryRun }), headers: ifMatchHeaders },
      responses: { 200: json(z.object({ outcome: z.enum(['deleted', 'planned']) }), 'It is gone, or could go.') },
    }),
    async (c) => {
      const planned = c.req.valid('query').dry_run === 'true';
      await deleteObject(c.var.context(), {
        object: { kind, name: c.req.valid('param').name },
        expected: expectedVersion(c.req.valid('header')['if-match']),
        dryRun: planned,
      });
      return c.json({ outcome: planned ? ('planned' as const) : ('deleted' as const) }, 200);
    },
  );

  function readRoutes(): void {
    api.openapi(
      route({
        method: 'get',
        path,
        permission: 'config.read',
        tags,
        summary: `List ${title}s`,
        description: 'What gateway.yaml says, which is changed there, and what was made by the API; by name.',
        request: { query: z.strictObject(page) },
        responses: { 200: json(z.object({ [many]: z.array(schema), ...pageMembers }), `A page of ${title}s.`) },
      }),
      async (c) => {
        const found = pageOf(await listObjects(c.var.context(), kind), c.req.valid('query'));
        return c.json(
          { [many]: await withActorNames(c.var.context(), found.items.map(objectBody)), cursor: found.cursor, has_more: found.cursor !== null },
          200,
        );
      },
    );
    api.openapi(
      route({
        method: 'get',
        path: one,
        permission: 'config.read',
        tags,
        summary: `One ${title}`,
        description: 'The ETag is what a change sends as `If-Match`.',
        request: { params },
        responses: { 200: json(z.object({ [kind]: schema }), `The ${title}.`) },
      }),
      async (c) => {
        const view = await getObject(c.var.context(), { kind, name: c.req.valid('param').name });
        if (view.record !== null) c.header('ETag', `"${view.record.version}"`);
        return c.json({ [kind]: await withActorName(c.var.context(), objectBody(view)) }, 200);
      },
    );
  }
}

function guardedAbout(kind: ObjectKind): string {
  if (kind !== 'server' && kind !== 'export_target') return '';
  return `What it takes from the machine, such as secrets${kind === 'server' ? ' and programs' : ''}, must be allowed by \`managed_by_api\` in gateway.yaml.`;
}
