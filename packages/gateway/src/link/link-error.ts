import { Fault } from '../kernel/fault.ts';
import { rawMember } from './json-id.ts';
import { objectOf } from './client-message.ts';

/** A fault as a JSON-RPC error; `id` is its JSON text, or null: then the error carries none (MCP has no null id). */
export function rpcError(fault: Fault, id: string | null): string {
  const data = { code: fault.code, fix: fault.fix, ...fault.extra };
  return errorText(JSON.stringify({ code: fault.row.rpcCode, message: fault.message, data }), id);
}

/**
 * A reply that is not the answer to the request, as an error that is: the JSON-RPC error in it under the request's id, or what a REST error
 * or the bare status say.
 */
export function serverRefusal(status: number, body: Buffer, json: Readonly<Record<string, unknown>> | null, id: string, where: string): string {
  const error = json?.['error'];
  if (objectOf(error) !== null) return errorText(rawMember(body, ['error']) ?? '{}', id);
  if (typeof error === 'string' && typeof json?.['message'] === 'string') {
    const { message, fix } = json;
    return errorText(JSON.stringify({ code: -31000 - status, message, data: { code: error, fix } }), id);
  }
  const reason = status < 300 ? 'the reply holds no answer' : `it answered HTTP ${status}`;
  return rpcError(new Fault('upstream_invalid', { server: where, reason }), id);
}

function errorText(error: string, id: string | null): string {
  return `{"jsonrpc":"2.0",${id === null ? '' : `"id":${id},`}"error":${error}}`;
}

/** JSON allows a line break between tokens only, and there a space means the same. */
export function oneLine(json: Buffer): Buffer {
  if (!json.includes(0x0a) && !json.includes(0x0d)) return json;
  const line = Buffer.from(json);
  for (let at = 0; at < line.length; at++) if (line[at] === 0x0a || line[at] === 0x0d) line[at] = 0x20;
  return line;
}
