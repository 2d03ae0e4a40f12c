/** An MCP server of one era alone, built on the official SDK, that asks its clients everything a server can ask, and whose changes a test makes. */
import { toNodeHandler, type NodeMcpRequestHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, inputRequired, McpServer } from '@modelcontextprotocol/server';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { createSessions } from '../conformance/reference/sessions.ts';

export interface EraServer {
  /** `http://127.0.0.1:{port}` */
  readonly origin: string;
  /** Calls of `slow` that wait, and those that were cancelled. */
  readonly slow: { waiting: number; cancelled: number };
  toolsChanged(): void;
  resourceUpdated(uri: string): void;
  stop(): Promise<void>;
}

type Node = Parameters<NodeMcpRequestHandler>[0];

const none = z.object({});
const form = { type: 'object' as const, properties: { name: { type: 'string' as const } }, required: ['name'] };
const completion = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'a colour?' } }], maxTokens: 9 };

/** Its tools: `ask_all` (a form, a completion and the roots, at once), `tell` (a log message and progress), `slow` (until cancelled), `numbers` (structured content that is no object). */
export async function startEraServer(era: 'modern' | 'legacy'): Promise<EraServer> {
  const slow = { waiting: 0, cancelled: 0 };
  const opened = new Set<McpServer>();

  function build(): McpServer {
    const server = new McpServer(
      { name: `${era}-server`, version: '1.0.0' },
      { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true }, logging: {} }, instructions: 'Be kind.' },
    );
    server.registerTool('ask_all', { description: 'Asks', inputSchema: none }, async (_, { mcpReq }) => {
      if (era === 'legacy') {
        const [person, model, roots] = await Promise.all([
          mcpReq.send({ method: 'elicitation/create', params: { message: 'Who?', requestedSchema: form } }),
          mcpReq.send({ method: 'sampling/createMessage', params: completion }),
          mcpReq.send({ method: 'roots/list' }),
        ]);
        return answer(person, model, roots);
      }
      const given = mcpReq.inputResponses;
      if (given === undefined)
        return inputRequired({
          inputRequests: {
            person: inputRequired.elicit({ message: 'Who?', requestedSchema: form }),
            model: inputRequired.createMessage(completion),
            roots: inputRequired.listRoots(),
          },
        });
      return answer(given['person'], given['model'], given['roots']);
    });
    server.registerTool('tell', { description: 'Tells', inputSchema: none, annotations: { readOnlyHint: true } }, async (_, { mcpReq }) => {
      if (era === 'legacy') await mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: 'told' } });
      else await mcpReq.log('info', 'told');
      const token = mcpReq._meta?.progressToken;
      if (token !== undefined) await mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress: 1, total: 2 } });
      return { content: [{ type: 'text', text: 'done' }] };
    });
    server.registerTool('slow', { description: 'Waits', inputSchema: none }, async (_, { mcpReq }) => {
      slow.waiting++;
      await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve, { once: true }));
      slow.waiting--;
      slow.cancelled++;
      return { content: [] };
    });
    server.registerTool('numbers', { description: 'Counts', inputSchema: none, outputSchema: z.array(z.number()) }, () => ({
      content: [{ type: 'text', text: '[1,2]' }],
      structuredContent: [1, 2],
    }));
    server.registerResource('note', 'test://note', { description: 'A note' }, () => ({ contents: [{ uri: 'test://note', text: 'note' }] }));
    server.server.setRequestHandler('resources/subscribe', () => ({}));
    server.server.setRequestHandler('resources/unsubscribe', () => ({}));
    server.server.setRequestHandler('logging/setLevel', () => ({}));
    opened.add(server);
    return server;
  }

  const modern = createMcpHandler(build, { legacy: 'reject' });
  const modernHandler = toNodeHandler(modern);
  const sessions = createSessions(build);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (era === 'modern') return modernHandler(request as Node, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body: unknown = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.find(id) : undefined;
    if (known) return known.handleRequest(request, response, body);
    const isInitialize = typeof body === 'object' && body !== null && 'method' in body && body.method === 'initialize';
    if (isInitialize && id === undefined) return (await sessions.open()).handleRequest(request, response, body);
    response
      .writeHead(id === undefined ? 400 : 404, { 'content-type': 'application/json' })
      .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}');
  }

  const server = createServer((request, response) => void serve(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    slow,
    toolsChanged() {
      if (era === 'modern') modern.notify.toolsChanged();
      else for (const one of opened) if (one.isConnected()) one.sendToolListChanged();
    },
    resourceUpdated(uri) {
      if (era === 'modern') modern.notify.resourceUpdated(uri);
      else for (const one of opened) if (one.isConnected()) void one.server.sendResourceUpdated({ uri });
    },
    async stop() {
      await Promise.all([sessions.closeAll(), modern.close()]);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What was answered, in one line. */
function answer(person: unknown, model: unknown, roots: unknown): { content: { type: 'text'; text: string }[] } {
  const parsed = z
    .object({
      person: z.object({ content: filledForm }),
      model: z.object({ content: z.object({ text: z.string() }) }),
      roots: z.object({ roots: z.array(z.object({ uri: z.string() })) }),
    })
    .parse({ person, model, roots });
  const text = [parsed.person.content.name, parsed.model.content.text, ...parsed.roots.roots.map(({ uri }) => uri)].join(' ');
  return { content: [{ type: 'text', text }] };
}

const filledForm = z.object({ name: z.string() });
