import { bounds } from '../../kernel/bounds.ts';
import { foldText, type NounKind, type Reference } from '../../kernel/directory.ts';
import { Fault } from '../../kernel/fault.ts';
import type { SwitchData } from '../../kernel/switch.ts';
import type { EntryPlace, EntryQuery, EntryRecord } from '../../store/registry/directory-store.ts';
import type { ControlContext } from '../context.ts';
import { builtInRole } from '../roles/built-in-roles.ts';
import { unknownObject } from '../unknown-object.ts';
import { readAgentUse, type AgentUse } from './read-agent-use.ts';

/** One with what is known of it beside the directory. */
export interface EntryView {
  readonly entry: EntryRecord;
  /** It cannot be changed. */
  readonly isBuiltIn: boolean;
  /** What it is switched off by on the node that answers, or null. */
  readonly off: SwitchData | null;
  /** Of an agent, from its calls; null where the ledger cannot say, or it is no agent. */
  readonly use: AgentUse | null;
}

export interface ListEntriesInput extends Pick<EntryQuery, 'kind' | 'sort' | 'descending' | 'links'> {
  readonly text: string | null;
  readonly cursor: string | null;
  readonly limit: number;
}

export interface EntryPage {
  readonly entries: readonly EntryView[];
  /** Where the next page begins, null at the end. */
  readonly cursor: string | null;
}

/** A page of a kind, `limit` (1 to `directoryListMax`) at most. Faults: `invalid_params` for a cursor that is not of this list, `unavailable`. */
export async function listEntries(context: ControlContext, { cursor, limit, text, ...input }: ListEntriesInput): Promise<EntryPage> {
  const size = Math.min(limit, bounds.directoryListMax);
  const found = await context.registry.directory.list(context.organizationId, {
    ...input,
    text: text === null ? null : foldText(text),
    after: cursor === null ? null : placeOf(cursor, input.sort),
    limit: size + 1,
  });
  const entries = found.slice(0, size);
  const last = entries.at(-1);
  return { entries: await viewsOf(context, input.kind, entries), cursor: found.length > size && last ? cursorOf(last, input.sort) : null };
}

/** Faults: `unknown_object`, `unavailable`. */
export async function getEntry(context: ControlContext, reference: Reference): Promise<EntryView> {
  const entry = await context.registry.directory.find(context.organizationId, reference);
  if (entry === null) throw unknownObject(reference.kind, reference.id);
  return viewOf(context, entry);
}

/** The same of one that was just made or changed. Faults: `unavailable`. */
export async function viewOf(context: ControlContext, entry: EntryRecord): Promise<EntryView> {
  const [view] = await viewsOf(context, entry.kind, [entry]);
  if (view === undefined) throw new TypeError('an entry has a view');
  return view;
}

async function viewsOf(context: ControlContext, kind: NounKind, entries: readonly EntryRecord[]): Promise<readonly EntryView[]> {
  if (entries.length === 0) return [];
  const { access, organizationId, clock } = context;
  const nowMs = clock.nowMs();
  const switches = access.switches(organizationId).filter((one) => one.kind === kind && (one.untilMs === null || nowMs < one.untilMs));
  const byId = new Map(switches.map((one) => [one.name, one]));
  const ids = entries.map(({ id }) => id);
  const use = kind === 'agent' ? await readAgentUse(context, ids) : () => null;
  return entries.map((entry) => ({ ...asBuiltIn(context, entry), off: byId.get(entry.id) ?? null, use: use(entry.id) }));
}

/** A role that is built in, with what this version says of it. */
function asBuiltIn({ mcpActions }: ControlContext, entry: EntryRecord): Pick<EntryView, 'entry' | 'isBuiltIn'> {
  const role = entry.kind === 'role' ? builtInRole(entry.id, mcpActions) : null;
  if (role === null) return { entry, isBuiltIn: false };
  return { entry: { ...entry, attributes: { description: role.description }, names: { permissions: role.permissions } }, isBuiltIn: true };
}

function cursorOf({ name, createdAtMs, id }: EntryRecord, sort: EntryQuery['sort']): string {
  return Buffer.from(JSON.stringify([sort, sort === 'name' ? foldText(name) : createdAtMs, id])).toString('base64url');
}

function placeOf(cursor: string, sort: EntryQuery['sort']): EntryPlace {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (
      Array.isArray(value) &&
      value.length === 3 &&
      value[0] === sort &&
      typeof value[1] === (sort === 'name' ? 'string' : 'number') &&
      typeof value[2] === 'string'
    )
      return { value: value[1] as string | number, id: value[2] };
  } catch {
    // Said below.
  }
  throw new Fault('invalid_params', { reason: 'the cursor is not one that this list, sorted so, gave' });
}
