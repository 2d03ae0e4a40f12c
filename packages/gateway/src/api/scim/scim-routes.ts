/**
 * SCIM 2.0 for identity providers, in its own words and outside of the API's document: bodies of application/scim+json, errors as RFC 7644 has them, and a
 * token of its own that opens nothing else (`control/scim/`).
 */
import { applyPatch, readPatch } from '../../control/scim/apply-patch.ts';
import { scimPath } from '../../control/scim/connections.ts';
import { deleteScimUser } from '../../control/scim/delete-user.ts';
import { getResource, listResources, projected, wholeResource, type ScimView } from '../../control/scim/list-resources.ts';
import { isObject } from '../../control/scim/match-filter.ts';
import { changeScimGroup, createScimGroup, deleteScimGroup } from '../../control/scim/put-group.ts';
import { changeScimUser, createScimUser } from '../../control/scim/put-user.ts';
import { readResource, replaceResource, type ScimResource } from '../../control/scim/read-resource.ts';
import type { ScimContext } from '../../control/scim/scim-context.ts';
import { ScimRefusal } from '../../control/scim/scim-refusal.ts';
import { groupSchema, userSchema, type ScimSchema } from '../../control/scim/schemas.ts';
import type { ApiApp } from '../route.ts';
import { answerScim, scimJson, type ScimAsk } from './answer-scim.ts';
import { listDocument, resourceTypes, schemaDocuments, serviceProviderConfig } from './documents.ts';
import { readBody } from './read-body.ts';
import { readQuery, readSearch, type Projection, type ReadQuery } from './read-query.ts';

export function scimRoutes(app: ApiApp): void {
  discoveryRoutes(app);
  resourceRoutes(app, userSchema, {
    create: createScimUser,
    change: changeScimUser,
    remove: deleteScimUser,
    answersPatch: true,
  });
  // A large group is not sent back for each member that comes.
  resourceRoutes(app, groupSchema, {
    create: createScimGroup,
    change: changeScimGroup,
    remove: deleteScimGroup,
    answersPatch: false,
  });
  for (const path of ['/Bulk', '/Me', '/.search'])
    app.all(`${scimPath}${path}`, (c) => answerScim(c, () => Promise.reject(new ScimRefusal(501, null, `${path} is not served`))));
  app.all(`${scimPath}/*`, (c) =>
    answerScim(c, () => {
      const allowed = methodsAt(c.req.path.slice(scimPath.length));
      if (allowed === null) throw new ScimRefusal(404, null, 'nothing is served here');
      c.header('Allow', allowed);
      throw new ScimRefusal(405, null, `this method is not served here, but ${allowed} is`);
    }),
  );
}

/** What is served at a path, for whoever asks by another method; null: nothing. */
function methodsAt(path: string): string | null {
  if (/^\/(?:ServiceProviderConfig|ResourceTypes|Schemas)(?:\/[^/]+)?$/.test(path)) return 'GET';
  if (/^\/(?:Users|Groups)$/.test(path)) return 'GET, POST';
  return /^\/(?:Users|Groups)\/[^/]+$/.test(path) ? 'GET, PUT, PATCH, DELETE' : null;
}

function discoveryRoutes(app: ApiApp): void {
  const baseOf = (c: ScimAsk): string => `${c.var.dependencies.publicUrl()}${scimPath}`;
  app.get(`${scimPath}/ServiceProviderConfig`, (c) => answerScim(c, async () => scimJson(c, serviceProviderConfig(baseOf(c)), 200)));
  for (const [path, documents] of [
    ['/ResourceTypes', resourceTypes],
    ['/Schemas', schemaDocuments],
  ] as const) {
    app.get(`${scimPath}${path}`, (c) =>
      answerScim(c, async () => {
        // RFC 7644 section 4.
        if (c.req.query('filter') !== undefined) throw new ScimRefusal(403, null, 'what is served is not filtered');
        const all = documents(baseOf(c));
        return scimJson(c, listDocument(all, all.length, 1), 200);
      }),
    );
    app.get(`${scimPath}${path}/:id`, (c) =>
      answerScim(c, async () => {
        const found = documents(baseOf(c)).find(({ id }) => id === c.req.param('id'));
        if (found === undefined) throw new ScimRefusal(404, null, 'there is none with this id');
        return scimJson(c, found, 200);
      }),
    );
  }
}

interface ResourceVerbs {
  create(context: ScimContext, written: ScimResource): Promise<{ readonly id: string }>;
  change(
    context: ScimContext,
    input: { readonly id: string; readonly expected: number | null; readonly change: (before: ScimResource) => ScimResource },
  ): Promise<{ readonly version: number }>;
  remove(context: ScimContext, input: { readonly id: string; readonly expected: number | null }): Promise<void>;
  /** Whether PATCH is answered with the resource, also where no attributes are asked for. */
  readonly answersPatch: boolean;
}

function resourceRoutes(app: ApiApp, schema: ScimSchema, { create, change, remove, answersPatch }: ResourceVerbs): void {
  const all = `${scimPath}/${schema.plural}`;
  const one = `${all}/:id` as const;
  const list = async (c: ScimAsk, context: ScimContext, { list: input, projection }: ReadQuery): Promise<Response> => {
    const { total, views } = await listResources(context, schema, { ...input, withTies: tiesAreAsked(schema, projection) });
    return scimJson(
      c,
      listDocument(
        views.map((view) => render(context, view, projection)),
        total,
        input.startIndex,
      ),
      200,
    );
  };
  const show = async (c: ScimAsk, context: ScimContext, id: string, status: 200 | 201): Promise<Response> => {
    const { projection } = readQuery(c.req.query());
    const view = await getResource(context, schema, id, tiesAreAsked(schema, projection));
    c.header('ETag', `W/"${view.version}"`);
    c.header(status === 201 ? 'Location' : 'Content-Location', addressOf(context, schema, id));
    if (c.req.method === 'GET' && c.req.header('if-none-match') !== undefined && versionsOf(c.req.header('if-none-match')).includes(view.version))
      return c.body(null, 304);
    return scimJson(c, render(context, view, projection), status);
  };

  app.get(all, (c) => answerScim(c, (context) => list(c, context, readQuery(c.req.query()))));
  app.post(`${all}/.search`, (c) => answerScim(c, async (context) => list(c, context, readSearch(await readBody(c)))));
  app.post(all, (c) =>
    answerScim(c, async (context) => {
      const { id } = await create(context, readResource(schema, await readBody(c)));
      return await show(c, context, id, 201);
    }),
  );
  app.get(one, (c) => answerScim(c, (context) => show(c, context, c.req.param('id'), 200)));
  app.put(one, (c) =>
    answerScim(c, async (context) => {
      const written = readResource(schema, await readBody(c));
      await change(context, { id: c.req.param('id'), expected: expectedOf(c), change: (before) => replaceResource(before, written) });
      return await show(c, context, c.req.param('id'), 200);
    }),
  );
  app.patch(one, (c) =>
    answerScim(c, async (context) => {
      const operations = readPatch(await readBody(c));
      const { version } = await change(context, {
        id: c.req.param('id'),
        expected: expectedOf(c),
        change: (before) => applyPatch(schema, before, operations),
      });
      if (answersPatch || c.req.query('attributes') !== undefined) return await show(c, context, c.req.param('id'), 200);
      c.header('ETag', `W/"${version}"`);
      return c.body(null, 204);
    }),
  );
  app.delete(one, (c) =>
    answerScim(c, async (context) => {
      await remove(context, { id: c.req.param('id'), expected: expectedOf(c) });
      return c.body(null, 204);
    }),
  );
}

/** Whether the many that a resource is tied to are to be read at all. */
function tiesAreAsked({ name }: ScimSchema, { attributes, excluded }: Projection): boolean {
  const ties = name === 'User' ? 'groups' : 'members';
  const names = (list: readonly string[], exactly: boolean): boolean =>
    list.some((one) => {
      const last = one.toLowerCase().split(':').at(-1) ?? '';
      return last === ties || (!exactly && last.startsWith(`${ties}.`));
    });
  return attributes.length > 0 ? names(attributes, false) : !names(excluded, true);
}

function render({ publicUrl }: ScimContext, view: ScimView, { attributes, excluded }: Projection): ScimResource {
  const base = `${publicUrl()}${scimPath}`;
  const { meta, groups, members, ...whole } = wholeResource(view);
  const pointed = (ties: unknown, plural: string, more: Record<string, string>): unknown =>
    Array.isArray(ties)
      ? ties.map((tie: unknown) => (isObject(tie) ? { ...tie, $ref: `${base}/${plural}/${String(tie['value'])}`, ...more } : tie))
      : undefined;
  const full = {
    ...whole,
    ...(groups === undefined ? {} : { groups: pointed(groups, 'Groups', {}) }),
    ...(members === undefined ? {} : { members: pointed(members, 'Users', { type: 'User' }) }),
    meta: { ...(isObject(meta) ? meta : {}), location: `${base}/${view.schema.plural}/${view.id}` },
  };
  return projected(view.schema, full, attributes, excluded);
}

function addressOf({ publicUrl }: ScimContext, { plural }: ScimSchema, id: string): string {
  return `${publicUrl()}${scimPath}/${plural}/${id}`;
}

/** The version that a client wants to change; null: any. An ETag that is not ours fits none. */
function expectedOf(c: ScimAsk): number | null {
  const header = c.req.header('if-match');
  if (header === undefined || header.trim() === '*') return null;
  const [version = 0] = versionsOf(header);
  return version;
}

/** ETags of RFC 9110 section 8.8.3, weak ones as strong ones. */
function versionsOf(header: string | undefined): readonly number[] {
  return (header ?? '').split(',').map((one) => Number(/^\s*(?:W\/)?"(\d{1,9})"\s*$/.exec(one)?.[1] ?? 0));
}
