/**
 * authorise: which operation is meant, may they, and what may they see? Pure; imports `kernel/`, types from other rooms.
 * Promises: decides on the body, never on a header; without a reason to allow the answer is deny.
 */
import type { Principal } from '../authenticate/authenticate.ts';
import type { PlacedEndpoint, Server, Snapshot } from '../snapshot/compile-snapshot.ts';
import type { Access, Grant } from './access.ts';

const allow: Grant = { decision: 'allow', rule: null };
const outOfScope: Grant = { decision: 'deny', hidden: true, rule: null, reason: 'it is not scoped to this server' };

/** The server, if it is offered to the caller's organization: whoever it is not offered to cannot tell it from one that is not there. */
export function offeredTo<Found extends Pick<Server, 'organizations'>>({ data }: Pick<Principal, 'data'>, server: Found | undefined): Found | undefined {
  return server === undefined || server.organizations === null || server.organizations.has(data.organizationId) ? server : undefined;
}

/** The same of an address of many servers: it is there for whoever one of them is offered to. */
export function isOfferedAt({ byName }: Pick<Snapshot, 'byName'>, principal: Pick<Principal, 'data'>, { data }: PlacedEndpoint): boolean {
  return data.servers.length === 0 || data.servers.some((name) => offeredTo(principal, byName.get(name)) !== undefined);
}

/** Whether a caller may use a server at all: whom it is offered to, what its key is scoped to and what policies allow it. */
export function authoriseServer({ access, byName }: Pick<Snapshot, 'access' | 'byName'>, principal: Principal, server: string): Grant {
  const known = byName.get(server);
  if (known !== undefined && offeredTo(principal, known) === undefined) return outOfScope;
  return authoriseName(access, principal, server);
}

/** The same of a name of which it is not known whether there is such a server. */
export function authoriseName(access: Pick<Access, 'viewOf'>, principal: Principal, server: string): Grant {
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
