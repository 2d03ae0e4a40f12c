import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { loadConfig } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'gwo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is wrong with a configuration that has this under `identity`, each as path and message. */
function faultsOf(identity: string, more = ''): readonly string[] {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, `version: 1\nservers: [{ name: search, url: "https://search.example/mcp" }]\nidentity: ${identity}\n${more}`);
  try {
    loadConfig({ file, env: {} });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { faults } = error.extra as { faults: { path: string; message: string }[] };
    return faults.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

const issuer = (more: string, name = 'acme'): string => `{ name: ${name}, issuer: "https://${name}.example", audience: x${more} }`;
const authority = (more: string, name = 'acme'): string => `{ name: ${name}, ca: ca.pem, callers: [{ dns: ${name}.example, agent: agt_x }]${more} }`;
const authorities = (...all: readonly string[]): string => `{ certificates: { authorities: [${all.join(', ')}] } }`;
const callers = ', provision: none, callers: [{ claims: { sub: x }, service_account: sva_x }]';

test('issuers and authorities as they should be have no fault', () => {
  expect(faultsOf(`{ issuers: [${issuer(callers)}, ${issuer(', servers: [search]', 'other')}] }`)).toEqual([]);
  expect(faultsOf(`{ issuers: [${issuer(', control_api: true, actions: [config.read]')}] }`)).toEqual([]);
});

test.each([
  ['two of one name', `{ issuers: [${issuer('')}, ${issuer(', required_claims: { a: b }')}] }`, 'identity.issuers[1].name: two issuers are named acme'],
  ['a server that is not there', `{ issuers: [${issuer(', servers: [serch]')}] }`, 'identity.issuers[0].servers[0]: there is no server named serch'],
  [
    'a caller who is nobody',
    `{ issuers: [${issuer(', callers: [{ claims: { sub: x } }]')}] }`,
    'identity.issuers[0].callers[0]: the entry names nobody, or more than one',
  ],
  [
    'a caller who is two',
    `{ issuers: [${issuer(', callers: [{ claims: { sub: x }, user: usr_a, agent: agt_a }]')}] }`,
    'identity.issuers[0].callers[0]: the entry names nobody, or more than one',
  ],
  [
    'the control API for callers who could do nothing there',
    `{ issuers: [${issuer(', control_api: true')}] }`,
    'identity.issuers[0].control_api: callers of acme could do nothing in the control API',
  ],
  ['two authorities of one name', authorities(authority(''), authority('')), 'identity.certificates.authorities[1].name: two authorities are named acme'],
  [
    'an authority for a server that is not there',
    authorities(authority(', servers: [serch]')),
    'identity.certificates.authorities[0].servers[0]: there is no server named serch',
  ],
])('%s is told with its place', (_, identity, fault) => {
  expect(faultsOf(identity)).toContain(fault);
});

test.each([
  ['routes', 'routes: [{ server: search, auth: { type: TYPE } }]', 'routes[0].auth.type'],
  ['the address of all servers', 'aggregate: { auth: { type: TYPE } }', 'aggregate.auth.type'],
  ['virtual servers', 'virtual_servers: [{ name: t, servers: [search], auth: { type: TYPE } }]', 'virtual_servers[0].auth.type'],
])('what %s take, and nobody vouches for, is told', (_, text, path) => {
  expect(faultsOf('{}', text.replace('TYPE', 'jwt'))).toEqual([`${path}: the route takes tokens, and no issuer is configured`]);
  expect(faultsOf('{}', text.replace('TYPE', 'mtls'))).toEqual([`${path}: the route takes client certificates, and no authority is configured`]);
});
