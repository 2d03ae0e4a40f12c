import { authoriseAction, authoriseServer } from '../authorise/authorise.ts';
import type { Principal } from '../authenticate/authenticate.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { Verdict } from '../limit/limiter.ts';
import { requireAddress, requireJson } from '../listener/header-gate.ts';
import { readBody } from '../listener/read-body.ts';
import { respondRpc, respondToolRefusal } from '../listener/respond.ts';
import { classify, type Message } from '../protocol/classify.ts';
import { scanJson, type ScannedJson } from '../protocol/scan-json.ts';
import type { RailStop } from '../record/call-row.ts';
import { batchVersion } from '../protocol/versions.ts';
import { send, type UpstreamRequest } from '../upstream/send.ts';
import type { Call } from './rail.ts';
import { RelayReply, type Relayed } from './relay-reply.ts';
import { serveBatch } from './serve-batch.ts';
import { traceContextOf } from './trace-context.ts';
import { traceparentOf, upstreamHeaders } from './upstream-headers.ts';

const idMember = ['id'];
const streamOpening: Relayed = { kind: 'notification', era: 'legacy', method: 'events/stream', name: '' };
const sessionEnd: Relayed = { kind: 'notification', era: 'legacy', method: 'session/delete', name: '' };

/**
 * `/mcp/{server}`: MCP over streamable HTTP, both eras, one server behind it. The way of a call:
 * address → who → may they reach the server → what is it → may they do it → how much is left → intent → server → reply → outcome.
 */
export async function serveMcp(call: Call, path: string): Promise<void> {
  let stop: RailStop = 'auth';
  try {
    requireAddress(call.inbound, call.snapshot.hosts, call.snapshot.origins);
    const { method } = call.request;
    if (method !== 'POST' && method !== 'GET' && method !== 'DELETE') throw notAllowed();
    const caller = identify(call, path);
    if (caller instanceof Promise) await caller;
    stop = 'access';
    if (method !== 'POST') await serveStream(call, method);
    else {
      requireJson(call.inbound);
      const body = await readBody(call.request, call.inbound.contentLength, call.snapshot.data.bodyBytesMax);
      call.record.requestBytes = body.length;
      const scanned = scanJson(body, idMember);
      if (Array.isArray(scanned.value) && isBatchVersion(call.inbound.protocolVersion)) {
        await serveBatch(call, body);
        return;
      }
      call.idText = idTextOf(scanned, body);
      await servePost(call, body, scanned, (reached) => (stop = reached));
    }
  } catch (thrown) {
    const fault = asFault(thrown);
    if (fault.code === 'internal_error') call.rail.log.error('call.failed', { request_id: call.requestId, reason: reasonOf(fault.cause) });
    await call.settleRefusal(fault, stop);
    // A model can react to a tool result; to a transport error only its client can.
    if (fault.code === 'forbidden' && call.record.method === 'tools/call' && call.idText !== null) respondToolRefusal(call.response, fault, call, call.idText);
    else respondRpc(call.response, fault, call, call.idText);
  }
}

async function servePost(call: Call, body: Buffer, scanned: ScannedJson, reach: (stop: RailStop) => void): Promise<void> {
  const message = classify(scanned.value, call.inbound);
  enter(call, message);
  const upstreamSession = sessionOf(call, message.era);
  permit(call, message.row.action);
  reach('limit');
  if (message.kind !== 'response') {
    const verdict = takeToken(call);
    if (verdict !== null) admit(call, verdict instanceof Promise ? await verdict : verdict);
  }
  call.record.limitAt = call.record.guardAt = performance.now();
  const headers = upstreamHeaders(call, message.era, upstreamSession, 'POST');
  reach('server');
  await intend(call);
  await relay(call, message, upstreamSession, { method: 'POST', headers, body: withTraceparent(call, body, scanned), longLived: message.row.longLived });
}

/** A legacy client's GET (a stream of what the server sends unasked, or the rest of a broken one) or DELETE (the session's end). */
async function serveStream(call: Call, method: 'GET' | 'DELETE'): Promise<void> {
  const relayed = method === 'GET' ? streamOpening : sessionEnd;
  enter(call, { ...relayed, version: call.inbound.protocolVersion ?? '', clientName: '', traceparent: undefined });
  const upstreamSession = sessionOf(call, 'legacy');
  permit(call, null);
  const verdict = takeToken(call);
  if (verdict !== null) admit(call, verdict instanceof Promise ? await verdict : verdict);
  call.record.limitAt = call.record.guardAt = performance.now();
  const headers = upstreamHeaders(call, 'legacy', upstreamSession, method);
  await intend(call);
  await relay(call, relayed, upstreamSession, { method, headers, body: null, longLived: method === 'GET' });
}

/** Who calls, and which server. A server out of reach and one that does not exist are the same to the caller. */
function identify(call: Call, path: string): void | Promise<void> {
  const server = call.snapshot.byPath.get(path);
  if (server?.data.auth === 'none') {
    arrive(call, call.rail.authenticator.anonymous, path);
    return undefined;
  }
  const caller = call.rail.authenticator.authenticate(call.inbound.authorization);
  if (caller instanceof Promise) return caller.then((principal) => arrive(call, principal, path));
  arrive(call, caller, path);
  return undefined;
}

function arrive(call: Call, principal: Principal, path: string): void {
  const server = call.snapshot.byPath.get(path);
  call.record.authAt = performance.now();
  if (server === undefined || authoriseServer(principal, server.data.name).decision === 'deny') throw new Fault('not_found');
  call.principal = principal;
  call.server = server;
  if (principal.data.deprecatedUntilMs !== null) call.headers.push('Deprecation', `@${Math.floor(principal.data.deprecatedUntilMs / 1000)}`);
}

/** Writes what the message says into the record and finds its trace. */
export function enter(call: Call, message: Pick<Message, 'era' | 'version' | 'method' | 'name' | 'clientName' | 'traceparent' | 'kind'>): void {
  const { record, inbound } = call;
  record.era = message.era;
  record.version = message.version.slice(0, 32);
  record.method = message.kind === 'response' ? 'response' : message.method;
  record.name = message.name.slice(0, 1024);
  record.clientName = message.clientName;
  const trace = traceContextOf(inbound.clientTraceId, message.traceparent, inbound.traceparent, call.snapshot.data.organizationId);
  record.traceHex = trace.traceHex;
  record.parentSpanHex = trace.parentSpanHex;
  record.clientTraceId = trace.clientTraceId;
  call.traceFlags = trace.flags;
}

/** Faults: `forbidden`. */
export function permit(call: Call, action: string | null): void {
  const { principal } = call;
  if (principal === null) throw new Fault('unauthorized');
  const grant = authoriseAction(principal, action);
  if (grant.decision === 'deny') throw new Fault('forbidden', { reason: grant.reason });
  call.record.accessAt = performance.now();
}

/** One token of the caller's rate limit; null where none applies. */
export function takeToken(call: Call): Verdict | Promise<Verdict> | null {
  const { principal } = call;
  const rule = principal?.data.rateLimit;
  return principal && rule ? call.rail.limiter.take(principal.id, rule) : null;
}

/** Faults: `rate_limit_exceeded` with the body of S0 F006. */
export function admit(call: Call, verdict: Verdict): void {
  call.headers.push(
    'X-RateLimit-Limit',
    String(verdict.limit),
    'X-RateLimit-Remaining',
    String(verdict.remaining),
    'X-RateLimit-Reset',
    String(Math.ceil(verdict.resetAtMs / 1000)),
  );
  if (verdict.admitted) return;
  const rule = call.principal?.data.rateLimit;
  throw new Fault(
    'rate_limit_exceeded',
    { retryAfter: verdict.retryAfterSeconds },
    { extra: { limit: verdict.limit, window: windowText(rule?.windowMs ?? 0), reset_at: new Date(verdict.resetAtMs).toISOString() } },
  );
}

/** Faults: `audit_blocked`. */
export function intend(call: Call): Promise<void> {
  if (call.rail.recordBlocked()) throw new Fault('audit_blocked');
  return call.intend();
}

/** Sends the message on and relays the reply; resolves when nothing of it is under way any more. */
function relay(
  call: Call,
  relayed: Relayed,
  upstreamSession: string | null,
  out: Pick<UpstreamRequest, 'method' | 'headers' | 'body'> & { readonly longLived: boolean },
): Promise<void> {
  const { server, rail } = call;
  if (server === null) throw new Fault('not_found');
  const { promise, resolve } = Promise.withResolvers<void>();
  const reply = new RelayReply(call, relayed, upstreamSession, resolve);
  const { timeoutMs } = server.data;
  const control = send(
    rail.pools.poolOf(server.data),
    {
      server: server.data.name,
      method: out.method,
      path: server.data.upstreamPath,
      headers: out.headers,
      body: out.body,
      firstByteMs: timeoutMs,
      idleMs: out.longLived ? 0 : timeoutMs,
    },
    reply,
  );
  reply.attach(control);
  return promise;
}

/** The server's session id behind the handle that a legacy client sent; the modern era has no sessions and ignores the header. */
function sessionOf(call: Call, era: Message['era']): string | null {
  const { sessionId } = call.inbound;
  if (era === 'modern' || sessionId === undefined || call.principal === null || call.server === null) return null;
  return call.rail.sessions.open(sessionId, call.principal.id, call.server.data.name);
}

/** A body that names a trace names the caller's span as parent: the gateway's span takes its place, byte for byte as long. */
export function withTraceparent(call: Call, body: Buffer, scanned: ScannedJson): Buffer {
  const span = scanned.traceparent;
  if (span === null || span.end - span.start !== traceparentBytes) return body;
  const copy = Buffer.from(body);
  copy.write(traceparentOf(call), span.start, 'latin1');
  return copy;
}

const traceparentBytes = 55;

export function idTextOf(scanned: ScannedJson, body: Buffer): string | null {
  const span = scanned.members['id'];
  const value = typeof scanned.value === 'object' && scanned.value !== null && 'id' in scanned.value ? scanned.value.id : undefined;
  if (span === undefined || (typeof value !== 'string' && typeof value !== 'number')) return null;
  return body.toString('utf8', span.start, span.end);
}

/** Batches are part of 2025-03-26 only, which is also what an absent header means. */
function isBatchVersion(version: string | undefined): boolean {
  return version === undefined || version === batchVersion;
}

export function notAllowed(): Fault {
  return new Fault('method_not_allowed', {}, { extra: { allow: 'POST, GET, DELETE' } });
}

/** `1m`, `30s`, `500ms`: the window as the configuration writes it. */
export function windowText(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
