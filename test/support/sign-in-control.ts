/** A control plane at which people sign in by providers of a test, and what a browser sees of it. */
import { createOidcClients } from '../../packages/gateway/src/identity/oidc-client.ts';
import type { ProviderData } from '../../packages/gateway/src/identity/provider-data.ts';
import { createSamlClients } from '../../packages/gateway/src/identity/saml/saml-clients.ts';
import { startControlWithAccess } from './access.ts';
import type { TestControl } from './control.ts';
import { incidentOf, type IncidentDetail } from './sign-in-gateway.ts';

export interface SignInControl {
  readonly control: TestControl;
  /** Somebody begins to sign in by a provider, from another address each time: whoever fails is slowed by address. Rejects where they are not sent there. */
  begin(provider: string, returnTo?: string): Promise<BegunSignIn>;
  /** What a provider has the browser post; `path`: of ours. */
  post(path: string, form: URLSearchParams, cookie: string): Promise<Response>;
  /** As a browser from an address of its own. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** What an administrator finds by the number on a page. */
  incidentOf(answer: Response): Promise<IncidentDetail>;
  end(): Promise<void>;
}

export interface BegunSignIn {
  /** Where the browser is sent. */
  readonly url: string;
  /** What it then has. */
  readonly cookie: string;
}

/** `door`: where a sign-in of that kind begins. */
export async function startSignInControl(door: string, providers: () => readonly ProviderData[]): Promise<SignInControl> {
  const oidc = createOidcClients(() => Date.now());
  const saml = createSamlClients({ nowMs: () => Date.now(), monotonicMs: () => Date.now() });
  const { control, end } = await startControlWithAccess({ providers: { list: providers, clients: async () => oidc, saml: async () => saml } });
  let from = 0;
  const elsewhere = (): Record<string, string> => ({ 'x-gatewayops-peer': `192.0.2.${++from}` });
  const get: SignInControl['get'] = (path, headers = {}) => control.request('GET', path, { headers: { ...elsewhere(), ...headers } });
  async function asAdministrator<Answer>(method: string, path: string): Promise<Answer> {
    return (await (await control.request(method, path, { front: 'admin' })).json()) as Answer;
  }
  return {
    control,
    async begin(provider, returnTo = '/') {
      const answer = await get(`${door}?${new URLSearchParams({ provider, return_to: returnTo }).toString()}`);
      if (answer.status !== 303) throw new Error(`nobody is sent to ${provider}: ${answer.status} ${await answer.text()}`);
      return { url: answer.headers.get('location') ?? '', cookie: cookieOf(answer) };
    },
    post: (path, form, cookie) =>
      control.request('POST', path, {
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...elsewhere() },
        body: form.toString(),
      }),
    get,
    incidentOf: async (answer) => incidentOf({ asAdministrator }, await answer.text()),
    end,
  };
}

/** What a browser is given by an answer. */
export function cookieOf(answer: Response): string {
  return (answer.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
}

/** The session that an answer opens, or null. */
export function sessionOf(answer: Response): string | null {
  return /gatewayops_session=(session_[0-9A-Za-z]{43})/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? null;
}
