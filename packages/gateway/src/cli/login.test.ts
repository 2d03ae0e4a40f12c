import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { answerConsent } from '../../../../test/support/person.ts';
import { systemContext } from '../control/actor.ts';
import { createEntry } from '../control/directory/create-entry.ts';
import { openUserSession } from '../control/sessions/open-user-session.ts';
import { defaultOrganizationId } from '../kernel/id.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { login, logout } from './login.ts';
import { createOutput } from './output.ts';

/** The command line and the page of consent, each as people have it, at the control plane behind a socket of its own. */
let base: TestControl;
let control: TestControl;
let server: Server;
let url: string;
let cookie: string;
let home: string;
let refreshes = 0;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'gwo-login-'));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      if (body.includes('grant_type=refresh_token')) refreshes += 1;
      const headers = new Headers(
        Object.entries(request.headers).flatMap(([name, value]): [string, string][] => (typeof value === 'string' ? [[name, value]] : [])),
      );
      const asked = new Request(`${url}${request.url ?? '/'}`, { method: request.method ?? 'GET', headers, ...(body === '' ? {} : { body }) });
      Promise.resolve(control.app.fetch(asked, { front: 'public' }))
        .then(async (answer) => response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer())))
        .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  base = await startControl();
  const { config } = base.dependencies;
  const authorizationServer = {
    clients: [],
    clientDocuments: null,
    dynamicRegistration: false,
    controlApi: true,
    accessTokenMs: 600_000,
    refreshTokenMs: 86_400_000,
  };
  control = base.variant({
    publicUrl: () => url,
    served: () => ({ ...config, identity: { issuers: [], certificates: { authorities: [], proxies: [] }, providers: [], authorizationServer } }),
  });
  const change = { name: 'Ana', texts: { email: 'ana@example.com' }, names: {}, links: { role_ids: [{ kind: 'role' as const, id: 'viewer' }] } };
  await createEntry(systemContext(control.dependencies), { kind: 'user', id: 'usr_ana', change, dryRun: false });
  const user = await control.dependencies.registry.directory.find(defaultOrganizationId, { kind: 'user', id: 'usr_ana' });
  if (user === null) throw new Error('no user');
  const context = { ...control.dependencies, requestId: 'req_1', peer: '' };
  cookie = `gatewayops_session=${await openUserSession(context, { organizationId: defaultOrganizationId, user, provider: 'test', userAgent: '' })}`;
}, 120_000);
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await control?.end();
  await base?.end();
  rmSync(home, { recursive: true, force: true });
});

/** Runs a command; `answer` is what the person does who is sent to an address. */
async function run(command: Command, answer: 'allow' | 'deny' = 'allow'): Promise<unknown> {
  let result: unknown;
  const texts: Readonly<Record<string, string>> = { url };
  await command({
    arguments: [],
    options: { text: (name) => texts[name], list: () => [], on: (name) => name === 'without-browser' },
    env: { HOME: home },
    cwd: home,
    out: {
      ...createOutput({ format: 'json', color: false, env: {} }),
      result: (value) => (result = value),
      note(text) {
        const opened = new URL(/Opening (\S+)/.exec(text)?.[1] ?? '');
        void answerConsent({ cookie }, opened, answer).then(async ({ location }) => (await fetch(location)).arrayBuffer());
      },
    },
  });
  return result;
}

const tokensFile = (): string => join(home, '.config', 'gatewayops', 'tokens.json');
const client = (): ReturnType<typeof openGatewayClient> =>
  openGatewayClient({ options: { text: (name) => (name === 'url' ? url : undefined), list: () => [], on: () => false }, env: { HOME: home }, cwd: home });
const whoami = (): Promise<unknown> => client().request('GET', '/v1/me');

test('who signs in by the browser calls the control API as themselves, by a file that only they can read, until they sign out', async () => {
  await expect(whoami()).rejects.toMatchObject({ code: 'unauthorized' });
  expect(await run(login)).toEqual({ signed_in: url });
  expect(statSync(tokensFile()).mode & 0o777).toBe(0o600);
  expect(await whoami()).toMatchObject({ kind: 'user', owner: 'user:usr_ana' });

  // Of many commands that find their token over one asks for the next: a refresh token that comes twice would end the sign-in.
  const saved = readFileSync(tokensFile(), 'utf8');
  writeFileSync(tokensFile(), saved.replace(/"expires_at": "[^"]+"/, '"expires_at": "2026-01-01T00:00:00.000Z"'));
  const asked = await Promise.all(Array.from({ length: 4 }, whoami));
  expect([asked.length, refreshes]).toEqual([4, 1]);
  expect(readFileSync(tokensFile(), 'utf8')).not.toBe(saved);

  chmodSync(tokensFile(), 0o644);
  await expect(whoami()).rejects.toMatchObject({ code: 'usage' });
  chmodSync(tokensFile(), 0o600);

  const kept = readFileSync(tokensFile(), 'utf8');
  expect(await run(logout)).toEqual({ signed_out: url, was_signed_in: true });
  expect(readFileSync(tokensFile(), 'utf8')).not.toContain('gwr_');
  writeFileSync(tokensFile(), kept, { mode: 0o600 });
  await expect(whoami()).rejects.toMatchObject({ code: 'unauthorized' });
});

test('who does not allow it is signed in nowhere, and a gateway of another address than it says of itself is not believed', async () => {
  writeFileSync(tokensFile(), '{"version":1,"gateways":{}}', { mode: 0o600 });
  await expect(run(login, 'deny')).rejects.toMatchObject({ code: 'sign_in_refused', detail: { reason: 'the person did not allow it' } });
  expect(readFileSync(tokensFile(), 'utf8')).not.toContain(url);
  const own = url;
  url = own.replace('127.0.0.1', 'localhost');
  try {
    const options = { text: (name: string) => (name === 'url' ? own : undefined), list: () => [], on: () => true };
    const out = createOutput({ format: 'json', color: false, env: {} });
    await expect(login({ arguments: [], options, env: { HOME: home }, cwd: home, out })).rejects.toMatchObject({ code: 'sign_in_not_offered' });
  } finally {
    url = own;
  }
});
