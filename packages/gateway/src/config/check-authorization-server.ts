/** What the shape of `identity.authorization_server` cannot say: that addresses take tokens which somebody gives out, over a way that nobody listens on. */
import { credentialsOf, type RouteAuth } from '../kernel/route-auth.ts';
import type { Checked, Complain } from './check-config.ts';
import type { Path } from './config-fault.ts';
import { isLoopback, listenAddressText } from './listen-address.ts';

export function checkAuthorizationServer({ file, config }: Checked, complain: Complain): void {
  const server = config.identity.authorizationServer;
  const places: readonly (readonly [Path, RouteAuth])[] = [
    [['aggregate', 'auth'], file.aggregate.auth],
    ...file.routes.map(({ auth }, index): readonly [Path, RouteAuth] => [['routes', index, 'auth'], auth]),
    ...file.virtual_servers.map(({ auth }, index): readonly [Path, RouteAuth] => [['virtual_servers', index, 'auth'], auth]),
  ];
  for (const [path, auth] of places) {
    if (server !== null || !credentialsOf(auth.type).includes('oauth')) continue;
    const cause = 'Tokens of type oauth are those of the gateway itself, and it gives out none without identity.authorization_server.';
    complain(path, 'nobody gives out the tokens that it takes', cause, 'Write identity: { authorization_server: {} }, or auth: { type: apiKey } here.');
  }
  if (server === null) return;
  const { listen } = config;
  if (!isLoopback(listen.host) && listen.tls === null && listen.publicUrl === null)
    complain(
      ['identity', 'authorization_server'],
      'tokens would be given out over plain HTTP',
      `The gateway listens on ${listenAddressText(listen)} without TLS: whoever is on the way would read them.`,
      'Set listen.tls, or listen.public_url where a proxy with TLS stands before it, or listen on 127.0.0.1.',
      { unsafe: true },
    );
  const known = new Map<string, number>();
  for (const [index, { id }] of server.clients.entries()) {
    const first = known.get(id);
    if (first === undefined) known.set(id, index);
    else {
      const cause = `identity.authorization_server.clients[${first}] has the id already.`;
      complain(['identity', 'authorization_server', 'clients', index, 'client_id'], `two clients are named ${id}`, cause, 'Give one of them another id.');
    }
  }
}
