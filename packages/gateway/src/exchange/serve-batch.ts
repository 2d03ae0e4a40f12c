import { asFault } from '../kernel/fault.ts';
import { rpcErrorText } from '../listener/respond.ts';
import { classify } from '../protocol/classify.ts';
import { scanJson } from '../protocol/scan-json.ts';
import { splitBatch } from '../protocol/split-batch.ts';
import { send } from '../upstream/send.ts';
import { CollectReply } from './collect-reply.ts';
import { Call } from './rail.ts';
import { enter, idTextOf, intend, permit, spend, withTraceparent } from './stops.ts';
import { settleReply } from './settle-reply.ts';
import { upstreamHeaders } from './upstream-headers.ts';

const elementsMax = 100;
const idMember = ['id'];

/**
 * A JSON-RPC batch of 2025-03-26: split, each message decided, priced and recorded alone and sent on alone (servers of later
 * versions take no batches). Answered as a stream of events where the client accepts one, else as an array of the responses.
 */
export async function serveBatch(call: Call, body: Buffer): Promise<void> {
  const elements = splitBatch(body, elementsMax);
  const { response } = call;
  const asEvents = call.inbound.accept?.includes('text/event-stream') === true;
  const answers: Buffer[] = [];
  const emit = (json: Buffer): void => {
    if (!asEvents) return void answers.push(json);
    if (!response.headersSent)
      response.writeHead(200, ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-cache', 'X-Accel-Buffering', 'no', 'X-Request-ID', call.requestId]);
    response.write(`event: message\ndata: ${oneLine(json)}\n\n`);
  };
  await Promise.all(elements.map((element) => serveElement(call, element, emit)));
  if (asEvents && response.headersSent) {
    response.end();
  } else if (answers.length === 0) {
    response.writeHead(202, ['Content-Length', '0', 'X-Request-ID', call.requestId]).end();
  } else {
    const whole = Buffer.concat([
      Buffer.from('['),
      ...answers.flatMap((answer, index) => (index === 0 ? [answer] : [Buffer.from(','), answer])),
      Buffer.from(']'),
    ]);
    response.writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(whole.length), 'X-Request-ID', call.requestId]).end(whole);
  }
}

async function serveElement(batch: Call, body: Buffer, emit: (json: Buffer) => void): Promise<void> {
  const call = new Call(batch.rail, batch.request, batch.response, batch.inbound, performance.now());
  call.server = batch.server;
  call.principal = batch.principal;
  call.stop = 'access';
  call.record.authAt = call.record.startedAt;
  call.record.requestBytes = body.length;
  const { server } = call;
  try {
    if (server === null) throw new Error('a batch has a server');
    const scanned = scanJson(body, idMember);
    call.idText = idTextOf(scanned, body);
    const message = classify(scanned.value, call.inbound);
    enter(call, message);
    permit(call, message.row.action);
    const session =
      call.inbound.sessionId === undefined || call.principal === null
        ? null
        : call.rail.sessions.open(call.inbound.sessionId, call.principal.id, server.data.name);
    const waiting = spend(call);
    if (waiting !== null) await waiting;
    await intend(call);
    const sink = new CollectReply(server.data.name, null);
    const { timeoutMs } = server.data;
    send(
      call.rail.pools.poolOf(server.data),
      {
        server: server.data.name,
        method: 'POST',
        path: server.data.upstreamPath,
        headers: upstreamHeaders(call, 'legacy', session, 'POST'),
        body: withTraceparent(call, body, scanned),
        firstByteMs: timeoutMs,
        idleMs: timeoutMs,
      },
      sink,
    );
    const reply = await sink.whole;
    call.record.firstByteAt = performance.now();
    call.record.httpStatus = reply.status;
    const last = reply.messages.at(-1) ?? null;
    await settleReply(call, message, reply.status, last, false);
    for (const json of reply.messages) emit(json);
  } catch (thrown) {
    const fault = asFault(thrown);
    await call.settleRefusal(fault);
    if (call.idText !== null) emit(Buffer.from(rpcErrorText(fault, call.requestId, call.idText)));
  }
}

/** Data of one event is one line: a pretty-printed JSON body loses its line breaks, which JSON has only between tokens. */
function oneLine(json: Buffer): string {
  const text = json.toString('utf8');
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]+/g, ' ') : text;
}
