import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { asFault, Fault } from '../kernel/fault.ts';
import { beginLink } from './begin-link.ts';
import type { AdmitLink } from './link-caller.ts';
import type { OpenLink, OpenLinks } from './open-links.ts';

/**
 * The transport of 2024-11-05: `GET {endpoint}/sse` opens a stream whose first event says where messages are POSTed to
 * (https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse).
 */
export interface SseDoor {
  /** True where the path is of this transport: then the request is answered here. `isPassed`: another worker has passed it on. */
  serve(request: IncomingMessage, response: ServerResponse, path: string, isPassed: boolean): boolean;
}

export interface SseDoorOptions {
  readonly enabled: () => boolean;
  /** Whether the path is an endpoint of streamable HTTP, which comes first. */
  readonly isEndpoint: (path: string) => boolean;
  readonly admit: AdmitLink;
  readonly links: OpenLinks;
  /** The server that serves the endpoints; it need not listen. */
  readonly server: Server;
  /** A JSON body within bounds. Faults: `unsupported_media_type`, `payload_too_large`, `invalid_request`. */
  readonly readBody: (request: IncomingMessage, response: ServerResponse) => Promise<Buffer>;
  /** Has the worker of that name answer; false where it is none. */
  readonly passTo: (home: string, request: IncomingMessage, response: ServerResponse, body: Buffer, isPassed: boolean) => Promise<boolean>;
  /** Names this worker. */
  readonly home: string;
  readonly refuse: (response: ServerResponse, fault: Fault) => void;
}

const streamSuffix = '/sse';
const messagesSuffix = '/messages';
const sessionParameter = 'session_id';
const sessionIdBytes = 24;

export function createSseDoor(options: SseDoorOptions): SseDoor {
  const { enabled, isEndpoint, admit, links, server, readBody, passTo, home, refuse } = options;
  const sessions = new Map<string, OpenLink>();

  async function openStream(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (request.method !== 'GET') throw new Fault('method_not_allowed', {}, { extra: { allow: 'GET' } });
    const caller = await admit(request, path);
    links.requireRoom(caller.principalId);
    if (response.destroyed) return;
    const id = `${home}.${randomBytes(sessionIdBytes).toString('base64url')}`;
    const link = beginLink({
      caller,
      isServed: enabled,
      server,
      links,
      connection: {
        send(message, written) {
          if (response.destroyed) return false;
          response.write(`event: message\ndata: ${message}\n\n`, written);
          return true;
        },
        waitingBytes: () => response.writableLength,
        ping() {
          if (response.writableLength === 0) response.write(':\n\n');
          return true;
        },
        end(why) {
          if (why === 'slow') response.destroy();
          else response.end();
        },
        destroy: () => response.destroy(),
      },
    });
    sessions.set(id, link);
    response.on('close', () => {
      sessions.delete(id);
      link.closed();
    });
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    // Relative to the stream's own address: right behind any proxy that puts a path before ours.
    response.write(`event: endpoint\ndata: ${messagesSuffix.slice(1)}?${sessionParameter}=${id}\n\n`);
  }

  async function takeMessage(request: IncomingMessage, response: ServerResponse, path: string, isPassed: boolean): Promise<void> {
    if (request.method !== 'POST') throw new Fault('method_not_allowed', {}, { extra: { allow: 'POST' } });
    const { principalId } = await admit(request, path);
    const body = await readBody(request, response);
    const id = new URLSearchParams(request.url?.split('?')[1] ?? '').get(sessionParameter) ?? '';
    const session = sessions.get(id);
    if (session === undefined && (await passTo(id.split('.', 1)[0] ?? '', request, response, body, isPassed))) return;
    // A session of another caller is one that does not exist.
    if (session === undefined || session.caller.principalId !== principalId || session.caller.path !== path) throw new Fault('session_not_found');
    response.writeHead(202, { 'content-length': 0 });
    response.end();
    session.http.take(body);
  }

  return {
    serve(request, response, path, isPassed) {
      if (!enabled() || isEndpoint(path)) return false;
      const act = path.endsWith(streamSuffix)
        ? openStream(request, response, path.slice(0, -streamSuffix.length))
        : path.endsWith(messagesSuffix)
          ? takeMessage(request, response, path.slice(0, -messagesSuffix.length), isPassed)
          : null;
      if (act === null) return false;
      act.catch((error: unknown) => refuse(response, asFault(error)));
      return true;
    },
  };
}
