/**
 * A gateway as it is usually made of the official SDK: one `Client` to the server, a `Server` for each request in front. `sdk-gateway.ts
 * PORT` of the upstream. It stands in the bench as what the fabric is measured against. First line: `{"ready":true,"port":N}`.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';

const upstream = new URL(`http://127.0.0.1:${process.argv[2]}/mcp`);
const client = new Client({ name: 'sdk-gateway', version: '1' }, { versionNegotiation: { mode: 'auto' } });
await client.connect(new StreamableHTTPClientTransport(upstream));

const handler = createMcpHandler(() => {
  const server = new Server({ name: 'sdk-gateway', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => client.listTools());
  server.setRequestHandler('tools/call', ({ params }) => client.callTool({ name: params.name, arguments: params.arguments ?? {} }));
  return server;
});

const handle = toNodeHandler(handler);
const server = createServer((request, response) => void handle(request as NodeIncomingMessageLike, response));
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  process.stdout.write(`${JSON.stringify({ ready: true, port: (server.address() as AddressInfo).port })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
