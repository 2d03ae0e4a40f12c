import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type JWTPayload } from 'jose';
import type { IssuerData } from '../../packages/gateway/src/identity/issuer-data.ts';
import { defaultOrganizationId } from '../../packages/gateway/src/kernel/id.ts';

/** An issuer of tokens on loopback that does what a test says: metadata, keys, and tokens of any making. */
export interface TokenIssuer {
  readonly url: string;
  /** How often it was asked for its keys. */
  readonly asked: () => number;
  /** A token as it should be, but for what is said. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** A new key, which signs from now on; those before are in the key set no more, unless they are kept. */
  rotate(keepBefore?: boolean): void;
  readonly publicKey: () => KeyObject;
  /** How it answers for its keys from now on; null: as it should. */
  answer(next: ((request: IncomingMessage, response: ServerResponse) => void) | null): void;
  data(more?: Partial<IssuerData>): IssuerData;
  stop(): Promise<void>;
}

export const testAudience = 'https://gateway.example/mcp';

export async function startTokenIssuer(nowMs: () => number = Date.now): Promise<TokenIssuer> {
  let asked = 0;
  let instead: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  const make = (): { kid: string; privateKey: KeyObject; publicKey: KeyObject } => ({
    kid: randomBytes(6).toString('hex'),
    ...generateKeyPairSync('rsa', { modulusLength: 2048 }),
  });
  let keys = [make()];
  const current = (): (typeof keys)[number] => keys.at(-1) ?? make();
  const server = createServer((request, response) => {
    const json = (value: unknown): void => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (request.url === '/.well-known/openid-configuration') return json({ issuer: url, jwks_uri: `${url}/jwks` });
    if (request.url !== '/jwks') return void response.writeHead(404).end();
    asked++;
    if (instead !== null) return instead(request, response);
    return json({ keys: keys.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' })) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    asked: () => asked,
    async token(claims = {}, header = {}) {
      const seconds = Math.floor(nowMs() / 1000);
      const payload = { iss: url, aud: testAudience, sub: 'ana', iat: seconds, exp: seconds + 600, ...claims } as JWTPayload;
      return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: current().kid, ...header }).sign(current().privateKey);
    },
    rotate(keepBefore = false) {
      keys = [...(keepBefore ? keys : []), make()];
    },
    publicKey: () => current().publicKey,
    answer: (next) => void (instead = next),
    data: (more = {}) => ({
      name: 'test',
      organizationId: defaultOrganizationId,
      issuer: url,
      audiences: [testAudience],
      jwksUrl: null,
      algorithms: ['RS256', 'ES256'],
      tokenTypes: ['at+jwt', 'JWT'],
      authorizedParties: null,
      requiredClaims: {},
      maxAgeMs: 86_400_000,
      allowedNetworks: ['127.0.0.1'],
      ca: null,
      mapping: {
        callers: [],
        people: {
          subject: 'sub',
          email: 'email',
          isEmailTrusted: false,
          name: 'name',
          groups: ['groups'],
          provision: 'required',
          linkByEmail: true,
          domains: null,
          allowedGroups: null,
          firstRoleIds: [],
          mapping: [],
        },
      },
      actions: null,
      controlApi: false,
      servers: null,
      ...more,
    }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
