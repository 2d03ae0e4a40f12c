/**
 * Every fault the product can show, once: the code, how each transport says it, whose it is, whether trying again can
 * help, what happened and how to mend it. `docs/reference/faults.md` is held to this table by a test.
 *
 * `status` is the HTTP status. `rpcCode` is the JSON-RPC error code: the specification's own where it names one, else
 * -31000 minus the status, outside JSON-RPC's and MCP's reserved ranges. `exitCode` is the CLI's.
 */
export type FaultOwner = 'client' | 'configuration' | 'policy' | 'upstream' | 'platform';

export interface FaultRow {
  readonly status: number;
  readonly rpcCode: number;
  readonly owner: FaultOwner;
  readonly retryable: boolean;
  /** Public text. `{name}` is replaced by the fault's detail of that name. */
  readonly message: string;
  readonly fix: string;
  readonly exitCode?: number;
}

function row(status: number, owner: FaultOwner, message: string, fix: string, more: Partial<FaultRow> = {}): FaultRow {
  return { status, rpcCode: -31000 - status, owner, retryable: false, message, fix, ...more };
}

export const faultCodes = {
  // What the caller sent.
  parse_error: row(400, 'client', 'The body is not valid JSON: {reason}.', 'Send one UTF-8 JSON document.', { rpcCode: -32700 }),
  invalid_request: row(400, 'client', 'The request is malformed: {reason}.', 'Correct the request; it was not forwarded.', { rpcCode: -32600 }),
  invalid_params: row(400, 'client', 'The parameters are not valid: {reason}.', 'Correct the parameters; the request was not forwarded.', { rpcCode: -32602 }),
  query_invalid: row(400, 'client', 'The query is not understood at column {column}: {reason}.', 'Write {expected}; docs/guides/search.md has the whole language.', { exitCode: 2 }),
  // Answers like others: a model that names what is not there shall read it, and what is hidden from it is not there.
  unknown_tool: row(200, 'client', 'Unknown tool: {name}', 'List the tools; this name is not among those that you may call.', { rpcCode: -32602 }),
  unknown_prompt: row(200, 'client', 'Unknown prompt: {name}', 'List the prompts; this name is not among those that you may get.', { rpcCode: -32602 }),
  unknown_resource: row(200, 'client', 'Unknown resource: {name}', 'List the resources; this URI is not among those that you may read.', { rpcCode: -32602 }),
  header_mismatch: row(400, 'client', 'A header and the body disagree: {reason}.', 'Send MCP-Protocol-Version, Mcp-Method, Mcp-Name and Mcp-Param-* exactly as in the body.', { rpcCode: -32020 }),
  unsupported_version: row(400, 'client', 'Protocol version {requested} is not served here.', 'Use one of the versions listed in `supported`.', { rpcCode: -32022 }),
  method_not_found: row(404, 'client', 'The method {method} does not exist or is not served here.', 'Use a method of the Model Context Protocol that this server offers.', { rpcCode: -32601 }),
  not_found: row(404, 'client', 'Nothing is served at this address.', 'Check the path; `gateway servers list` shows what is served.'),
  unknown_object: row(404, 'client', 'There is no {kind} "{name}".', 'Check the name; `gateway {list}` shows what there is.', { exitCode: 3 }),
  unknown_export: row(404, 'client', 'There is no export "{name}".', 'Exports are kept for a day by the node that made them, and go when it restarts; begin a new one.', { exitCode: 3 }),
  unknown_person: row(404, 'client', 'Nothing is held about "{name}".', 'Name a user as `user_id` in the metadata of keys has it; one who was erased is not known any more.', { exitCode: 3 }),
  already_exists: row(409, 'client', 'There is a {kind} "{name}" already.', 'Take another one, or change what is there.', { exitCode: 1 }),
  still_in_use: row(409, 'client', 'The {kind} "{name}" is in use by {by}, so nothing was deleted.', '{mend}', { exitCode: 1 }),
  invitation_over: row(404, 'client', 'The invitation is not known, was used, or its time is over.', 'Ask whoever invited you for another one.', { exitCode: 3 }),
  precondition_required: row(428, 'client', 'This change needs the header If-Match.', 'Read what is there and send its ETag as If-Match: "…".'),
  precondition_failed: row(412, 'client', 'Somebody else has changed this meanwhile: it is version {version} now.', 'Read it again, make the change anew and send the new ETag.', { exitCode: 1 }),
  managed_by_file: row(409, 'configuration', 'The {what} is managed by the file {file}, so nothing was changed.', 'Change `{setting}` in the file; to set it here instead, remove `{setting}` from the file.', { exitCode: 6 }),
  session_not_found: row(404, 'client', 'The session is unknown or has ended.', 'Start a new session with `initialize`.'),
  method_not_allowed: row(405, 'client', 'This HTTP method is not served at this address.', 'Use one of the methods in the Allow header.'),
  not_acceptable: row(406, 'client', 'The reply cannot be sent in a form that Accept allows.', 'Send Accept: application/json, text/event-stream.'),
  request_timeout: row(408, 'client', 'The request did not arrive in time.', 'Send the whole request within 30 s.', { retryable: true }),
  request_in_flight: row(409, 'client', 'A request with this X-Request-ID is in flight, or its answer was too large to keep.', 'Wait for the first request, or read its outcome by the trace id given here.', { retryable: true }),
  payload_too_large: row(413, 'client', 'The body is larger than {limit} bytes.', 'Send a smaller body, or raise `limits.body_max`.'),
  unsupported_media_type: row(415, 'client', 'The body must be application/json without a content encoding.', 'Send Content-Type: application/json and no Content-Encoding.'),
  expectation_failed: row(417, 'client', 'This Expect header is not supported.', 'Send no Expect header, or Expect: 100-continue.'),
  host_not_allowed: row(421, 'client', 'This Host is not served here.', 'Use the address in `listen`, or add the name to `listen.hosts`.'),
  idempotency_key_in_use: row(409, 'client', 'A request with this Idempotency-Key is under way.', 'Send it again in a moment, with the same key: it is then answered as the first.', { retryable: true }),
  idempotent_answer_lost: row(
    409,
    'client',
    'The request with this Idempotency-Key was carried out, but its answer cannot be given again: {reason}.',
    'Look at what is there now; for what is still to be done, take another Idempotency-Key.',
    { exitCode: 1 },
  ),
  idempotency_key_reused: row(422, 'client', 'This Idempotency-Key was used with another request.', 'Take a new Idempotency-Key, such as a UUID, for each distinct request.'),
  request_id_reused: row(422, 'client', 'This X-Request-ID was used with another body.', 'Use a new X-Request-ID for each distinct request.'),
  headers_too_large: row(431, 'client', 'The request has too many or too large headers.', 'Send at most 100 header lines and 16 KiB.'),

  // Who the caller is and what they may do.
  unauthorized: row(
    401,
    'client',
    'Invalid or missing API key, token or client certificate.',
    'Send Authorization: Bearer gwo_…; `gateway keys create` makes a key. Where the route takes others (`auth`, which `gateway plan` shows), send a token that is for this address and has not ended, or show a client certificate.',
  ),
  too_many_wrong_keys: row(
    429,
    'client',
    'Too many wrong API keys came from this address, or for this prefix. Retry after {retryAfter} seconds.',
    'Send the right key: it is let in at any time. `gateway keys list` shows the prefix of each, `gateway keys create` makes one.',
  ),
  provider_enforced: row(403, 'policy', 'Whoever has an address of this domain signs in by {provider}.', 'Open /sign-in of the gateway and enter the address.'),
  forbidden: row(403, 'policy', 'The key lacks permission: {reason}.', 'Use a key whose scopes allow this, or ask an administrator.'),
  policy_denied: row(403, 'policy', 'A policy refuses this call: {reason}.', 'Call with what the policy allows, or ask an administrator; `gateway access explain` shows why.'),
  policy_error: row(403, 'policy', 'The policy engine decides nothing of this call: {reason}.', 'Try again; `gateway doctor` and the log say what is wrong with the engine.', { retryable: true }),
  approval_required: row(403, 'policy', 'This call needs approval: {reason}.', 'Ask an administrator; the policy that holds it is named in the record of the call.'),
  argument_not_allowed: row(403, 'policy', 'The argument {argument} is not allowed: it {reason}.', 'Call again with a value that is allowed; the rule stands in `transforms`.'),
  origin_not_allowed: row(403, 'policy', 'Requests from this Origin are not allowed.', 'Add the origin to `listen.origins` if browsers may call from it.'),
  rate_limit_exceeded: row(429, 'policy', 'Rate limit exceeded. Retry after {retryAfter} seconds.', 'Wait until `reset_at`, or ask for a higher limit.', { retryable: true }),
  too_many_calls: row(429, 'policy', 'More than {limit} calls are under way on this connection.', 'Wait for answers before sending more.', { retryable: true }),
  too_many_exports: row(429, 'policy', 'No further export can begin: at most {running} are written at a time and {kept} kept.', 'Wait until one is done, or has expired.', { retryable: true }),
  too_many_streams: row(429, 'policy', 'Too many open streams for this key.', 'Close streams that are no longer read.', { retryable: true }),

  // What the server behind the gateway did.
  mcp_error: row(502, 'upstream', 'The MCP server {server} returned an error.', 'Read `cause`; it is what the server answered.'),
  mcp_timeout: row(504, 'upstream', 'The MCP server {server} did not respond in time.', 'Try again, or raise `timeout` for this server.', { retryable: true }),
  upstream_unreachable: row(502, 'upstream', 'The MCP server {server} cannot be reached.', 'Run `gateway servers test {server}`.', { retryable: true }),
  upstream_unavailable: row(503, 'upstream', 'The MCP server {server} is not ready: {reason}.', 'Run `gateway servers test {server}`.', { retryable: true }),
  upstream_reset: row(502, 'upstream', 'The MCP server {server} closed the connection before its reply was complete.', 'A tool call may have run: read its trace before trying again.'),
  upstream_tls: row(502, 'upstream', 'No trusted TLS connection to the MCP server {server} could be made.', 'Check its certificate with `gateway servers test {server}`.'),
  upstream_address: row(502, 'configuration', 'The MCP server {server} has an address that nothing is sent to.', 'Correct its address, or what DNS says of it; one that is meant is named in `allow_addresses` of this server.'),
  upstream_redirect: row(502, 'upstream', 'The MCP server {server} answered with a redirect, which is never followed.', 'Configure the final address as `url`.'),
  upstream_refused: row(502, 'upstream', "The MCP server {server} refused the gateway's own credential.", 'Check `credential` for this server.'),
  upstream_invalid: row(502, 'upstream', 'The MCP server {server} sent a reply that is not valid HTTP or MCP: {reason}.', 'Run `gateway servers test {server}`.'),

  // The gateway itself.
  audit_blocked: row(503, 'platform', 'Calls cannot be recorded at the moment, so none are made.', 'Give the state folder room and this user write access to it; calls resume by themselves.', { retryable: true }),
  view_stale: row(503, 'platform', 'This node has not reached the registry for 30 seconds, so it cannot know who may still call.', 'Try again; another node answers. `/readyz` and the log say what is missing.', { retryable: true }),
  unavailable: row(503, 'platform', 'This part of the gateway is not ready: {reason}.', 'Try again; `/readyz` says what is missing.', { retryable: true }),
  draining: row(503, 'platform', 'The gateway is shutting down.', 'Try again; another node or the restarted one will answer.', { retryable: true }),
  internal_error: row(500, 'platform', 'The gateway failed to handle this request.', 'Report the request id; the cause is in the log.', { rpcCode: -32603 }),

  // Starting and configuring.
  config_invalid: row(422, 'configuration', 'The configuration has faults.', 'Correct them; `gateway validate` lists each with its place.', { exitCode: 6 }),
  config_conflict: row(422, 'configuration', 'The configuration could not serve so: {reason}. Nothing was changed.', '{fix}', { exitCode: 6 }),
  restart_needed: row(409, 'configuration', 'These settings change with a restart only: {settings}. Nothing was applied.', 'Restart the gateway, or take these changes back so that the others are applied.', { exitCode: 6 }),
  config_unreadable: row(422, 'configuration', 'The configuration {file} cannot be read: {reason}.', 'Create one with `gateway init`, or name it with --config FILE.', { exitCode: 2 }),
  unsafe_start: row(500, 'configuration', 'The gateway refuses to start: {reason}.', '{fix}', { exitCode: 78 }),
  secret_unavailable: row(500, 'configuration', 'The secret of {setting} cannot be used: {reason}.', '{fix}', { exitCode: 2 }),
  tls_unusable: row(500, 'configuration', 'TLS cannot be served: {setting}: {reason}.', '{fix}', { exitCode: 2 }),
  address_in_use: row(500, 'configuration', 'The address {address} is in use by another program.', 'Stop that program, or start with --listen HOST:PORT (port 0 picks a free one).', { exitCode: 1 }),
  address_unusable: row(500, 'configuration', '{address} cannot be listened on: {reason}.', 'Name an address of this machine and a port from 1024 on, in `listen` or with --listen HOST:PORT.', { exitCode: 1 }),
  permission_denied: row(500, 'configuration', 'The gateway may not use {path}.', 'Give this user read and write access to it, or name another folder: --state DIR, or `gateway init DIR`.', { exitCode: 1 }),
  state_locked: row(500, 'configuration', 'The state folder {path} is in use by process {pid}.', 'It is a gateway that runs already: use it or stop it, or name another folder with --state DIR.', { exitCode: 1 }),
  newer_schema: row(
    500,
    'configuration',
    'A newer version of the gateway has changed the {store} ({migration}); this version cannot work with it.',
    'Start the newer version. To go back to this one, restore the backup that was made before the upgrade: docs/guides/upgrade.md.',
    { exitCode: 78 },
  ),
  older_nodes_running: row(
    500,
    'configuration',
    'This version has to change the registry ({migration}) in a way that running nodes of an earlier version cannot work with. Nothing was changed.',
    'Stop every node of the earlier version, then start this one: docs/guides/upgrade.md.',
    { exitCode: 78 },
  ),
  state_broken: row(500, 'platform', 'The state folder {path} cannot be used: {reason}.', 'Restore it from a backup, or move it away and start anew.', { exitCode: 1 }),
  disk_full: row(500, 'platform', 'There is no room left for {path}.', 'Free disk space there (a new state folder takes about 50 MB), or name another folder with --state DIR.', { exitCode: 1 }),
  backup_damaged: row(422, 'client', 'The backup {file} cannot be used: {reason}. Nothing was made of it.', 'Use another backup; `gateway backup verify FILE` checks one.', { exitCode: 6 }),
  restore_refused: row(409, 'client', 'The backup is not restored: {reason}.', '{fix}', { exitCode: 1 }),
  gateway_unreachable: row(503, 'platform', 'No running gateway was found at {where}.', 'Start one with `gateway start`, or name it with --state DIR or --url URL.', { exitCode: 5, retryable: true }),
  sign_in_not_offered: row(
    404,
    'client',
    'The command line cannot sign in at {url}.',
    'Name the gateway as its `listen.public_url` does, or set `identity.authorization_server` there (docs/guides/oauth.md), or use a key: GATEWAYOPS_API_KEY.',
    { exitCode: 4 },
  ),
  sign_in_refused: row(403, 'client', 'Nobody has signed in: {reason}.', 'Run `gateway login` again, and allow it in the browser as a user of the directory.', { exitCode: 4 }),
  signed_out: row(401, 'client', 'The sign-in at {url} is over, or was taken back.', 'Sign in again: gateway login --url {url}', { exitCode: 4 }),
  usage: row(400, 'client', '{reason}', 'Run the command with --help.', { exitCode: 2 }),
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof faultCodes;
