/** Keycloak, as a company runs it: a realm with people, groups and the clients that a gateway needs there. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '../support/node-path.ts';
import { temporaryFolder } from '../support/start-gateway.ts';
import { freePort, startTemporaryServer } from '../support/temporary-server.ts';

export const keycloakVersion = '26.7.3';

/** What the gateway is to it. */
export interface GatewayPlaces {
  readonly callbackUrl: string;
  readonly acsUrl: string;
  /** Our entity id of SAML. */
  readonly entityId: string;
  /** What its tokens are to be for. */
  readonly audience: string;
}

export interface Keycloak {
  readonly issuer: string;
  /** Of SAML. */
  readonly metadataUrl: string;
  /** A token of a program of its own, or of a person by their password. */
  token(person?: string): Promise<string>;
  /** Signs by a new key from now on; what the one before has signed is good as long as it is published. */
  rotateKeys(): Promise<void>;
  stop(): Promise<void>;
}

/** Who is there, each with the password `x`. */
export const keycloakPeople = [
  { username: 'ana', firstName: 'Ana', lastName: 'Ardent', groups: ['/Staff', '/Staff/Payments'] },
  { username: 'eve', firstName: 'Eve', lastName: 'Elsewhere', groups: ['/Guests'] },
] as const;

const realm = 'acme';
/** What the gateway signs people in by. */
export const keycloakClient = { id: 'gatewayops', secret: 'a-secret-of-the-test-client-0123456789' };
const program = { id: 'indexer', secret: 'another-secret-of-the-test-0123456789' };
const administrator = { name: 'admin', password: 'of-the-test' };
/** It compiles itself anew where it has not run yet. */
const startTimeoutMs = 300_000;

export async function startKeycloak(places: GatewayPlaces): Promise<Keycloak> {
  const folder = temporaryFolder();
  const home = join(folder, 'keycloak');
  // It writes into its own folders.
  cpSync(join(repositoryFolder, 'test', 'providers', '.cache', `keycloak-${keycloakVersion}`), home, { recursive: true });
  mkdirSync(join(home, 'data', 'import'), { recursive: true });
  writeFileSync(join(home, 'data', 'import', `${realm}-realm.json`), JSON.stringify(realmOf(places)));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const issuer = `${origin}/realms/${realm}`;
  const { PATH = '', HOME = folder, JAVA_HOME } = process.env;
  const server = await startTemporaryServer({
    command: [join(home, 'bin', 'kc.sh'), 'start-dev', '--http-host=127.0.0.1', `--http-port=${port}`, '--import-realm'],
    folder,
    user: null,
    endSignal: 'SIGTERM',
    env: {
      PATH,
      HOME,
      ...(JAVA_HOME === undefined ? {} : { JAVA_HOME }),
      KC_BOOTSTRAP_ADMIN_USERNAME: administrator.name,
      KC_BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
      // It runs for a minute: compiling it well takes longer than it saves.
      JAVA_OPTS_APPEND: '-Xmx512m -XX:TieredStopAtLevel=1',
    },
    startTimeoutMs,
    probe: async () => {
      const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    },
  });

  const ask = async (path: string, form: Readonly<Record<string, string>>): Promise<string> => {
    const answer = await fetch(`${origin}${path}`, { method: 'POST', body: new URLSearchParams(form) });
    const { access_token: token } = (await answer.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`Keycloak gave no token: ${answer.status}`);
    return token;
  };
  const tokenPath = `/realms/${realm}/protocol/openid-connect/token`;
  const asProgram = { client_id: program.id, client_secret: program.secret };
  return {
    issuer,
    metadataUrl: `${issuer}/protocol/saml/descriptor`,
    token: (person) =>
      ask(
        tokenPath,
        person === undefined ? { ...asProgram, grant_type: 'client_credentials' } : { ...asProgram, grant_type: 'password', username: person, password: 'x' },
      ),
    async rotateKeys() {
      const { name: username, password } = administrator;
      const token = await ask('/realms/master/protocol/openid-connect/token', { client_id: 'admin-cli', grant_type: 'password', username, password });
      const answer = await fetch(`${origin}/admin/realms/${realm}/components`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          name: 'the next key',
          providerId: 'rsa-generated',
          providerType: 'org.keycloak.keys.KeyProvider',
          config: { priority: ['1000'], enabled: ['true'], active: ['true'], algorithm: ['RS256'], keySize: ['2048'] },
        }),
      });
      if (answer.status !== 201) throw new Error(`Keycloak made no key: ${answer.status} ${await answer.text()}`);
    },
    stop: () => server.stop(),
  };
}

/** As the guides say that a realm is set up (docs/guides/sign-in.md, docs/guides/jwt.md). */
function realmOf({ callbackUrl, acsUrl, entityId, audience }: GatewayPlaces): unknown {
  const yes = 'true';
  const groups = {
    name: 'groups',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-group-membership-mapper',
    config: { 'claim.name': 'groups', 'full.path': 'false', 'id.token.claim': yes, 'access.token.claim': yes },
  };
  return {
    realm,
    enabled: true,
    sslRequired: 'none',
    groups: [{ name: 'Staff', subGroups: [{ name: 'Payments' }] }, { name: 'Guests' }],
    users: keycloakPeople.map((person) => ({
      ...person,
      enabled: true,
      email: `${person.username}@acme.example`,
      emailVerified: true,
      credentials: [{ type: 'password', value: 'x', temporary: false }],
    })),
    clients: [
      {
        clientId: keycloakClient.id,
        secret: keycloakClient.secret,
        redirectUris: [callbackUrl],
        attributes: { 'pkce.code.challenge.method': 'S256' },
        protocolMappers: [groups],
      },
      {
        clientId: program.id,
        secret: program.secret,
        standardFlowEnabled: false,
        directAccessGrantsEnabled: true,
        serviceAccountsEnabled: true,
        protocolMappers: [
          groups,
          {
            name: 'audience',
            protocol: 'openid-connect',
            protocolMapper: 'oidc-audience-mapper',
            config: { 'included.custom.audience': audience, 'access.token.claim': yes },
          },
        ],
      },
      {
        clientId: entityId,
        protocol: 'saml',
        redirectUris: [acsUrl],
        attributes: {
          saml_assertion_consumer_url_post: acsUrl,
          saml_name_id_format: 'persistent',
          saml_force_name_id_format: yes,
          'saml.authnstatement': yes,
          'saml.assertion.signature': yes,
          'saml.server.signature': yes,
          'saml.client.signature': 'false',
          'saml.force.post.binding': yes,
          'saml.signature.algorithm': 'RSA_SHA256',
        },
        protocolMappers: [
          {
            name: 'groups',
            protocol: 'saml',
            protocolMapper: 'saml-group-membership-mapper',
            config: { 'attribute.name': 'groups', 'attribute.nameformat': 'Basic', single: yes, 'full.path': 'false' },
          },
          {
            name: 'email',
            protocol: 'saml',
            protocolMapper: 'saml-user-property-mapper',
            config: { 'user.attribute': 'email', 'attribute.name': 'email', 'attribute.nameformat': 'Basic' },
          },
        ],
      },
    ],
  };
}
