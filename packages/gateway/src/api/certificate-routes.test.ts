import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ClientAuthority, type IssuedCertificate, makeClientAuthority } from '../../../../test/support/client-authority.ts';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { until } from '../../../../test/support/poll.ts';
import { assembleCertificates } from '../assemble-certificates.ts';
import type { AuthorityData } from '../identity/authority-data.ts';
import { defaultOrganizationId, type OrganizationId } from '../kernel/id.ts';
import { silentLog } from '../kernel/log.ts';
import { revocationListsIn } from '../x509/revocation-list.ts';

const uri = 'spiffe://acme.example/indexer';
const clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
let base: TestControl;
let ca: ClientAuthority;
let other: ClientAuthority;
let revoked: IssuedCertificate;
let lists: string[];

beforeAll(async () => {
  [ca, other, base] = await Promise.all([makeClientAuthority(), makeClientAuthority({ name: 'authority of others' }), startControl()]);
  revoked = await ca.issue({ uri });
  const made = await Promise.all([ca.list([], { days: [-9, -1] }), ca.list([revoked], { days: [-7, 1] })]);
  lists = made.flatMap((list) => revocationListsIn(Buffer.from(list)).map((der) => der.toString('base64')));
  const answer = await base.request('POST', '/v1/service-accounts', { front: 'admin', body: { id: 'sva_indexer', name: 'Indexer' } });
  expect(answer.status).toBe(201);
}, 60_000);
afterAll(() => base?.end());

const own = (more: Partial<AuthorityData> = {}): AuthorityData => ({
  name: 'acme',
  organizationId: defaultOrganizationId,
  ca: ca.cert,
  lists,
  callers: [
    { by: 'uri', name: uri, kind: 'service_account', id: 'sva_indexer' },
    { by: 'dns', name: 'gone.example', kind: 'agent', id: 'agt_gone' },
  ],
  actions: null,
  servers: null,
  ...more,
});
const foreign = (more: Partial<AuthorityData> = {}): AuthorityData =>
  own({ name: 'theirs', organizationId: 'org_others' as OrganizationId, ca: other.cert, lists: null, ...more });

const serve = (...authorities: AuthorityData[]): TestControl => base.variant({ certificates: assembleCertificates(authorities, clock), expiryClock: clock });

async function check(control: TestControl, certificate: string): Promise<Record<string, unknown>> {
  const answer = await control.request('POST', '/v1/identity/certificates/test', { front: 'admin', body: { certificate } });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { check: Record<string, unknown> }).check;
}

test('the list has the authorities of the organization, their revocation lists with age and size, and who calls, and nothing of others', async () => {
  const answer = await serve(own(), foreign()).request('GET', '/v1/identity/certificates', { front: 'admin' });
  const text = await answer.text();
  expect(JSON.parse(text)).toEqual({
    authorities: [
      {
        name: 'acme',
        certificates: [
          {
            subject: 'CN=clients authority',
            fingerprint: `sha256:${ca.fingerprint.slice(7).replaceAll(':', '').toLowerCase()}`,
            trusted: true,
            begins_at: ca.x509.notBefore.toISOString(),
            ends_at: ca.x509.notAfter.toISOString(),
            state: 'good',
          },
        ],
        revocation_lists: [
          expect.objectContaining({ issuer: 'CN=clients authority', entries: 0, state: 'replaced' }),
          expect.objectContaining({ issuer: 'CN=clients authority', entries: 1, state: 'ends_soon' }),
        ],
        callers: [
          { by: 'uri', name: uri, kind: 'service_account', id: 'sva_indexer' },
          { by: 'dns', name: 'gone.example', kind: 'agent', id: 'agt_gone' },
        ],
        callers_total: 2,
        actions: null,
        servers: null,
      },
    ],
  });
  expect(text).not.toContain('others');
  expect(await (await serve().request('GET', '/v1/identity/certificates', { front: 'admin' })).json()).toEqual({ authorities: [] });
});

test('a certificate is told whose it is, in PEM and in base64, or which test it fails and what mends it', async () => {
  const control = serve(own());
  const good = await ca.issue({ uri, days: [-1, 10] });
  const taken = { outcome: 'taken', failed: null, authority: 'acme', caller: { kind: 'service_account', id: 'sva_indexer', by: 'uri', name: uri } };
  for (const text of [good.cert, good.base64]) {
    const found = await check(control, text);
    expect(found).toMatchObject({ ...taken, certificate: { names: { uri: [uri] }, ends_soon: true } });
    // It is good by the list, which ends before it.
    expect(Date.parse(String(found['good_until']))).toBeLessThan(good.x509.notAfter.getTime());
  }
  const failing = async (certificate: string) => (await check(control, certificate))['failed'];
  expect(await failing('no certificate.')).toMatchObject({ step: 'form', fix: expect.stringContaining('PEM') as string });
  expect(await failing((await ca.issue({ uri, days: [-9, -1] })).cert)).toMatchObject({ step: 'time' });
  expect(await failing((await other.issue({ uri })).cert)).toMatchObject({ step: 'chain' });
  expect(await failing(revoked.cert)).toMatchObject({ step: 'revocation', reason: expect.stringContaining('revoked') as string });
  expect(await failing((await ca.issue({ dns: 'stranger.example' })).cert)).toMatchObject({
    step: 'mapping',
    fix: expect.stringContaining('callers') as string,
  });
  const gone = await check(control, (await ca.issue({ dns: 'gone.example' })).cert);
  expect(gone).toMatchObject({ failed: { step: 'directory' }, caller: { id: 'agt_gone' }, good_until: null });
  expect((gone['steps'] as { outcome: string }[]).map(({ outcome }) => outcome)).toEqual([...Array<string>(7).fill('pass'), 'fail']);
});

test('of authorities of other organizations nothing is heard, but that calls by it are refused for them is', async () => {
  const theirs = await check(serve(own(), foreign()), (await other.issue({ uri })).cert);
  const unknown = await check(serve(own()), (await other.issue({ uri })).cert);
  expect(theirs['failed']).toEqual(unknown['failed']);
  const both = await check(serve(own(), foreign({ ca: ca.cert })), (await ca.issue({ uri })).cert);
  expect(both).toMatchObject({
    outcome: 'refused',
    authority: 'acme',
    failed: { step: 'mapping', reason: expect.stringContaining('another organization') as string },
  });
  expect(JSON.stringify(both)).not.toContain('theirs');
});

test('the log says at the start what of the authorities ends', async () => {
  const said: unknown[] = [];
  const end = assembleCertificates([own()], clock).watch({ ...silentLog, warn: (event, fields) => void said.push([event, fields]) });
  await until(async () => said.length > 0);
  end();
  expect(said).toEqual([['identity.certificate_expires', { reason: expect.stringMatching(/^acme: a revocation list expires at /) as string }]]);
});
