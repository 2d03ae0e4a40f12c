import { z } from '@hono/zod-openapi';
import { createEntry } from '../control/directory/create-entry.ts';
import { deleteEntry } from '../control/directory/delete-entry.ts';
import type { EntryPut } from '../control/directory/entry-change.ts';
import { getEntry, listEntries, viewOf } from '../control/directory/list-entries.ts';
import { updateEntry } from '../control/directory/update-entry.ts';
import type { ControlContext } from '../control/context.ts';
import { bounds } from '../kernel/bounds.ts';
import { entryIdPattern, nounKinds, nouns, type NounKind } from '../kernel/directory.ts';
import { withActorName, withActorNames } from './actor-names.ts';
import { changeOf, entryBody, nounSchemas, referenceOf } from './directory-shape.ts';
import { expectedVersion, ifMatchHeaders } from './if-match.ts';
import { body, json, route, type Api } from './route.ts';

/** Departments, teams, projects, users, service accounts and agents: five routes each, of one table. */
export function directoryRoutes(api: Api): void {
  for (const kind of nounKinds) nounRoutes(api, kind);
}

const flag = (about: string) => z.enum(['true', 'false']).default('false').openapi({ description: about });
const dryRun = flag('Say whether it could be done, change nothing.');
const idParams = z.object({ id: z.string().regex(entryIdPattern, 'it is no id').openapi({ example: 'payments' }) });
const sorts = ['name', '-name', 'created_at', '-created_at'] as const;

function nounRoutes(api: Api, kind: NounKind): void {
  const { plural, title, links, permission } = nouns[kind];
  const schemas = nounSchemas(kind);
  const many = plural.replaceAll('-', '_');
  const path = `/v1/${plural}` as const;
  const one = `${path}/{id}` as const;
  const tags = [permission];
  const put = z.object({ outcome: z.enum(['created', 'changed', 'unchanged', 'planned']), [kind]: schemas.read });
  const bodyOf = async (context: ControlContext, { outcome, entry }: EntryPut) => ({
    outcome,
    [kind]: await withActorName(context, entryBody(await viewOf(context, entry))),
  });

  api.openapi(
    route({
      method: 'get',
      path,
      permission: `${permission}.read`,
      tags,
      summary: `List ${title}s`,
      request: {
        query: z.strictObject({
          q: z.string().max(100).optional().openapi({ description: 'Somewhere in the id or the name, in any letter case.' }),
          ...Object.fromEntries(
            Object.entries(links).map(([member, link]) => [
              link.many ? member.replace(/s$/, '') : member,
              z
                .string()
                .max(160)
                .optional()
                .openapi({ description: `Only those of this. ${link.about}` }),
            ]),
          ),
          sort: z.enum(sorts).default('name'),
          limit: z.coerce.number().int().min(1).max(bounds.directoryListMax).default(50),
          cursor: z.string().max(1000).optional(),
        }),
      },
      responses: { 200: json(z.object({ [many]: z.array(schemas.read), cursor: z.string().nullable(), has_more: z.boolean() }), `A page of ${title}s.`) },
    }),
    async (c) => {
      const query: Readonly<Record<string, unknown>> & { readonly sort: (typeof sorts)[number]; readonly limit: number } = c.req.valid('query');
      const wanted = Object.entries(links).flatMap(([member, link]) => {
        const value = query[link.many ? member.replace(/s$/, '') : member];
        return typeof value === 'string' ? [{ member, to: referenceOf(member, link, value) }] : [];
      });
      const { q, sort, limit, cursor } = query;
      const context = c.var.context();
      const page = await listEntries(context, {
        kind,
        text: typeof q === 'string' ? q : null,
        links: wanted,
        sort: sort.endsWith('name') ? 'name' : 'created_at',
        descending: sort.startsWith('-'),
        limit,
        cursor: typeof cursor === 'string' ? cursor : null,
      });
      return c.json({ [many]: await withActorNames(context, page.entries.map(entryBody)), cursor: page.cursor, has_more: page.cursor !== null }, 200);
    },
  );
  api.openapi(
    route({
      method: 'get',
      path: one,
      permission: `${permission}.read`,
      tags,
      summary: `One ${title}`,
      description: 'The ETag is what a change sends as `If-Match`.',
      request: { params: idParams },
      responses: { 200: json(z.object({ [kind]: schemas.read }), `The ${title}.`) },
    }),
    async (c) => {
      const context = c.var.context();
      const view = await getEntry(context, { kind, id: c.req.valid('param').id });
      c.header('ETag', `"${view.entry.version}"`);
      return c.json({ [kind]: await withActorName(context, entryBody(view)) }, 200);
    },
  );
  api.openapi(
    route({
      method: 'post',
      path,
      permission: `${permission}.write`,
      tags,
      summary: `Make a ${title}`,
      description: 'Keys that name its id already are its own from then on.',
      request: { query: z.object({ dry_run: dryRun }), body: body(schemas.create) },
      responses: { 200: json(put, 'As it would be.'), 201: json(put, `The ${title}.`) },
    }),
    async (c) => {
      const context = c.var.context();
      const written = c.req.valid('json');
      const planned = c.req.valid('query').dry_run === 'true';
      const made = await createEntry(context, {
        kind,
        id: written.id ?? null,
        change: { ...changeOf(kind, written), name: written.name },
        dryRun: planned,
      });
      c.header('ETag', `"${made.entry.version}"`);
      return c.json(await bodyOf(context, made), planned ? 200 : 201);
    },
  );
  api.openapi(
    route({
      method: 'patch',
      path: one,
      permission: `${permission}.write`,
      tags,
      summary: `Change a ${title}`,
      description: 'What is left out stays. What keys inherit by it holds on this node when the answer comes, on every other within a second.',
      request: { params: idParams, query: z.object({ dry_run: dryRun }), headers: ifMatchHeaders, body: body(schemas.change) },
      responses: { 200: json(put, 'As it is, or would be.') },
    }),
    async (c) => {
      const context = c.var.context();
      const changed = await updateEntry(context, {
        reference: { kind, id: c.req.valid('param').id },
        change: changeOf(kind, c.req.valid('json')),
        expected: expectedVersion(c.req.valid('header')['if-match']),
        dryRun: c.req.valid('query').dry_run === 'true',
      });
      c.header('ETag', `"${changed.entry.version}"`);
      return c.json(await bodyOf(context, changed), 200);
    },
  );
  api.openapi(
    route({
      method: 'delete',
      path: one,
      permission: `${permission}.write`,
      tags,
      summary: `Delete a ${title}`,
      description: 'Refused with 409 and by whom as long as something is tied to it, or has keys.',
      request: {
        params: idParams,
        query: z.object({ dry_run: dryRun, revoke_keys: flag(`Revoke the keys that name it, ${bounds.deletedKeysMax} at most, instead of refusing.`) }),
        headers: ifMatchHeaders,
      },
      responses: {
        200: json(z.object({ outcome: z.enum(['deleted', 'planned']), revoked_keys: z.array(z.string()) }), 'It is gone, or could go; with these keys.'),
      },
    }),
    async (c) => {
      const { dry_run: planned, revoke_keys: revokeKeys } = c.req.valid('query');
      const keys = await deleteEntry(c.var.context(), {
        reference: { kind, id: c.req.valid('param').id },
        expected: expectedVersion(c.req.valid('header')['if-match']),
        revokeKeys: revokeKeys === 'true',
        dryRun: planned === 'true',
      });
      return c.json({ outcome: planned === 'true' ? ('planned' as const) : ('deleted' as const), revoked_keys: [...keys] }, 200);
    },
  );
}
