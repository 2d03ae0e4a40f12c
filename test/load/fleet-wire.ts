/** The requests that the bench of the fabric sends, and the programs that it starts. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { protocolVersion } from './messages.ts';

type Headers = readonly (readonly [name: string, value: string])[];

export interface Request {
  readonly headers: Headers;
  readonly body: string;
}

export const jsonHeaders: Headers = [
  ['Content-Type', 'application/json'],
  ['Accept', 'application/json, text/event-stream'],
];
const callArguments = { query: 'select name from people' };

/** A request of 2026-07-28. */
export function modernRequest(method: string, params: object, name?: string): Request {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': protocolVersion,
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 'p',
  };
  const headers: (readonly [string, string])[] = [...jsonHeaders, ['MCP-Protocol-Version', protocolVersion], ['Mcp-Method', method]];
  if (name !== undefined) headers.push(['Mcp-Name', name]);
  return { headers, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }) };
}

export function modernCall(name: string): Request {
  return modernRequest('tools/call', { name, arguments: callArguments }, name);
}

/** A call of 2025-11-25; what says which session it is of stands in further headers. */
export function legacyCall(name: string): Request {
  return { headers: jsonHeaders, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: callArguments } }) };
}

/** A handshake of 2025-11-25. Returns the headers that say which session a request is of: none of a server that keeps none. */
export async function openSession(url: string, headers: Headers): Promise<Headers> {
  const post = (more: Headers, body: object): Promise<Response> =>
    fetch(url, { method: 'POST', headers: Object.fromEntries([...jsonHeaders, ...headers, ...more]), body: JSON.stringify(body) });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const reply = await post([], { jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const body = await reply.text();
  if (reply.status !== 200) throw new Error(`initialize at ${url}: ${reply.status} ${body.slice(0, 300)}`);
  const session = reply.headers.get('mcp-session-id');
  const own: Headers = session === null ? [] : [['Mcp-Session-Id', session]];
  const all: Headers = [...own, ['MCP-Protocol-Version', '2025-11-25']];
  await (await post(all, { jsonrpc: '2.0', method: 'notifications/initialized' })).text();
  return all;
}

/** A program of the bench, as its first line of output tells of it. */
export interface Program<Told> {
  readonly pid: number;
  readonly told: Told;
  /** All that it wrote so far. */
  output(): string;
  stop(): void;
}

/** Starts a program that says where it is in its first line, one of JSON, and ends with its stdin. */
export async function startProgram<Told>(file: string, args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Program<Told>> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  let failure: Error | null = null;
  child.on('error', (error) => (failure = error));
  await until(() => output.includes('\n') || child.exitCode !== null || failure !== null, { what: `${file} to be ready`, timeoutMs });
  if (!output.includes('\n')) throw new Error(`${file} ended with ${child.exitCode}`, { cause: failure });
  return { pid: child.pid ?? 0, told: JSON.parse(output.slice(0, output.indexOf('\n'))) as Told, output: () => output, stop: () => child.stdin.end() };
}

/** One of this folder's programs. */
export function startOwn<Told>(file: string, ...args: string[]): Promise<Program<Told>> {
  return startProgram(nodePath, [ownFile(file), ...args], process.env, 30_000);
}

export const ownFile = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
