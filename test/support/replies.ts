/** How a recording upstream answers: whole replies, streams, and every way to break one. */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { RecordedRequest } from './recording-upstream.ts';

/** Writes to the socket. The next request on the same connection is read when it has resolved. */
export type Reply = ((request: RecordedRequest, socket: Socket) => void | Promise<void>) & {
  /** Set where it answers the gateway's questions of which eras the server serves. */
  readonly scriptsEras?: true;
};

/** A reply that answers the questions of eras itself; to any other the recording upstream adds answers, as of a server of both. */
export function scriptsEras(reply: Reply): Reply {
  return Object.assign((request: RecordedRequest, socket: Socket) => reply(request, socket), { scriptsEras: true as const });
}

type Headers = Readonly<Record<string, string>>;

/** JSON with its length: a value is written as JSON, text and bytes as they are. */
export function json(value: unknown, options: { status?: number; headers?: Headers } = {}): Reply {
  const body = Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return (_, socket) => {
    socket.write(head(options.status ?? 200, { 'content-type': 'application/json', 'content-length': String(body.length), ...options.headers }));
    socket.write(body);
  };
}

/** A tool result, `text`, to whatever was asked, under the request's id as it was written. */
export function result(text: string, more: Readonly<Record<string, unknown>> = {}): Reply {
  return (request, socket) => {
    const rest = JSON.stringify({ resultType: 'complete', content: [{ type: 'text', text }], ...more });
    return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${rest}}`)(request, socket);
  };
}

export const defaultReply: Reply = (request, socket) => {
  if (request.method !== 'POST') return json({ error: 'only POST' }, { status: 405 })(request, socket);
  // Notifications and answers get no result.
  if (!/"id"\s*:/.test(request.body.toString('latin1'))) return empty(202)(request, socket);
  return result('ok')(request, socket);
};

export function empty(status: number, headers: Headers = {}): Reply {
  return (_, socket) => void socket.write(head(status, { 'content-length': '0', ...headers }));
}

export function redirect(location: string, status = 307): Reply {
  return empty(status, { location });
}

/** A reply in gzip, whether or not the request allows it. */
export function gzip(value: unknown): Reply {
  return json(gzipSync(JSON.stringify(value)), { headers: { 'content-encoding': 'gzip' } });
}

/** Exactly these bytes, and then the end of the connection if `end` is set. */
export function bytes(raw: string | Buffer, end: 'keep' | 'end' | 'reset' = 'keep'): Reply {
  return (_, socket) => {
    socket.write(typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw);
    if (end === 'end') socket.end();
    if (end === 'reset') socket.resetAndDestroy();
  };
}

/** Not HTTP at all. */
export const garbage: Reply = bytes('\u0016\u0003\u0001 this is no HTTP\r\n\r\n', 'end');

/** A reset before any byte of the reply. */
export const resetBeforeHeaders: Reply = (_, socket) => void socket.resetAndDestroy();

/** An orderly close before any byte of the reply. */
export const closeBeforeHeaders: Reply = (_, socket) => void socket.end();

/** Nothing, for as long as the peer waits. */
export const silence: Reply = (_, socket) => gone(socket);

/** A head that announces `announced` bytes of JSON, then only `sent` of them, then close, reset, or silence. */
export function cut(announced: number, sent: number, end: 'end' | 'reset' | 'stall'): Reply {
  return async (request, socket) => {
    socket.write(head(200, { 'content-type': 'application/json', 'content-length': String(announced) }));
    await new Promise((resolve) => socket.write(Buffer.alloc(sent, ' '), resolve));
    await endAs(end, request, socket);
  };
}

/** The body in pieces of `size` bytes, one every `everyMs`. */
export function drip(body: string, size: number, everyMs: number): Reply {
  return async (_, socket) => {
    const whole = Buffer.from(body);
    socket.write(head(200, { 'content-type': 'application/json', 'content-length': String(whole.length) }));
    for (let at = 0; at < whole.length && !socket.destroyed; at += size) {
      socket.write(whole.subarray(at, at + size));
      await pause(everyMs);
    }
  };
}

/** A step of a stream: text as it is, a wait, or what a function makes of the request. */
export type StreamStep = string | Buffer | { readonly waitMs: number } | ((request: RecordedRequest) => string);

/**
 * An event stream in chunks, a chunk a step, ended properly, cut by close or reset, or left open until the peer goes. The
 * steps are raw text of the stream: `event('…')` makes one.
 */
export function stream(steps: Iterable<StreamStep> | AsyncIterable<StreamStep>, end: 'end' | 'cut' | 'reset' | 'open' = 'end', headers: Headers = {}): Reply {
  return async (request, socket) => {
    socket.write(head(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'transfer-encoding': 'chunked', ...headers }));
    for await (const step of steps) {
      if (socket.destroyed) return;
      if (typeof step === 'object' && 'waitMs' in step) await pause(step.waitMs);
      else await writeChunk(socket, typeof step === 'function' ? step(request) : step);
    }
    if (end === 'end') socket.write('0\r\n\r\n');
    else await endAs(end === 'cut' ? 'end' : end === 'reset' ? 'reset' : 'stall', request, socket);
  };
}

/** A stream on which the test says what it likes, for as long as it runs; what is said before it is open waits. */
export function spoken(): { reply: Reply; say: (...texts: string[]) => void } {
  const waiting: string[] = [': begun\n\n'];
  let { promise, resolve } = Promise.withResolvers<void>();
  const reply = stream(
    (async function* () {
      for (;;) {
        while (waiting.length > 0) yield waiting.shift() ?? '';
        await promise;
        ({ promise, resolve } = Promise.withResolvers<void>());
      }
    })(),
  );
  return {
    reply,
    say(...texts) {
      waiting.push(...texts);
      resolve();
    },
  };
}

/** One event of a stream (HTML, 9.2.6), of a message that is written as JSON, or of text as it is. */
export function event(data: unknown, fields: { id?: string; event?: string; retry?: number } = {}): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${lines.join('')}${text
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}

/** A stream of about `totalBytes`: notifications of `eventBytes` each, and the result of the request at the end. */
export function bigStream(totalBytes: number, eventBytes = 16 * 1024): Reply {
  function* steps(): Generator<StreamStep> {
    for (let sent = 0, number = 0; sent < totalBytes; sent += eventBytes, number += 1) {
      yield event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: `${number} ${'x'.repeat(eventBytes)}` } });
    }
    yield (request) => event(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}}`);
  }
  return (request, socket) => stream(steps())(request, socket);
}

/** Different replies by what the request is. */
export function when(condition: (request: RecordedRequest) => boolean, then: Reply, otherwise: Reply = defaultReply): Reply {
  return (request, socket) => (condition(request) ? then : otherwise)(request, socket);
}

/** After so many milliseconds, unless the peer has gone by then. */
export function after(waitMs: number, then: Reply): Reply {
  return async (request, socket) => {
    await pause(waitMs);
    if (!socket.destroyed) await then(request, socket);
  };
}

/** The first id in a JSON-RPC request, as it was written (a number above 2^53 would not survive parsing); `null` without one. */
export function idText(body: Buffer): string {
  return /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[\d.eE+-]+)/.exec(body.toString('utf8'))?.[1] ?? 'null';
}

function head(status: number, headers: Headers): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Scripted\r\n${lines.join('')}\r\n`;
}

async function writeChunk(socket: Socket, text: string | Buffer): Promise<void> {
  const data = typeof text === 'string' ? Buffer.from(text) : text;
  if (data.length === 0) return;
  socket.cork();
  socket.write(`${data.length.toString(16)}\r\n`);
  socket.write(data);
  const goOn = socket.write('\r\n');
  socket.uncork();
  if (!goOn && !socket.destroyed) await drained(socket);
}

/** Resolves when the peer has gone, however; `once` of node:events would reject when it resets. */
function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.on('close', () => resolve());
  });
}

/** Resolves when there is room again or nobody to write to. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

async function endAs(end: 'end' | 'reset' | 'stall', request: RecordedRequest, socket: Socket): Promise<void> {
  if (end === 'end') socket.end();
  else if (end === 'reset') socket.resetAndDestroy();
  else await silence(request, socket);
}
