import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPairSync, randomBytes, type JsonWebKey } from 'node:crypto';
import { Provider } from 'oidc-provider';

/** npm's `oidc-provider`, which is certified, on loopback: a client of it gets access tokens that are JWTs (RFC 9068) for one resource (RFC 8707). */
export interface OidcProvider {
  readonly issuer: string;
  /** A token by the client credentials grant. */
  token(): Promise<string>;
  stop(): Promise<void>;
}

export async function startOidcProvider(resource: string): Promise<OidcProvider> {
  const client = { client_id: 'indexer', client_secret: randomBytes(16).toString('hex') };
  // The port is part of the issuer's name: the server is there before the provider.
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key: JsonWebKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    clients: [{ ...client, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }],
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: 'first' }] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: () => ({ scope: 'tools', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'RS256' } } }),
      },
    },
  });
  const handle = provider.callback();
  return {
    issuer,
    async token() {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64')}`,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'tools' }),
      });
      const { access_token: token } = (await answer.json()) as { access_token?: string };
      if (token === undefined) throw new Error(`the provider gave no token: ${answer.status}`);
      return token;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
