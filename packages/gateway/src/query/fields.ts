/** What a query may name. `columns` are those of the wide record (record/call-row.ts). */
export type FieldSpec = { readonly about: string; readonly example: string } & (
  | {
      readonly kind: 'word';
      readonly columns: readonly WordColumn[];
      /** Where these are all there are: another word is a mistake. */
      readonly words?: readonly string[];
      readonly aliases?: Readonly<Record<string, string>>;
    }
  /** A column with one word a line; one of them fits. */
  | { readonly kind: 'lines'; readonly column: 'transforms' }
  | { readonly kind: 'measure'; readonly column: MeasureColumn; readonly unit: Unit }
  | { readonly kind: 'trace' | 'code' | 'text' }
  /** What was sent or answered, masked as it is kept. */
  | { readonly kind: 'body'; readonly body: 'request' | 'response' }
);

export type WordColumn =
  | 'server'
  | 'tool'
  | 'method'
  | 'user_id'
  | 'team_id'
  | 'project_id'
  | 'key_id'
  | 'key_prefix'
  | 'client_name'
  | 'agent'
  | 'environment'
  | 'status'
  | 'stop'
  | 'policy'
  | 'cache'
  | 'era'
  | 'protocol_version'
  | 'surface'
  | 'target'
  | 'node'
  | 'peer'
  | 'request_id'
  | 'session_id';

export type MeasureColumn = 'started_at' | 'duration_us' | 'cost' | 'retries' | 'request_bytes' | 'reply_bytes';
export type Unit = 'time' | 'duration' | 'money' | 'bytes' | 'count';

const word = (column: WordColumn, about: string, example: string): FieldSpec => ({ kind: 'word', columns: [column], about, example });

export const fields = {
  server: word('server', 'The server that was called.', 'server:github'),
  tool: word('tool', 'What the call named: a tool, a prompt, a resource.', 'tool:create_*'),
  method: word('method', 'The MCP method.', 'method:tools/call'),
  user: word('user_id', 'The user that the call is attributed to.', 'user:usr_ana'),
  team: word('team_id', 'The team that the call is attributed to.', 'team:(ml OR web)'),
  project: word('project_id', 'The project that the call is attributed to.', 'project:proj_1'),
  key: { kind: 'word', columns: ['key_id', 'key_prefix'], about: 'The API key: its id, or the beginning of its secret.', example: 'key:gwo_prod_a1b2' },
  client: word('client_name', 'The program that called, as it names itself.', 'client:"Claude Code"'),
  agent: word('agent', 'The agent.', 'agent:code-review'),
  env: word('environment', "The environment of the caller's key.", 'env:prod'),
  status: {
    kind: 'word',
    columns: ['status'],
    words: ['success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'],
    aliases: { ok: 'success' },
    about: 'How the call ended; `ok` is `success`.',
    example: '-status:ok',
  },
  stop: {
    kind: 'word',
    columns: ['stop'],
    words: ['auth', 'access', 'limit', 'guard', 'server', 'reply'],
    about: 'The stop of the rail at which the call ended.',
    example: 'stop:limit',
  },
  code: {
    kind: 'code',
    about: 'The code of the fault, the HTTP status or the JSON-RPC error code; comparisons are of the HTTP status.',
    example: 'code:>=500',
  },
  policy: word('policy', 'The policy that let the call pass, refused it or held it.', 'policy:no-delete'),
  transform: { kind: 'lines', column: 'transforms', about: 'A transformation rule that changed or refused the call.', example: 'transform:"no secrets"' },
  cache: { kind: 'word', columns: ['cache'], words: ['hit', 'shared', 'miss'], about: 'What the cache had for the call.', example: 'cache:hit' },
  target: word('target', 'The target of the server that answered.', 'target:blue'),
  era: word('era', 'Which kind of MCP the client speaks: modern or legacy.', 'era:legacy'),
  version: word('protocol_version', 'The protocol version.', 'version:2025-*'),
  surface: { kind: 'word', columns: ['surface'], words: ['mcp', 'rest'], about: 'The way the call came in.', example: 'surface:rest' },
  node: word('node', 'The node of the gateway.', 'node:gw-1'),
  ip: word('peer', 'The address that the call came from.', 'ip:10.1.*'),
  request: word('request_id', 'The id of the request.', 'request:req_5f2c'),
  session: word('session_id', 'The session of a client of before 2026-07-28.', 'session:s_00f067aa0ba902b7'),
  trace: { kind: 'trace', about: "The trace: tr_…, or the caller's own X-Trace-ID.", example: 'trace:nightly-42' },
  dur: { kind: 'measure', column: 'duration_us', unit: 'duration', about: 'How long the call took: us, ms, s, m or h.', example: 'dur:>2s' },
  cost: { kind: 'measure', column: 'cost', unit: 'money', about: 'What the call cost, in the currency of its price.', example: 'cost:>=0.5' },
  retries: { kind: 'measure', column: 'retries', unit: 'count', about: 'Further tries that were made.', example: 'retries:>0' },
  request_size: { kind: 'measure', column: 'request_bytes', unit: 'bytes', about: 'Size of the request: B, KiB or MiB.', example: 'request_size:>64KiB' },
  response_size: { kind: 'measure', column: 'reply_bytes', unit: 'bytes', about: 'Size of the reply: B, KiB or MiB.', example: 'response_size:>1MiB' },
  time: { kind: 'measure', column: 'started_at', unit: 'time', about: 'When the call began, UTC.', example: 'time:>=2026-11-27T08:00' },
  text: {
    kind: 'text',
    about: 'Text anywhere in the record of the call, or in its recorded request and response; the field may be left out.',
    example: '"rate limit"',
  },
  request_text: { kind: 'body', body: 'request', about: 'Text in the recorded request, masked as it is kept.', example: 'request_text:"acme/site"' },
  response_text: { kind: 'body', body: 'response', about: 'Text in the recorded response, masked as it is kept.', example: 'response_text:"not found"' },
} as const satisfies Record<string, FieldSpec>;

export type FieldName = keyof typeof fields;

export const fieldNames = Object.keys(fields) as readonly FieldName[];

export function fieldOf(name: FieldName): FieldSpec {
  return fields[name];
}

/** Whether a query looks into recorded requests and responses alone. */
export function isOfBody(name: FieldName): boolean {
  return fieldOf(name).kind === 'body';
}

/** Where `text` is looked for in a record. */
export const textColumns = [
  'server',
  'tool',
  'method',
  'agent',
  'client_name',
  'user_id',
  'team_id',
  'project_id',
  'key_id',
  'key_prefix',
  'target',
  'request_id',
  'session_id',
  'client_trace_id',
  'fault_code',
  'policy',
  'transforms',
] as const satisfies readonly (WordColumn | 'client_trace_id' | 'fault_code' | 'transforms')[];
