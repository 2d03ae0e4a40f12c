import { isUtf8 } from 'node:buffer';
import { membersOf } from '../kernel/splice-json.ts';

/** A JSON-RPC message of a server: raw JSON text where it is handed on, parsed where it is read. */
export interface RpcMessage {
  readonly kind: 'request' | 'notification' | 'result' | 'error';
  readonly json: Buffer;
  /** As it was written, for a number above 2^53 would not survive parsing; empty for a notification. */
  readonly id: string;
  /** Empty for a response. */
  readonly method: string;
  /** Parsed `params`, `result` or `error`; an empty object where there is none. */
  readonly body: Members;
  /** The same as it was written; `{}` where there is none. */
  readonly bodyText: string;
}

export type Members = Readonly<Record<string, unknown>>;

/** Null for what is not one JSON-RPC message. A member that is there twice counts as `JSON.parse` has it. */
export function readMessage(json: Buffer): RpcMessage | null {
  if (!isUtf8(json)) return null;
  const value = parse(json);
  if (!isMembers(value)) return null;
  const texts = new Map(membersOf(json).map(({ key, valueStart, end }) => [key, json.toString('utf8', valueStart, end)]));
  const method = value['method'];
  const id = texts.get('id') ?? '';
  if (typeof method === 'string') return { kind: id === '' ? 'notification' : 'request', json, id, method, ...bodyOf('params') };
  if (isMembers(value['result'])) return { kind: 'result', json, id, method: '', ...bodyOf('result') };
  if (isMembers(value['error'])) return { kind: 'error', json, id, method: '', ...bodyOf('error') };
  return null;

  function bodyOf(name: string): Pick<RpcMessage, 'body' | 'bodyText'> {
    const body = isMembers(value) ? value[name] : undefined;
    return isMembers(body) ? { body, bodyText: texts.get(name) ?? '{}' } : { body: {}, bodyText: '{}' };
  }
}

/** An error's code; 0 where it has none. */
export function codeOf(error: Members): number {
  const { code } = error;
  return typeof code === 'number' && Number.isSafeInteger(code) ? code : 0;
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    return null;
  }
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
