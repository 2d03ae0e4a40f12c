/** What clients read before they sign in: which address is whose, and how tokens are had. */
import type { Config } from '../../config/config.ts';
import type { ControlDependencies } from '../../control/context.ts';
import { controlApiPath, resourcesOf } from '../../control/oauth/resources.ts';
import { supportedScopes, widestScopes } from '../../control/oauth/scopes.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import { credentialsOf, type RouteAuth } from '../../kernel/route-auth.ts';

type Reading = Pick<ControlDependencies, 'config' | 'mcpActions' | 'publicUrl'>;

/** The protected resource at a path (RFC 9728 section 2), or null where no tokens are taken there, or nobody gives any out. */
export function protectedResource({ config, mcpActions, publicUrl }: Reading, path: string): Record<string, unknown> | null {
  const resource = resourcesOf(config).find((one) => one.path === path);
  const servers = resource === undefined ? [] : authorizationServers(config, publicUrl(), resource.auth);
  if (resource === undefined || servers.length === 0) return null;
  return {
    resource: `${publicUrl()}${path}`,
    resource_name: `GatewayOps: ${resource.title}`,
    authorization_servers: servers,
    // Scopes of others are theirs to name.
    ...(credentialsOf(resource.auth.type).includes('oauth')
      ? { scopes_supported: path === controlApiPath ? supportedScopes(path, mcpActions) : widestScopes(path, mcpActions) }
      : {}),
    bearer_methods_supported: ['header'],
  };
}

/** Who gives out tokens for an address. Issuers of other organizations are named only where the address names them: whose provider is whose is nobody's business. */
function authorizationServers({ identity }: Pick<Config, 'identity'>, own: string, { type, issuers }: RouteAuth): readonly string[] {
  const types = credentialsOf(type);
  const others = identity.issuers.filter(({ name, organizationId }) =>
    issuers === undefined ? organizationId === defaultOrganizationId : issuers.includes(name),
  );
  return [
    ...(types.includes('oauth') && identity.authorizationServer !== null ? [own] : []),
    ...(types.includes('jwt') ? new Set(others.map(({ issuer }) => issuer)) : []),
  ];
}

/** The gateway as authorization server (RFC 8414 section 2), or null where it is none. */
export function authorizationServer({ config, mcpActions, publicUrl }: Reading): Record<string, unknown> | null {
  const server = config.identity.authorizationServer;
  if (server === null) return null;
  const issuer = publicUrl();
  const methods = server.clients.some(({ secretDigest }) => secretDigest !== null) ? ['none', 'client_secret_basic', 'client_secret_post'] : ['none'];
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    ...(server.dynamicRegistration ? { registration_endpoint: `${issuer}/oauth/register` } : {}),
    jwks_uri: `${issuer}/oauth/jwks`,
    scopes_supported: supportedScopes('/mcp', mcpActions),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: server.clientDocuments !== null,
    protected_resources: resourcesOf(config)
      .filter(({ auth }) => credentialsOf(auth.type).includes('oauth'))
      .map(({ path }) => `${issuer}${path}`),
    // Only for clients that look for it under the name of OpenID Connect: nobody's identity is given out.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}
