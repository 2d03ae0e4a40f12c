/** Tools, resources and prompts of the servers behind the gateway (its docs/guides/rest-facade.md; streams over MCP itself). */
import { answered, type Answered, type Core } from './core.ts';
import { UnreadableAnswerError } from './errors.ts';
import { readEvents } from './event-stream.ts';
import { listOf, type List } from './list.ts';
import type { RequestOptions } from './options.ts';
import { faultError, faultOfRpc, parseObject } from './read-fault.ts';

/** Content as MCP has it; a newer server may have further kinds. */
export type Content =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource_link'; readonly uri: string; readonly name: string; readonly mimeType?: string }
  | { readonly type: 'resource'; readonly resource: ResourceContents };

export interface ResourceContents {
  readonly uri: string;
  readonly mimeType?: string;
  readonly text?: string;
  /** Base64. */
  readonly blob?: string;
}

export interface ToolResult {
  readonly content: readonly Content[];
  readonly structuredContent?: unknown;
  /** The tool ran and failed; `content` says why. It is a result, not an error, so that a model can read it. */
  readonly isError?: boolean;
  readonly [member: string]: unknown;
}

export interface Tool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

export interface ResourceEntry {
  readonly uri: string;
  readonly name: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly [member: string]: unknown;
}

export interface Prompt {
  readonly name: string;
  readonly description?: string;
  readonly arguments?: readonly { readonly name: string; readonly description?: string; readonly required?: boolean }[];
  readonly [member: string]: unknown;
}

export interface PromptMessages {
  readonly description?: string;
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: Content }[];
  readonly [member: string]: unknown;
}

/** What the gateway knows about a call. */
export interface CallMetadata {
  readonly trace_id: string;
  readonly latency_ms: number;
  readonly cost: number;
}

/** The result as the server gave it. */
export interface McpAnswer<Result> {
  readonly result: Result;
  readonly metadata: CallMetadata;
}

export interface ToolCall {
  readonly server: string;
  readonly tool: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

export interface CallOptions extends RequestOptions {
  /** X-Request-ID: the same id within ten minutes is the same call, which is made once. Default: one that is made for this call. */
  readonly requestId?: string;
}

export type CallEvent =
  | { readonly type: 'progress'; readonly progress: number; readonly total: number | null; readonly message: string | null }
  | { readonly type: 'result'; readonly result: ToolResult; readonly traceId: string | null };

export interface Mcp {
  /** Calls a tool, at most once however often it has to be sent. */
  call(call: ToolCall, options?: CallOptions): Answered<McpAnswer<ToolResult>>;
  /**
   * Calls a tool and follows its progress; the last event is the result. Sent once: where the connection breaks the outcome stands in its
   * trace. `timeoutMs` is the longest time between two events.
   */
  stream(call: ToolCall, options?: RequestOptions): AsyncIterable<CallEvent>;
  /** The tools that this key may call. */
  listTools(server: string, options?: RequestOptions): List<Tool, McpAnswer<{ readonly tools: readonly Tool[]; readonly nextCursor?: string }>>;
  listResources(
    server: string,
    options?: RequestOptions,
  ): List<ResourceEntry, McpAnswer<{ readonly resources: readonly ResourceEntry[]; readonly nextCursor?: string }>>;
  readResource(
    resource: { readonly server: string; readonly uri: string },
    options?: RequestOptions,
  ): Answered<McpAnswer<{ readonly contents: readonly ResourceContents[] }>>;
  listPrompts(server: string, options?: RequestOptions): List<Prompt, McpAnswer<{ readonly prompts: readonly Prompt[]; readonly nextCursor?: string }>>;
  getPrompt(
    prompt: { readonly server: string; readonly name: string; readonly arguments?: Readonly<Record<string, string>> },
    options?: RequestOptions,
  ): Answered<McpAnswer<PromptMessages>>;
}

/** As in package.json, which browsers do not load. */
const sdkVersion = '0.1.0';
const callTimeoutMs = 600_000;
const protocolVersion = '2026-07-28';
const metaPrefix = 'io.modelcontextprotocol/';

export function mcpOf({ transport }: Core): Mcp {
  return {
    call({ server, tool, arguments: args }, options = {}) {
      const headers = { 'x-request-id': options.requestId ?? crypto.randomUUID() };
      const body = { tool, arguments: args };
      return answered(
        transport.send(
          { method: 'POST', path: '/v1/mcp/{server}/tools/call', names: { server }, body, headers, safety: 'keyed', timeoutMs: callTimeoutMs },
          options,
        ),
      );
    },
    stream: (call, options = {}) => streamCall(call, options),
    listTools: (server, options) => listed(server, 'tools', options),
    listResources: (server, options) => listed(server, 'resources', options),
    readResource: ({ server, uri }, options) => read(server, 'resources/read', { uri }, options),
    listPrompts: (server, options) => listed(server, 'prompts', options),
    getPrompt: ({ server, name, arguments: args }, options) => read(server, 'prompts/get', { name, arguments: args }, options),
  };

  function read<Result>(server: string, operation: string, body: unknown, options: RequestOptions | undefined): Answered<McpAnswer<Result>> {
    return answered(transport.send({ method: 'POST', path: `/v1/mcp/{server}/${operation}`, names: { server }, body, safety: 'read' }, options));
  }

  function listed<Item, Key extends string>(server: string, key: Key, options: RequestOptions | undefined) {
    type Result = { readonly [K in Key]: readonly Item[] } & { readonly nextCursor?: string };
    return listOf<Item, McpAnswer<Result>>({
      fetchPage: (cursor) => read<Result>(server, `${key}/list`, { cursor }, options),
      itemsOf: ({ result }) => result[key],
      cursorOf: ({ result }) => result.nextCursor,
    });
  }

  async function* streamCall({ server, tool, arguments: args = {} }: ToolCall, options: RequestOptions): AsyncGenerator<CallEvent, void, undefined> {
    const progressToken = crypto.randomUUID();
    const _meta = {
      [`${metaPrefix}protocolVersion`]: protocolVersion,
      [`${metaPrefix}clientInfo`]: { name: '@gatewayops/sdk', version: sdkVersion },
      [`${metaPrefix}clientCapabilities`]: {},
      progressToken,
    };
    const timeoutMs = options.timeoutMs ?? callTimeoutMs;
    const response = await transport.open(
      {
        method: 'POST',
        path: '/mcp/{server}',
        names: { server },
        body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args, _meta } },
        headers: {
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': protocolVersion,
          'mcp-method': 'tools/call',
          'mcp-name': headerText(tool),
        },
        safety: 'write',
      },
      { ...options, timeoutMs },
    );
    const traceId = response.headers.get('x-trace-id');
    if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
      yield resultEvent(parseObject(await response.text()), response, traceId);
      return;
    }
    try {
      for await (const { data } of readEvents(response, timeoutMs)) {
        const message = parseObject(data);
        if (message !== null && ('result' in message || 'error' in message)) {
          yield resultEvent(message, response, traceId);
          return;
        }
        const progress = progressOf(message, progressToken);
        if (progress !== null) yield progress;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    }
    throw new UnreadableAnswerError('the stream of the call ended without its result', response.status);
  }
}

function progressOf(message: Record<string, unknown> | null, token: string): CallEvent | null {
  const params = message?.['params'] as { progressToken?: unknown; progress?: unknown; total?: unknown; message?: unknown } | undefined;
  if (message?.['method'] !== 'notifications/progress' || params?.progressToken !== token || typeof params.progress !== 'number') return null;
  return {
    type: 'progress',
    progress: params.progress,
    total: typeof params.total === 'number' ? params.total : null,
    message: typeof params.message === 'string' ? params.message : null,
  };
}

/** A response of JSON-RPC as the last event. Throws where it is an error, or the gateway's refusal, which comes as a result that models can read. */
function resultEvent(message: Record<string, unknown> | null, response: Response, traceId: string | null): CallEvent {
  const fault = faultOfRpc(message?.['error'], response);
  if (fault !== null) throw fault;
  const result = message?.['result'] as ToolResult | undefined;
  if (typeof result !== 'object' || result === null) throw new UnreadableAnswerError('it has neither a result nor an error', response.status);
  const refusal = (result['_meta'] as Record<string, unknown> | undefined)?.['gatewayops/error'] as { code?: unknown; request_id?: unknown } | undefined;
  if (typeof refusal?.code !== 'string') return { type: 'result', result, traceId };
  const [said] = result.content;
  throw faultError(refusal.code, said?.type === 'text' ? said.text : refusal.code, {
    status: statusOfRefusal(refusal.code),
    fix: '',
    docs: null,
    requestId: response.headers.get('x-request-id'),
    traceId,
    retryAfterMs: null,
    details: {},
  });
}

/** A refusal that comes as a result says its code, not its status: those of rules are 403, those of limits 429. */
function statusOfRefusal(code: string): number {
  if (code === 'unknown_tool') return 404;
  return code === 'rate_limit_exceeded' || code === 'too_many_calls' ? 429 : 403;
}

/** 2026-07-28, streamable HTTP: a name that cannot stand in a header is written in Base64. */
function headerText(name: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(name) && !name.startsWith('=?base64?')) return name;
  const bytes = new TextEncoder().encode(name);
  return `=?base64?${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}?=`;
}
