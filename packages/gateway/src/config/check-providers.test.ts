import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { loadConfig } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** With these providers, behind a proxy with TLS unless `listen` says otherwise. */
function load(providers: string, listen = '{ public_url: "https://gateway.example" }'): ReturnType<typeof loadConfig> {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `version: 1\nlisten: ${listen}\nservers: [{ name: search, url: "https://search.example/mcp" }]\nidentity: { providers: [${providers}] }\n`,
  );
  return loadConfig({ file, env: {} });
}

function faultsOf(...args: Parameters<typeof load>): string {
  try {
    load(...args);
  } catch (error) {
    if (error instanceof Fault) return JSON.stringify(error.extra);
    throw error;
  }
  return '';
}

const saml = (more: string, metadata = 'https://idp.example/metadata'): string =>
  `{ name: acme, type: saml, issuer: "urn:idp.example", saml: { metadata: "${metadata}" }${more} }`;
const oidc = (more: string): string => `{ name: acme, issuer: "https://idp.example", client_id: x${more} }`;

test('a SAML provider has its defaults: the name id tells people apart, and of its metadata only where they are is kept', () => {
  const [one, other] = load(`${saml(', domains: [acme.example], email_verified: assumed')}, ${saml('', 'idp.xml').replace('acme', 'file')}`).identity.providers;
  expect(one).toMatchObject({
    type: 'saml',
    metadata: { url: 'https://idp.example/metadata' },
    entityId: null,
    own: null,
    isUnaskedTaken: false,
    claims: { subject: 'name_id', email: 'email' },
    isEmailTrusted: true,
    rules: { provision: 'required', linkByEmail: true, domains: ['acme.example'] },
  });
  expect(other).toMatchObject({ metadata: { file: join(folder, 'idp.xml') }, isEmailTrusted: false, rules: { linkByEmail: false } });
});

test.each([
  ['SAML without metadata', '{ name: acme, type: saml, issuer: "urn:x" }', 'needs the metadata'],
  ['SAML with what OpenID Connect has', saml(', client_id: x'), 'SAML has none'],
  ['SAML with a callback', saml(', callback: shared'), 'SAML has none'],
  ['OpenID Connect with what SAML has', oidc(', saml: { metadata: idp.xml }'), 'for type: saml alone'],
  ['metadata without TLS', saml('', 'http://idp.example/metadata'), 'asked for without TLS'],
  ['a key without its certificate', saml('').replace('idp.example/metadata"', 'idp.example/metadata", key: { env: K }'), 'of use together only'],
  ['addresses that are believed of anybody', saml(', email_verified: assumed'), 'any address of anybody'],
  ['an entity id that is no address, of OpenID Connect', oidc('').replace('https://idp.example', 'urn:idp'), 'no address'],
  ['an administrator by first coming', saml(', provision: just_in_time, first_roles: [admin]'), 'made an administrator'],
])('%s is a fault', (_what, provider, said) => {
  expect(faultsOf(provider)).toContain(said);
});

test('RFC 9700 4.4.2: each provider leads people back to an address of its own; the shared one is for a single provider', () => {
  const shared = oidc(', callback: shared');
  const second = shared.replace('name: acme', 'name: second');
  expect(load(`${shared}, ${oidc('').replace('acme', 'second')}`).identity.providers).toMatchObject([{ callback: 'shared' }, { callback: 'own' }]);
  expect(faultsOf(`${shared}, ${second}`)).toContain('/callback/second');
});

test('where the browser posts the answer it must be TLS that it reaches, here or at a proxy before', () => {
  for (const provider of [saml(''), oidc(', response_mode: form_post')]) {
    expect(faultsOf(provider, '{ http: "127.0.0.1:0" }')).toContain('listen.public_url');
    expect(faultsOf(provider)).toBe('');
  }
  expect(faultsOf(oidc(''), '{ http: "127.0.0.1:0" }')).toBe('');
});
