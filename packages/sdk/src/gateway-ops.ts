import { type Answered, type ChangeOptions, type Core, createCore, type Rest } from './core.ts';
import { dryRunOf, nounOf, type NounOptions } from './directory.ts';
import { listOf } from './list.ts';
import { followCalls, type LiveEvent, type LiveOptions, type LiveQuery } from './live.ts';
import { mcpOf } from './mcp.ts';
import { objectsOf, organizationsOf, viewsOf, type ReplaceOptions } from './objects.ts';
import type { Answer, Body, Input, Method, Operation, PathNames, PathOf, Query } from './operations.ts';
import { type GatewayOpsOptions, readOptions, type RequestOptions } from './options.ts';
import { createTransport } from './transport.ts';

type Get<P extends PathOf<'get'>> = Query<Operation<'get', P>>;
type Post<P extends PathOf<'post'>> = Body<Operation<'post', P>>;
type Put<P extends PathOf<'put'>> = Body<Operation<'put', P>>;
type Patch<P extends PathOf<'patch'>> = Body<Operation<'patch', P>>;
type SwitchNames = PathNames<Operation<'put', '/v1/switches/{kind}/{name}'>>;
type CallBody = 'request' | 'response';

/**
 * A gateway. Names of members are those of its API (openapi/openapi.json). Every method rejects with a `GatewayOpsError`; which class, and
 * what is sent again, README.md says.
 *
 *     const client = new GatewayOps({ gatewayUrl: 'https://gateway.example', apiKey: 'gwo_…' });
 *     const { result } = await client.mcp.call({ server: 'filesystem', tool: 'read_text_file', arguments: { path: 'welcome.txt' } });
 */
export class GatewayOps {
  readonly mcp;
  readonly keys;
  readonly servers;
  readonly traces;
  readonly logs;
  readonly costs;
  readonly metrics;
  readonly policies;
  readonly switches;
  readonly access;
  readonly organizations;
  readonly departments;
  readonly teams;
  readonly projects;
  readonly users;
  readonly serviceAccounts;
  readonly agents;
  readonly roles;
  readonly invitations;
  /** What people have allowed clients that act for them. */
  readonly grants;
  /** The identity providers that people sign in by, and what those send by SCIM. */
  readonly identity;
  readonly audit;
  readonly masking;
  readonly privacy;
  readonly backups;
  readonly config;
  readonly routes;
  readonly virtualServers;
  /** What is changed in calls of tools; the tools themselves are `mcp.listTools`. */
  readonly tools;
  readonly cacheRules;
  readonly rateLimits;
  readonly maskingRules;
  readonly retention;
  readonly exportTargets;
  readonly prices;
  /** Views of lists that are saved by name. */
  readonly views;
  readonly me;
  /** Private, so that no log of the client shows its key. */
  readonly #core: Core;

  /** Faults: `UsageError` where address or key are missing or cannot be used. */
  constructor(options: GatewayOpsOptions = {}) {
    const core = createCore(createTransport(readOptions(options)));
    this.#core = core;
    this.mcp = mcpOf(core);
    this.keys = keysOf(core);
    this.servers = serversOf(core);
    this.traces = tracesOf(core);
    this.logs = logsOf(core);
    this.costs = costsOf(core);
    this.metrics = metricsOf(core);
    this.policies = policiesOf(core);
    this.switches = switchesOf(core);
    this.access = accessOf(core);
    this.organizations = organizationsOf(core);
    this.departments = nounOf(core, 'departments');
    this.teams = nounOf(core, 'teams');
    this.projects = nounOf(core, 'projects');
    this.users = usersOf(core);
    this.serviceAccounts = nounOf(core, 'service_accounts');
    this.agents = agentsOf(core);
    this.roles = nounOf(core, 'roles');
    this.invitations = invitationsOf(core);
    this.grants = grantsOf(core);
    this.identity = identityOf(core);
    this.audit = auditOf(core);
    this.masking = { test: (body: Post<'/v1/masking/test'>, options?: RequestOptions) => core.request('post', '/v1/masking/test', { body }, options) };
    this.privacy = privacyOf(core);
    this.backups = backupsOf(core);
    this.config = configOf(core);
    this.routes = objectsOf(core, 'routes');
    this.virtualServers = objectsOf(core, 'virtual_servers');
    this.tools = objectsOf(core, 'tools');
    this.cacheRules = objectsOf(core, 'cache_rules');
    this.rateLimits = objectsOf(core, 'rate_limits');
    this.maskingRules = objectsOf(core, 'masking_rules');
    this.retention = objectsOf(core, 'retention');
    this.exportTargets = objectsOf(core, 'export_targets');
    this.prices = objectsOf(core, 'prices');
    this.views = viewsOf(core);
    this.me = meOf(core);
  }

  /** Any operation of the API by its method and address. */
  request<M extends Method, P extends PathOf<M>>(method: M, path: P, ...rest: Rest<Input<Operation<M, P>>>): Answered<Answer<Operation<M, P>>> {
    return this.#core.request(method, path, ...rest);
  }

  /** The same, with the answer as it comes: for files and text. Its body is the caller's to read. */
  open<M extends Method, P extends PathOf<M>>(method: M, path: P, ...rest: Rest<Input<Operation<M, P>>>): Promise<Response> {
    return this.#core.open(method, path, ...rest);
  }
}

function keysOf({ request, list }: Core) {
  return {
    list: (query: Get<'/v1/auth/keys'> = {}, options?: RequestOptions) => list('/v1/auth/keys', 'keys', { query }, options),
    get: (id: string, options?: RequestOptions) => request('get', '/v1/auth/keys/{key_id}', { path: { key_id: id } }, options),
    /** `key.secret` of the answer is shown this once. */
    create: (body: Post<'/v1/auth/keys'>, options?: RequestOptions) => request('post', '/v1/auth/keys', { body }, options),
    /** The old secret stays good for `graceSeconds` more: a day unless it is said, and at most. */
    rotate: (id: string, { graceSeconds, ...options }: RequestOptions & { readonly graceSeconds?: number } = {}) =>
      request(
        'post',
        '/v1/auth/keys/{key_id}/rotate',
        { path: { key_id: id }, ...(graceSeconds === undefined ? {} : { query: { grace_seconds: graceSeconds } }) },
        options,
      ),
    revoke: (id: string, options?: RequestOptions) => request('delete', '/v1/auth/keys/{key_id}', { path: { key_id: id } }, options),
  };
}

function serversOf({ request, list }: Core) {
  return {
    list: (query: Get<'/v1/servers'> = {}, options?: RequestOptions) => list('/v1/servers', 'servers', { query }, options),
    get: (name: string, options?: RequestOptions) => request('get', '/v1/servers/{name}', { path: { name } }, options),
    create: (body: Post<'/v1/servers'>, options: NounOptions = {}) => request('post', '/v1/servers', { body, query: dryRunOf(options) }, options),
    /** All that is said of it: what is left out has its default. */
    replace: (name: string, spec: Put<'/v1/servers/{name}'>['spec'], options: ReplaceOptions) =>
      request('put', '/v1/servers/{name}', { path: { name }, body: { spec }, query: dryRunOf(options) }, options),
    delete: (name: string, options: ReplaceOptions) => request('delete', '/v1/servers/{name}', { path: { name }, query: dryRunOf(options) }, options),
    /** Switches its active target, or changes its canary. */
    update: (name: string, body: Patch<'/v1/servers/{name}'>, options: NounOptions = {}) =>
      request('patch', '/v1/servers/{name}', { path: { name }, body, query: dryRunOf(options) }, options),
    test: (name: string, query: Query<Operation<'post', '/v1/servers/{name}/test'>> = {}, options?: RequestOptions) =>
      request('post', '/v1/servers/{name}/test', { path: { name }, query }, options),
    updateTarget: (name: string, target: string, body: Patch<'/v1/servers/{name}/targets/{target}'>, options?: RequestOptions) =>
      request('patch', '/v1/servers/{name}/targets/{target}', { path: { name, target }, body }, options),
  };
}

function tracesOf({ request, open, list, transport }: Core) {
  return {
    list: (query: Get<'/v1/traces'>, options?: RequestOptions) => list('/v1/traces', 'traces', { query }, options),
    /** The same with the question in the body, for one that is long or not for logs. */
    search: (body: Post<'/v1/traces/search'>, options?: RequestOptions) =>
      listOf({
        fetchPage: (cursor) => request('post', '/v1/traces/search', { body: cursor === undefined ? body : { ...body, cursor } }, options),
        itemsOf: ({ traces }) => traces,
        cursorOf: (page) => page.cursor,
      }),
    get: (id: string, query: Get<'/v1/traces/{trace_id}'> = {}, options?: RequestOptions) =>
      request('get', '/v1/traces/{trace_id}', { path: { trace_id: id }, query }, options),
    spans: (id: string, query: Get<'/v1/traces/{trace_id}/spans'> = {}, options?: RequestOptions) =>
      list('/v1/traces/{trace_id}/spans', 'spans', { path: { trace_id: id }, query }, options),
    /** All calls of a trace, each in a few bytes. */
    outline: (id: string, query: Get<'/v1/traces/{trace_id}/outline'> = {}, options?: RequestOptions) =>
      request('get', '/v1/traces/{trace_id}/outline', { path: { trace_id: id }, query }, options),
    facets: (query: Get<'/v1/traces/facets'>, options?: RequestOptions) => request('get', '/v1/traces/facets', { query }, options),
    histogram: (query: Get<'/v1/traces/histogram'>, options?: RequestOptions) => request('get', '/v1/traces/histogram', { query }, options),
    /** What was kept of the body of a call, masked. */
    body: async (id: string, spanId: string, which: CallBody, options?: RequestOptions): Promise<string> => {
      const path = `/v1/traces/{trace_id}/spans/{span_id}/${which}` as const;
      return (await open('get', path, { path: { trace_id: id, span_id: spanId } }, options)).text();
    },
    redactions: (id: string, spanId: string, which: CallBody, options?: RequestOptions) =>
      request('get', `/v1/traces/{trace_id}/spans/{span_id}/${which}/redactions` as const, { path: { trace_id: id, span_id: spanId } }, options),
    /** Calls as they end, read on through lost connections. Ends when its loop is left. */
    tail: (query: LiveQuery = {}, options: LiveOptions = {}): AsyncIterable<LiveEvent> => followCalls(transport, query, options),
  };
}

function logsOf({ request, open, list }: Core) {
  return {
    requests: (query: Get<'/v1/logs/requests'>, options?: RequestOptions) => list('/v1/logs/requests', 'requests', { query }, options),
    export: (body: Post<'/v1/logs/export'>, options?: RequestOptions) => request('post', '/v1/logs/export', { body }, options),
    getExport: (id: string, options?: RequestOptions) => request('get', '/v1/logs/exports/{export_id}', { path: { export_id: id } }, options),
    /** The file as it comes. */
    openExport: (id: string, options?: RequestOptions) => open('get', '/v1/logs/exports/{export_id}/file', { path: { export_id: id } }, options),
  };
}

function costsOf({ request, list }: Core) {
  return {
    summary: (query: Get<'/v1/costs/summary'>, options?: RequestOptions) => request('get', '/v1/costs/summary', { query }, options),
    byTeam: (query: Get<'/v1/costs/by-team'>, options?: RequestOptions) => request('get', '/v1/costs/by-team', { query }, options),
    byUser: (query: Get<'/v1/costs/by-user'>, options?: RequestOptions) => request('get', '/v1/costs/by-user', { query }, options),
    byServer: (query: Get<'/v1/costs/by-server'>, options?: RequestOptions) => request('get', '/v1/costs/by-server', { query }, options),
    trend: (query: Get<'/v1/costs/trend'>, options?: RequestOptions) => request('get', '/v1/costs/trend', { query }, options),
    trace: (id: string, options?: RequestOptions) => request('get', '/v1/costs/trace/{trace_id}', { path: { trace_id: id } }, options),
    estimate: (body: Post<'/v1/costs/estimate'>, options?: RequestOptions) => request('post', '/v1/costs/estimate', { body }, options),
    /** The price list that holds, and its versions, newest first: `page()` has both. */
    prices: (query: Get<'/v1/costs/prices'> = {}, options?: RequestOptions) => list('/v1/costs/prices', 'versions', { query }, options),
    setPrices: (body: Put<'/v1/costs/prices'>, options: NounOptions = {}) => request('put', '/v1/costs/prices', { body, query: dryRunOf(options) }, options),
  };
}

function metricsOf({ request }: Core) {
  return {
    calls: (query: Get<'/v1/metrics'> = {}, options?: RequestOptions) => request('get', '/v1/metrics', { query }, options),
    /** Over time, of each server or each tool. */
    series: (query: Get<'/v1/metrics/series'> = {}, options?: RequestOptions) => request('get', '/v1/metrics/series', { query }, options),
  };
}

function policiesOf({ request, list }: Core) {
  return {
    list: (query: Get<'/v1/policies'> = {}, options?: RequestOptions) => list('/v1/policies', 'policies', { query }, options),
    get: (name: string, options?: RequestOptions) => request('get', '/v1/policies/{name}', { path: { name } }, options),
    /** `ifMatch`: the ETag that was read, `"0"` for a new rule. */
    set: (name: string, body: Put<'/v1/policies/{name}'>, options: NounOptions & { readonly ifMatch: string }) =>
      request('put', '/v1/policies/{name}', { path: { name }, body, query: dryRunOf(options) }, options),
    delete: (name: string, options: ChangeOptions & { readonly ifMatch: string }) => request('delete', '/v1/policies/{name}', { path: { name } }, options),
  };
}

/** What is switched off, with a reason and an end. */
function switchesOf({ request, list }: Core) {
  return {
    list: (query: Get<'/v1/switches'> = {}, options?: RequestOptions) => list('/v1/switches', 'switches', { query }, options),
    disable: (kind: SwitchNames['kind'], name: string, body: Put<'/v1/switches/{kind}/{name}'>, options?: RequestOptions) =>
      request('put', '/v1/switches/{kind}/{name}', { path: { kind, name }, body }, options),
    enable: (kind: SwitchNames['kind'], name: string, options?: RequestOptions) =>
      request('delete', '/v1/switches/{kind}/{name}', { path: { kind, name } }, options),
  };
}

function accessOf({ request, list }: Core) {
  return {
    explain: (body: Post<'/v1/access/explain'>, options?: RequestOptions) => request('post', '/v1/access/explain', { body }, options),
    /** What a changed rule would have decided of the calls of the last days. */
    dryRun: (body: Post<'/v1/access/dry-run'>, options?: RequestOptions) => request('post', '/v1/access/dry-run', { body }, options),
    permissions: (query: Get<'/v1/permissions'> = {}, options?: RequestOptions) => list('/v1/permissions', 'permissions', { query }, options),
  };
}

function usersOf(core: Core) {
  const { request, list } = core;
  return {
    ...nounOf(core, 'users'),
    sessions: (id: string, options?: RequestOptions) => list('/v1/users/{id}/sessions', 'sessions', { path: { id } }, options),
    endSession: (id: string, sessionId: string, options?: RequestOptions) =>
      request('delete', '/v1/users/{id}/sessions/{session_id}', { path: { id, session_id: sessionId } }, options),
    endSessions: (id: string, options?: RequestOptions) => request('delete', '/v1/users/{id}/sessions', { path: { id } }, options),
    /** By which accounts of identity providers they sign in. */
    identities: (id: string, options?: RequestOptions) => list('/v1/users/{id}/identities', 'identities', { path: { id } }, options),
    unlinkIdentity: (id: string, identityId: string, options?: RequestOptions) =>
      request('delete', '/v1/users/{id}/identities/{identity_id}', { path: { id, identity_id: identityId } }, options),
  };
}

function agentsOf(core: Core) {
  return {
    ...nounOf(core, 'agents'),
    /** Those that call and are not in the directory. */
    unregistered: (query: Get<'/v1/unregistered-agents'> = {}, options?: RequestOptions) => core.list('/v1/unregistered-agents', 'agents', { query }, options),
  };
}

function invitationsOf({ request, list }: Core) {
  return {
    list: (query: Get<'/v1/invitations'> = {}, options?: RequestOptions) => list('/v1/invitations', 'invitations', { query }, options),
    get: (id: string, options?: RequestOptions) => request('get', '/v1/invitations/{id}', { path: { id } }, options),
    create: (body: Post<'/v1/users/invite'>, options?: RequestOptions) => request('post', '/v1/users/invite', { body }, options),
    /** By whoever has the token; a key of theirs is not needed, and the client's own is sent. */
    accept: (token: string, options?: RequestOptions) => request('post', '/v1/invitations/accept', { body: { token } }, options),
    withdraw: (id: string, options?: RequestOptions) => request('delete', '/v1/invitations/{id}', { path: { id } }, options),
  };
}

function grantsOf({ request, list }: Core) {
  return {
    list: (query: Get<'/v1/grants'> = {}, options?: RequestOptions) => list('/v1/grants', 'grants', { query }, options),
    get: (id: string, options?: RequestOptions) => request('get', '/v1/grants/{grant_id}', { path: { grant_id: id } }, options),
    /** Its tokens are refused everywhere, and what runs by them ends. */
    revoke: (id: string, options?: RequestOptions) => request('delete', '/v1/grants/{grant_id}', { path: { grant_id: id } }, options),
  };
}

function identityOf({ request, list }: Core) {
  return {
    /** With what is to be written at each provider. */
    providers: (options?: RequestOptions) => request('get', '/v1/identity/providers', {}, options),
    /** Each step of a sign-in for which nobody is needed. */
    test: (name: string, options?: RequestOptions) => request('post', '/v1/identity/providers/{name}/test', { path: { name } }, options),
    /** A link for a browser: whoever goes by it signs in at the provider, and nowhere here. */
    begin: (name: string, options?: RequestOptions) => request('post', '/v1/identity/providers/{name}/tries', { path: { name } }, options),
    getTry: (id: string, options?: RequestOptions) => request('get', '/v1/identity/tries/{try_id}', { path: { try_id: id } }, options),
    preview: (body: Post<'/v1/identity/mapping/preview'>, options?: RequestOptions) => request('post', '/v1/identity/mapping/preview', { body }, options),
    scim: {
      list: (options?: RequestOptions) => request('get', '/v1/identity/scim', {}, options),
      /** `token` of the answer is shown this once. */
      create: (provider: string, options?: RequestOptions) => request('post', '/v1/identity/scim', { body: { provider } }, options),
      rotate: (provider: string, options?: RequestOptions) => request('post', '/v1/identity/scim/{provider}/rotate', { path: { provider } }, options),
      delete: (provider: string, options?: RequestOptions) => request('delete', '/v1/identity/scim/{provider}', { path: { provider } }, options),
      errors: (provider: string, query: Get<'/v1/identity/scim/{provider}/errors'> = {}, options?: RequestOptions) =>
        list('/v1/identity/scim/{provider}/errors', 'errors', { path: { provider }, query }, options),
    },
  };
}

function auditOf({ request, open, list }: Core) {
  return {
    list: (query: Get<'/v1/logs/audit'> = {}, options?: RequestOptions) => list('/v1/logs/audit', 'events', { query }, options),
    verify: (query: Get<'/v1/audit/verify'> = {}, options?: RequestOptions) => request('get', '/v1/audit/verify', { query }, options),
    /** The file as it comes. */
    openExport: (query: Get<'/v1/audit/export'>, options?: RequestOptions) => open('get', '/v1/audit/export', { query }, options),
    keys: (options?: RequestOptions) => list('/v1/audit/keys', 'keys', {}, options),
    rotateKey: (options?: RequestOptions) => request('post', '/v1/audit/keys/rotate', {}, options),
    streams: (options?: RequestOptions) => list('/v1/audit/streams', 'streams', {}, options),
  };
}

function privacyOf({ request, open, list }: Core) {
  return {
    /** What is held about a person, as it comes. */
    openExport: (query: Get<'/v1/privacy/export'>, options?: RequestOptions) => open('get', '/v1/privacy/export', { query }, options),
    erase: (body: Post<'/v1/privacy/erasures'>, options?: RequestOptions) => request('post', '/v1/privacy/erasures', { body }, options),
    erasures: (options?: RequestOptions) => list('/v1/privacy/erasures', 'erasures', {}, options),
  };
}

function backupsOf({ open, list }: Core) {
  return {
    list: (query: Get<'/v1/backups'> = {}, options?: RequestOptions) => list('/v1/backups', 'backups', { query }, options),
    /** A backup as it comes, made now. */
    open: (query: Get<'/v1/backup'> = {}, options?: RequestOptions) => open('get', '/v1/backup', { query }, options),
  };
}

function configOf({ request, open, list }: Core) {
  return {
    /** Everything that the configuration consists of, of all kinds. */
    objects: (query: Get<'/v1/config/objects'> = {}, options?: RequestOptions) => list('/v1/config/objects', 'objects', { query }, options),
    /** What a document would change, and whom that is about. */
    plan: (body: Post<'/v1/config/plan'>, options?: RequestOptions) => request('post', '/v1/config/plan', { body }, options),
    /** Makes it so in one transaction; refused where anything has moved since the plan. */
    apply: (body: Post<'/v1/config/apply'>, options?: RequestOptions) => request('post', '/v1/config/apply', { body }, options),
    state: (options?: RequestOptions) => request('get', '/v1/config', {}, options),
    /** What the records weigh on disk, and what they will weigh. */
    sizes: (options?: RequestOptions) => request('get', '/v1/config/sizes', {}, options),
    export: async (options?: RequestOptions): Promise<string> => (await open('get', '/v1/config/export', {}, options)).text(),
    reload: (options: NounOptions = {}) => request('post', '/v1/config/reload', { query: dryRunOf(options) }, options),
    health: (options?: RequestOptions) => request('get', '/v1/health', {}, options),
  };
}

/** Whose key this is, and what it may do. */
function meOf({ request, list }: Core) {
  return {
    get: (options?: RequestOptions) => request('get', '/v1/me', {}, options),
    capabilities: (options?: RequestOptions) => list('/v1/me/capabilities', 'capabilities', {}, options),
    sessions: (options?: RequestOptions) => list('/v1/me/sessions', 'sessions', {}, options),
    endSession: (id: string, options?: RequestOptions) => request('delete', '/v1/me/sessions/{session_id}', { path: { session_id: id } }, options),
    /** Ends the session that asks. */
    signOut: (options?: RequestOptions) => request('delete', '/v1/auth/session', {}, options),
  };
}
