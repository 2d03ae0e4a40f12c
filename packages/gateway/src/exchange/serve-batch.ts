import { bounds } from '../kernel/bounds.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import { readMessage } from '../fabric/rpc-message.ts';
import { isSessionLost } from '../fabric/session-lost.ts';
import { rpcErrorText } from '../listener/respond.ts';
import { classify, type Message } from '../protocol/classify.ts';
import { scanJson } from '../protocol/scan-json.ts';
import { splitBatch } from '../protocol/split-batch.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import { listFilter, permitOperation } from './access-call.ts';
import { CollectReply, type CollectedReply } from './collect-reply.ts';
import { Call } from './rail.ts';
import type { HeldSession } from './session-handle.ts';
import { noteSetUp } from './session-notes.ts';
import { idOfSession, targetOfSession } from './session-place.ts';
import { joinRun } from './session-run.ts';
import { callerOf, variantOf } from './target-hints.ts';
import { enter, idTextOf, intend, permit, spend, withTraceparent } from './stops.ts';
import { parseReply } from './rewrite-response.ts';
import { settleReply } from './settle-reply.ts';
import { changesResult, transformRequest, transformResult } from './transform-call.ts';
import { upstreamHeaders } from './upstream-headers.ts';

const elementsMax = 100;
const paramsMember = ['params'];
const resultMember = ['result'];
const idMember = ['id'];

/**
 * A JSON-RPC batch of 2025-03-26: split, each message decided, priced and recorded alone and sent on alone (servers of later
 * versions take no batches). Answered as a stream of events where the client accepts one, else as an array of the responses.
 */
export async function serveBatch(call: Call, body: Buffer): Promise<void> {
  const elements = splitBatch(body, elementsMax);
  const { response, principal, server, inbound } = call;
  if (principal === null || server === null) throw new Fault('not_found');
  const session = inbound.sessionId === undefined ? null : call.rail.sessions.open(inbound.sessionId, principal.id, server.data.name);
  call.joinTrace(undefined);
  joinRun(call, session?.run ?? null);
  const common = ['X-Request-ID', call.requestId, 'X-Trace-ID', call.traceId];
  const replyBytesMax = Math.floor(bounds.facadeReplyBytesMax / elements.length);
  const asEvents = call.inbound.accept?.includes('text/event-stream') === true;
  const answers: Buffer[] = [];
  const emit = (json: Buffer): void => {
    if (!asEvents) return void answers.push(json);
    if (!response.headersSent)
      response.writeHead(200, ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-cache', 'X-Accel-Buffering', 'no', ...common]);
    response.write(`event: message\ndata: ${oneLine(json)}\n\n`);
  };
  await Promise.all(elements.map((element) => serveElement(call, server, session, element, replyBytesMax, emit)));
  if (asEvents && response.headersSent) {
    response.end();
  } else if (answers.length === 0) {
    response.writeHead(202, ['Content-Length', '0', ...common]).end();
  } else {
    const whole = Buffer.concat([
      Buffer.from('['),
      ...answers.flatMap((answer, index) => (index === 0 ? [answer] : [Buffer.from(','), answer])),
      Buffer.from(']'),
    ]);
    response.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(whole.length), ...common]).end(whole);
  }
}

async function serveElement(
  batch: Call,
  server: Server,
  session: HeldSession | null,
  body: Buffer,
  replyBytesMax: number,
  emit: (json: Buffer) => void,
): Promise<void> {
  const call = new Call(batch.rail, batch.request, batch.response, batch.inbound, performance.now());
  call.server = server;
  call.principal = batch.principal;
  call.stop = 'access';
  call.record.authAt = call.record.startedAt;
  call.record.requestBytes = body.length;
  call.body = body;
  let answered = true;
  try {
    const scanned = scanJson(body, idMember);
    call.idText = idTextOf(scanned, body);
    const message = classify(scanned.value, call.inbound);
    answered = message.kind === 'request';
    enter(call, message);
    call.record.sessionId = batch.record.sessionId;
    call.record.clientName = batch.record.clientName;
    if (message.traceparent === undefined) joinTraceOf(batch, call);
    // 2025-03-26, lifecycle: the reply has no place for the session that it would open.
    if (message.method === 'initialize') throw new Fault('invalid_request', { reason: '`initialize` cannot be part of a batch' });
    permit(call, message.row.action);
    const asking = answered ? permitOperation(call, server, message.method, message.row.action, message.name, body, paramsMember) : null;
    if (asking !== null) await asking;
    const waiting = spend(call);
    if (waiting !== null) await waiting;
    const out = withTraceparent(call, body, scanned);
    const transforms = message.method === 'tools/call' ? server.transforms : null;
    const sent = transforms === null ? out : transformRequest(call, transforms, message.name, out, paramsMember, []).json;
    await intend(call);
    const reply = await replyTo(call, server, session, message, sent, replyBytesMax);
    call.record.firstByteAt = performance.now();
    call.record.httpStatus = reply.status;
    const last = reply.messages.at(-1) ?? Buffer.alloc(0);
    const changed = transforms === null ? permittedOf(call, server, message.method, last) : changedLast(call, server, message.name, last);
    for (const json of reply.messages) call.bodies?.addMessage((json === last ? changed : json).toString('utf8'));
    await settleReply(call, message, reply.status, last, false);
    if (session !== null) noteSetUp(call, session, message.method, scanned.value);
    for (const json of reply.messages) emit(json === last ? changed : json);
  } catch (thrown) {
    const fault = asFault(thrown);
    await call.settleRefusal(fault);
    // What is no notification gets an error, without an id where it has none that can be repeated.
    if (answered) emit(Buffer.from(rpcErrorText(fault, call.requestId, call.idText)));
  }
}

/** What names no trace of its own is of the batch's. */
function joinTraceOf(batch: Call, { record }: Call): void {
  record.traceHex = batch.record.traceHex;
  record.parentSpanHex = batch.record.parentSpanHex;
}

/** Where the server has lost the session, it is begun anew and the element sent again: who does not know a session has done nothing in it. */
async function replyTo(call: Call, server: Server, session: HeldSession | null, message: Message, body: Buffer, bytesMax: number): Promise<CollectedReply> {
  if (session === null || server.data.renewsSessions === false) return sendElement(call, server, session, message, body, bytesMax);
  const { generation } = session;
  const renewed = (): Promise<boolean> => call.rail.renewal.renew(call, server, session, generation);
  let reply: CollectedReply | null = null;
  try {
    reply = await sendElement(call, server, session, message, body, bytesMax);
    const [refusal] = reply.messages;
    if (reply.status < 400 || !isSessionLost(reply.status, refusal === undefined ? null : readMessage(refusal), call.idText ?? '')) return reply;
    if (!(await renewed())) return reply;
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code !== 'session_not_found' || !(await renewed())) throw thrown;
  }
  // The question was the lost session's; in the new one another may have its id.
  if (message.kind === 'response') return { ...(reply ?? { sessionId: '', contentType: '' }), status: 202, messages: [] };
  return sendElement(call, server, session, message, body, bytesMax);
}

function sendElement(call: Call, server: Server, session: HeldSession | null, message: Message, body: Buffer, bytesMax: number): Promise<CollectedReply> {
  const sink = new CollectReply(server.data.name, null, bytesMax);
  const headers = upstreamHeaders(call, 'legacy', 'POST');
  if (session !== null) headers.push('mcp-session-id', idOfSession(session.placed));
  const control = call.rail.upstreams.send(
    server.data,
    {
      method: 'POST',
      headers,
      body,
      longLived: false,
      repeatable: message.row.repeatable,
      pinned: session === null ? null : targetOfSession(session.placed),
      caller: callerOf(call),
      variant: variantOf(call),
      firstByteMsMax: null,
    },
    sink,
  );
  return sink.whole.finally(() => {
    call.record.noteTarget(control);
  });
}

/** The response; of a list without what the caller may not use. */
function permittedOf(call: Call, server: Server, method: string, json: Buffer): Buffer {
  return listFilter(call, server, method)?.(json, resultMember) ?? json;
}

/** The response, as response rules have it. */
function changedLast(call: Call, server: Server, tool: string, json: Buffer): Buffer {
  if (!changesResult(server.transforms, tool)) return json;
  parseReply(json.toString('utf8'), server.data.name);
  return transformResult(call, server, tool, json, resultMember);
}

/** Data of one event is one line: a pretty-printed JSON body loses its line breaks, which JSON has only between tokens. */
function oneLine(json: Buffer): string {
  const text = json.toString('utf8');
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text;
}
