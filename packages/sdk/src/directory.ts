/** Nouns that are all listed, read, made, changed and deleted alike. */
import type { Answered, ChangeOptions, Core } from './core.ts';
import type { List } from './list.ts';
import type { Answer, Body, ItemOf, Operation, Query } from './operations.ts';
import type { RequestOptions } from './options.ts';

/** Collections with the five verbs, each with its items' address. */
const nouns = {
  departments: '/v1/departments',
  teams: '/v1/teams',
  projects: '/v1/projects',
  users: '/v1/users',
  service_accounts: '/v1/service-accounts',
  agents: '/v1/agents',
  roles: '/v1/roles',
} as const;

type Nouns = typeof nouns;
export type NounKey = keyof Nouns;
type Collection<K extends NounKey> = Nouns[K];
type Item<K extends NounKey> = `${Nouns[K]}/{id}`;

type Listed<K extends NounKey> = Answer<Operation<'get', Collection<K>>>;

/** What the changes to one noun may say. */
export interface NounOptions extends ChangeOptions {
  /** Show what would be, change nothing. */
  readonly dryRun?: boolean;
}

export interface DeleteOptions extends NounOptions {
  /** Revoke the keys that belong to it too. */
  readonly revokeKeys?: boolean;
}

export interface Noun<K extends NounKey> {
  list(query?: Query<Operation<'get', Collection<K>>>, options?: RequestOptions): List<ItemOf<Listed<K>, K & keyof Listed<K>>, Listed<K>>;
  get(id: string, options?: RequestOptions): Answered<Answer<Operation<'get', Item<K>>>>;
  create(body: Body<Operation<'post', Collection<K>>>, options?: NounOptions): Answered<Answer<Operation<'post', Collection<K>>>>;
  /** `ifMatch` is required: the ETag of what was read. */
  update(
    id: string,
    body: Body<Operation<'patch', Item<K>>>,
    options: NounOptions & { readonly ifMatch: string },
  ): Answered<Answer<Operation<'patch', Item<K>>>>;
  delete(id: string, options: DeleteOptions & { readonly ifMatch: string }): Answered<Answer<Operation<'delete', Item<K>>>>;
}

/** `key` names the list in the collection's answer, and the collection. */
export function nounOf<K extends NounKey>({ request, list }: Core, key: K): Noun<K> {
  // One set of addresses stands for all nouns: they are alike, and `Noun<K>` says what is of each.
  const collection = nouns[key] as Nouns['teams'];
  const item = `${collection}/{id}` as const;
  const noun: Noun<'teams'> = {
    list: (query, options) => list(collection, key as 'teams', { query: query ?? {} }, options),
    get: (id, options) => request('get', item, { path: { id } }, options),
    create: (body, options = {}) => request('post', collection, { body, query: dryRunOf(options) }, options),
    update: (id, body, options) => request('patch', item, { path: { id }, body, query: dryRunOf(options) }, options),
    delete: (id, options) =>
      request('delete', item, { path: { id }, query: { ...dryRunOf(options), ...(options.revokeKeys === true && { revoke_keys: 'true' }) } }, options),
  };
  return noun as unknown as Noun<K>;
}

export function dryRunOf({ dryRun }: { readonly dryRun?: boolean }): { dry_run?: 'true' } {
  return dryRun === true ? { dry_run: 'true' } : {};
}
