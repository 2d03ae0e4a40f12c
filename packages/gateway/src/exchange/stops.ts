import { authoriseAction } from '../authorise/authorise.ts';
import { durationText } from '../kernel/duration-text.ts';
import { Fault } from '../kernel/fault.ts';
import type { Verdict } from '../limit/limiter.ts';
import type { Message } from '../protocol/classify.ts';
import type { ScannedJson } from '../protocol/scan-json.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Call } from './rail.ts';
import { sessionIdOf } from './session-run.ts';
import { traceparentOf } from './upstream-headers.ts';

/** The stops of the rail that every spine passes, each noting in the record when. */

/** Writes what the message says into the record and finds its trace. */
export function enter(call: Call, message: Pick<Message, 'era' | 'version' | 'method' | 'name' | 'clientName' | 'traceparent' | 'kind'>): void {
  const { record } = call;
  record.era = message.era;
  record.version = message.version.slice(0, 32);
  // A notification may have any name.
  record.method = message.kind === 'response' ? 'response' : message.method.slice(0, 128);
  record.name = recordedName(record.method, message.name);
  record.clientName = message.clientName;
  if (message.era === 'legacy' && message.method === 'initialize') record.sessionId = sessionIdOf(record.spanHex);
  call.joinTrace(message.traceparent);
}

const serverName = /^(?!gwo_|session_)[\w-]{1,64}$/;

/** What the record says of a call that is refused before it has a server: which one was asked for, where that can be a server's name. */
export function placeRefusal(call: Call, server: Server | undefined, asked: string): void {
  call.place = server?.block ?? call.snapshot.nowhere;
  // Who mixes up places may have put a key here.
  if (serverName.test(asked)) call.record.name = asked;
}

/** What a call names, for the record: of a URI what stands before its query, without a password; credentials are often there. */
export function recordedName(method: string, name: string): string {
  const kept = method.startsWith('resources/') ? name.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1') : name;
  return kept.slice(0, 1024);
}

/** May they do this? Faults: `forbidden`. */
export function permit(call: Call, action: string | null): void {
  const { principal } = call;
  if (principal === null) throw new Fault('unauthorized');
  const grant = authoriseAction(principal, action);
  if (grant.decision === 'deny') throw new Fault('forbidden', { reason: grant.reason, ...(action === null ? {} : { action }) });
  call.record.accessAt = performance.now();
  call.stop = 'limit';
}

/** One token of the caller's rate limit. Null: passed; a promise only where it must be asked for. Faults: `rate_limit_exceeded`. */
export function spend(call: Call): null | Promise<void> {
  const { principal } = call;
  const rule = principal?.data.rateLimit;
  if (!principal || !rule) return pass(call);
  const verdict = call.rail.limiter.take(principal.id, rule);
  if (verdict instanceof Promise) return verdict.then((answered) => admit(call, answered));
  admit(call, verdict);
  return null;
}

/** Past `limit` and `guard` without their having anything to do. */
export function pass(call: Call): null {
  call.record.limitAt = call.record.guardAt = performance.now();
  call.stop = 'server';
  return null;
}

/** The verdict in the headers of the answer; a refusal with the body of S0 F006. */
function admit(call: Call, { admitted, limit, remaining, resetAtMs, retryAfterSeconds }: Verdict): void {
  call.headers.push('X-RateLimit-Limit', String(limit), 'X-RateLimit-Remaining', String(remaining), 'X-RateLimit-Reset', String(Math.ceil(resetAtMs / 1000)));
  if (!admitted) {
    const window = durationText(call.principal?.data.rateLimit?.windowMs ?? 0);
    throw new Fault('rate_limit_exceeded', { retryAfter: retryAfterSeconds }, { extra: { limit, window, reset_at: new Date(resetAtMs).toISOString() } });
  }
  pass(call);
}

/** The intent, with the kernel before anything is sent. Faults: `audit_blocked`. */
export function intend(call: Call): Promise<void> {
  if (call.rail.recordBlocked()) throw new Fault('audit_blocked');
  return call.intend();
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

/** The id of a message exactly as it was written, or null where it has none that JSON-RPC allows. */
export function idTextOf(scanned: ScannedJson, body: Buffer): string | null {
  const span = scanned.members['id'];
  const value = typeof scanned.value === 'object' && scanned.value !== null && 'id' in scanned.value ? scanned.value.id : undefined;
  if (span === undefined || (typeof value !== 'string' && !Number.isInteger(value))) return null;
  return body.toString('utf8', span.start, span.end);
}
