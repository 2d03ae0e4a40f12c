import type { AuthorizationServerConfig } from '../../config/config.ts';
import type { ControlDependencies } from '../context.ts';
import { findClient, isVouchedFor, type OauthClient } from './find-client.ts';
import { OauthRefusal } from './oauth-refusal.ts';
import { fitsRedirectUri } from '../../kernel/redirect-uri.ts';
import { controlApiPath, ownResources, type Resource } from './resources.ts';
import { parseScopes } from './scopes.ts';

/** What a client asks for. */
export interface AuthorizationRequest {
  readonly client: OauthClient;
  readonly redirectUri: string;
  readonly state: string | null;
  readonly scopes: readonly string[];
  readonly resource: Resource;
  readonly codeChallenge: string;
}

/** A refusal that the client hears of: it is sent to where it wants its answers. */
export interface RefusedRequest {
  readonly clientKind: OauthClient['kind'];
  readonly redirectUri: string;
  readonly state: string | null;
  readonly refusal: OauthRefusal;
}

/**
 * Reads a request for authorization (RFC 6749 section 4.1.1, RFC 7636, RFC 8707). Whatever is wrong before it is sure where answers go is
 * thrown, for the person to see: nobody is sent to an address that no client has registered. Refusals: `invalid_client`, `invalid_request`. Faults:
 * `unavailable`.
 */
export async function readAuthorization(
  dependencies: Pick<ControlDependencies, 'registry' | 'oauth' | 'config' | 'mcpActions' | 'publicUrl'>,
  server: AuthorizationServerConfig,
  query: URLSearchParams,
): Promise<AuthorizationRequest | RefusedRequest> {
  const twice = [...query.keys()].find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) throw new OauthRefusal('invalid_request', `${twice.slice(0, 50)} occurs twice`);
  const clientId = query.get('client_id');
  if (clientId === null || clientId === '') throw new OauthRefusal('invalid_request', 'client_id is missing');
  const client = await findClient(dependencies, server, clientId);
  const [only, ...others] = client.redirectUris;
  const asked = query.get('redirect_uri');
  const redirectUri = asked ?? (others.length === 0 ? only : undefined);
  if (redirectUri === undefined) throw new OauthRefusal('invalid_request', 'redirect_uri is missing, and the client has several');
  if (!fitsRedirectUri(client.redirectUris, redirectUri)) throw new OauthRefusal('invalid_request', 'redirect_uri is none that the client has registered');
  const state = query.get('state');
  try {
    return { client, redirectUri, state, ...readGrantAsked(dependencies, client, query) };
  } catch (error) {
    if (error instanceof OauthRefusal) return { clientKind: client.kind, redirectUri, state, refusal: error };
    throw error;
  }
}

function readGrantAsked(
  { config, mcpActions, publicUrl }: Pick<ControlDependencies, 'config' | 'mcpActions' | 'publicUrl'>,
  { kind }: OauthClient,
  query: URLSearchParams,
): Pick<AuthorizationRequest, 'scopes' | 'resource' | 'codeChallenge'> {
  if (query.has('request') || query.has('request_uri')) throw new OauthRefusal('request_not_supported', 'requests are read from the query only');
  if (query.get('response_type') !== 'code') throw new OauthRefusal('unsupported_response_type', 'response_type must be code');
  if ((query.get('response_mode') ?? 'query') !== 'query') throw new OauthRefusal('invalid_request', 'response_mode must be query');
  const codeChallenge = query.get('code_challenge') ?? '';
  if (query.get('code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(codeChallenge))
    throw new OauthRefusal('invalid_request', 'code_challenge with code_challenge_method S256 is required');
  if (query.get('prompt') === 'none') throw new OauthRefusal('consent_required', 'each client is allowed by a person');
  const resource = readResource(config, publicUrl(), query.get('resource'));
  // Who may call themselves anything do not ask for the gateway itself; the command line asks for nothing else.
  if (resource.path === controlApiPath ? !isVouchedFor(kind) : kind === 'own')
    throw new OauthRefusal('unauthorized_client', 'the control API is for clients of the configuration and for gateway login, which has no use for another');
  return { scopes: parseScopes(query.get('scope'), resource.path, mcpActions), resource, codeChallenge };
}

/** Refusals: `invalid_target`. */
export function readResource(config: ControlDependencies['config'], publicUrl: string, asked: string | null): Resource {
  if (asked === null) throw new OauthRefusal('invalid_target', 'resource is missing: the address of the MCP endpoint that the tokens are for');
  const resource = ownResources(config).find(({ path }) => `${publicUrl}${path}` === asked);
  if (resource === undefined) throw new OauthRefusal('invalid_target', 'resource is no MCP endpoint of this gateway that takes its tokens');
  return resource;
}
