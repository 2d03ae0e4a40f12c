import type { DialogueRequest } from '../fabric/dialogue.ts';
import type { Call } from './rail.ts';

/** Who a sticky choice goes by: the principal, and where callers need no key the address they come from. */
export function callerOf({ principal, record }: Call): string {
  return principal === null || principal.data.kind === 'anonymous' ? record.peer : principal.id;
}

/** What the caller's request says in the header by which the server's canary is chosen, or null. */
export function variantOf({ server, request }: Call): string | null {
  const header = server?.data.upstream?.canary?.header;
  if (header === undefined || header === null) return null;
  const value = request.headers[header.name];
  return typeof value === 'string' ? value : null;
}

/** What a request that the fabric makes for a call says of targets, and how the record hears of them. */
export function targetHints(call: Call): Required<Pick<DialogueRequest, 'variant' | 'onTarget'>> {
  return {
    variant: variantOf(call),
    onTarget: (sent) => call.record.noteTarget(sent),
  };
}
