import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { z } from 'zod';
import { foldText, inheritedMembers, nounKinds, nouns, type NounKind, type Reference } from '../../kernel/directory.ts';
import type { KeyId, OrganizationId } from '../../kernel/id.ts';
import type { DirectoryReads, DirectoryWrites, EntryRecord } from './directory-store.ts';
import type { DirectoryLinksTable, DirectoryTable, Tables } from './tables.ts';

export function createDirectoryReads(database: Kysely<Tables>): DirectoryReads {
  return {
    async find(organizationId, { kind, id }) {
      const row = await database
        .selectFrom('directory')
        .selectAll()
        .select(linksColumn)
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .modifyEnd(sql`/* directory/find */`)
        .executeTakeFirst();
      return row === undefined ? null : entryOf(row, row.links);
    },
    findByHandle: (organizationId, kind, handle) => findByHandle(database, organizationId, kind, handle),
    async list(organizationId, { kind, text, links, sort, descending, after, limit }) {
      let query = database.selectFrom('directory').selectAll().select(linksColumn).where('organization_id', '=', organizationId).where('kind', '=', kind);
      if (text !== null)
        query = query.where(sql<boolean>`(position(${text} in lower(id)) > 0 or position(${text} in sort_name) > 0 or position(${text} in handle) > 0)`);
      for (const { member, to } of links)
        query = query.where(
          sql<boolean>`exists (select from directory_links l where l.organization_id = ${organizationId} and l.from_kind = ${kind} and l.from_id = id
            and l.relation = ${member} and l.to_kind = ${to.kind} and l.to_id = ${to.id})`,
        );
      const column = sort === 'name' ? 'sort_name' : 'created_at';
      if (after !== null) {
        const value = sort === 'name' ? String(after.value) : new Date(Number(after.value));
        query = query.where((is) => is(is.refTuple(column, 'id'), descending ? '<' : '>', is.tuple(value, after.id)));
      }
      const rows = await query
        .orderBy(column, descending ? 'desc' : 'asc')
        .orderBy('id', descending ? 'desc' : 'asc')
        .limit(limit)
        .modifyEnd(sql`/* directory/list */`)
        .execute();
      return rows.map((row) => entryOf(row, row.links));
    },
    async lineage(organizationId, references) {
      if (references.length === 0) return [];
      const { rows } = await sql<{ kind: string; id: string; registered: boolean; attributes: unknown }>`
        with recursive above (kind, id) as (
          ${startOf(references)}
          union
          select l.to_kind, l.to_id from directory_links l join above a on l.from_kind = a.kind and l.from_id = a.id
          where l.organization_id = ${organizationId} and l.relation = any (${[...inheritedMembers]}::text[])
        )
        select a.kind, a.id, d.id is not null as registered, case when a.kind = 'role' then d.attributes end as attributes
        from above a left join directory d on d.organization_id = ${organizationId} and d.kind = a.kind and d.id = a.id
        order by a.kind, a.id /* directory/lineage */`.execute(database);
      return rows.map((row) => ({
        ...referenceOf(row),
        isRegistered: row.registered,
        permissions: attributesOf(row.attributes ?? {}).names['permissions'] ?? [],
      }));
    },
    async actorNames(organizationId, ids) {
      const { rows } = await sql<{ id: string; name: string }>`
        select id, name from api_keys where organization_id = ${organizationId} and id = any (${[...ids]}::text[])
        union all
        select p.pseudonym, d.name from people p join directory d on d.organization_id = p.organization_id and d.kind = 'user' and d.id = p.user_id
        where p.organization_id = ${organizationId} and p.pseudonym = any (${[...ids]}::text[])
        union all
        select id, name from directory
        where organization_id = ${organizationId} and kind in ('service_account', 'agent') and id = any (${[...ids]}::text[])
        /* directory/actor-names */`.execute(database);
      return new Map(rows.map(({ id, name }) => [id, name]));
    },
    keysOf: (organizationId, reference, limit) => keysOf(database, organizationId, reference, limit),
  };
}

export function createDirectoryWrites(transaction: Kysely<Tables>): DirectoryWrites {
  const insertLinks = async (organizationId: OrganizationId, { kind, id, links }: EntryRecord): Promise<void> => {
    const rows = Object.entries(links).flatMap(([relation, to]) =>
      to.map((one) => ({ organization_id: organizationId, from_kind: kind, from_id: id, relation, to_kind: one.kind, to_id: one.id })),
    );
    if (rows.length > 0)
      await transaction
        .insertInto('directory_links')
        .values(rows)
        .modifyEnd(sql`/* directory/insert-links */`)
        .execute();
  };
  return {
    async findForUpdate(organizationId, { kind, id }) {
      const row = await transaction
        .selectFrom('directory')
        .selectAll()
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .forUpdate()
        .modifyEnd(sql`/* directory/find-for-update */`)
        .executeTakeFirst();
      return lockedWithLinks(transaction, organizationId, kind, row);
    },
    findByHandle: (organizationId, kind, handle) => findByHandle(transaction, organizationId, kind, handle),
    async hold(organizationId, { kind, id }) {
      const row = await transaction
        .selectFrom('directory')
        .select('id')
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .forKeyShare()
        .modifyEnd(sql`/* directory/hold */`)
        .executeTakeFirst();
      return row !== undefined;
    },
    async count(organizationId, kind) {
      const row = await transaction
        .selectFrom('directory')
        .select(({ fn }) => fn.countAll<string>().as('count'))
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .modifyEnd(sql`/* directory/count */`)
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async insert(organizationId, entry) {
      await transaction
        .insertInto('directory')
        .values({
          organization_id: organizationId,
          kind: entry.kind,
          id: entry.id,
          created_at: new Date(entry.createdAtMs),
          created_by: entry.createdBy,
          ...columnsOf(entry),
        })
        .modifyEnd(sql`/* directory/insert */`)
        .execute();
      await insertLinks(organizationId, entry);
    },
    async update(organizationId, entry) {
      await transaction
        .updateTable('directory')
        .set(columnsOf(entry))
        .where('organization_id', '=', organizationId)
        .where('kind', '=', entry.kind)
        .where('id', '=', entry.id)
        .modifyEnd(sql`/* directory/update */`)
        .execute();
      await transaction
        .deleteFrom('directory_links')
        .where('organization_id', '=', organizationId)
        .where('from_kind', '=', entry.kind)
        .where('from_id', '=', entry.id)
        .modifyEnd(sql`/* directory/delete-links */`)
        .execute();
      await insertLinks(organizationId, entry);
    },
    async delete(organizationId, { kind, id }) {
      await transaction
        .deleteFrom('directory')
        .where('organization_id', '=', organizationId)
        .where('kind', '=', kind)
        .where('id', '=', id)
        .modifyEnd(sql`/* directory/delete */`)
        .execute();
    },
    async tiedTo(organizationId, { kind, id }, limit) {
      const { rows } = await sql<{ kind: string; id: string; count: string }>`
        select kind, id, count(*) over () as count from (
          select distinct from_kind as kind, from_id as id from directory_links
          where organization_id = ${organizationId} and to_kind = ${kind} and to_id = ${id}
        ) tied order by kind, id limit ${limit} /* directory/tied-to */`.execute(transaction);
      return { count: Number(rows[0]?.count ?? 0), first: rows.map(referenceOf) };
    },
    async untie(organizationId, { kind, id }) {
      await transaction
        .deleteFrom('directory_links')
        .where('organization_id', '=', organizationId)
        .where('to_kind', '=', kind)
        .where('to_id', '=', id)
        .modifyEnd(sql`/* directory/untie */`)
        .execute();
    },
    keysOf: (organizationId, reference, limit) => keysOf(transaction, organizationId, reference, limit),
  };
}

async function findByHandle(database: Kysely<Tables>, organizationId: OrganizationId, kind: NounKind, handle: string): Promise<EntryRecord | null> {
  const row = await database
    .selectFrom('directory')
    .selectAll()
    .select(linksColumn)
    .where('organization_id', '=', organizationId)
    .where('kind', '=', kind)
    .where('handle', '=', handle)
    .modifyEnd(sql`/* directory/find-by-handle */`)
    .executeTakeFirst();
  return row === undefined ? null : entryOf(row, row.links);
}

async function keysOf(
  database: Kysely<Tables>,
  organizationId: OrganizationId,
  reference: Reference,
  limit: number,
): Promise<{ readonly count: number; readonly first: readonly KeyId[] }> {
  const { rows } = await sql<{ id: string; count: string }>`
        select id, count(*) over () as count from api_keys
        where organization_id = ${organizationId} and revoked_at is null and ${namedBy(organizationId, reference)}
        order by created_at desc, id desc limit ${limit} /* directory/keys-of */`.execute(database);
  return { count: Number(rows[0]?.count ?? 0), first: rows.map(({ id }) => id as KeyId) };
}

/** What a recursive search begins with. */
export function startOf(references: readonly Reference[]): RawBuilder<unknown> {
  return sql`select kind, id collate "C" from unnest(${references.map(({ kind }) => kind)}::text[], ${references.map(({ id }) => id)}::text[]) as start (kind, id)`;
}

/** Whether a key names it, by the rows that a trigger keeps beside the keys: an index over metadata is of no use to row security. */
export function namedBy(organizationId: OrganizationId, { kind, id }: Reference): RawBuilder<boolean> {
  return sql<boolean>`id in (
    select key_id from key_names where organization_id = ${organizationId} and member = any (${[...namingMembers(kind)]}::text[]) and value = ${id}
  )`;
}

/** Members of `key_names` whose values are ids of that kind. */
export function namingMembers(kind: NounKind): readonly string[] {
  return kind === 'role' ? [':role'] : nouns[kind].keyMembers;
}

function columnsOf(entry: EntryRecord) {
  return {
    name: entry.name,
    sort_name: foldText(entry.name),
    handle: entry.handle,
    attributes: JSON.stringify({ ...entry.attributes, ...entry.names }),
    version: entry.version,
    changed_at: new Date(entry.changedAtMs),
    changed_by: entry.changedBy,
  };
}

/** What an entry of a read is tied to, in the one statement that reads it. A locked one is read apart: this would be as it was before the lock was had. */
const linksColumn = sql<readonly LinkOfEntry[]>`(
  select coalesce(json_agg(json_build_object('relation', l.relation, 'to_kind', l.to_kind, 'to_id', l.to_id) order by l.to_kind, l.to_id), '[]')
  from directory_links l where l.organization_id = directory.organization_id and l.from_kind = directory.kind and l.from_id = directory.id
)`.as('links');

type LinkOfEntry = Pick<Selectable<DirectoryLinksTable>, 'relation' | 'to_kind' | 'to_id'>;

async function lockedWithLinks(
  transaction: Kysely<Tables>,
  organizationId: OrganizationId,
  kind: NounKind,
  row: Selectable<DirectoryTable> | undefined,
): Promise<EntryRecord | null> {
  if (row === undefined) return null;
  return entryOf(row, Object.keys(nouns[kind].links).length === 0 ? [] : await linksOf(transaction, organizationId, kind, row.id));
}

function linksOf(transaction: Kysely<Tables>, organizationId: OrganizationId, kind: NounKind, id: string): Promise<readonly LinkOfEntry[]> {
  return transaction
    .selectFrom('directory_links')
    .select(['relation', 'to_kind', 'to_id'])
    .where('organization_id', '=', organizationId)
    .where('from_kind', '=', kind)
    .where('from_id', '=', id)
    .orderBy('to_kind')
    .orderBy('to_id')
    .modifyEnd(sql`/* directory/links */`)
    .execute();
}

const attributesSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/** Texts and lists of names lie in one column. */
function attributesOf(stored: unknown): Pick<EntryRecord, 'attributes' | 'names'> {
  const members = Object.entries(attributesSchema.parse(stored));
  return {
    attributes: Object.fromEntries(members.filter((member): member is [string, string] => typeof member[1] === 'string')),
    names: Object.fromEntries(members.filter((member): member is [string, string[]] => typeof member[1] !== 'string')),
  };
}

const kindSchema = z.enum(nounKinds);

function entryOf(row: Selectable<DirectoryTable>, links: readonly LinkOfEntry[]): EntryRecord {
  return {
    kind: kindSchema.parse(row.kind),
    id: row.id,
    name: row.name,
    handle: row.handle,
    ...attributesOf(row.attributes),
    links: Object.fromEntries(
      [...new Set(links.map(({ relation }) => relation))].sort().map((member) => [member, links.filter(({ relation }) => relation === member).map(targetOf)]),
    ),
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    createdBy: row.created_by,
    changedAtMs: row.changed_at.getTime(),
    changedBy: row.changed_by,
  };
}

function targetOf({ to_kind: kind, to_id: id }: LinkOfEntry): Reference {
  return referenceOf({ kind, id });
}

function referenceOf({ kind, id }: { readonly kind: string; readonly id: string }): Reference {
  return { kind: kindSchema.parse(kind), id };
}
