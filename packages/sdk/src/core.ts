import { UnreadableAnswerError } from './errors.ts';
import { listOf, type List } from './list.ts';
import type { Answer, Input, ItemOf, ListKey, Method, Operation, PathOf } from './operations.ts';
import type { RequestOptions } from './options.ts';
import type { Outgoing, Received, Transport } from './transport.ts';

/** An answer with what came beside its body. */
export interface WholeAnswer<Data> {
  readonly data: Data;
  /** Its body has been read. `headers` has the ETag, the rate limits and others. */
  readonly response: Response;
  readonly requestId: string | null;
  readonly traceId: string | null;
}

/** What a request resolves with; `withResponse()` for the headers too. */
export interface Answered<Data> extends Promise<Data> {
  withResponse(): Promise<WholeAnswer<Data>>;
}

/** Of changes to what has versions. */
export interface ChangeOptions extends RequestOptions {
  /** The ETag that was read: who has changed it meanwhile is not overwritten. */
  readonly ifMatch?: string;
}

/** A part of an operation's input that may be left out where nothing in it is required. */
export type Rest<Given> = object extends Given ? [input?: Given, options?: ChangeOptions] : [input: Given, options?: ChangeOptions];

/** What the resources are made of. */
export interface Core {
  readonly transport: Transport;
  request<M extends Method, P extends PathOf<M>>(method: M, path: P, ...rest: Rest<Input<Operation<M, P>>>): Answered<Answer<Operation<M, P>>>;
  /** The answer as it comes, for what is no JSON: files, CSV, text. */
  open<M extends Method, P extends PathOf<M>>(method: M, path: P, ...rest: Rest<Input<Operation<M, P>>>): Promise<Response>;
  list<P extends PathOf<'get'>, K extends ListKey<Answer<Operation<'get', P>>>>(
    path: P,
    key: K,
    ...rest: Rest<Input<Operation<'get', P>>>
  ): List<ItemOf<Answer<Operation<'get', P>>, K>, Answer<Operation<'get', P>>>;
}

interface LooseInput {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

export function createCore(transport: Transport): Core {
  return {
    transport,
    request: (method, path, ...[input, options]) => answered(transport.send(outgoing(method, path, input ?? {}, options), options)),
    open: (method, path, ...[input, options]) => {
      const one = outgoing(method, path, input ?? {}, options);
      return transport.open({ ...one, headers: { ...one.headers, accept: '*/*' } }, options);
    },
    list<P extends PathOf<'get'>, K extends ListKey<Answer<Operation<'get', P>>>>(path: P, key: K, ...rest: Rest<Input<Operation<'get', P>>>) {
      type Page = Answer<Operation<'get', P>>;
      const [given, options] = rest;
      const input: LooseInput = given ?? {};
      return listOf<ItemOf<Page, K>, Page>({
        fetchPage: (cursor) =>
          answered<Page>(
            transport.send(outgoing('get', path, cursor === undefined ? input : { ...input, query: { ...input.query, cursor } }, options), options),
          ),
        itemsOf: (page) => page[key] as ItemOf<Page, K>[],
        cursorOf: (page) => (page as { readonly cursor?: string | null }).cursor,
      });
    },
  };
}

function outgoing(method: Method, path: string, input: LooseInput, options: ChangeOptions | undefined): Outgoing {
  const headers = {
    ...(options?.ifMatch === undefined ? {} : { 'if-match': options.ifMatch }),
    ...(method === 'post' ? { 'idempotency-key': options?.idempotencyKey ?? crypto.randomUUID() } : {}),
  };
  return {
    method: method.toUpperCase(),
    path,
    ...(input.path === undefined ? {} : { names: input.path }),
    ...(input.query === undefined ? {} : { query: input.query }),
    ...(input.body === undefined ? {} : { body: input.body }),
    headers,
    safety: method === 'get' ? 'read' : method === 'post' ? 'keyed' : 'write',
  };
}

/** An answer whose body is JSON, or nothing where the status says so. */
export function answered<Data>(receiving: Promise<Received>): Answered<Data> {
  const whole = receiving.then(({ response, text }): WholeAnswer<Data> => {
    const requestId = response.headers.get('x-request-id');
    return { data: dataOf<Data>(response, text), response, requestId, traceId: response.headers.get('x-trace-id') };
  });
  const data = whole.then((answer) => answer.data);
  return Object.assign(data, {
    withResponse() {
      // Who asks for the whole answer hears of its failure there.
      data.catch(() => undefined);
      return whole;
    },
  });
}

function dataOf<Data>(response: Response, text: string): Data {
  if (response.status === 204) return undefined as Data;
  try {
    return JSON.parse(text) as Data;
  } catch (cause) {
    throw new UnreadableAnswerError('its body is not JSON', response.status, cause);
  }
}
