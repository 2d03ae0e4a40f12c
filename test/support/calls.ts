/** MCP messages as clients of both eras send them, and what every refusal must keep to. */
import { expect } from 'vitest';
import { requestBytes, sendRaw, type RawReply } from './raw-client.ts';
import type { RecordingUpstream } from './recording-upstream.ts';
import { defaultReply, empty, idText, json, scriptsEras, when, type Reply } from './replies.ts';
import { testKey, type TestDoor } from './start-door.ts';

export const modernVersion = '2026-07-28';
export const legacyVersion = '2025-11-25';
export const modernMeta: Readonly<Record<string, unknown>> = {
  'io.modelcontextprotocol/protocolVersion': modernVersion,
  'io.modelcontextprotocol/clientInfo': { name: 'tests', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A request of 2026-07-28; `params` get the `_meta` that it requires. */
export function modernBody(method: string, params: Readonly<Record<string, unknown>> = {}, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...modernMeta, ...(params['_meta'] as object | undefined) } } });
}

export function legacyBody(method: string, params: Readonly<Record<string, unknown>> = {}, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** The header lines of a POST but for Content-Length; `more` replaces lines of the same name, and an empty value takes one out. */
export function postHeaders(door: TestDoor, more: Readonly<Record<string, string>> = {}): string[] {
  const lines = new Map<string, string>([
    ['Host', `127.0.0.1:${door.port}`],
    ['Authorization', `Bearer ${testKey}`],
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json, text/event-stream'],
  ]);
  for (const [name, value] of Object.entries(more)) {
    if (value === '') lines.delete(name);
    else lines.set(name, value);
  }
  return [...lines].map(([name, value]) => `${name}: ${value}`);
}

/** The headers that mirror a modern body. */
export function mirrors(method: string, name?: string): Record<string, string> {
  return { 'MCP-Protocol-Version': modernVersion, 'Mcp-Method': method, ...(name === undefined ? {} : { 'Mcp-Name': name }) };
}

export function postBytes(door: TestDoor, path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Buffer {
  return requestBytes(`POST ${path} HTTP/1.1`, [...postHeaders(door, headers), `Content-Length: ${Buffer.byteLength(body)}`], body);
}

/** Sends a body to the first server of the door on a connection of its own. */
export function post(door: TestDoor, body: string | Buffer, headers: Readonly<Record<string, string>> = {}, path = '/mcp/s1'): Promise<RawReply> {
  return sendRaw(door.port, postBytes(door, path, body, headers));
}

/** `tools/call` of 2026-07-28. */
export function callTool(door: TestDoor, name = 'echo', args: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<RawReply> {
  return post(door, modernBody('tools/call', { name, arguments: args }), { ...mirrors('tools/call', name), ...headers });
}

/** What no refusal may show: a stack, a path of this machine, an address behind the gateway, text of a server. */
const forbiddenText = /node_modules|\.ts:\d|\bat \w+ \(|\/work\/|\/tmp\/|127\.0\.0\.1:\d|ECONN|ENOTFOUND|SECRET-OF-UPSTREAM/;

/** Asserts what holds for every refusal, and returns its body. `hitsBefore`: what the server had got before it. */
export async function expectRefusal(
  door: TestDoor,
  reply: RawReply,
  status: number,
  upstream: RecordingUpstream,
  hitsBefore: number,
): Promise<Record<string, unknown>> {
  expect({ status: reply.status, complete: reply.complete }).toEqual({ status, complete: true });
  expect(reply.header('x-request-id')).toMatch(/^\S+$/);
  expect(reply.body.toString()).not.toMatch(forbiddenText);
  expect(reply.headers.map(([name]) => name.toLowerCase())).not.toContain('location');
  expect(upstream.hits).toBe(hitsBefore);
  await expectHealthy(door);
  return reply.body.length === 0 ? {} : (JSON.parse(reply.body.toString()) as Record<string, unknown>);
}

/** The process lives and nothing failed in it that it did not foresee. */
export async function expectHealthy(door: TestDoor): Promise<void> {
  const health = await sendRaw(door.port, requestBytes('GET /healthz HTTP/1.1', [`Host: 127.0.0.1:${door.port}`]));
  expect(health.status).toBe(200);
  expect(door.logged.filter(({ event }) => event === 'call.crashed' || event === 'call.failed')).toEqual([]);
}

/** A server of 2026-07-28 that takes clients of before as well, to the gateway's questions of eras. */
export function modernServer(otherwise: Reply = defaultReply): Reply {
  const isOwn = (body: Buffer, method: string): boolean => body.includes(`"${method}"`) && body.includes('{"name":"gatewayops"');
  const initialized = { protocolVersion: legacyVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } };
  const discovered = { resultType: 'complete', supportedVersions: [modernVersion], capabilities: {} };
  return scriptsEras(
    when(
      ({ body }) => body.includes('"server/discover"'),
      json({ jsonrpc: '2.0', id: 1, result: discovered }),
      when(({ body }) => isOwn(body, 'initialize'), json({ jsonrpc: '2.0', id: 1, result: initialized }), otherwise),
    ),
  );
}

/** A server of 2025-11-25 that keeps sessions. */
export interface LegacyServer {
  /** Sessions opened so far; their ids are `session-1`, `session-2` and so on. */
  readonly opened: number;
  /** How it answers what is neither handshake nor notification. */
  reply(otherwise?: Reply): Reply;
}

export function createLegacyServer(capabilities: object = {}): LegacyServer {
  let opened = 0;
  const uninitialized = json({ jsonrpc: '2.0', id: null, error: { code: -32000, message: 'Bad Request: Server not initialized' } }, { status: 400 });
  return {
    get opened() {
      return opened;
    },
    reply: (otherwise = defaultReply) =>
      scriptsEras((request, socket) => {
        const { body } = request;
        if (body.includes('"server/discover"')) return uninitialized(request, socket);
        if (body.includes('"initialize"')) {
          const result = JSON.stringify({ protocolVersion: legacyVersion, capabilities, serverInfo: { name: 's', version: '1' } });
          const headers = { 'mcp-session-id': `session-${++opened}` };
          return json(`{"jsonrpc":"2.0","id":${idText(body)},"result":${result}}`, { headers })(request, socket);
        }
        if (request.method === 'DELETE' || !body.includes('"id"')) return empty(202)(request, socket);
        return otherwise(request, socket);
      }),
  };
}

/** The JSON-RPC error code of a reply. */
export function rpcCode(body: Record<string, unknown>): unknown {
  return (body['error'] as { code?: unknown } | undefined)?.code;
}
