/**
 * MCP servers on connections that go both ways, each session with its own program behind it: over WebSocket by `ws`, and over HTTP+SSE
 * by the official SDK's `SSEServerTransport`. They check the credential that they are given and can be made to misbehave.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { type WebSocket, WebSocketServer } from 'ws';
import { nodePath } from '../node-path.ts';

export interface RemoteServer {
  readonly url: string;
  /** Connections that were taken, and those open now. */
  readonly taken: number;
  readonly open: number;
  /** What the connections that were asked for carried as Authorization. */
  readonly authorizations: readonly (string | undefined)[];
  /** Cuts every open connection. */
  cut(): void;
  stop(): Promise<void>;
}

export interface RemoteServerOptions {
  /** The program whose lines are the messages. */
  readonly command: readonly [string, ...string[]];
  /** The whole Authorization header that is asked for; null: none. */
  readonly authorization?: string | null;
  /** PEM; without it the server speaks no TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Instead of a program: what a connection does. */
  readonly onSocket?: (socket: WebSocket) => void;
  /** Instead of the official transport. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => void;
}

export async function startWebSocketServer({ command, authorization = null, onSocket, tls }: RemoteServerOptions): Promise<RemoteServer> {
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<WebSocket>();
  let taken = 0;
  const refuse = (_request: IncomingMessage, response: ServerResponse): void => void response.writeHead(426).end();
  const server = tls === undefined ? createServer(refuse) : createHttpsServer(tls, refuse);
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    authorizations.push(request.headers.authorization);
    if (authorization !== null && request.headers.authorization !== authorization)
      return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      taken++;
      sockets.add(webSocket);
      webSocket.on('close', () => sockets.delete(webSocket));
      webSocket.on('error', () => undefined);
      if (onSocket !== undefined) return onSocket(webSocket);
      const child = run(command, (line) => webSocket.send(line));
      webSocket.on('message', (data: Buffer) => child.stdin?.write(`${data.toString('utf8')}\n`));
      webSocket.on('close', () => child.kill());
      child.on('exit', () => webSocket.close());
    });
  });
  const port = await listen(server);
  return {
    url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}/ws`,
    get taken() {
      return taken;
    },
    get open() {
      return sockets.size;
    },
    authorizations,
    cut() {
      for (const socket of sockets) socket.terminate();
    },
    async stop() {
      for (const socket of sockets) socket.terminate();
      await close(server);
    },
  };
}

export async function startSseServer({ command, authorization = null, onRequest, tls }: RemoteServerOptions): Promise<RemoteServer> {
  const authorizations: (string | undefined)[] = [];
  const sessions = new Map<string, { readonly transport: SSEServerTransport; readonly response: ServerResponse }>();
  let taken = 0;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    authorizations.push(request.headers.authorization);
    if (authorization !== null && request.headers.authorization !== authorization) return void response.writeHead(401).end();
    if (onRequest !== undefined) return onRequest(request, response);
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'GET') return void begin(response);
    const session = sessions.get(url.searchParams.get('sessionId') ?? '');
    if (session === undefined) return void response.writeHead(404).end();
    void session.transport.handlePostMessage(request, response);
  };
  const server = tls === undefined ? createServer(handle) : createHttpsServer(tls, handle);

  async function begin(response: ServerResponse): Promise<void> {
    taken++;
    const transport = new SSEServerTransport('/messages', response);
    const child = run(command, (line) => void transport.send(JSON.parse(line) as JSONRPCMessage).catch(() => undefined));
    transport.onmessage = (message) => void child.stdin?.write(`${JSON.stringify(message)}\n`);
    sessions.set(transport.sessionId, { transport, response });
    response.on('close', () => {
      sessions.delete(transport.sessionId);
      child.kill();
    });
    child.on('exit', () => response.end());
    await transport.start();
  }

  const port = await listen(server);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/sse`,
    get taken() {
      return taken;
    },
    get open() {
      return sessions.size;
    },
    authorizations,
    cut() {
      for (const { response } of sessions.values()) response.destroy();
    },
    stop: () => close(server),
  };
}

function run([program, ...args]: readonly [string, ...string[]], onLine: (line: string) => void): ChildProcess {
  const child = spawn(program === 'node' ? nodePath : program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin?.on('error', () => undefined);
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', onLine);
  return child;
}

async function listen(server: Pick<Server, 'listen' | 'address'>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function close(server: Pick<Server, 'closeAllConnections' | 'close'>): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
