/**
 * authorise: which operation is meant, may they, and what may they see? Pure; imports `kernel/`, types from other rooms.
 * Promises: decides on the body, never on a header; without a reason to allow the answer is deny.
 */
import type { Principal } from '../authenticate/authenticate.ts';
import type { Access, Grant } from './access.ts';

const allow: Grant = { decision: 'allow', rule: null };
const outOfScope: Grant = { decision: 'deny', hidden: true, rule: null, reason: 'it is not scoped to this server' };

/** Whether a caller may use a server at all: what its key is scoped to and what policies allow it. */
export function authoriseServer(access: Access, principal: Principal, server: string): Grant {
  if (principal.servers !== null && !principal.servers.has(server)) return outOfScope;
  const refusal = access.viewOf(principal).refusalOf(server);
  return refusal === null ? allow : { ...refusal, reason: 'no policy allows it to use this server' };
}

/** Whether a caller may perform an MCP operation; `action` null is the handshake, open to whoever may use the server. */
export function authoriseAction(principal: Principal, action: string | null): Grant {
  if (action === null || principal.actions === null || allows(principal.actions, action)) return allow;
  return { decision: 'deny', hidden: false, rule: null, reason: `its actions do not include ${action}` };
}

/** Whether a list of action names and `prefix.*` patterns includes an action. */
export function allows(actions: readonly string[], action: string): boolean {
  for (const entry of actions) {
    if (entry === action || entry === '*') return true;
    if (entry.endsWith('.*') && action.startsWith(entry.slice(0, -1))) return true;
  }
  return false;
}
