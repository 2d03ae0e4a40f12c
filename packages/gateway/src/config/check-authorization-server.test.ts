import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { loadConfig } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(text: string): ReturnType<typeof loadConfig> {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `version: 1\nservers: [{ name: search, url: "https://search.example/mcp" }]\n${text}`);
  return loadConfig({ file, env: {} });
}

function faultsOf(text: string): string {
  try {
    load(text);
  } catch (error) {
    if (error instanceof Fault) return JSON.stringify(error.extra);
    throw error;
  }
  return '';
}

const takes = 'routes: [{ server: search, auth: { type: [apiKey, oauth] } }]\n';

test('without the section nothing is given out, and defaults are filled in where it stands', () => {
  expect(load('').identity).toMatchObject({ authorizationServer: null });
  expect(load(`${takes}identity: { authorization_server: {} }`).identity.authorizationServer).toEqual({
    clients: [],
    clientDocuments: { allowedNetworks: [], caFile: null },
    dynamicRegistration: false,
    controlApi: true,
    accessTokenMs: 600_000,
    refreshTokenMs: 30 * 86_400_000,
  });
});

test.each([
  ['an address that takes tokens which nobody gives out', takes, 'nobody gives out the tokens'],
  ['the same of all servers', 'aggregate: { auth: { type: oauth } }', 'nobody gives out the tokens'],
  ['plain HTTP on another address than loopback', 'listen: { http: "0.0.0.0:80" }\nidentity: { authorization_server: {} }', 'over plain HTTP'],
  [
    'two clients of one id',
    'identity: { authorization_server: { clients: [{ client_id: a, name: A, redirect_uris: ["app.a:/cb"] }, { client_id: a, name: B, redirect_uris: ["app.b:/cb"] }] } }',
    'two clients are named a',
  ],
  [
    'an address of a client that nothing may be sent to',
    'identity: { authorization_server: { clients: [{ client_id: a, name: A, redirect_uris: ["http://evil.example/"] }] } }',
    'http:// on loopback',
  ],
  ['a public address that ends in a slash', 'listen: { public_url: "https://gateway.example/" }', 'without a slash'],
  ['a public address without TLS', 'listen: { public_url: "http://gateway.example" }', 'https://'],
])('%s is a fault', (_what, text, said) => {
  expect(faultsOf(text)).toContain(said);
});

test('who vouches for a client may do so under the address of its document, spelled in one way', () => {
  const entry = (id: string): string =>
    `identity: { authorization_server: { clients: [{ client_id: "${id}", name: A, redirect_uris: ["http://127.0.0.1/cb"] }] } }`;
  const id = 'https://client.example/oauth/client.json';
  expect(load(entry(id)).identity.authorizationServer?.clients).toMatchObject([{ id }]);
  for (const other of ['http://client.example/oauth/client.json', 'https://client.example', 'https://client.example/a/../b', `${id}#x`])
    expect([other, faultsOf(entry(other))]).toEqual([other, expect.stringContaining('or the https address of a document')]);
});

test('a proxy with TLS may stand before it', () => {
  const { listen } = load('listen: { http: "0.0.0.0:80", public_url: "https://gateway.example/mcp-gateway" }\nidentity: { authorization_server: {} }');
  expect(listen.publicUrl).toBe('https://gateway.example/mcp-gateway');
});
