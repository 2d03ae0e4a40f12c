/** A real OpenID provider (npm `oidc-provider`, certified) on a port of this machine, with its development pages, and what a browser does of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

export interface TestProvider {
  readonly issuer: string;
  /** Requests that it got, by path. */
  readonly asked: string[];
  /** What it says of whoever signs in as that. */
  readonly people: Map<string, Readonly<Record<string, unknown>>>;
  stop(): Promise<void>;
}

export const testClient = { id: 'gatewayops', secret: 'a-secret-of-the-test-client-0123456789' };

/** `redirectUris`: of the gateway. */
export async function startOidcProvider(redirectUris: readonly string[]): Promise<TestProvider> {
  const people = new Map<string, Readonly<Record<string, unknown>>>();
  const asked: string[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: testClient.id,
        client_secret: testClient.secret,
        redirect_uris: [...redirectUris],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    scopes: ['openid', 'email', 'profile', 'groups'],
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    cookies: { keys: ['of the test'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
  });
  provider.on('server_error', () => undefined);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    asked.push((request.url ?? '').split('?', 1)[0] ?? '');
    void answer(request, response);
  });
  return {
    issuer,
    asked,
    people,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** What somebody who signs in there as `login` comes back with: where the provider sends the browser at last, or the form that it lets it post. */
export async function signInAt(begin: string, login: string): Promise<{ readonly url: string; readonly form: URLSearchParams | null }> {
  const jar = new Map<string, string>();
  let url = begin;
  let form: URLSearchParams | null = null;
  const own = new URL(begin).origin;
  for (let steps = 0; steps < 20; steps++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie, ...(form === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) },
      ...(form === null ? {} : { method: 'POST', body: form.toString() }),
    });
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      jar.set(name, value);
    }
    form = null;
    const to = answer.headers.get('location');
    const text = await answer.text();
    if (to !== null) {
      const next = new URL(to, url);
      if (next.origin !== own) return { url: next.href, form: null };
      url = next.href;
      continue;
    }
    const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
    if (action === undefined) throw new Error(`the provider answered ${answer.status}: ${text.slice(0, 500)}`);
    const fields = new URLSearchParams(
      [...text.matchAll(/<input[^>]* name="([^"]+)"(?:[^>]* value="([^"]*)")?/g)].map(([, name = '', value = '']): [string, string] => [name, value]),
    );
    const target = new URL(action.replaceAll('&amp;', '&'), url);
    if (target.origin !== own) return { url: target.href, form: fields };
    if (fields.has('login')) {
      fields.set('login', login);
      fields.set('password', 'x');
    }
    url = target.href;
    form = fields;
  }
  throw new Error('the provider sends the browser around without end');
}
