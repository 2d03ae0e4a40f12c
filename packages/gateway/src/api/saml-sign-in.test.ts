import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../../../test/support/certificates.ts';
import { controlUrl, type TestControl } from '../../../../test/support/control.ts';
import { answerXml, fieldOf, makeSigningCertificate, sign } from '../../../../test/support/saml-answers.ts';
import { samlFormOf, startSamlProvider, type TestSamlProvider } from '../../../../test/support/saml-provider.ts';
import { sessionOf, startSignInControl, type BegunSignIn, type SignInControl } from '../../../../test/support/sign-in-control.ts';
import { acsPath } from '../control/sign-in/provider-desk.ts';
import type { ProviderData, SamlProviderData } from '../identity/provider-data.ts';
import { createSamlClients } from '../identity/saml/saml-clients.ts';
import { bounds } from '../kernel/bounds.ts';
import { defaultOrganizationId } from '../kernel/id.ts';

let control: TestControl;
let door: SignInControl;
let idp: TestSamlProvider;
let ours: Certificate;
let encryptFor: Certificate | null = null;
let providers: readonly ProviderData[];
const acsUrl = `${controlUrl}${acsPath}`;

beforeAll(async () => {
  idp = await startSamlProvider(acsUrl, () => encryptFor);
  ours = await makeSigningCertificate({ days: 10 });
  idp.people.set('ana', {
    nameId: 'p-ana',
    attributes: {
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress': 'ana@acme.example',
      displayName: 'Ana Ardent',
      memberOf: ['Payments', 'All'],
    },
  });
  const first: SamlProviderData = {
    name: 'acme',
    title: 'Acme',
    organizationId: defaultOrganizationId,
    type: 'saml',
    preset: 'custom',
    issuer: idp.entityId,
    metadata: { url: idp.metadataUrl },
    entityId: null,
    own: { key: ours.key, certificate: ours.cert },
    isUnaskedTaken: false,
    domains: ['acme.example'],
    enforce: false,
    claims: { subject: 'name_id', email: 'email', name: 'name', groups: ['groups'] },
    isEmailTrusted: true,
    rules: {
      provision: 'just_in_time',
      linkByEmail: true,
      domains: ['acme.example'],
      allowedGroups: ['All'],
      firstRoleIds: ['viewer'],
      mapping: [{ group: 'Payments', teamIds: [], roleIds: ['auditor'] }],
    },
    allowedNetworks: ['127.0.0.1'],
    ca: null,
  };
  const text = await (await fetch(idp.metadataUrl)).text();
  providers = [
    first,
    { ...first, name: 'from-file', domains: [], metadata: { text }, own: null },
    { ...first, name: 'inner', domains: [], metadata: { url: 'http://169.254.169.254/metadata' }, allowedNetworks: [] },
    { ...first, name: 'other-issuer', domains: [], issuer: 'urn:other' },
  ];
  door = await startSignInControl('/v1/auth/sso/saml/login', () => providers);
  ({ control } = door);
}, 240_000);
afterAll(async () => {
  await door.end();
  await idp.stop();
});

const begin = (provider: string): Promise<BegunSignIn> => door.begin(provider, '/traces');
const post = (form: URLSearchParams, cookie: string, path = acsPath): Promise<Response> => door.post(path, form, cookie);

/** The step at which a page's incident says that it stopped; the page says nothing of it. */
async function stepOf(answer: Response): Promise<string> {
  const { step, reason } = await door.incidentOf(answer);
  return `${answer.status} ${step}: ${reason}`;
}

describe('signing in by SAML', () => {
  test(
    'somebody comes in as the user that they are made, with what their groups give, also where the assertion is encrypted',
    { timeout: 60_000 },
    async () => {
      const begun = await begin('acme');
      const url = new URL(begun.url);
      expect([url.pathname, url.searchParams.has('SAMLRequest'), url.searchParams.has('Signature')]).toEqual(['/sso', true, true]);
      const answer = await post(await samlFormOf(begun.url, 'ana'), begun.cookie);
      expect([answer.status, await answer.clone().text()]).toEqual([200, expect.stringContaining('content="0;url=/traces"')]);
      const { events } = (await (await control.request('GET', '/v1/logs/audit?limit=1', { front: 'admin' })).json()) as { events: unknown[] };
      expect(events[0]).toMatchObject({ action: 'session.opened', actor: { kind: 'user' }, detail: { provider: 'acme' } });
      const me = (await (await control.request('GET', '/v1/me', { bearer: sessionOf(answer) ?? '' })).json()) as { owner: string; permissions: string[] };
      expect(me.permissions).toContain('audit.read');
      const user = (await (await control.request('GET', `/v1/users/${me.owner.slice('user:'.length)}`, { front: 'admin' })).json()) as { user: unknown };
      expect(user.user).toMatchObject({ name: 'Ana Ardent', email: 'ana@acme.example', role_ids: ['auditor', 'viewer'] });
      encryptFor = ours;
      const again = await begin('acme');
      const form = await samlFormOf(again.url, 'ana');
      encryptFor = null;
      expect(Buffer.from(form.get('SAMLResponse') ?? '', 'base64').toString()).toContain('EncryptedAssertion');
      const second = await control.request('GET', '/v1/me', { bearer: sessionOf(await post(form, again.cookie)) ?? '' });
      expect(((await second.json()) as { owner: string }).owner).toBe(me.owner);
    },
  );

  test(
    'S4 an answer that is shown again, by several at once, in another browser, late or at the other door makes no session',
    { timeout: 60_000 },
    async () => {
      const begun = await begin('from-file');
      const form = await samlFormOf(begun.url, 'ana');
      const all = await Promise.all([1, 2, 3].map(() => post(form, begun.cookie)));
      expect(all.filter((answer) => sessionOf(answer) !== null)).toHaveLength(1);
      expect(await stepOf(await post(form, begun.cookie))).toMatch(/^400 answer: nothing was begun/);
      const stolen = await begin('from-file');
      expect(await stepOf(await post(await samlFormOf(stolen.url, 'ana'), (await begin('acme')).cookie))).toMatch(/^400 answer: another browser/);
      const crossed = await begin('from-file');
      const crossedForm = await samlFormOf(crossed.url, 'ana');
      crossedForm.set('state', crossedForm.get('RelayState') ?? '');
      expect(await stepOf(await post(crossedForm, crossed.cookie, '/v1/auth/sso/oidc/callback'))).toMatch(
        /^400 answer: the provider is not configured any more as it was/,
      );
      // The answer to one request is none to another.
      const [one, other] = [await begin('from-file'), await begin('from-file')];
      const mixed = await samlFormOf(one.url, 'ana');
      mixed.set('RelayState', (await samlFormOf(other.url, 'ana')).get('RelayState') ?? '');
      expect(await stepOf(await post(mixed, other.cookie))).toMatch(/^400 assertion: the response answers another request/);
      const late = await begin('from-file');
      const lateForm = await samlFormOf(late.url, 'ana');
      control.clock.advance(bounds.signInMs + 1);
      expect(await stepOf(await post(lateForm, late.cookie))).toMatch(/^400 answer: nothing was begun/);
    },
  );

  test('S7 an answer that nobody asked for is taken where that is allowed, once, and leads to no place that it names', { timeout: 60_000 }, async () => {
    const entityId = `${controlUrl}/v1/auth/sso/saml/metadata?provider=acme`;
    const form = (id: string, more: object = {}): URLSearchParams =>
      new URLSearchParams({
        RelayState: 'https://evil.example',
        SAMLResponse: fieldOf(
          sign(
            answerXml(Date.now(), {
              issuer: idp.entityId,
              audience: entityId,
              recipient: acsUrl,
              inResponseTo: null,
              nameId: 'p-ana',
              nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
              assertionId: id,
              attributes: '<saml:Attribute Name="groups"><saml:AttributeValue>All</saml:AttributeValue></saml:Attribute>',
              ...more,
            }),
            idp.signing,
          ),
        ),
      });
    expect(await stepOf(await post(form('_a1'), ''))).toMatch(/^400 answer: nothing was begun/);
    providers = providers.map((one) => (one.name === 'acme' ? { ...one, isUnaskedTaken: true } : one) as ProviderData);
    const answers = await Promise.all([1, 2, 3].map(() => post(form('_a2'), '')));
    expect(answers.filter((answer) => sessionOf(answer) !== null)).toHaveLength(1);
    const pages = await Promise.all(answers.map((answer) => answer.clone().text()));
    expect(pages.join('')).not.toContain('evil.example');
    expect(await stepOf(await post(form('_a2'), ''))).toMatch(/^400 assertion: somebody came in by this assertion before/);
    expect(await stepOf(await post(form('_a3', { inResponseTo: '_request1' }), ''))).toMatch(/^400 assertion: .*none was made/);
    providers = providers.map((one) => (one.name === 'acme' ? { ...one, isUnaskedTaken: false } : one) as ProviderData);
  });

  test('a test says which step fails, the list what to write at the provider, and our metadata are for everybody', async () => {
    const tested = async (name: string) =>
      (await (await control.request('POST', `/v1/identity/providers/${name}/test`, { front: 'admin', body: {} })).json()) as {
        ok: boolean;
        steps: { step: string }[];
      };
    expect(await tested('acme')).toMatchObject({
      ok: true,
      steps: [{ step: 'discovery' }, { step: 'keys', detail: expect.stringContaining('1 certificate,') }],
    });
    expect(await tested('inner')).toMatchObject({ ok: false, steps: [{ step: 'address', fix: expect.any(String) }] });
    expect(await tested('other-issuer')).toMatchObject({ ok: false, steps: [{ step: 'discovery', detail: expect.stringContaining(idp.entityId) }] });
    const list = (await (await control.request('GET', '/v1/identity/providers', { front: 'admin' })).json()) as {
      providers: { saml: { metadata_url: string } }[];
    };
    expect(list.providers[0]).toMatchObject({
      type: 'saml',
      client_id: null,
      saml: { acs_url: acsUrl, entity_id: `${controlUrl}/v1/auth/sso/saml/metadata?provider=acme` },
    });
    const metadata = await control.request('GET', new URL(list.providers[0]?.saml.metadata_url ?? '').href.slice(controlUrl.length));
    expect([metadata.status, metadata.headers.get('content-type'), await metadata.text()]).toEqual([
      200,
      'application/samlmetadata+xml',
      expect.stringContaining(acsUrl),
    ]);
    expect((await control.request('GET', '/v1/auth/sso/saml/metadata?provider=none')).status).toBe(404);
    expect(await (await control.request('GET', '/sign-in?return_to=%2Ftraces')).text()).toContain(
      '/v1/auth/sso/saml/login?provider=acme&amp;return_to=%2Ftraces',
    );
  });
});

test('a certificate that ends within a month is named, of several of a provider the last one', async () => {
  const { expiring } = createSamlClients({ nowMs: () => Date.now(), monotonicMs: () => 0 });
  const [acme, file] = providers as readonly SamlProviderData[];
  if (acme === undefined || file === undefined) throw new Error('no providers');
  expect(expiring(acme)).toMatch(/^our certificate for acme ends on \d{4}-\d\d-\d\d/);
  expect(expiring({ ...acme, own: null })).toBeNull();
  expect(expiring(file)).toBeNull();
  const later = createSamlClients({ nowMs: () => Date.now() + 340 * 86_400_000, monotonicMs: () => 0 });
  expect(later.expiring(file)).toMatch(/^the certificate of from-file ends on/);
});
