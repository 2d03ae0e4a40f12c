/**
 * The methods that the gateway relays: those of the specification's dated revisions and of its official extensions. A
 * method outside this table is refused before anything is sent upstream. Source: the schema of each revision,
 * https://modelcontextprotocol.io/specification
 */
export interface MethodRow {
  /** The member of `params` that names what is acted on and that Mcp-Name mirrors (SEP-2243, SEP-2663). */
  readonly nameField: 'name' | 'uri' | 'taskId' | null;
  /** What a key's `actions` must allow; null: part of the handshake, allowed to whoever may reach the server. */
  readonly action: string | null;
  /** A response may stay open without bytes for as long as the client wants it. */
  readonly longLived: boolean;
  /** It changes nothing: asked twice it does no harm. */
  readonly repeatable: boolean;
}

const row = (action: string | null, nameField: MethodRow['nameField'] = null, longLived = false) => ({ action, nameField, longLived }) as const;

const table: Readonly<Record<string, Omit<MethodRow, 'repeatable'>>> = {
  initialize: row(null),
  ping: row(null),
  'server/discover': row(null),
  'logging/setLevel': row(null),
  'tools/list': row('tools.list'),
  'tools/call': row('tools.call', 'name'),
  'resources/list': row('resources.list'),
  'resources/templates/list': row('resources.list'),
  'resources/read': row('resources.read', 'uri'),
  'resources/directory/read': row('resources.read'),
  'resources/subscribe': row('resources.subscribe'),
  'resources/unsubscribe': row('resources.subscribe'),
  'prompts/list': row('prompts.list'),
  'prompts/get': row('prompts.get', 'name'),
  'completion/complete': row('completion.complete'),
  'subscriptions/listen': row('subscriptions.listen', null, true),
  'tasks/get': row('tasks.get', 'taskId'),
  'tasks/update': row('tasks.update', 'taskId'),
  'tasks/cancel': row('tasks.cancel', 'taskId'),
  'tasks/list': row('tasks.list'),
  'tasks/result': row('tasks.get'),
  'skills/list': row('skills.list'),
  'skills/get': row('skills.get'),
};

const harmless = /^(?:ping|server\/discover|.+\/(?:list|read))$/;
const methods: ReadonlyMap<string, MethodRow> = new Map(
  Object.entries(table).map(([method, entry]) => [method, { ...entry, repeatable: harmless.test(method) }]),
);
const notification: MethodRow = { ...row(null), repeatable: false };

export function methodRow(method: string): MethodRow | undefined {
  return methods.get(method) ?? (method.startsWith('notifications/') ? notification : undefined);
}

/** How a recorded method is counted: anyone may make up a notification, so all of them are one. Empty for none. */
export function methodLabel(method: string): string {
  if (method.startsWith('notifications/')) return 'notifications';
  return method === '' || methods.has(method) || ownWords.has(method) ? method : 'other';
}

/** What the record calls an answer to a server's question, and a legacy client's GET and DELETE. */
const ownWords: ReadonlySet<string> = new Set(['response', 'events/stream', 'session/delete']);

/** Every action that a key's scopes can name for MCP operations. */
export const mcpActions: readonly string[] = [...new Set(Object.values(table).flatMap((entry) => entry.action ?? []))].sort();
