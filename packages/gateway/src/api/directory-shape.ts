/** The directory as the API says it: schemas and bodies of every noun, made of `kernel/directory.ts`. */
import { z } from '@hono/zod-openapi';
import type { EntryChange } from '../control/directory/entry-change.ts';
import type { EntryView } from '../control/directory/list-entries.ts';
import { bounds } from '../kernel/bounds.ts';
import { entryIdPattern, nouns, parseReference, referenceText, type LinkMember, type NounKind, type Reference } from '../kernel/directory.ts';
import { Fault } from '../kernel/fault.ts';
import type { EntryRecord } from '../store/registry/directory-store.ts';
import { actorNameSchema } from './actor-names.ts';
import { timeSchema } from './route.ts';

export interface NounSchemas {
  readonly read: z.ZodType;
  readonly create: z.ZodType<Written & { readonly id?: string; readonly name: string }>;
  readonly change: z.ZodType<Written>;
}

/** A body as it is written: members of `kernel/directory.ts`, and id and name. */
export type Written = Readonly<Record<string, string | readonly string[] | null | undefined>>;

export function nounSchemas(kind: NounKind): NounSchemas {
  const { texts, names, links, schema, idPrefix, title, unique, hasStatus } = nouns[kind];
  const id = z.string().regex(entryIdPattern, 'it must be 1 to 128 letters, digits and . _ @ + -');
  const name = z
    .string()
    .max(bounds.directoryNameCharsMax)
    .openapi({
      description: unique === 'name' ? `No two ${title}s have the same, in any letter case.` : 'What people call them.',
    });
  const written = {
    ...Object.fromEntries(
      Object.entries(texts).map(([member, { charsMax, about, example }]) => [
        member,
        z
          .string()
          .max(charsMax)
          .nullable()
          .optional()
          .openapi({ description: `${about} Null: none.`, example }),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(names).map(([member, { itemsMax, about, example }]) => [
        member,
        z
          .array(z.string().min(1).max(128))
          .max(itemsMax)
          .optional()
          .openapi({ description: about, example: [...example] }),
      ]),
    ),
    ...Object.fromEntries(Object.entries(links).map(([member, link]) => [member, writtenLink(link)])),
  };
  const read = {
    ...Object.fromEntries(
      Object.entries(texts).map(([member, { about, example }]) => [member, z.string().nullable().openapi({ description: about, example })]),
    ),
    ...Object.fromEntries(
      Object.entries(names).map(([member, { about, example }]) => [member, z.array(z.string()).openapi({ description: about, example: [...example] })]),
    ),
    ...Object.fromEntries(
      Object.entries(links).map(([member, link]) => [
        member,
        link.many
          ? z.array(z.string()).openapi({ description: link.about })
          : z
              .string()
              .nullable()
              .openapi({ description: linkAbout(link) }),
      ]),
    ),
  };
  const schemas = {
    read: z
      .object({
        id: z.string().openapi({ example: `${idPrefix}_payments` }),
        name,
        ...read,
        ...(hasStatus
          ? { status: z.enum(['active', 'disabled']).openapi({ description: 'Disabled: it is switched off, so no call with one of its keys gets through.' }) }
          : { built_in: z.boolean().openapi({ description: 'It cannot be changed.' }) }),
        ...(kind === 'agent'
          ? {
              first_seen: timeSchema
                .nullable()
                .openapi({ description: 'Of its calls; to the day where they are no longer kept. Null: never, or not known now.' }),
              last_seen: timeSchema.nullable(),
            }
          : {}),
        version: z.number().int(),
        created_at: timeSchema,
        created_by: z.string(),
        created_by_name: actorNameSchema,
        changed_at: timeSchema,
        changed_by: z.string(),
        changed_by_name: actorNameSchema,
      })
      .openapi(schema),
    create: z
      .strictObject({ id: id.optional().openapi({ description: 'As keys carry it already, or shall; absent: one is made.' }), name, ...written })
      .openapi(`${schema}Create`),
    change: z.strictObject({ name: name.optional(), ...written }).openapi(`${schema}Change`),
  };
  // The members are those of a table: what they are the compiler cannot follow.
  return schemas as unknown as NounSchemas;
}

function writtenLink(link: LinkMember): z.ZodType {
  const one = z.string().max(160);
  return link.many
    ? z.array(one).max(bounds.directoryLinksMax).optional().openapi({ description: link.about })
    : one
        .nullable()
        .optional()
        .openapi({ description: `${linkAbout(link)} Null: none.` });
}

function linkAbout({ about, to }: LinkMember): string {
  return to.length === 1 ? about : `${about} ${to.map((kind) => `\`${kind}:ID\``).join(', ')}.`;
}

/** Faults: `invalid_params`. */
export function changeOf(kind: NounKind, written: Written): EntryChange {
  const { texts, names, links } = nouns[kind];
  const { name } = written;
  const given = <Member>(members: Readonly<Record<string, Member>>): [string, Member, string | readonly string[] | null][] =>
    Object.entries(members).flatMap(([member, one]) => {
      const value = written[member];
      return value === undefined ? [] : [[member, one, value]];
    });
  return {
    ...(typeof name === 'string' ? { name } : {}),
    texts: Object.fromEntries(given(texts).flatMap(([member, , value]) => (value === null || typeof value === 'string' ? [[member, value]] : []))),
    names: Object.fromEntries(given(names).map(([member, , value]) => [member, [value ?? []].flat()])),
    links: Object.fromEntries(
      given(links).map(([member, link, value]) => [member, (value === null ? [] : [value].flat()).map((text) => referenceOf(member, link, text))]),
    ),
  };
}

/** What a member names. Faults: `invalid_params`. */
export function referenceOf(member: string, link: LinkMember, text: string): Reference {
  const reference = parseReference(link, text);
  if (reference !== null) return reference;
  throw new Fault('invalid_params', {
    reason: `${member} must be ${link.to.length === 1 ? 'an id' : `one of ${link.to.map((kind) => `${kind}:ID`).join(', ')}`}, not "${text.slice(0, 60)}"`,
  });
}

export function entryBody({ entry, isBuiltIn, off, use }: EntryView): Record<string, unknown> {
  const { version, createdAtMs, createdBy, changedAtMs, changedBy } = entry;
  return {
    ...entryMembers(entry),
    ...(nouns[entry.kind].hasStatus ? { status: off === null ? 'active' : 'disabled' } : { built_in: isBuiltIn }),
    ...(entry.kind === 'agent' ? { first_seen: timeOf(use?.firstSeenMs ?? null), last_seen: timeOf(use?.lastSeenMs ?? null) } : {}),
    version,
    created_at: timeOf(createdAtMs),
    created_by: createdBy,
    changed_at: timeOf(changedAtMs),
    changed_by: changedBy,
  };
}

/** What was written of it. */
export function entryMembers({ kind, id, name, attributes, names: listed, links: tied }: EntryRecord): Record<string, unknown> {
  const { texts, names, links } = nouns[kind];
  return {
    id,
    name,
    ...Object.fromEntries(Object.keys(texts).map((member) => [member, attributes[member] ?? null])),
    ...Object.fromEntries(Object.keys(names).map((member) => [member, listed[member] ?? []])),
    ...Object.fromEntries(
      Object.entries(links).map(([member, link]) => {
        const to = (tied[member] ?? []).map((one) => referenceText(link, one));
        return [member, link.many ? to : (to[0] ?? null)];
      }),
    ),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
