import { each, findValues, splice, type Edit, type ValuePath } from '../kernel/splice-json.ts';
import type { Ask } from './dialogue.ts';

/** Where a result names a resource: links and embedded resources of tools and prompts, what was read, a tool's user interface. */
const uriPaths: readonly ValuePath[] = [
  ['content', each, 'uri'],
  ['content', each, 'resource', 'uri'],
  ['contents', each, 'uri'],
  ['messages', each, 'content', 'uri'],
  ['messages', each, 'content', 'resource', 'uri'],
  ['messages', each, 'content', each, 'uri'],
  ['messages', each, 'content', each, 'resource', 'uri'],
  ['_meta', 'ui', 'resourceUri'],
];
const askPath: ValuePath = ['inputRequests', each];
const resultPaths: readonly ValuePath[] = [...uriPaths, askPath];

/** A `result` with the URIs that the endpoint's callers know, and questions that name the server which asks. All other bytes stay. */
export function rewriteReply(result: string, server: string, exposeUri: (uri: string) => string): string {
  // Most results name no resource and ask nothing: they are not even looked through.
  if (!/[uU]ri"|"inputRequests"|\\u/.test(result)) return result;
  const json = Buffer.from(result);
  const edits = findValues(json, resultPaths).flatMap(({ path, start, end }): Edit[] => {
    if (resultPaths[path] === askPath) return askEdits(json, start, end, server);
    return uriEdit(json, start, end, exposeUri);
  });
  return edits.length === 0 ? result : splice(json, edits).toString();
}

/** A whole `notifications/resources/updated` with the URI that the endpoint's callers know; any other notification stays as it is. */
export function rewriteNotification(notification: Buffer, exposeUri: (uri: string) => string): Buffer {
  if (!notification.includes('resources')) return notification;
  const { method } = JSON.parse(notification.toString()) as { method?: unknown };
  if (method !== 'notifications/resources/updated') return notification;
  return splice(
    notification,
    findValues(notification, [['params', 'uri']]).flatMap(({ start, end }) => uriEdit(notification, start, end, exposeUri)),
  );
}

/** The person who is asked shall see which server asks: behind a gateway only the gateway knows. */
export function nameAsker(ask: Ask, server: string): Ask {
  if (ask.method !== 'elicitation/create') return ask;
  const params = Buffer.from(ask.params);
  return { ...ask, params: splice(params, messageEdits(params, [['message']], 0, server)).toString() };
}

/** A tool, prompt or resource as its server lists it, with the name or URI, description and user interface resource that callers are shown. */
export function rewriteEntry(
  text: string,
  changes: {
    readonly key: { readonly member: string; readonly value: string };
    readonly description: string | null;
    readonly exposeUri: ((uri: string) => string) | null;
  },
): string {
  const { key, description, exposeUri } = changes;
  const json = Buffer.from(text);
  const paths: ValuePath[] = [[key.member], ['description'], ['_meta', 'ui', 'resourceUri'], ['_meta', 'ui/resourceUri']];
  const edits = findValues(json, paths).flatMap(({ path, start, end }): Edit[] => {
    if (path === 0) return [{ start, end, text: JSON.stringify(key.value) }];
    if (path === 1) return description === null ? [] : [{ start, end, text: JSON.stringify(description) }];
    return exposeUri === null ? [] : uriEdit(json, start, end, exposeUri);
  });
  const edited = splice(json, edits);
  const hasOwn = findValues(json, [['description']]).length > 0;
  // After its opening brace: an entry has at least its key.
  return (description === null || hasOwn ? edited : splice(edited, [{ start: 1, end: 1, text: `"description":${JSON.stringify(description)},` }])).toString();
}

function uriEdit(json: Buffer, start: number, end: number, exposeUri: (uri: string) => string): Edit[] {
  const uri: unknown = JSON.parse(json.toString('utf8', start, end));
  if (typeof uri !== 'string') return [];
  const exposed = exposeUri(uri);
  return exposed === uri ? [] : [{ start, end, text: JSON.stringify(exposed) }];
}

function askEdits(json: Buffer, start: number, end: number, server: string): Edit[] {
  const ask = json.subarray(start, end);
  const { method } = (JSON.parse(ask.toString()) ?? {}) as { method?: unknown };
  return method === 'elicitation/create' ? messageEdits(ask, [['params', 'message']], start, server) : [];
}

function messageEdits(json: Buffer, path: readonly ValuePath[], offset: number, server: string): Edit[] {
  return findValues(json, path).flatMap(({ start, end }) => {
    const message: unknown = JSON.parse(json.toString('utf8', start, end));
    return typeof message === 'string' ? [{ start: offset + start, end: offset + end, text: JSON.stringify(`[${server}] ${message}`) }] : [];
  });
}
