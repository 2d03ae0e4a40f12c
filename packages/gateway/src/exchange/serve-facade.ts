import { createHash } from 'node:crypto';
import { authoriseName, offeredTo } from '../authorise/authorise.ts';
import type { DialogueResponse } from '../fabric/dialogue.ts';
import { asFault, Fault, faultBody } from '../kernel/fault.ts';
import type { FaultCode } from '../kernel/fault-codes.ts';
import { requireAddress, requireJson } from '../listener/header-gate.ts';
import { readBody } from '../listener/read-body.ts';
import { respondRest, restStatus, send } from '../listener/respond.ts';
import { inspectReply } from '../protocol/inspect-reply.ts';
import { scanJson, type ScannedJson } from '../protocol/scan-json.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Idempotency } from './idempotency.ts';
import { listFilter, permitOperation } from './access-call.ts';
import type { Call } from './rail.ts';
import { enter, intend, permit, placeRefusal, spend } from './stops.ts';
import { settleReply } from './settle-reply.ts';
import { requireTaken } from './take-credential.ts';
import { withCache } from './cached-call.ts';
import { mappedHeaders, transformRequest, transformResult } from './transform-call.ts';
import { traceparentOf } from './upstream-headers.ts';
import { targetHints } from './target-hints.ts';

interface Operation {
  readonly method: string;
  /** Members of the request body: name → member of `params`, and its JSON type; `name` is what is acted on. */
  readonly members: Readonly<
    Record<string, { readonly param: string; readonly type: 'string' | 'object'; readonly required: boolean; readonly isName: boolean }>
  >;
}

const cursor = { param: 'cursor', type: 'string', required: false, isName: false } as const;
const operations: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  [
    'tools/call',
    {
      method: 'tools/call',
      members: {
        tool: { param: 'name', type: 'string', required: true, isName: true },
        arguments: { param: 'arguments', type: 'object', required: false, isName: false },
      },
    },
  ],
  ['tools/list', { method: 'tools/list', members: { cursor } }],
  ['resources/list', { method: 'resources/list', members: { cursor } }],
  ['resources/read', { method: 'resources/read', members: { uri: { param: 'uri', type: 'string', required: true, isName: true } } }],
  ['prompts/list', { method: 'prompts/list', members: { cursor } }],
  [
    'prompts/get',
    {
      method: 'prompts/get',
      members: {
        name: { param: 'name', type: 'string', required: true, isName: true },
        arguments: { param: 'arguments', type: 'object', required: false, isName: false },
      },
    },
  ],
]);

const path = /^\/v1\/mcp\/([A-Za-z0-9_-]{1,64})\/((?:tools|resources|prompts)\/(?:call|list|read|get))$/;
/** The faults of a call that was on its way, and of which not a byte reached the server. */
const unsent: ReadonlySet<FaultCode> = new Set<FaultCode>(['upstream_unreachable', 'upstream_unavailable', 'upstream_tls', 'upstream_address', 'draining']);

/** A request that carries an X-Request-ID, begun: to be ended by exactly one of `finish` and `fail`. */
interface Once {
  /** It begins to leave for the server. */
  leave(): void;
  finish(status: number, text: string): Promise<void>;
  /** The fault is kept as the answer where the request may have reached the server: it is never made again. Else the id is free. */
  fail(fault: Fault): Promise<void>;
}

const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/** What a caller reads where a tool asks for input. */
const needsInput = 'The tool asks for input, which a REST call cannot give. Call it over MCP.';

/** What the REST façade stands on beside the rail. */
export interface Facade {
  readonly idempotency: Idempotency;
}

/**
 * `POST /v1/mcp/{server}/{operation}`: MCP for callers that do not speak it (S0, "Gateway Proxy"). The same stops as `/mcp`;
 * answers `{ result, metadata: { trace_id, latency_ms, cost } }` with the server's result byte for byte,
 * but for the members that 2026-07-28 requires and an older server leaves out.
 */
export async function serveFacade(call: Call, facade: Facade, pathname: string): Promise<void> {
  call.record.surface = 'rest';
  let once: Once | null = null;
  try {
    requireAddress(call.inbound, call.snapshot.hosts, call.snapshot.origins);
    const [, serverName, operationName] = path.exec(pathname) ?? [];
    const operation = operations.get(operationName ?? '');
    if (serverName === undefined || operation === undefined) {
      await call.rail.authenticator.authenticate(call.inbound.authorization, call.record.peer, call.inbound.certificate);
      throw new Fault('not_found');
    }
    call.record.method = operation.method;
    if (call.request.method !== 'POST') throw new Fault('method_not_allowed', {}, { extra: { allow: 'POST' } });
    await identify(call, serverName);
    requireJson(call.inbound);
    const body = await readBody(call.request, call.response, call.inbound, call.snapshot.data.bodyBytesMax);
    call.record.requestBytes = body.length;
    call.body = body;
    const own = parseBody(body, operation);
    enter(call, { kind: 'request', era: 'modern', version: '', method: operation.method, name: own.name, clientName: '', traceparent: undefined });
    call.record.era = 'rest';
    const action = operation.method.replace('/', '.');
    permit(call, action);
    const asking = call.server && permitOperation(call, call.server, operation.method, action, own.name, Buffer.from(`{${own.members}}`), []);
    if (asking !== null) await asking;
    const waiting = spend(call);
    if (waiting !== null) await waiting;
    const members = changedMembers(call, operation, own);
    const begun = await beginOnce(call, facade, pathname, body);
    if (begun === 'answered') return;
    once = begun;
    await intend(call);
    const answer = await ask(call, operation, { members, name: own.name }, once);
    // What the server answered is being recorded as that: a caller who is good no more from here on is cut off.
    call.refuse = null;
    call.bodies?.addMessage(answer.json.toString('utf8'));
    await settleReply(call, { kind: 'request', method: operation.method, name: own.name }, 200, answer.json, false);
    const metadata = `{"trace_id":${JSON.stringify(call.traceId)},"latency_ms":${(performance.now() - call.record.startedAt).toFixed(3)},"cost":${dollars(call.record.costNano)}}`;
    const text = `{"result":${answer.result},"metadata":${metadata}}`;
    await once?.finish(200, text);
    send(call.response, 200, [], call, text);
  } catch (thrown) {
    const fault = asFault(thrown);
    if (fault.code === 'internal_error')
      call.rail.log.error('call.failed', { ...call.logFields, reason: fault.cause instanceof Error ? fault.cause.stack : String(fault.cause) });
    if (call.response.destroyed) await call.settle('cancelled', call.stop);
    await call.settleRefusal(fault, restStatus(fault));
    await once?.fail(fault);
    respondRest(call.response, fault, call);
  }
}

/** A key scoped to servers gets 403 for every other name, existing or not (`requirements.md`, Refusals). */
async function identify(call: Call, serverName: string): Promise<void> {
  const known = call.snapshot.byName.get(serverName);
  const { authenticator } = call.rail;
  const principal =
    known?.data.auth === 'none' && call.inbound.authorization === undefined
      ? authenticator.anonymous
      : await authenticator.authenticate(call.inbound.authorization, call.record.peer, call.inbound.certificate);
  call.record.authAt = performance.now();
  call.principal = principal;
  call.stop = 'access';
  const server = offeredTo(principal, known);
  const grant = authoriseName(call.snapshot.access, principal, serverName);
  if (grant.decision === 'deny' || server === undefined) {
    placeRefusal(call, server, serverName);
    // A server that is not there is refused by no rule that is about it.
    if (server !== undefined) call.record.policy = grant.rule ?? '';
    throw grant.decision === 'deny' ? new Fault('forbidden', { reason: grant.reason }) : new Fault('not_found');
  }
  requireTaken(server, principal);
  // It is for the address of MCP, and no other.
  if (principal.data.token !== undefined) throw new Fault('unauthorized');
  call.server = server;
  if (principal.data.deprecatedUntilMs !== null) call.headers.push('Deprecation', `@${Math.floor(principal.data.deprecatedUntilMs / 1000)}`);
}

/** The members of `params` as text, each value as it was written. Faults: `invalid_request`. */
function parseBody(body: Buffer, operation: Operation): { members: string; name: string } {
  const wanted = Object.keys(operation.members);
  const scanned: ScannedJson = scanJson(body, wanted);
  const { value } = scanned;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault('invalid_request', { reason: 'the body must be a JSON object' });
  const unknown = Object.keys(value).find((key) => !wanted.includes(key));
  if (unknown !== undefined)
    throw new Fault('invalid_request', {
      reason: `\`${unknown.slice(0, 60)}\` is not a member of this request; it takes ${wanted.map((key) => `\`${key}\``).join(', ')}`,
    });
  const members: string[] = [];
  let name = '';
  for (const [key, member] of Object.entries(operation.members)) {
    const given: unknown = (value as Record<string, unknown>)[key];
    const span = scanned.members[key];
    if (given === undefined || span === undefined) {
      if (member.required) throw new Fault('invalid_request', { reason: `\`${key}\` is required` });
      continue;
    }
    const fits = member.type === 'string' ? typeof given === 'string' : typeof given === 'object' && given !== null && !Array.isArray(given);
    if (!fits) throw new Fault('invalid_request', { reason: `\`${key}\` must be ${member.type === 'string' ? 'a string' : 'an object'}` });
    if (member.isName && typeof given === 'string') name = given;
    members.push(`"${member.param}":${body.toString('utf8', span.start, span.end)}`);
  }
  return { members: members.join(','), name };
}

/** The members of `params` as rules have them. Faults: `argument_not_allowed`. */
function changedMembers(call: Call, operation: Operation, own: { members: string; name: string }): string {
  const transforms = operation.method === 'tools/call' ? (call.server?.transforms ?? null) : null;
  if (transforms === null) return own.members;
  return transformRequest(call, transforms, own.name, Buffer.from(`{${own.members}}`), [], [])
    .json.toString('utf8')
    .slice(1, -1);
}

/** Asks the server; the raw `result` of its response. Faults: `mcp_error` where it answers with an error or asks for input. */
async function ask(call: Call, operation: Operation, own: { members: string; name: string }, once: Once | null): Promise<{ json: Buffer; result: string }> {
  const { server, record } = call;
  if (server === null) throw new Fault('not_found');
  const response = await responseOf(call, server, operation, own, once);
  record.firstByteAt = performance.now();
  record.httpStatus = 200;
  record.replyBytes = response.bytes;
  record.replyContentType = 'application/json';
  if (response.kind === 'error') {
    const json = Buffer.from(`{"error":${response.error}}`);
    call.bodies?.add(json);
    record.rpcErrorCode = inspectReply(json, false).rpcErrorCode;
    const message = memberOf(JSON.parse(response.error), 'message');
    throw new Fault('mcp_error', { server: server.data.name }, { extra: { cause: { code: response.code, message } } });
  }
  const json = Buffer.from(`{"result":${response.result}}`);
  if (inspectReply(json, false).kind === 'input_required')
    throw new Fault('mcp_error', { server: server.data.name }, { extra: { cause: { message: needsInput } } });
  if (operation.method !== 'tools/call') {
    const filter = listFilter(call, server, operation.method);
    return { json, result: filter === null ? response.result : filter(Buffer.from(response.result)).toString('utf8') };
  }
  return { json, result: transformResult(call, server, own.name, Buffer.from(response.result)).toString('utf8') };
}

/** The response to a caller of whom nothing can be asked. One who leaves cancels, unless an X-Request-ID says that they come back for the answer. */
function responseOf(call: Call, server: Server, operation: Operation, own: { members: string; name: string }, once: Once | null): Promise<DialogueResponse> {
  return new Promise((resolve, reject) => {
    const dialogue = withCache(call).begin(
      {
        server,
        face: { principalId: call.principal?.id ?? '', capabilities: '{}', info: null, logLevel: null },
        method: operation.method,
        params: `{${own.members}}`,
        name: own.name,
        mirrored: [],
        forwarded: mappedHeaders(call, server),
        traceparent: traceparentOf(call),
        inputs: 'return',
        ...targetHints(call),
        onSend: () => once?.leave(),
      },
      { notification: () => undefined, ask: () => undefined, response: resolve, failed: reject },
    );
    // Not a byte of the answer has gone: it says why there is none.
    call.refuse = (fault) => {
      dialogue.cancel();
      reject(fault);
    };
    if (call.inbound.requestId !== undefined) return;
    call.response.on('close', () => {
      dialogue.cancel();
      reject(new Fault('upstream_reset', { server: server.data.name }));
    });
  });
}

/** `X-Request-ID` makes a request idempotent for ten minutes. Null: none was sent. */
async function beginOnce(call: Call, facade: Facade, pathname: string, body: Buffer): Promise<'answered' | Once | null> {
  const { requestId } = call.inbound;
  if (requestId === undefined || call.principal === null) return null;
  if (!visibleAscii.test(requestId)) throw new Fault('invalid_request', { reason: 'X-Request-ID must be 1 to 128 visible ASCII characters' });
  call.requestId = requestId;
  call.record.requestId = requestId;
  const bodyHash = createHash('sha256').update(`${pathname}\n`).update(body).digest('base64url');
  const begun = await facade.idempotency.begin({
    principalId: call.principal.id === 'anonymous' ? `anonymous ${call.record.peer}` : call.principal.id,
    requestId,
    bodyHash,
    traceId: call.traceId,
  });
  if (begun.kind === 'reused') throw new Fault('request_id_reused');
  if (begun.kind === 'in_flight') throw new Fault('request_in_flight', {}, { extra: { trace_id: begun.traceId } });
  if (begun.kind === 'replay') {
    send(
      call.response,
      begun.answer.status,
      ['Idempotent-Replayed', 'true'],
      { requestId, traceId: begun.answer.headers['X-Trace-ID'] ?? '', headers: call.headers },
      begun.answer.body.toString('utf8'),
    );
    return 'answered';
  }
  const finish = (status: number, text: string): Promise<void> => begun.finish({ status, headers: { 'X-Trace-ID': call.traceId }, body: Buffer.from(text) });
  let left = false;
  return {
    leave: () => void (left = true),
    finish,
    fail: (fault) => (left && !unsent.has(fault.code) ? finish(restStatus(fault), JSON.stringify(faultBody(fault, call.requestId))) : begun.failed()),
  };
}

/** Nano-dollars as an exact JSON number of dollars. */
export function dollars(nano: number): string {
  const whole = Math.floor(nano / 1e9);
  const fraction = String(nano - whole * 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(whole) : `${whole}.${fraction}`;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
