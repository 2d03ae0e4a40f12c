import { rawMember, textKey } from './json-id.ts';
import { encodeHeaderValue } from '../protocol/header-value.ts';
import { methodRow } from '../protocol/methods.ts';

type Members = Readonly<Record<string, unknown>>;

/** One frame of a client, as far as it must be understood to be POSTed. The bytes go on as they came. */
export interface ClientMessage {
  /** `other`: a batch, or what is no JSON-RPC message; the gateway judges it. */
  readonly kind: 'request' | 'notification' | 'response' | 'other';
  readonly method: string;
  /** JSON text of the id; null where there is none. */
  readonly id: string | null;
  /** The id as a table key; empty where there is none. */
  readonly idKey: string;
  /** The version that the message claims in `params._meta`: it is of the modern era; null: it is not, or does not say. */
  readonly claim: string | null;
  readonly params: Members | null;
  readonly bytes: Buffer;
}

const versionKey = 'io.modelcontextprotocol/protocolVersion';

/** Null where the bytes are not one JSON document. */
export function readClientMessage(bytes: Buffer): ClientMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
  const message = objectOf(value);
  const method = message?.['method'];
  if (message === null) return { kind: 'other', method: '', id: null, idKey: '', claim: null, params: null, bytes };
  const idKey = textKey(message['id'], bytes, ['id']);
  const id = idKey === '' ? null : rawMember(bytes, ['id']);
  if (typeof method !== 'string') {
    const isResponse = id !== null && ('result' in message || 'error' in message);
    return { kind: isResponse ? 'response' : 'other', method: '', id, idKey, claim: null, params: null, bytes };
  }
  const params = objectOf(message['params']);
  const claim = objectOf(params?.['_meta'])?.[versionKey];
  const kind = id !== null ? 'request' : 'id' in message ? 'other' : 'notification';
  return { kind, method, id, idKey, claim: typeof claim === 'string' ? claim : null, params, bytes };
}

/**
 * The headers that mirror a modern message (SEP-2243); `mirrored` are its `Mcp-Param-*`, name and value in turn. A value that no header can
 * carry is left out, so that the gateway answers as it does to anyone.
 */
export function mirrorHeaders(message: ClientMessage, version: string, mirrored: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = { 'mcp-protocol-version': plainHeader(version), 'mcp-method': plainHeader(message.method) };
  const field = methodRow(message.method)?.nameField ?? null;
  const name = field === null ? undefined : message.params?.[field];
  if (typeof name === 'string' && name !== '') headers['mcp-name'] = encodeHeaderValue(name);
  for (let index = 0; index + 1 < mirrored.length; index += 2) headers[mirrored[index] ?? ''] = mirrored[index + 1] ?? '';
  return headers;
}

export function objectOf(value: unknown): Members | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : null;
}

export function plainHeader(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '').slice(0, 200);
}
