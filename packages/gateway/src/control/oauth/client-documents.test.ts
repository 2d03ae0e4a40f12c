import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../../../../test/support/certificates.ts';
import { bounds } from '../../kernel/bounds.ts';
import { isDocumentId } from '../../kernel/document-id.ts';
import { createClientDocuments, type ClientDocumentRules, type ClientDocuments } from './client-documents.ts';

let folder: string;
let server: Server;
let origin: string;
let rules: ClientDocumentRules;
let asked: string[] = [];
/** What is answered at a path; others have a good document. */
const answers: Record<string, { readonly status?: number; readonly type?: string; readonly headers?: Record<string, string>; readonly text?: string }> = {};
let nowMs = 0;
let documents: ClientDocuments;

const good = (id: string, more: object = {}): string =>
  JSON.stringify({ client_id: id, client_name: 'Editor', redirect_uris: ['http://127.0.0.1/callback'], token_endpoint_auth_method: 'none', ...more });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-documents-'));
  const authority = await makeAuthority();
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  server = createServer(await makeServerCertificate(authority), (request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const { status = 200, type = 'application/json', headers = {}, text = good(`${origin}${path}`) } = answers[path] ?? {};
    response.writeHead(status, { 'content-type': type, ...headers }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  rules = { allowedNetworks: ['127.0.0.0/8'], caFile: join(folder, 'ca.pem') };
});
beforeEach(() => {
  asked = [];
  documents = createClientDocuments({ monotonicMs: () => nowMs });
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const read = (path: string, more: Partial<ClientDocumentRules> = {}): Promise<unknown> => documents.read(`${origin}${path}`, { ...rules, ...more });

test('a document says what its client is called and where it is answered; it is read once for all who ask, and again when it is old', async () => {
  const all = await Promise.all([read('/app.json'), read('/app.json')]);
  expect(all[0]).toEqual({ name: 'Editor', redirectUris: ['http://127.0.0.1/callback'] });
  expect(all[1]).toBe(all[0]);
  await read('/app.json');
  expect(asked).toEqual(['/app.json']);
  nowMs += bounds.clientDocumentKeptMs;
  await read('/app.json');
  expect(asked).toHaveLength(2);
});

test('a client without a name is called by its host', async () => {
  answers['/nameless.json'] = { text: good(`${origin}/nameless.json`, { client_name: undefined }) };
  expect(await read('/nameless.json')).toMatchObject({ name: new URL(origin).host });
});

test.each([
  ['E5: a redirect', { status: 302, headers: { location: '/elsewhere.json' } }, 'answered with a redirect'],
  ['another status', { status: 404 }, 'answered 404'],
  ['another type', { type: 'text/html' }, 'is no JSON'],
  ['what is no JSON', { text: '{' }, 'is no JSON'],
  ['too much', { text: JSON.stringify({ pad: 'x'.repeat(bounds.clientDocumentBytesMax) }) }, `more than ${bounds.clientDocumentBytesMax} bytes`],
  ['the document of another', { text: good('https://other.example/app.json') }, 'its client_id is another address'],
  ['no redirect address', { text: JSON.stringify({ client_id: 'x', redirect_uris: [] }) }, 'redirect_uris is not as the specification'],
  ['a secret', { text: good('x', { client_secret: 's' }) }, 'client_secret is not as the specification'],
])('%s is no document, and nothing else is asked', async (name, answer, reason) => {
  const path = `/${name.replaceAll(/\W/g, '-')}.json`;
  answers[path] = answer;
  await expect(read(path)).rejects.toMatchObject({ code: 'invalid_client', description: expect.stringContaining(reason) });
  expect(asked).toEqual([path]);
});

test.each([
  ['a client that would show a secret', { token_endpoint_auth_method: 'client_secret_basic' }, 'token_endpoint_auth_method must be none'],
  ['a redirect to a script', { redirect_uris: ['javascript:alert(1)'] }, 'of a redirect_uri'],
])('%s is refused', async (name, more, reason) => {
  const path = `/${name.replaceAll(/\W/g, '-')}.json`;
  answers[path] = { text: good(`${origin}${path}`, more) };
  await expect(read(path)).rejects.toMatchObject({ code: 'invalid_client', description: expect.stringContaining(reason) });
});

test('E1, E3, E7: private addresses, names of them, and ports are asked only where the operator has named them; a certificate must be trusted', async () => {
  const name = origin.replace('127.0.0.1', 'localhost');
  await expect(read('/app.json', { allowedNetworks: [] })).rejects.toMatchObject({ description: expect.stringContaining('has a port') });
  await expect(read('/app.json', { allowedNetworks: ['10.0.0.0/8'] })).rejects.toMatchObject({ description: expect.stringContaining('private networks') });
  await expect(documents.read(`${name}/app.json`, { ...rules, allowedNetworks: ['10.0.0.0/8'] })).rejects.toMatchObject({
    description: expect.stringMatching(/^(?!.*has the address).*private networks/),
    reason: expect.stringContaining('has the address'),
  });
  await expect(documents.read('https://10.1.2.3/app.json', { allowedNetworks: [], caFile: null })).rejects.toMatchObject({
    description: expect.stringContaining('private networks'),
  });
  await expect(read('/app.json', { caFile: null })).rejects.toMatchObject({ description: expect.stringContaining('certificate that is not trusted') });
  expect(asked).toEqual([]);
});

test('an id is the address of a document only as it would be fetched: https, with a path, spelled in one way; E6: nothing is put into it', () => {
  for (const id of ['https://a.example/app.json', 'https://a.example/x?y=1']) expect([id, isDocumentId(id)]).toEqual([id, true]);
  for (const id of [
    'http://a.example/app.json',
    'https://a.example',
    'https://a.example/',
    'https://a.example/a/../b',
    'https://A.example/app.json',
    'https://u@a.example/app.json',
    'https://a.example/app.json#x',
    'a.example',
    `https://a.example/${'x'.repeat(2100)}`,
    'https://${HOME}.example/app.json',
    'https://a.example/${HOME}.json',
    'https://{{host}}/app.json',
  ])
    expect([id, isDocumentId(id)]).toEqual([id, false]);
});

test('E8: a proxy that the environment names is not asked, and learns nothing', async () => {
  let asked = 0;
  const proxy = createNetServer((socket) => {
    asked += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
  for (const name of names) vi.stubEnv(name, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  vi.stubEnv('NO_PROXY', '');
  try {
    expect(await read('/app.json')).toMatchObject({ name: 'Editor' });
    expect(asked).toBe(0);
  } finally {
    vi.unstubAllEnvs();
    await new Promise((resolve) => proxy.close(resolve));
  }
});
