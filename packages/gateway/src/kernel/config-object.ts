/**
 * What a configuration consists of that can also be made while the gateway runs, once: the table that the merge into the configuration, the
 * registry, the verbs, the routes of the API and the commands are made of. To add a kind, add a row here and its place in
 * `config/object-places.ts`.
 */

export const objectKinds = ['server', 'route', 'virtual_server', 'tool', 'cache_rule', 'rate_limit', 'masking_rule', 'retention', 'export_target'] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** One thing of the configuration, by what it is called among those of its kind. */
export interface ObjectName {
  readonly kind: ObjectKind;
  readonly name: string;
}

/** With what is said of it: the members of its entry in gateway.yaml but for those that name it. */
export interface ConfigObject extends ObjectName {
  readonly spec: ObjectSpec;
}

export type ObjectSpec = Readonly<Record<string, unknown>>;

export interface ObjectRow {
  /** As in paths and commands. */
  readonly plural: string;
  /** In words. */
  readonly title: string;
  /** Of the schema of the API. */
  readonly schema: string;
  /** The setting of gateway.yaml that has such things. */
  readonly setting: string;
  readonly about: string;
  readonly name: { readonly pattern: RegExp; readonly about: string; readonly example: string };
  /** Members of its entry that say its name: they stand beside the spec, not in it. */
  readonly named: readonly string[];
  readonly example: ObjectSpec;
  /** The server that it is about, or null: of none, or of many. */
  readonly serverOf: (name: string) => string | null;
}

const serverName = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const ofServers = (name: string): string => name;

export const objectRows: Readonly<Record<ObjectKind, ObjectRow>> = {
  server: {
    plural: 'servers',
    title: 'server',
    schema: 'ServerSpec',
    setting: 'servers',
    about: 'MCP servers behind the gateway',
    name: { pattern: serverName, about: 'Name of the server.', example: 'search' },
    named: ['name'],
    example: { url: 'https://search.example/mcp', timeout: '20s' },
    serverOf: ofServers,
  },
  route: {
    plural: 'routes',
    title: 'route',
    schema: 'RouteSpec',
    setting: 'routes',
    about: 'How servers are reached',
    name: { pattern: serverName, about: 'Name of the server that the route leads to.', example: 'search' },
    named: ['server'],
    example: { path: '/mcp/find' },
    serverOf: ofServers,
  },
  virtual_server: {
    plural: 'virtual-servers',
    title: 'virtual server',
    schema: 'VirtualServerSpec',
    setting: 'virtual_servers',
    about: 'Selections of servers, tools, resources and prompts at an address of their own',
    name: { pattern: serverName, about: 'Name of the virtual server: it is served at /mcp/v/{name}.', example: 'research' },
    named: ['name'],
    example: { servers: ['search'], tools: ['read_*'] },
    serverOf: () => null,
  },
  tool: {
    plural: 'tools',
    title: 'tool',
    schema: 'ToolSpec',
    setting: 'transforms',
    about: 'What is changed in calls of tools and in their results',
    name: {
      pattern: /^[a-z0-9][a-z0-9_-]{0,62}(?:\/[^\s#]{1,256})?(?:#[1-9]\d{0,2})?$/u,
      about: 'SERVER/TOOL, in which `*` stands for any text; SERVER alone: every tool. A further entry for the same ends in #2.',
      example: 'search/query',
    },
    named: ['server', 'tool'],
    example: { request: [{ default: { path: 'limit', value: 10 } }] },
    serverOf: (name) => /^[^/#]*/.exec(name)?.[0] ?? '',
  },
  cache_rule: {
    plural: 'cache-rules',
    title: 'cache rule',
    schema: 'CacheRuleSpec',
    setting: 'cache',
    about: 'Which answers of servers are kept, and for how long',
    name: { pattern: serverName, about: 'Name of the server whose answers are kept.', example: 'search' },
    named: ['server'],
    example: { lists: true, tools: { lookup: '30s' } },
    serverOf: ofServers,
  },
  rate_limit: {
    plural: 'rate-limits',
    title: 'rate limit',
    schema: 'RateLimitSpec',
    setting: 'rate_limits',
    about: 'How many requests keys may send',
    name: {
      pattern: /^(?:default|gwo_[a-z0-9-]{1,32}_[0-9A-Za-z]{4})$/,
      about: 'Prefix of the keys that it holds for, as `gateway keys list` shows it; default: every key without a limit of its own.',
      example: 'gwo_prod_a1b2',
    },
    named: ['scope', 'key_prefix'],
    example: { limit: 500, window: '1m', burst: 50 },
    serverOf: () => null,
  },
  masking_rule: {
    plural: 'masking-rules',
    title: 'masking rule',
    schema: 'MaskingRuleSpec',
    setting: 'record.masking',
    about: 'What is masked in recorded bodies, beside what always is',
    name: {
      pattern: /^(?:detect:(?:email|phone)|field:[^\s]{1,128}|path:.{1,512}|[a-z0-9][a-z0-9_-]{0,62})$/u,
      about: 'Of a pattern its name; or `field:NAME`, `path:PLACE`, `detect:email`, `detect:phone`, which say all there is to say.',
      example: 'employee-number',
    },
    named: ['name'],
    example: { pattern: 'EMP-[0-9]{6}' },
    serverOf: () => null,
  },
  retention: {
    plural: 'retention',
    title: 'retention',
    schema: 'RetentionSpec',
    setting: 'retention',
    about: 'How long records are kept',
    name: { pattern: /^(?:traces|metrics|audit)$/, about: 'What is kept: traces, metrics or audit.', example: 'traces' },
    named: [],
    example: { keep: '30d' },
    serverOf: () => null,
  },
  export_target: {
    plural: 'export-targets',
    title: 'export target',
    schema: 'ExportTargetSpec',
    setting: 'audit.streams',
    about: 'Where events of the audit go as they are written: to a SIEM, by syslog or webhook',
    name: { pattern: serverName, about: 'Name of the stream.', example: 'siem' },
    named: ['name'],
    example: { syslog: { address: 'siem.example:6514' } },
    serverOf: () => null,
  },
};

/** What tells one from all others. */
export function objectKey({ kind, name }: ObjectName): string {
  return `${kind} ${name}`;
}

/** In words. */
export function objectText({ kind, name }: ObjectName): string {
  return `${objectRows[kind].title} ${name}`;
}
