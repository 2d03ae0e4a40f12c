import { bounds } from '../kernel/bounds.ts';
import type { Clock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import type { DialogueRequest } from './dialogue.ts';
import { mirrorParams, paramHeadersOf, type ParamHeader } from './param-headers.ts';
import { requestOnce } from './request-once.ts';
import { codeOf, isMembers } from './rpc-message.ts';
import { placeOf, type SendExchange } from './server-exchange.ts';
import { modernParams, newestModern } from './translate.ts';

/**
 * `Mcp-Param-*` headers for callers that do not know the tool's schema, such as those of the REST façade: its properties say by `x-mcp-header` which
 * arguments are mirrored (SEP-2243). Looked up when the server asks for them, and remembered.
 */
export interface ToolHeaders {
  /** The headers of this call as far as the tool is known, flat. */
  known(request: DialogueRequest): readonly string[];
  /** The same, after the server's list was read. Faults: those of the connection, `mcp_error`. */
  find(request: DialogueRequest): Promise<readonly string[]>;
}

export function createToolHeaders(sendExchange: SendExchange, nextId: () => string, clock: Clock): ToolHeaders {
  const tools = new Map<string, { readonly mirrors: readonly ParamHeader[]; readonly untilMs: number }>();
  const keyOf = ({ server, name }: DialogueRequest): string => `${placeOf(server)}\n${name}`;

  async function read(request: DialogueRequest): Promise<readonly ParamHeader[]> {
    const { server, face, traceparent, name } = request;
    const headers = ['mcp-protocol-version', newestModern, 'mcp-method', 'tools/list', 'traceparent', traceparent];
    let cursor: string | undefined;
    for (let page = 0; page < bounds.fabricListPagesMax; page++) {
      const params = modernParams(JSON.stringify({ cursor }), { ...face, logLevel: null }, traceparent);
      const body = `{"jsonrpc":"2.0","id":${nextId()},"method":"tools/list","params":${params}}`;
      const { message, status } = await requestOnce(sendExchange, server, { headers, body, caller: face.principalId, repeatable: true });
      if (message === null) throw new Fault('upstream_invalid', { server: server.data.name, reason: `it answered \`tools/list\` with HTTP ${status}` });
      if (message.kind === 'error')
        throw new Fault('mcp_error', { server: server.data.name }, { extra: { cause: { code: codeOf(message.body), message: message.body['message'] } } });
      const { tools: list, nextCursor } = message.body;
      const tool: unknown = Array.isArray(list) ? list.find((one) => isMembers(one) && one['name'] === name) : undefined;
      if (isMembers(tool)) {
        const mirrors = paramHeadersOf(tool['inputSchema']);
        return 'invalid' in mirrors ? [] : mirrors;
      }
      if (typeof nextCursor !== 'string' || nextCursor === cursor) break;
      cursor = nextCursor;
    }
    return [];
  }

  return {
    known(request) {
      const known = tools.get(keyOf(request));
      return known && known.mirrors.length > 0 && clock.monotonicMs() < known.untilMs ? headersFor(known.mirrors, request.params) : [];
    },
    async find(request) {
      const mirrors = await read(request);
      const key = keyOf(request);
      tools.delete(key);
      tools.set(key, { mirrors, untilMs: clock.monotonicMs() + bounds.fabricEraMs });
      const [oldest] = tools.keys();
      if (tools.size > bounds.fabricToolHeadersMax && oldest !== undefined) tools.delete(oldest);
      return headersFor(mirrors, request.params);
    },
  };
}

function headersFor(mirrors: readonly ParamHeader[], params: string): readonly string[] {
  const parsed: unknown = JSON.parse(params);
  return mirrorParams(mirrors, isMembers(parsed) ? parsed['arguments'] : undefined);
}
