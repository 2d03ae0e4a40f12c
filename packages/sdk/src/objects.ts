/** What a configuration consists of beside its servers: all are listed, read, made, replaced and deleted alike. */
import type { Answered, ChangeOptions, Core } from './core.ts';
import { dryRunOf, type NounOptions } from './directory.ts';
import type { List } from './list.ts';
import type { Answer, Body, ItemOf, Operation, Query } from './operations.ts';
import type { RequestOptions } from './options.ts';

/** Collections with the five verbs, each with its items' address. */
const objects = {
  routes: '/v1/routes',
  virtual_servers: '/v1/virtual-servers',
  tools: '/v1/tools',
  cache_rules: '/v1/cache-rules',
  rate_limits: '/v1/rate-limits',
  masking_rules: '/v1/masking-rules',
  retention: '/v1/retention',
  export_targets: '/v1/export-targets',
  prices: '/v1/prices',
} as const;

type Objects = typeof objects;
export type ObjectKey = keyof Objects;
type Collection<K extends ObjectKey> = Objects[K];
type Item<K extends ObjectKey> = `${Objects[K]}/{name}`;

type Listed<K extends ObjectKey> = Answer<Operation<'get', Collection<K>>>;
type Spec<K extends ObjectKey> = Body<Operation<'put', Item<K>>> extends { spec: infer Given } ? Given : never;

/** `ifMatch` is required: the ETag of what was read. */
export type ReplaceOptions = NounOptions & { readonly ifMatch: string };

export interface ConfigObjects<K extends ObjectKey> {
  list(query?: Query<Operation<'get', Collection<K>>>, options?: RequestOptions): List<ItemOf<Listed<K>, K & keyof Listed<K>>, Listed<K>>;
  get(name: string, options?: RequestOptions): Answered<Answer<Operation<'get', Item<K>>>>;
  create(body: Body<Operation<'post', Collection<K>>>, options?: NounOptions): Answered<Answer<Operation<'post', Collection<K>>>>;
  /** All that is said of it: what is left out has its default. */
  replace(name: string, spec: Spec<K>, options: ReplaceOptions): Answered<Answer<Operation<'put', Item<K>>>>;
  delete(name: string, options: ReplaceOptions): Answered<Answer<Operation<'delete', Item<K>>>>;
}

/** `key` names the list in the collection's answer, and the collection. */
export function objectsOf<K extends ObjectKey>({ request, list }: Core, key: K): ConfigObjects<K> {
  // One set of addresses stands for all: they are alike, and `ConfigObjects<K>` says what is of each.
  const collection = objects[key] as Objects['routes'];
  const item = `${collection}/{name}` as const;
  const kind: ConfigObjects<'routes'> = {
    list: (query, options) => list(collection, key as 'routes', { query: query ?? {} }, options),
    get: (name, options) => request('get', item, { path: { name } }, options),
    create: (body, options = {}) => request('post', collection, { body, query: dryRunOf(options) }, options),
    replace: (name, spec, options) => request('put', item, { path: { name }, body: { spec }, query: dryRunOf(options) }, options),
    delete: (name, options) => request('delete', item, { path: { name }, query: dryRunOf(options) }, options),
  };
  return kind as unknown as ConfigObjects<K>;
}

/** Views of lists that are saved by name: one's own, and those that others share. */
export function viewsOf({ request, list }: Core) {
  return {
    list: (query: Query<Operation<'get', '/v1/views'>> = {}, options?: RequestOptions) => list('/v1/views', 'views', { query }, options),
    get: (id: string, options?: RequestOptions) => request('get', '/v1/views/{id}', { path: { id } }, options),
    create: (body: Body<Operation<'post', '/v1/views'>>, options?: RequestOptions) => request('post', '/v1/views', { body }, options),
    update: (id: string, body: Body<Operation<'patch', '/v1/views/{id}'>>, options: ChangeOptions & { readonly ifMatch: string }) =>
      request('patch', '/v1/views/{id}', { path: { id }, body }, options),
    delete: (id: string, options: ChangeOptions & { readonly ifMatch: string }) => request('delete', '/v1/views/{id}', { path: { id } }, options),
  };
}

/** The organizations of a gateway: of other than its own one sees one's own. */
export function organizationsOf({ request, list }: Core) {
  return {
    list: (query: Query<Operation<'get', '/v1/organizations'>> = {}, options?: RequestOptions) =>
      list('/v1/organizations', 'organizations', { query }, options),
    get: (id: string, options?: RequestOptions) => request('get', '/v1/organizations/{id}', { path: { id } }, options),
    create: (body: Body<Operation<'post', '/v1/organizations'>>, options?: RequestOptions) => request('post', '/v1/organizations', { body }, options),
    update: (id: string, body: Body<Operation<'patch', '/v1/organizations/{id}'>>, options: ChangeOptions & { readonly ifMatch: string }) =>
      request('patch', '/v1/organizations/{id}', { path: { id }, body }, options),
    /** `cascade`: with everything that is in it. */
    delete: (id: string, options: ReplaceOptions & { readonly cascade?: boolean }) =>
      request(
        'delete',
        '/v1/organizations/{id}',
        { path: { id }, query: { ...dryRunOf(options), ...(options.cascade === true && { cascade: 'true' as const }) } },
        options,
      ),
  };
}
