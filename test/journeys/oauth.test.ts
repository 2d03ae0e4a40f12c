import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  UnauthorizedError as ModernUnauthorized,
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { UnauthorizedError as LegacyUnauthorized } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ledgerRows } from '../support/ledger-rows.ts';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { answerConsent, openLink, type Person } from '../support/person.ts';
import { until } from '../support/poll.ts';
import { type Answer, modernRequest, post, toolCall } from '../support/post.ts';
import { startReference } from '../support/reference.ts';
import { signInProgram } from '../support/sign-in-program.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';
import { freePort } from '../support/temporary-server.ts';

/** From only an address: the official clients of both eras sign in at a gateway, a person allows them in a browser, and takes it back. */
let reference: Awaited<ReturnType<typeof startReference>>;
let gateway: RunningGateway;
let person: Person;

beforeAll(async () => {
  reference = await startReference();
  const takes = { auth: { type: ['apiKey', 'oauth'] } };
  gateway = await startGateway({
    config: {
      workers: 1,
      servers: ['reference', 'other', 'closed'].map((name) => ({ name, url: reference.url })),
      routes: ['reference', 'other'].map((server) => ({ server, ...takes })),
      aggregate: takes,
      identity: {
        authorization_server: {
          dynamic_registration: true,
          clients: [{ client_id: 'cli', name: 'CLI', redirect_uris: ['http://127.0.0.1/cb', 'http://127.0.0.1/callback'] }],
        },
      },
    },
  });
  person = await openLink(gateway.adminLink ?? '');
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await reference?.stop();
  removeGatewayFolders();
});

/** What a client keeps, and where it wants a browser opened: the same for both SDKs. */
class Notes {
  readonly redirectUrl = 'http://localhost:33418/oauth/callback';
  readonly clientMetadata: {
    client_name: string;
    redirect_uris: string[];
    grant_types: string[];
    response_types: string[];
    token_endpoint_auth_method: string;
  };
  opened: URL | null = null;
  tokensKept: OAuthTokens | undefined;
  private information: OAuthClientInformationMixed | undefined;
  private verifier = '';

  constructor(name: string) {
    this.clientMetadata = {
      client_name: name,
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.information;
  }
  saveClientInformation(information: OAuthClientInformationMixed): void {
    this.information = information;
  }
  tokens(): OAuthTokens | undefined {
    return this.tokensKept;
  }
  saveTokens(tokens: OAuthTokens): void {
    this.tokensKept = tokens;
  }
  redirectToAuthorization(url: URL): void {
    this.opened = url;
  }
  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }
  codeVerifier(): string {
    return this.verifier;
  }
}

async function callbackOf(notes: Notes): Promise<URLSearchParams> {
  if (notes.opened === null) throw new Error('no browser was opened');
  const { page, location } = await answerConsent(person, notes.opened, 'allow');
  expect(page).toContain(notes.clientMetadata.client_name);
  expect(`${location.origin}${location.pathname}`).toBe(notes.redirectUrl);
  return location.searchParams;
}

async function signInModern(address: string): Promise<{ readonly notes: Notes; readonly client: ModernClient }> {
  const notes = new Notes('modern client');
  const transport = (): ModernTransport => new ModernTransport(new URL(address), { authProvider: notes });
  const first = transport();
  await expect(new ModernClient({ name: 'modern', version: '1' }, { versionNegotiation: { mode: 'auto' } }).connect(first)).rejects.toThrow(ModernUnauthorized);
  await first.finishAuth(await callbackOf(notes));
  const client = new ModernClient({ name: 'modern', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(transport());
  return { notes, client };
}

async function signInLegacy(address: string): Promise<{ readonly notes: Notes; readonly client: LegacyClient }> {
  const notes = new Notes('legacy client');
  const transport = (): LegacyTransport => new LegacyTransport(new URL(address), { authProvider: notes });
  const first = transport();
  await expect(new LegacyClient({ name: 'legacy', version: '1' }).connect(first)).rejects.toThrow(LegacyUnauthorized);
  await first.finishAuth((await callbackOf(notes)).get('code') ?? '');
  const client = new LegacyClient({ name: 'legacy', version: '1' });
  await client.connect(transport());
  return { notes, client };
}

/** A request of 2026-07-28 with a token, or without. */
const send = (path: string, { body, headers }: ReturnType<typeof modernRequest>, key: string | null = null): Promise<Answer> =>
  post(`${gateway.url}${path}`, body, { headers, key });

const grants = async (): Promise<readonly { readonly id: string; readonly status: string; readonly client_name: string }[]> =>
  (JSON.parse((await gateway.cli('grants', 'list', '-o', 'json')).stdout) as { grants: { id: string; status: string; client_name: string }[] }).grants;

describe('a client that knows only the address', () => {
  test('A1: is told where to read how to sign in, on each address that takes tokens and on no other', async () => {
    for (const path of ['/mcp/reference', '/mcp/other', '/mcp']) {
      const answer = await send(path, modernRequest('tools/list'));
      const metadata = `${gateway.url}/.well-known/oauth-protected-resource${path}`;
      expect([path, answer.status, answer.headers['www-authenticate']]).toEqual([
        path,
        401,
        expect.stringContaining(`resource_metadata="${metadata}", scope="`),
      ]);
      expect(await (await fetch(metadata)).json()).toMatchObject({ resource: `${gateway.url}${path}`, authorization_servers: [gateway.url] });
    }
    for (const path of ['/mcp/closed', '/mcp/none']) {
      const answer = await send(path, modernRequest('tools/list'));
      expect([path, answer.status, answer.headers['www-authenticate']]).toEqual([path, 401, 'Bearer realm="gatewayops"']);
      expect((await fetch(`${gateway.url}/.well-known/oauth-protected-resource${path}`)).status).toBe(404);
    }
  });

  test('of the modern SDK signs in, calls, is refused at every other address, and by its revocation at once', async () => {
    const { notes, client } = await signInModern(`${gateway.url}/mcp/reference`);
    const answer = await client.callTool({ name: 'test_simple_text', arguments: {} });
    expect(answer.content).toEqual([expect.objectContaining({ type: 'text' })]);
    const key = notes.tokensKept?.access_token ?? '';
    const at = async (path: string) => (await send(path, modernRequest('tools/list'), key)).status;
    expect([await at('/mcp/reference'), await at('/mcp/other'), await at('/mcp'), await at('/mcp/closed')]).toEqual([200, 401, 401, 401]);
    expect((await post(`${gateway.url}/v1/mcp/reference/tools/list`, {}, { key })).status).toBe(401);
    expect((await fetch(`${gateway.url}/v1/me`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);

    const rows = await until(
      async () => {
        const found = await ledgerRows<{ prefix: string }>(
          gateway.stateFolder,
          "SELECT key_prefix AS prefix FROM calls WHERE startsWith(key_prefix, 'oauth:')",
        );
        return found.length > 0 ? found : null;
      },
      { what: 'the calls in the ledger', timeoutMs: 60_000 },
    );
    const grant = (await grants()).find(({ client_name: name }) => name === 'modern client');
    expect(rows[0]?.prefix).toBe(`oauth:${grant?.id}`);
    expect((await gateway.cli('grants', 'revoke', grant?.id ?? '')).code).toBe(0);
    expect(await at('/mcp/reference')).toBe(401);
    await client.close();
  }, 90_000);

  test('of the legacy SDK signs in at all servers, and goes on by its refresh token', async () => {
    const { notes, client } = await signInLegacy(`${gateway.url}/mcp`);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('reference__test_simple_text');
    const before = notes.tokensKept;
    if (before === undefined) throw new Error('no tokens');
    // As if it had expired: the client asks for another one by itself.
    notes.tokensKept = { ...before, access_token: 'expired' };
    expect((await client.callTool({ name: 'reference__test_simple_text', arguments: {} })).content).toEqual([expect.objectContaining({ type: 'text' })]);
    expect(notes.tokensKept.refresh_token).not.toBe(before.refresh_token);
    await client.close();
  }, 90_000);

  test('passes the official scenarios for authorization servers: metadata, and the code flow with PKCE, resource and iss', async () => {
    const suite = join(repositoryFolder, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js');
    const home = mkdtempSync(join(tmpdir(), 'gwo-suite-'));
    try {
      const asked = ['--url', gateway.url, '--client-id', 'cli', '--resource', `${gateway.url}/mcp/reference`, '-p', String(await freePort())];
      const { code, stdout, stderr } = await signInProgram(person, [nodePath, suite, 'authorization', ...asked], { home });
      expect([code, `${stdout}${stderr}`]).toEqual([0, expect.stringMatching(/authorization-code-grant: [1-9]\d* passed, 0 failed/)]);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  }, 90_000);

  test('A11: whose token lacks a scope is told which it needs beside those that it has', async () => {
    const verifier = 'v'.repeat(43);
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'cli',
      redirect_uri: 'http://127.0.0.1:9999/cb',
      scope: 'tools.list',
      resource: `${gateway.url}/mcp/reference`,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const { location } = await answerConsent(person, new URL(`${gateway.url}/oauth/authorize?${query.toString()}`), 'allow');
    const form = { grant_type: 'authorization_code', client_id: 'cli', code: location.searchParams.get('code') ?? '', code_verifier: verifier };
    const tokens = (await (await fetch(`${gateway.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })).json()) as { access_token: string };
    const key = tokens.access_token;
    expect((await send('/mcp/reference', modernRequest('tools/list'), key)).status).toBe(200);
    const refused = await send('/mcp/reference', toolCall('test_simple_text'), key);
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      403,
      `Bearer realm="gatewayops", error="insufficient_scope", scope="tools.list tools.call", resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp/reference"`,
    ]);

    // The official client goes by that: it asks its person for all that is needed.
    const notes = new Notes('narrow client');
    notes.saveClientInformation({ client_id: 'cli' });
    notes.tokensKept = { access_token: key, token_type: 'Bearer', scope: 'tools.list' };
    const client = new ModernClient({ name: 'narrow', version: '1' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new ModernTransport(new URL(`${gateway.url}/mcp/reference`), { authProvider: notes }));
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    const outcome = await client.callTool({ name: 'test_simple_text', arguments: {} }).then(
      () => 'called',
      () => 'refused',
    );
    expect(outcome).toBe('refused');
    expect(notes.opened?.searchParams.get('scope')?.split(' ').sort()).toEqual(['tools.call', 'tools.list']);
    await client.close();
  });
});
