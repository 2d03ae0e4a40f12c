import { Fault } from '../kernel/fault.ts';
import { findValues } from '../kernel/splice-json.ts';

/** What the bridge must know of one JSON-RPC message to find its way; the bytes go on as they came. */
export interface RpcMessage {
  readonly kind: 'request' | 'notification' | 'response';
  /** Tells `1` from `"1"` and keeps integers above 2^53 apart. Empty where the message carries no id (or null). */
  readonly idKey: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | null;
  readonly value: Readonly<Record<string, unknown>>;
}

/** The message in a line of a process, or null where the line is not one JSON-RPC message. */
export function readLine(line: Buffer): RpcMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    return null;
  }
  return messageOf(value, line);
}

/**
 * The message in a request body. Faults: `parse_error`, `invalid_request`. A batch is refused: only 2025-03-26 has them,
 * and the gateway splits them before they come here.
 */
export function readBody(body: Buffer): RpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Fault('parse_error', { reason: 'it is not one complete JSON document' });
  }
  if (Array.isArray(value)) throw new Fault('invalid_request', { reason: 'a batch is not served here' });
  const message = messageOf(value, body);
  if (message === null) throw new Fault('invalid_request', { reason: 'it is not a JSON-RPC 2.0 message' });
  return message;
}

function messageOf(value: unknown, raw: Buffer): RpcMessage | null {
  const body = objectOf(value);
  if (body === null || body['jsonrpc'] !== '2.0') return null;
  const id = body['id'];
  const method = body['method'];
  const params = objectOf(body['params']);
  if (typeof method === 'string') {
    if (!('id' in body)) return { kind: 'notification', idKey: '', method, params, value: body };
    const idKey = keyOf(id, raw, ['id']);
    return idKey === '' ? null : { kind: 'request', idKey, method, params, value: body };
  }
  if (method !== undefined || !('id' in body) || !('result' in body || 'error' in body)) return null;
  return { kind: 'response', idKey: keyOf(id, raw, ['id']), method: '', params: null, value: body };
}

/** A table key for the id or token at `path`; empty where it is neither a string nor an integer. */
export function keyOf(value: unknown, raw: Buffer, path: readonly string[]): string {
  if (typeof value === 'string') return `s${value}`;
  if (typeof value !== 'number' || !Number.isInteger(value)) return '';
  if (Number.isSafeInteger(value)) return `n${value}`;
  return `r${rawValue(raw, path) ?? value}`;
}

/** The text of the value at `path`, as it was sent: of several of that name the last, as JSON.parse takes it. */
export function rawValue(raw: Buffer, path: readonly string[]): string | null {
  const found = findValues(raw, [path]).at(-1);
  return found === undefined ? null : raw.toString('utf8', found.start, found.end);
}

export function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

/** The bytes as one line: JSON allows a line break between tokens only, and there a space means the same. */
export function asOneLine(body: Buffer): Buffer {
  if (!body.includes(0x0a) && !body.includes(0x0d)) return body;
  const line = Buffer.from(body);
  for (let at = 0; at < line.length; at++) if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}

export const protocolVersionKey = 'io.modelcontextprotocol/protocolVersion';
export const clientCapabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';
export const clientInfoKey = 'io.modelcontextprotocol/clientInfo';
export const logLevelKey = 'io.modelcontextprotocol/logLevel';
export const subscriptionIdKey = 'io.modelcontextprotocol/subscriptionId';

/** The modern envelope's version where the message claims one (2026-07-28, versioning): a string in `params._meta`. */
export function envelopeVersion(message: RpcMessage): string | null {
  const version = objectOf(message.params?.['_meta'])?.[protocolVersionKey];
  return typeof version === 'string' ? version : null;
}
