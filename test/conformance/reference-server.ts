/**
 * The reference: an MCP server of both eras on one path, or of one of them alone, with every fixture of the official suite,
 * built on the official SDK. Conformance runs directly against it show what the suite can reach; runs through the gateway
 * show what the gateway takes away. It listens on loopback only and checks Host and Origin itself.
 *
 * `reference-server.ts [--port N] [--era dual|modern|legacy] [-o json|text]`; with `-o json` the first line on stdout is `{"ready":true,"url":…}`.
 */
import { localhostHostValidation, localhostOriginValidation, type NodeMcpRequestHandler, toNodeHandler } from '@modelcontextprotocol/node';
import { classifyInboundRequest, createMcpHandler, isInitializeRequest } from '@modelcontextprotocol/server';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { createServerBuilder } from './reference/build-server.ts';
import { createSessions } from './reference/sessions.ts';

export interface ReferenceServer {
  /** `http://127.0.0.1:{port}/mcp` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Which clients it serves: those of 2026-07-28, those with sessions, or both on one path. */
export type ReferenceEra = 'dual' | 'modern' | 'legacy';

/** The SDK's structural type of a request, which does not allow for properties that are there and undefined. */
type NodeRequest = Parameters<NodeMcpRequestHandler>[0];

const bodyBytesMax = 20 * 1024 * 1024;

/** @param port 0 picks one */
export async function startReferenceServer(port = 0, era: ReferenceEra = 'dual'): Promise<ReferenceServer> {
  const buildServer = createServerBuilder(() => modern.notify);
  const modern = createMcpHandler(buildServer, { maxRequestBodySize: bodyBytesMax, ...(era === 'modern' && { legacy: 'reject' }) });
  const modernHandler = toNodeHandler(modern, { maxRequestBodySize: bodyBytesMax });
  const sessions = createSessions(buildServer);
  const allowedHost = localhostHostValidation();
  const allowedOrigin = localhostOriginValidation();

  const server = createServer((request, response) => {
    if (!allowedHost(request, response) || !allowedOrigin(request, response)) return;
    answer(request, response).catch((error: unknown) => {
      console.error('reference:', error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, -32_603, 'Internal error');
    });
  });
  server.keepAliveTimeout = 60_000;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mcp') return refuse(response, 404, -32_600, 'Not found');
    // Its own answers to what it does not serve: those of the official handler.
    if (era === 'modern') return modernHandler(request as NodeRequest, response);
    const sessionId = request.headers['mcp-session-id'];
    const transport = typeof sessionId === 'string' ? sessions.find(sessionId) : undefined;

    if (request.method === 'GET' || request.method === 'DELETE') {
      if (sessionId === undefined) return refuse(response, 405, -32_600, 'Method not allowed without a session', { allow: 'POST' });
      if (!transport) return refuse(response, 404, -32_600, 'Session not found');
      return transport.handleRequest(request, response);
    }
    if (request.method !== 'POST') return refuse(response, 405, -32_600, 'Method not allowed', { allow: 'GET, POST, DELETE' });

    const body = await readJson(request);
    if (body === undefined) return refuse(response, 400, -32_700, 'Parse error');
    // A server of before 2026-07-28 knows nothing of the claim in `_meta`, nor of the headers that mirror the body.
    if (era === 'dual' && isModern(request, body)) return modernHandler(request as NodeRequest, response, body);
    if (transport) return transport.handleRequest(request, response, body);
    if (sessionId !== undefined) return refuse(response, 404, -32_600, 'Session not found');
    if (!isInitializeRequest(body)) return refuse(response, 400, -32_600, 'Session id required');
    return (await sessions.open()).handleRequest(request, response, body);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async stop() {
      await Promise.all([sessions.closeAll(), modern.close()]);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isModern(request: IncomingMessage, body: unknown): boolean {
  const route = classifyInboundRequest({
    httpMethod: 'POST',
    ...header(request, 'protocolVersionHeader', 'mcp-protocol-version'),
    ...header(request, 'mcpMethodHeader', 'mcp-method'),
    ...header(request, 'mcpNameHeader', 'mcp-name'),
    body,
  });
  return route.kind !== 'legacy';
}

function refuse(response: ServerResponse, status: number, code: number, message: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

/** Undefined for what is not JSON, or more than the bound. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The header under the name that the SDK gives it, or nothing. */
function header<Name extends string>(request: IncomingMessage, name: Name, headerName: string): { [name in Name]?: string } {
  const value = request.headers[headerName];
  return typeof value === 'string' ? ({ [name]: value } as { [name in Name]?: string }) : {};
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      era: { type: 'string', default: 'dual' },
      output: { type: 'string', short: 'o', default: 'text' },
    },
  });
  const era = (['dual', 'modern', 'legacy'] as const).find((one) => one === values.era);
  if (era === undefined) throw new Error('--era is one of dual, modern, legacy');
  const reference = await startReferenceServer(Number(values.port), era);
  console.log(
    values.output === 'json' ? JSON.stringify({ ready: true, url: reference.url }) : `The reference server listens at ${reference.url}; Ctrl+C ends it.`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void reference.stop().then(() => process.exit(0)));
}
