import { Fault } from '../kernel/fault.ts';
import { decodeHeaderValue, isBase64Form, trimOptionalSpace } from './header-value.ts';
import { methodRow, type MethodRow } from './methods.ts';
import { allVersions, isModernVersion, isServedLegacy, isServedModern, modernVersions } from './versions.ts';

/** The headers that mirror the body (SEP-2243), as they came; undefined where absent. */
export interface MirrorHeaders {
  readonly protocolVersion: string | undefined;
  readonly mcpMethod: string | undefined;
  readonly mcpName: string | undefined;
}

/** One JSON-RPC message of a POST, classified once at the edge. */
export interface Message {
  readonly kind: 'request' | 'notification' | 'response';
  /** `modern`: 2026-07-28 and later, stateless, by its `_meta` claim. `legacy`: everything before, by sessions. */
  readonly era: 'modern' | 'legacy';
  readonly method: string;
  readonly row: MethodRow;
  /** The tool, prompt, URI or task acted on; empty where the method names none. */
  readonly name: string;
  /** As claimed, or what an absent claim means; empty for a legacy message without the header. */
  readonly version: string;
  readonly clientName: string;
  readonly traceparent: string | undefined;
}

const metaVersion = 'io.modelcontextprotocol/protocolVersion';
const metaCapabilities = 'io.modelcontextprotocol/clientCapabilities';
const metaClientInfo = 'io.modelcontextprotocol/clientInfo';
const handshakeRow: MethodRow = { nameField: null, action: null, longLived: false, repeatable: false };

type Members = Readonly<Record<string, unknown>>;

/**
 * What a posted JSON document is. The body decides the era, never the socket: a `_meta` version claim is modern,
 * everything else legacy, a modern header without the claim is a modern request with a missing claim. In the modern era the
 * mirror headers must be there and agree (2026-07-28, streamable HTTP).
 *
 * Faults: `invalid_request` (-32600), `invalid_params` (-32602), `header_mismatch` (-32020), `unsupported_version` (-32022),
 * `method_not_found` (-32601).
 */
export function classify(value: unknown, headers: MirrorHeaders): Message {
  if (!isObject(value))
    throw new Fault('invalid_request', {
      reason: Array.isArray(value) ? 'a batch is not accepted in this protocol version' : 'a JSON-RPC message is an object',
    });
  if (value['jsonrpc'] !== '2.0') throw new Fault('invalid_request', { reason: '`jsonrpc` must be "2.0"' });
  const method = value['method'];
  if (method === undefined) return response(value, headers);
  if (typeof method !== 'string' || method === '') throw new Fault('invalid_request', { reason: '`method` must be a non-empty string' });
  const isRequest = 'id' in value;
  if (isRequest && !isId(value['id'])) throw new Fault('invalid_request', { reason: '`id` must be a string or an integer' });
  const params = value['params'];
  if (params !== undefined && !isObject(params)) throw new Fault('invalid_params', { reason: '`params` must be an object' });
  const meta = params?.['_meta'];
  if (meta !== undefined && !isObject(meta)) throw new Fault('invalid_params', { reason: '`params._meta` must be an object' });

  const headerVersion = headers.protocolVersion === undefined ? undefined : trimOptionalSpace(headers.protocolVersion);
  const claim = meta?.[metaVersion];
  const claimed = claim !== undefined;
  const kind = isRequest ? 'request' : 'notification';
  const modernHeader = headerVersion !== undefined && isModernVersion(headerVersion);

  if (method === 'initialize' && !claimed && modernHeader)
    throw new Fault('header_mismatch', { reason: '`initialize` belongs to versions before 2026-07-28, the MCP-Protocol-Version header names a later one' });
  if (claimed || modernHeader) {
    const version = modernVersion(claim, meta, headerVersion, isRequest);
    mirrorMethod(headers, method, isRequest);
    const row = known(method);
    const name = nameOf(row, params);
    if (isRequest) mirrorName(headers, row, name);
    return { kind, era: 'modern', method, row, name, version, clientName: clientNameOf(meta?.[metaClientInfo]), traceparent: textOf(meta?.['traceparent']) };
  }

  if (headerVersion !== undefined && method !== 'initialize' && !isServedLegacy(headerVersion)) throw unsupported(headerVersion, allVersions);
  const row = known(method);
  const version = method === 'initialize' ? (textOf(params?.['protocolVersion']) ?? '').slice(0, 10) : (headerVersion ?? '');
  return {
    kind,
    era: 'legacy',
    method,
    row,
    name: nameOf(row, params),
    version,
    clientName: clientNameOf(params?.['clientInfo']),
    traceparent: textOf(meta?.['traceparent']),
  };
}

function response(value: Members, headers: MirrorHeaders): Message {
  const isResult = 'result' in value;
  if (isResult === 'error' in value || !('id' in value))
    throw new Fault('invalid_request', { reason: 'a message has a `method`, or an `id` with either `result` or `error`' });
  if (!isId(value['id'])) throw new Fault('invalid_request', { reason: '`id` must be a string or an integer' });
  const version = headers.protocolVersion === undefined ? '' : trimOptionalSpace(headers.protocolVersion);
  if (isModernVersion(version)) throw new Fault('invalid_request', { reason: 'responses cannot be posted in this protocol version' });
  if (version !== '' && !isServedLegacy(version)) throw unsupported(version, allVersions);
  return { kind: 'response', era: 'legacy', method: '', row: handshakeRow, name: '', version, clientName: '', traceparent: undefined };
}

function modernVersion(claim: unknown, meta: Members | undefined, headerVersion: string | undefined, isRequest: boolean): string {
  if (claim === undefined && isRequest) throw new Fault('invalid_params', { reason: `\`params._meta["${metaVersion}"]\` is required` });
  if (claim !== undefined && typeof claim !== 'string') throw new Fault('invalid_params', { reason: `\`params._meta["${metaVersion}"]\` must be a string` });
  if (isRequest && !isObject(meta?.[metaCapabilities]))
    throw new Fault('invalid_params', { reason: `\`params._meta["${metaCapabilities}"]\` must be an object` });
  const version = claim ?? headerVersion ?? '';
  if (headerVersion === undefined && isRequest) throw new Fault('header_mismatch', { reason: 'the MCP-Protocol-Version header is missing' });
  if (headerVersion !== undefined && headerVersion !== version)
    throw new Fault('header_mismatch', { reason: 'MCP-Protocol-Version is not the version in `_meta`' });
  if (!isServedModern(version)) throw unsupported(version, modernVersions);
  return version;
}

function mirrorMethod(headers: MirrorHeaders, method: string, isRequest: boolean): void {
  if (headers.mcpMethod === undefined) {
    if (isRequest) throw new Fault('header_mismatch', { reason: 'the Mcp-Method header is missing' });
    return;
  }
  if (headers.mcpMethod !== method && trimOptionalSpace(headers.mcpMethod) !== method)
    throw new Fault('header_mismatch', { reason: 'Mcp-Method is not the method in the body' });
}

function mirrorName(headers: MirrorHeaders, row: MethodRow, name: string): void {
  if (row.nameField === null) return;
  if (headers.mcpName === undefined) {
    // A body without the member is judged by the server: it answers -32602.
    if (name !== '') throw new Fault('header_mismatch', { reason: 'the Mcp-Name header is missing' });
    return;
  }
  // What looks like the Base64 form is that form, so a name that looks like it must itself be encoded.
  if (headers.mcpName === name && !isBase64Form(name)) return;
  const decoded = decodeHeaderValue(headers.mcpName);
  if (decoded === null) throw new Fault('header_mismatch', { reason: 'Mcp-Name is not valid Base64 text' });
  if (decoded !== name) throw new Fault('header_mismatch', { reason: `Mcp-Name is not \`params.${row.nameField}\`` });
}

function known(method: string): MethodRow {
  const row = methodRow(method);
  if (!row) throw new Fault('method_not_found', { method: method.slice(0, 100) });
  return row;
}

function unsupported(requested: string, supported: readonly string[]): Fault {
  return new Fault('unsupported_version', { requested: requested.slice(0, 40) }, { extra: { supported, requested: requested.slice(0, 40) } });
}

function nameOf(row: MethodRow, params: Members | undefined): string {
  if (row.nameField === null || params === undefined) return '';
  const value = params[row.nameField];
  return typeof value === 'string' ? value : '';
}

function clientNameOf(info: unknown): string {
  return isObject(info) ? (textOf(info['name']) ?? '').slice(0, 100) : '';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** JSON-RPC as MCP narrows it: a string or an integer, never null. Beyond 2^53 the bytes count, not the number. */
function isId(id: unknown): boolean {
  return typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id));
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
