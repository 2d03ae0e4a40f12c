import { bounds } from '../../kernel/bounds.ts';
import { foldText } from '../../kernel/directory.ts';
import type { ScimGroupName, ScimNarrowing, ScimPage } from '../../store/registry/scim-store.ts';
import { compileFilter, isObject } from './match-filter.ts';
import { parseFilter, type Filter } from './parse-filter.ts';
import { groupResource } from './put-group.ts';
import { unknownResource } from './put-user.ts';
import type { ScimResource } from './read-resource.ts';
import type { ScimContext } from './scim-context.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { groupSchema, userSchema, type ScimSchema } from './schemas.ts';

/** A user or group with all that a provider may read of it but its address. */
export interface ScimView {
  readonly schema: ScimSchema;
  readonly id: string;
  readonly version: number;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  readonly resource: ScimResource;
  /** Of a user. */
  readonly groups: readonly ScimGroupName[];
}

export interface ListInput {
  readonly filter: string | null;
  readonly sortBy: string | null;
  readonly descending: boolean;
  /** From 1. */
  readonly startIndex: number;
  readonly count: number;
  /** Whether groups of users, and members of groups, are asked for: they are many. */
  readonly withTies: boolean;
}

export interface ListedResources {
  readonly total: number;
  readonly views: readonly ScimView[];
}

/** A page of what the provider has sent, in the order in which it came. Refusals: `invalidFilter`, `invalidPath`. Faults: `unavailable`. */
export async function listResources(context: ScimContext, schema: ScimSchema, input: ListInput): Promise<ListedResources> {
  const filter = input.filter === null ? null : parseFilter(input.filter);
  const order = { sort: sortOf(schema, input.sortBy), descending: input.descending };
  const offset = input.startIndex - 1;
  if (filter === null) {
    const { scim } = context.registry;
    const total = await (schema === userSchema ? scim.countUsers : scim.countGroups)(context.organizationId, context.provider);
    const limit = Math.min(input.count, Math.max(0, total - offset));
    return { total, views: limit === 0 ? [] : await readViews(context, schema, { ...order, narrowing: nothing, offset, limit }, input.withTies) };
  }
  const matches = compileFilter(schema, filter);
  const needsTies = input.withTies || mentions(filter, 'members') || mentions(filter, 'groups');
  const views: ScimView[] = [];
  let total = 0;
  // A filter is asked of one after the other: what there is an index for is found by it, the rest is few or rarely asked for.
  for (let read = 0; ; read += bounds.scimScanRows) {
    const page = { ...order, narrowing: narrowingOf(schema, filter), offset: read, limit: bounds.scimScanRows };
    const found = await readViews(context, schema, page, needsTies);
    for (const view of found) {
      if (!matches(wholeResource(view))) continue;
      if (total >= offset && views.length < input.count) views.push(view);
      total += 1;
    }
    if (found.length < bounds.scimScanRows) return { total, views };
  }
}

/** Refusals: 404. Faults: `unavailable`. */
export async function getResource(context: ScimContext, schema: ScimSchema, id: string, withTies: boolean): Promise<ScimView> {
  const page: ScimPage = { sort: 'created', descending: false, narrowing: { ...nothing, id }, offset: 0, limit: 1 };
  const [view] = await readViews(context, schema, page, withTies);
  if (view === undefined) throw unknownResource();
  return view;
}

/** What filters and clients see: with `id`, `meta` and ties beside what the provider wrote. */
export function wholeResource({ schema, id, version, createdAtMs, changedAtMs, resource, groups }: ScimView): ScimResource {
  return {
    schemas: [schema.urn],
    id,
    ...resource,
    ...(groups.length === 0 ? {} : { groups: groups.map((group) => ({ value: group.id, display: group.displayName, type: 'direct' })) }),
    meta: {
      resourceType: schema.name,
      created: new Date(createdAtMs).toISOString(),
      lastModified: new Date(changedAtMs).toISOString(),
      version: `W/"${version}"`,
    },
  };
}

const nothing: ScimNarrowing = { id: null, key: null, externalId: null };

async function readViews(
  { registry: { scim }, organizationId, provider }: ScimContext,
  schema: ScimSchema,
  page: ScimPage,
  withTies: boolean,
): Promise<readonly ScimView[]> {
  if (schema === userSchema) {
    const users = await scim.users(organizationId, provider, page);
    const groups = withTies
      ? await scim.groupsOf(
          organizationId,
          users.map(({ id }) => id),
        )
      : new Map<string, readonly ScimGroupName[]>();
    return users.map((user) => ({ schema, ...user, groups: groups.get(user.id) ?? [] }));
  }
  const groups = await scim.groups(organizationId, provider, page);
  const members = withTies
    ? await scim.membersOf(
        organizationId,
        groups.map(({ id }) => id),
      )
    : new Map<string, readonly string[]>();
  return groups.map((group) => ({ schema, ...group, resource: groupResource(group, members.get(group.id) ?? []), groups: [] }));
}

/** What all that fits must be, as far as an index finds it. */
function narrowingOf(schema: ScimSchema, filter: Filter): ScimNarrowing {
  if (filter.kind === 'and')
    return filter.filters
      .map((one) => narrowingOf(schema, one))
      .reduce((all, one) => ({ id: all.id ?? one.id, key: all.key ?? one.key, externalId: all.externalId ?? one.externalId }), nothing);
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || typeof filter.value !== 'string' || filter.path.sub !== null) return nothing;
  if (filter.path.urn !== null && filter.path.urn.toLowerCase() !== schema.urn.toLowerCase()) return nothing;
  const { value } = filter;
  switch (filter.path.name.toLowerCase()) {
    case 'id':
      return { ...nothing, id: value };
    case 'externalid':
      return { ...nothing, externalId: value };
    case 'username':
      return schema === userSchema ? { ...nothing, key: foldText(value) } : nothing;
    case 'displayname':
      return schema === groupSchema ? { ...nothing, key: foldText(value) } : nothing;
    default:
      return nothing;
  }
}

function mentions(filter: Filter, name: string): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.some((one) => mentions(one, name));
    case 'not':
      return mentions(filter.filter, name);
    default:
      return filter.path.name.toLowerCase() === name;
  }
}

function sortOf(schema: ScimSchema, sortBy: string | null): ScimPage['sort'] {
  switch (sortBy?.toLowerCase()) {
    case undefined:
    case 'meta.created':
      return 'created';
    case 'meta.lastmodified':
      return 'changed';
    case 'id':
      return 'id';
    case schema === userSchema ? 'username' : 'displayname':
      return 'name';
    default:
      throw new ScimRefusal(
        400,
        'invalidPath',
        `lists are sorted by meta.created, meta.lastModified, id or ${schema === userSchema ? 'userName' : 'displayName'}`,
      );
  }
}

/** Only what is asked for (RFC 7644 section 3.9): `attributes` alone, or all but `excluded`; what is always returned stays. */
export function projected(schema: ScimSchema, resource: ScimResource, attributes: readonly string[], excluded: readonly string[]): ScimResource {
  if (attributes.length === 0 && excluded.length === 0) return resource;
  const named = (list: readonly string[]): readonly string[] =>
    list.map((one) => {
      const lower = one.toLowerCase();
      return lower.startsWith(`${schema.urn.toLowerCase()}:`) ? lower.slice(schema.urn.length + 1) : lower;
    });
  const wanted = named(attributes);
  const unwanted = named(excluded);
  const keep = (path: string): 'whole' | 'parts' | 'no' => {
    if (attributes.length === 0) return unwanted.includes(path) ? 'no' : unwanted.some((one) => one.startsWith(`${path}.`)) ? 'parts' : 'whole';
    return wanted.includes(path) ? 'whole' : wanted.some((one) => one.startsWith(`${path}.`)) ? 'parts' : 'no';
  };
  const kept = Object.entries(resource).flatMap(([name, value]) => {
    if (name === 'id' || name === 'schemas') return [[name, value] as const];
    const how = keep(name.toLowerCase());
    if (how === 'no') return [];
    if (how === 'whole') return [[name, value] as const];
    const part = (one: unknown): unknown =>
      isObject(one) ? Object.fromEntries(Object.entries(one).filter(([sub]) => keep(`${name}.${sub}`.toLowerCase()) === 'whole')) : one;
    return [[name, Array.isArray(value) ? value.map(part) : part(value)] as const];
  });
  return Object.fromEntries(kept);
}
