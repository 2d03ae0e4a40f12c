import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createParser } from 'eventsource-parser';
import { Fault } from '../kernel/fault.ts';
import type { BridgeRemote } from './bridge-options.ts';
import type { Child, ChildHandlers } from './child-process.ts';
import { rawValue, readLine } from './message.ts';
import { connectionFailure, refusal, remoteChild, remoteLookup, type RemoteDependencies, type RemoteEvents, type RemoteWire } from './remote-child.ts';
import { rpcError } from './rpc-error.ts';

/**
 * A server of the transport of 2024-11-05: its messages come on a stream, whose first event says where ours are POSTed to
 * (https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse). Redirects are not followed.
 */
export function startSseChild(remote: BridgeRemote, dependencies: RemoteDependencies, handlers: ChildHandlers): Child {
  return remoteChild(dependencies, handlers, (events) => openSse(remote, dependencies, events));
}

/** Messages keep their order: the next is sent when this one was taken, or when the server has had so long to say so. */
const takenMs = 1_000;

function openSse(remote: BridgeRemote, { limits }: RemoteDependencies, events: RemoteEvents): RemoteWire {
  const url = new URL(remote.url);
  const lookup = remoteLookup(remote);
  const waiting: Buffer[] = [];
  const posts = new Set<ClientRequest>();
  let waitingBytes = 0;
  let endpoint: URL | null = null;
  let sending = false;
  let answer: IncomingMessage | null = null;
  let paused = false;
  let over = false;

  const connecting = setTimeout(() => lost('it named no address for messages in time'), limits.connectTimeoutMs);
  const stream = open(url, 'GET', { accept: 'text/event-stream', 'cache-control': 'no-store' });
  stream.on('error', (error: NodeJS.ErrnoException) => lost(connectionFailure(error)));
  stream.on('response', (response) => {
    answer = response;
    const isStream = response.statusCode === 200 && (response.headers['content-type'] ?? '').startsWith('text/event-stream');
    if (!isStream) return lost(response.statusCode === 200 ? 'its answer is no event stream' : refusal(response.statusCode ?? 0));
    const parser = createParser({
      maxBufferSize: limits.lineBytesMax,
      onEvent({ event, data }) {
        if (event === 'endpoint') found(data);
        else if (data !== '' && (event === undefined || event === 'message')) events.message(Buffer.from(data));
      },
      onError(error) {
        if (error.type === 'max-buffer-size-exceeded') lost(`it sent an event of more than ${limits.lineBytesMax} bytes`);
      },
    });
    response.setEncoding('utf8');
    if (paused) response.pause();
    response.on('data', (chunk: string) => {
      if (!over) parser.feed(chunk);
    });
    response.on('error', () => lost('the stream broke'));
    response.on('close', () => lost('it ended the stream'));
  });
  stream.end();

  /** The gateway's credential goes where the operator has sent it, and nowhere that the server would like it. */
  function found(text: string): void {
    const place = URL.parse(text, url.href);
    if (place?.origin !== url.origin) return lost('its address for messages is of another origin');
    clearTimeout(connecting);
    endpoint = place;
    sendNext();
  }

  function sendNext(): void {
    if (sending || over || endpoint === null) return;
    const line = waiting.shift();
    if (line === undefined) return;
    waitingBytes -= line.length;
    sending = true;
    let next: (() => void) | null = (): void => {
      next = null;
      clearTimeout(timer);
      sending = false;
      sendNext();
    };
    const timer = setTimeout(() => next?.(), takenMs);
    const post = open(endpoint, 'POST', { 'content-type': 'application/json', 'content-length': String(line.length) });
    posts.add(post);
    post.on('close', () => posts.delete(post));
    post.on('error', (error: NodeJS.ErrnoException) => lost(`a message could not be sent (${error.code ?? 'unknown reason'})`));
    post.on('response', (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) return next?.();
      // Of this message only; all else means that the server knows this connection no more.
      if (statusCode === 400 || statusCode === 413 || statusCode === 415 || statusCode === 422 || statusCode === 429) {
        refuse(line, statusCode);
        return next?.();
      }
      lost(`${refusal(statusCode)} to a message`);
    });
    post.end(line);
  }

  function refuse(line: Buffer, status: number): void {
    if (readLine(line)?.kind !== 'request') return;
    const fault = new Fault('upstream_invalid', { server: url.host, reason: `it answered HTTP ${status} to the message` });
    events.message(Buffer.from(rpcError(fault, rawValue(line, ['id']) ?? 'null')));
  }

  function open(to: URL, method: string, headers: Record<string, string>): ClientRequest {
    const options = { method, headers: { ...remote.headers, ...headers }, agent: false as const, lookup };
    return to.protocol === 'https:' ? httpsRequest(to, { ...options, ...remote.tls }) : httpRequest(to, options);
  }

  function lost(reason: string): void {
    if (over) return;
    over = true;
    clearTimeout(connecting);
    events.lost(reason);
  }

  return {
    send(line) {
      if (waitingBytes + line.length > limits.inputBytesMax) return false;
      waitingBytes += line.length;
      waiting.push(line);
      sendNext();
      return true;
    },
    get writable() {
      return !over;
    },
    pause() {
      paused = true;
      answer?.pause();
    },
    resume() {
      paused = false;
      answer?.resume();
    },
    // The end of the stream is the end of the session; there is no word for it.
    close: () => lost('closed'),
    cut() {
      over = true;
      clearTimeout(connecting);
      stream.destroy();
      for (const post of posts) post.destroy();
    },
  };
}
