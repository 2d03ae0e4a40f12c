/** The operations of the control API as types, read off the types that are generated from openapi/openapi.json. */
import type { components, paths } from './api-types.ts';

/** The objects of the API by name, e.g. `Schemas['Trace']`. */
export type Schemas = components['schemas'];

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The addresses that take a method. */
export type PathOf<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, object> ? P : never }[keyof paths];

export type Operation<M extends Method, P extends PathOf<M>> = paths[P] extends Record<M, infer O> ? O : never;

type Parameter<O, Place extends string> = O extends { parameters: Record<Place, infer Given> }
  ? Given
  : O extends { parameters: Partial<Record<Place, infer Given>> }
    ? Exclude<Given, undefined> extends never
      ? never
      : Exclude<Given, undefined> | undefined
    : never;

export type Query<O> = Exclude<Parameter<O, 'query'>, undefined>;
export type PathNames<O> = Exclude<Parameter<O, 'path'>, undefined>;
export type Body<O> = O extends { requestBody: { content: { 'application/json': infer Given } } } ? Given : never;

type Member<Name extends string, Given> = [Given] extends [never] ? unknown : [undefined] extends [Given] ? { [K in Name]?: Given } : { [K in Name]: Given };

/** What an operation takes: `path`, `query` and `body`, each where it has one. */
export type Input<O> = Member<'path', Parameter<O, 'path'>> & Member<'query', Parameter<O, 'query'>> & Member<'body', Body<O>>;

type JsonOf<Response> = Response extends { content: { 'application/json': infer Given } } ? Given : undefined;

/** What an operation answers when it succeeds; undefined for no content. */
export type Answer<O> = O extends { responses: infer Responses } ? JsonOf<Responses[keyof Responses & (200 | 201 | 202 | 204)]> : never;

/** Members of an answer that are lists. */
export type ListKey<A> = { [K in keyof A]-?: A[K] extends readonly unknown[] ? K : never }[keyof A];
export type ItemOf<A, K extends keyof A> = A[K] extends readonly (infer Item)[] ? Item : never;
