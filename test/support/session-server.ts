/** A scripted server of before 2026-07-28 with sessions, which forgets them when the test says so, and keeps what was set up in each. */
import { defaultReply, empty, idText, json, scriptsEras, stream, type Reply } from './replies.ts';

export interface SessionServer {
  readonly reply: Reply;
  /** By session id, those that were forgotten as well. */
  readonly sessions: ReadonlyMap<string, ServerSession>;
  /** Ids of the sessions that it knows now. */
  known(): string[];
  /** As when its process is another one; open streams stay, as behind a proxy. */
  forget(): void;
  /** How it refuses a session that it does not know. */
  refusal: Reply;
  /** The version that it agrees on. */
  version: string;
  /** How it answers requests in a session, but for the handshake and what sets something up. */
  answer: Reply;
}

export interface ServerSession {
  readonly initialize: Readonly<Record<string, unknown>>;
  /** Requests and notifications in it, as `method` or `method argument`. */
  readonly heard: string[];
}

interface Sent {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export const unknownSession = json({ jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }, { status: 404 });

export function createSessionServer(): SessionServer {
  const sessions = new Map<string, ServerSession>();
  const living = new Set<string>();
  const server: SessionServer = {
    sessions,
    known: () => [...living],
    forget: () => living.clear(),
    refusal: unknownSession,
    version: '2025-11-25',
    answer: defaultReply,
    reply: scriptsEras(async (request, socket) => {
      const { method = '', params = {} } = (request.body.length === 0 ? {} : JSON.parse(request.body.toString('utf8'))) as Sent;
      if (method === 'server/discover') return json({ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no such method' } })(request, socket);
      if (method === 'initialize') {
        const id = `session-${sessions.size + 1}`;
        sessions.set(id, { initialize: params, heard: [] });
        living.add(id);
        const capabilities = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true, listChanged: true }, logging: {} };
        const result = JSON.stringify({ protocolVersion: server.version, capabilities, serverInfo: { name: 's', version: '1' } });
        return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${result}}`, { headers: { 'mcp-session-id': id } })(request, socket);
      }
      const [id = ''] = request.header('mcp-session-id');
      if (!living.has(id)) return server.refusal(request, socket);
      if (request.method === 'DELETE') {
        living.delete(id);
        return empty(204)(request, socket);
      }
      const [eventId] = request.header('last-event-id');
      const argument = params['uri'] ?? params['level'] ?? params['name'];
      sessions
        .get(id)
        ?.heard.push([method || (eventId === undefined ? request.method : `${request.method} after ${eventId}`), argument].filter(Boolean).join(' '));
      if (request.method === 'GET')
        return stream(
          [': open\n\n', `id: ${id}-1\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"hello"}}\n\n`],
          'open',
        )(request, socket);
      if (method === 'logging/setLevel' || method.startsWith('resources/'))
        return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":{}}`)(request, socket);
      return server.answer(request, socket);
    }),
  };
  return server;
}
