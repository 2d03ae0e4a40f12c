/** One HTTP request with a JSON body, and the whole answer: a reply that is cut short is an error, never an answer. */
import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Milliseconds until the last byte. */
  readonly ms: number;
  /** Of this end of the connection. */
  readonly localPort: number;
}

export interface PostOptions {
  /** Default: POST with a body, GET without. */
  readonly method?: string;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Told each part of the answer as it comes. */
  readonly onText?: (text: string) => void;
}

/** @param body written as JSON unless it is text; undefined for none */
export function post(url: string, body?: unknown, options: PostOptions = {}): Promise<Answer> {
  const { key, agent = false, timeoutMs = 30_000 } = options;
  const payload = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: options.method ?? (payload === null ? 'GET' : 'POST'),
      agent,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json, text/event-stream',
        ...(payload === null ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...options.headers,
      },
    });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      const localPort = answer.socket.localPort ?? 0;
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        options.onText?.(chunk);
      });
      answer.on('error', reject);
      answer.on('close', () => {
        if (!answer.complete) reject(new Error('the answer was cut short'));
        else resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, ms: performance.now() - startedAt, localPort });
      });
    });
    sent.end(payload);
  });
}

const version = '2026-07-28';
const meta = {
  'io.modelcontextprotocol/protocolVersion': version,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A tools/call of 2026-07-28 as `post` sends it: body and headers. */
export function toolCall(
  name: string,
  args: Readonly<Record<string, unknown>> = {},
  id: string | number = 1,
): { body: unknown; headers: Record<string, string> } {
  return modernRequest('tools/call', { name, arguments: args }, id, name);
}

/** A request of 2026-07-28; `name` is what Mcp-Name mirrors. */
export function modernRequest(method: string, params: object = {}, id: string | number = 1, name?: string): { body: unknown; headers: Record<string, string> } {
  return {
    body: { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } },
    headers: { 'mcp-protocol-version': version, 'mcp-method': method, ...(name === undefined ? {} : { 'mcp-name': name }) },
  };
}

/** The JSON of an answer, or of the last event of one that is a stream. */
export function jsonOf(answer: Answer): unknown {
  if (!answer.headers['content-type']?.startsWith('text/event-stream')) return JSON.parse(answer.text);
  const data = answer.text
    .trimEnd()
    .split('\n')
    .findLast((line) => line.startsWith('data:'));
  return JSON.parse(data?.slice('data:'.length) ?? 'null');
}
