import { createHash } from 'node:crypto';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { newSpanHex, newTraceHex } from '../kernel/id.ts';
import { each, findValues } from '../kernel/splice-json.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { CallerClass } from './catalogue.ts';
import type { DialogueResponse, Servers } from './dialogue.ts';
import { paramHeadersOf, type ParamHeader } from './param-headers.ts';

export type ListKind = 'tools' | 'resources' | 'templates' | 'prompts';

/** One tool, resource, resource template or prompt as its server lists it. */
export interface ListEntry {
  /** Its name, URI or URI template. Unique in the list: of twins the first counts. */
  readonly key: string;
  /** As the server wrote it: unknown members and large integers are still there. */
  readonly json: string;
  /** Where in `json` the text of the key stands, or null where it stands there twice. */
  readonly keyPlace: { readonly start: number; readonly end: number } | null;
  /** Whether it names a user interface resource (`_meta.ui.resourceUri`). */
  readonly namesUi: boolean;
  /** What a call of the tool repeats in headers. */
  readonly paramHeaders: readonly ParamHeader[];
}

/** A whole list of one server. */
export interface ServerList {
  readonly entries: readonly ListEntry[];
  /** The same for the same entries in the same order, on every node. */
  readonly digest: string;
  readonly ttlMs: number;
  readonly cacheScope: 'public' | 'private';
  /** Why it is not the whole list after all, or null. */
  readonly incomplete: 'too_many_entries' | 'cursor_repeats' | null;
  /** Tools that must not be offered, each with the reason. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

const methods = { tools: 'tools/list', resources: 'resources/list', templates: 'resources/templates/list', prompts: 'prompts/list' } as const;
/** The member of a result that holds the list, and the member of an entry that names it. */
export const listMember = { tools: 'tools', resources: 'resources', templates: 'resourceTemplates', prompts: 'prompts' } as const;
export const keyMember = { tools: 'name', resources: 'uri', templates: 'uriTemplate', prompts: 'name' } as const;

export const emptyList: ServerList = { entries: [], digest: '', ttlMs: Number.MAX_SAFE_INTEGER, cacheScope: 'public', incomplete: null, refused: [] };

/**
 * Reads all pages of one list. A cursor is any text, also the empty one; one that comes a second time ends the reading. A server that does
 * not know the method has an empty list. Faults: those of the connection, `mcp_error`, `upstream_invalid`.
 */
export async function drainList(servers: Servers, server: Server, callers: Pick<CallerClass, 'face' | 'forwarded'>, kind: ListKind): Promise<ServerList> {
  const entries = new Map<string, ListEntry>();
  const refused: { name: string; reason: string }[] = [];
  const cursors = new Set<string>();
  const hash = createHash('sha256');
  let ttlMs = Number.MAX_SAFE_INTEGER;
  let cacheScope: 'public' | 'private' = 'public';
  let bytes = 0;
  let cursor: string | null = null;
  let incomplete: ServerList['incomplete'] = null;
  for (let page = 1; ; page++) {
    const response = await askFor(servers, server, callers, methods[kind], cursor === null ? '{}' : JSON.stringify({ cursor }));
    if (response.kind === 'error') {
      if (response.code === methodNotFound && page === 1) return emptyList;
      throw new Fault('mcp_error', { server: server.data.name }, { extra: { cause: JSON.parse(response.error) } });
    }
    const json = Buffer.from(response.result);
    bytes += json.length;
    const result = parsePage(json, server.data.name, kind);
    for (const { key, raw, value } of result.entries) {
      if (entries.has(key)) continue;
      const paramHeaders = kind === 'tools' ? paramHeadersOf(value['inputSchema']) : [];
      if ('invalid' in paramHeaders) {
        refused.push({ name: key, reason: paramHeaders.invalid });
        continue;
      }
      hash.update(raw).update('\0');
      entries.set(key, {
        key,
        json: raw.toString(),
        keyPlace: placeOfKey(raw, keyMember[kind]),
        namesUi: kind === 'tools' && raw.includes('resourceUri"'),
        paramHeaders,
      });
    }
    ttlMs = Math.min(ttlMs, result.ttlMs);
    if (result.isPrivate) cacheScope = 'private';
    cursor = result.nextCursor;
    if (cursor === null) break;
    if (cursors.has(cursor)) incomplete = 'cursor_repeats';
    else if (page >= bounds.cataloguePagesMax || entries.size >= bounds.catalogueEntriesMax || bytes >= bounds.catalogueBytesMax)
      incomplete = 'too_many_entries';
    if (incomplete !== null) break;
    cursors.add(cursor);
  }
  return { entries: [...entries.values()], digest: hash.digest('base64url'), ttlMs, cacheScope, incomplete, refused };
}

const methodNotFound = -32601;

function askFor(
  servers: Servers,
  server: Server,
  { face, forwarded }: Pick<CallerClass, 'face' | 'forwarded'>,
  method: string,
  params: string,
): Promise<DialogueResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<DialogueResponse>();
  const traceparent = `00-${newTraceHex()}-${newSpanHex()}-00`;
  const dialogue = servers.begin(
    { server, face, method, params, name: '', mirrored: [], forwarded, traceparent, inputs: 'return' },
    {
      notification: () => undefined,
      // Nobody stands behind the gateway's own question who could answer.
      ask: ({ key }) => setImmediate(() => dialogue.answer(key, { error: '{"code":-32601,"message":"Nobody can be asked here."}' })),
      response: resolve,
      failed: reject,
    },
  );
  return promise;
}

interface Page {
  readonly entries: readonly { readonly key: string; readonly raw: Buffer; readonly value: Readonly<Record<string, unknown>> }[];
  readonly nextCursor: string | null;
  readonly ttlMs: number;
  readonly isPrivate: boolean;
}

/** In characters of the text. */
function placeOfKey(raw: Buffer, member: string): ListEntry['keyPlace'] {
  const [place, second] = findValues(raw, [[member]]);
  if (place === undefined || second !== undefined) return null;
  const start = raw.toString('utf8', 0, place.start).length;
  return { start, end: start + raw.toString('utf8', place.start, place.end).length };
}

/** An entry without its key is nothing that could be called: it is left out. */
function parsePage(json: Buffer, server: string, kind: ListKind): Page {
  const invalid = (reason: string): Fault => new Fault('upstream_invalid', { server, reason });
  let result: Readonly<Record<string, unknown>>;
  try {
    result = JSON.parse(json.toString()) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new Fault('upstream_invalid', { server, reason: `its ${methods[kind]} is not valid JSON` }, { cause });
  }
  const listed = typeof result === 'object' && result !== null ? result[listMember[kind]] : undefined;
  if (!Array.isArray(listed)) throw invalid(`its ${methods[kind]} holds no list`);
  const nextCursor = result['nextCursor'] ?? null;
  if (nextCursor !== null && typeof nextCursor !== 'string') throw invalid(`its ${methods[kind]} has a cursor that is not text`);
  const spans = findValues(json, [[listMember[kind], each]]);
  // A list that is there twice would be read in two ways.
  if (spans.length !== listed.length) throw invalid(`its ${methods[kind]} holds two lists`);
  const entries = listed.flatMap((value: unknown, index) => {
    const key = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[keyMember[kind]] : undefined;
    const span = spans[index];
    return typeof key === 'string' && span !== undefined
      ? [{ key, raw: json.subarray(span.start, span.end), value: value as Readonly<Record<string, unknown>> }]
      : [];
  });
  const ttlMs = result['ttlMs'];
  return { entries, nextCursor, ttlMs: typeof ttlMs === 'number' && ttlMs >= 0 ? ttlMs : 0, isPrivate: result['cacheScope'] !== 'public' };
}
