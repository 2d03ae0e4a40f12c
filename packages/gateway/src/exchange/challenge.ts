/**
 * What `WWW-Authenticate` says of an address that takes tokens (RFC 9728 section 5.1; MCP of 2026-07-28, authorization): where a client that has none reads
 * how to sign in, and which scopes it asks for. What a server behind the gateway says there is never passed on.
 */
import { allows } from '../authorise/authorise.ts';
import type { Fault } from '../kernel/fault.ts';
import { credentialsOf } from '../kernel/route-auth.ts';
import { scopeGroups } from '../kernel/scope-groups.ts';
import { mcpActions } from '../protocol/methods.ts';
import type { Call } from './rail.ts';

const allScopes = scopeGroups(mcpActions).join(' ');

/** For a refusal at an address; null where the refusal has nothing to do with tokens, or the address takes none. */
export function challengeOf({ snapshot, principal, inbound }: Pick<Call, 'snapshot' | 'principal' | 'inbound'>, path: string, fault: Fault): string | null {
  const token = principal?.data.token;
  const action = fault.code === 'forbidden' ? fault.detail['action'] : undefined;
  // What its person may not do either they cannot be asked for.
  const lacks = token !== undefined && typeof action === 'string' && !allows(token.scopes, action) && allows(token.held, action);
  if (fault.code !== 'unauthorized' && !lacks) return null;
  const { data, byPath, endpointsByPath } = snapshot;
  const types = credentialsOf((byPath.get(path) ?? endpointsByPath.get(path))?.data.auth ?? 'none');
  if (data.signIn === undefined || !(types.includes('oauth') || types.includes('jwt'))) return null;
  const { origin, basePath } = data.signIn;
  const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource${basePath}${path}"`;
  if (lacks) return `Bearer realm="gatewayops", error="insufficient_scope", scope="${[...token.scopes, action].join(' ')}", ${metadata}`;
  const error = inbound.authorization === undefined ? '' : 'error="invalid_token", ';
  // Scopes of others are theirs to name.
  return `Bearer realm="gatewayops", ${error}${metadata}${types.includes('oauth') ? `, scope="${allScopes}"` : ''}`;
}
