import { codeOf, type RpcMessage } from './rpc-message.ts';

/** Whether a refusal says that the session is not known; some servers say it with 400 and in words only. `id`: that of the request, as it was written. */
export function isSessionLost(status: number, message: RpcMessage | null, id: string): boolean {
  const code = message === null ? 0 : codeOf(message.body);
  if (status === 404) return message?.id !== id || code !== -32_601;
  return status === 400 && message?.id !== id && code <= -32_000 && /session|not initialized/i.test(String(message?.body['message']));
}
