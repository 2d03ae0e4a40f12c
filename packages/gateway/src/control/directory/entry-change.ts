import { bounds } from '../../kernel/bounds.ts';
import { entryIdPattern, foldText, nouns, referenceText, type NounKind, type Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { EntryRecord } from '../../store/registry/directory-store.ts';
import type { RegistryWrites } from '../../store/registry/registry-store.ts';
import { Personal } from '../../chain/personal.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';

/** What is asked of something in the directory; what is left out stays as it is. */
export interface EntryChange {
  readonly name?: string;
  /** By member; null: none. */
  readonly texts: Readonly<Record<string, string | null>>;
  /** By member; an empty list: none. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly links: Readonly<Record<string, readonly Reference[]>>;
}

/** `planned`: a dry run, and it could be made so. */
export interface EntryPut {
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'planned';
  readonly entry: EntryRecord;
}

/** The entry as it would be. Faults: `invalid_params`. */
export function changedEntry(before: EntryRecord, { name, texts, names, links }: EntryChange): EntryRecord {
  const { kind } = before;
  const noun = nouns[kind];
  const attributes = Object.fromEntries(
    Object.entries({ ...before.attributes, ...texts }).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== ''),
  );
  const tied = Object.fromEntries(
    Object.entries({ ...before.links, ...links })
      .filter(([, to]) => to.length > 0)
      .map(([member, to]) => [member, sorted(to)]),
  );
  const listed = Object.fromEntries(
    Object.entries({ ...before.names, ...names })
      .filter(([, list]) => list.length > 0)
      .map(([member, list]) => [member, [...new Set(list)]]),
  );
  const after: EntryRecord = { ...before, name: (name ?? before.name).trim(), attributes, names: listed, links: tied };
  requireWhole(after);
  return {
    ...after,
    handle: noun.unique === 'name' ? foldText(after.name) : after.attributes['email'] === undefined ? null : foldText(after.attributes['email']),
  };
}

function sorted(links: readonly Reference[]): readonly Reference[] {
  const byText = new Map(links.map((one) => [`${one.kind}\n${one.id}`, one]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function requireWhole({ kind, id, name, attributes, names, links }: EntryRecord): void {
  if (!entryIdPattern.test(id)) throw invalid('id must be 1 to 128 letters, digits and . _ @ + -, and begin with a letter or digit');
  if (name === '' || name.length > bounds.directoryNameCharsMax) throw invalid(`name must have 1 to ${bounds.directoryNameCharsMax} characters`);
  for (const [member, text] of Object.entries({ name, ...attributes })) if (/\p{Cc}/u.test(text)) throw invalid(`${member} must not hold control characters`);
  for (const [member, { charsMax }] of Object.entries(nouns[kind].texts))
    if ((attributes[member]?.length ?? 0) > charsMax) throw invalid(`${member} must have at most ${charsMax} characters`);
  for (const [member, { itemsMax }] of Object.entries(nouns[kind].names))
    if ((names[member]?.length ?? 0) > itemsMax) throw invalid(`${member} names too many`);
  const { email } = attributes;
  if (email !== undefined && !/^[^\s@<>"]{1,64}@[^\s@<>"]{1,189}$/.test(email)) throw invalid('email must be an address such as ana@example.com');
  for (const [member, link] of Object.entries(nouns[kind].links))
    if ((links[member]?.length ?? 0) > (link.many ? bounds.directoryLinksMax : 1)) throw invalid(`${member} names too many`);
}

/** That nobody else has its handle and that all it is tied to is there, until the transaction ends. Faults: `already_exists`, `invalid_params`. */
export async function requirePlace({ organizationId }: ControlContext, { directory }: RegistryWrites, entry: EntryRecord): Promise<void> {
  const { kind, handle } = entry;
  const other = handle === null ? null : await directory.findByHandle(organizationId, kind, handle);
  if (other !== null && other.id !== entry.id)
    throw alreadyExists(kind, nouns[kind].unique === 'name' ? entry.name : (entry.attributes['email'] ?? ''), other.id);
  for (const [member, to] of Object.entries(entry.links))
    for (const one of to)
      if (!(await directory.hold(organizationId, one))) throw invalid(`${member} names the ${nouns[one.kind].title} ${one.id}, which there is not`);
}

export function alreadyExists(kind: NounKind, name: string, id: string): Fault {
  return new Fault('already_exists', { kind: nouns[kind].title, name: name.slice(0, 128) }, { extra: { id } });
}

/** Writes what was done to it into the audit: of a user under the pseudonym, and readable until the user is erased. */
export async function auditEntry(
  context: ControlContext,
  { audit, people }: RegistryWrites,
  done: 'created' | 'changed' | 'deleted',
  entry: EntryRecord,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { kind, id } = entry;
  const detail = { ...detailOf(entry), ...more };
  if (kind !== 'user') return void (await audit.insert(auditEvent(context, `${kind}.${done}`, id, detail)));
  const { pseudonym } = await people.take(context.organizationId, id);
  await audit.insert(auditEvent(context, `user.${done}`, pseudonym, { user: new Personal(id, { id, ...detail }) }));
}

function detailOf({ kind, name, attributes, names, links, version }: EntryRecord): Record<string, unknown> {
  const tied = Object.entries(nouns[kind].links).flatMap(([member, link]) => {
    const to = links[member]?.map((one) => referenceText(link, one));
    return to === undefined ? [] : [[member, link.many ? to : to[0]]];
  });
  return { name, ...attributes, ...names, ...(Object.fromEntries(tied) as Record<string, unknown>), version };
}

export function invalid(reason: string): Fault {
  return new Fault('invalid_params', { reason });
}
