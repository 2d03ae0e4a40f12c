/** The addresses that tokens are given out for (RFC 8707), each its own resource (RFC 9728): those of MCP, and the control API. */
import type { Config } from '../../config/config.ts';
import { credentialsOf, type RouteAuth } from '../../kernel/route-auth.ts';

export interface Resource {
  /** As it is served: `/mcp/search`. */
  readonly path: string;
  /** What people call it. */
  readonly title: string;
  readonly auth: RouteAuth;
}

/** Where the control API is, whose tokens are good nowhere else. */
export const controlApiPath = '/v1';

type Places = Pick<Config, 'aggregate' | 'identity' | 'routes' | 'virtualServers'>;

/** Every address that callers sign in at with tokens. */
export function resourcesOf({ aggregate, identity, routes, virtualServers }: Places): readonly Resource[] {
  const all: readonly Resource[] = [
    ...(aggregate.enabled ? [{ path: '/mcp', title: 'every server that you may use', auth: aggregate.auth }] : []),
    ...routes.map(({ path, server, auth }) => ({ path, title: `the server ${server}`, auth })),
    ...virtualServers.map(({ name, auth }) => ({ path: `/mcp/v/${name}`, title: `the virtual server ${name}`, auth })),
    ...(identity.authorizationServer?.controlApi === true
      ? [{ path: controlApiPath, title: 'the control API: the gateway itself, not its servers', auth: { type: ['apiKey', 'oauth'] as const } }]
      : []),
  ];
  return all.filter(({ auth }) => credentialsOf(auth.type).some((type) => type !== 'apiKey'));
}

/** Those of them that take tokens of this gateway. */
export function ownResources(config: Places): readonly Resource[] {
  return resourcesOf(config).filter(({ auth }) => credentialsOf(auth.type).includes('oauth'));
}
