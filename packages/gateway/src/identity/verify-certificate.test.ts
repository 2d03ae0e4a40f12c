import { Extension } from '@peculiar/x509';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type ClientAuthority,
  clientAuth,
  type IssuedCertificate,
  type IssueOptions,
  makeClientAuthority,
  serverAuth,
} from '../../../../test/support/client-authority.ts';
import { defaultOrganizationId, type OrganizationId } from '../kernel/id.ts';
import { keyUsageBits } from '../x509/certificate.ts';
import { revocationListsIn } from '../x509/revocation-list.ts';
import type { AuthorityData, CertificateRule } from './authority-data.ts';
import { createCertificateVerifier, type CertificateVerdict } from './verify-certificate.ts';

let ca: ClientAuthority;
beforeAll(async () => {
  ca = await makeClientAuthority();
});

const dayMs = 24 * 3_600_000;
const indexer: CertificateRule = { by: 'uri', name: 'spiffe://acme.example/indexer', kind: 'service_account', id: 'sva_indexer' };
const uri = indexer.name;

function authority(more: Partial<AuthorityData> = {}): AuthorityData {
  return { name: 'acme', organizationId: defaultOrganizationId, ca: ca.cert, lists: null, callers: [indexer], actions: null, servers: null, ...more };
}

async function listed(lists: readonly (string | Promise<string>)[]): Promise<string[]> {
  return (await Promise.all(lists.map(async (list) => list))).flatMap((list) => revocationListsIn(Buffer.from(list)).map((der) => der.toString('base64')));
}

function verify(chain: readonly IssuedCertificate[], authorities: readonly AuthorityData[] = [authority()], inDays = 0): CertificateVerdict {
  const verifier = createCertificateVerifier({ nowMs: () => Date.now() + inDays * dayMs });
  verifier.configure(authorities);
  return verifier.verify(chain.map(({ base64 }) => base64).join(','));
}

/** The id of the caller, or the test that it fails with its reason. */
function outcome(verdict: CertificateVerdict): string {
  return verdict.ok ? verdict.verified.rule.id : `${verdict.refusal.step}: ${verdict.refusal.reason}`;
}

const issued = async (options: IssueOptions): Promise<IssuedCertificate[]> => [await ca.issue({ uri, ...options })];
const rule = (by: CertificateRule['by'], name: string): CertificateRule => ({ by, name, kind: 'agent', id: 'agt_x' });

describe('who it is', () => {
  test('is said by a URI, a host name, an e-mail address or the fingerprint of a certificate, never by its common name', async () => {
    const certificate = await ca.issue({ name: 'agt_x', uri, dns: 'indexer.acme.example', email: 'ops@acme.example' });
    const fits = (by: CertificateRule['by'], name: string): boolean => outcome(verify([certificate], [authority({ callers: [rule(by, name)] })])) === 'agt_x';
    expect(fits('uri', uri)).toBe(true);
    expect(fits('uri', 'SPIFFE://ACME.example/indexer')).toBe(true);
    expect(fits('dns', 'Indexer.ACME.example')).toBe(true);
    expect(fits('email', 'ops@ACME.example')).toBe(true);
    expect(fits('fingerprint', certificate.fingerprint.slice(7).replaceAll(':', '').toLowerCase())).toBe(true);
    for (const [by, name] of [
      ['uri', 'spiffe://acme.example/Indexer'],
      ['uri', 'spiffe://acme.example/indexe'],
      ['uri', 'spiffe://acme.example/indexer/'],
      ['uri', 'indexer.acme.example'],
      ['dns', 'acme.example'],
      ['dns', 'agt_x'],
      ['dns', 'ops@acme.example'],
      ['email', 'OPS@acme.example'],
      ['email', 'acme.example'],
      ['fingerprint', '0'.repeat(64)],
    ] as const)
      expect([by, name, fits(by, name)]).toEqual([by, name, false]);
  });

  test('with * in it is one part of a name, whole', async () => {
    const names = async (wanted: CertificateRule, options: IssueOptions): Promise<boolean> =>
      verify([await ca.issue(options)], [authority({ callers: [wanted] })]).ok;
    const segment = rule('uri', 'spiffe://acme.example/ns/*/indexer');
    expect(await names(segment, { uri: 'spiffe://acme.example/ns/prod/indexer' })).toBe(true);
    for (const bad of ['ns/prod/x/indexer', 'ns//indexer', 'ns/indexer', 'ns/../indexer', 'ns/*/indexer', 'ns/prod%2fx/indexer', 'ns/prod?/indexer'])
      expect([bad, await names(segment, { uri: `spiffe://acme.example/${bad}` })]).toEqual([bad, false]);
    const label = rule('dns', '*.agents.example');
    expect(await names(label, { dns: 'a1.agents.example' })).toBe(true);
    for (const bad of ['agents.example', 'x.a1.agents.example', '*.agents.example', 'a1.agents.example.evil', '.agents.example'])
      expect([bad, await names(label, { dns: bad })]).toEqual([bad, false]);
    const anybody = rule('email', '*@acme.example');
    expect(await names(anybody, { email: 'ana@acme.example' })).toBe(true);
    expect(await names(anybody, { email: 'ana@acme.example@evil.example' })).toBe(false);
    expect(await names(anybody, { email: 'ana@sub.acme.example' })).toBe(false);
  });

  test('two organizations with one authority each know their own; what is in both is nobody', async () => {
    const beta = { name: 'beta', organizationId: 'org_beta' as OrganizationId, callers: [rule('dns', 'b.example'), rule('dns', 'both.example')] };
    const both = [authority({ callers: [rule('dns', 'a.example'), rule('dns', 'both.example')] }), authority(beta)];
    const of = async (dns: string): Promise<string> => {
      const verdict = verify([await ca.issue({ dns })], both);
      return verdict.ok ? verdict.verified.authority.name : verdict.refusal.step;
    };
    expect([await of('a.example'), await of('b.example'), await of('both.example'), await of('c.example')]).toEqual(['acme', 'beta', 'mapping', 'mapping']);
  });

  test('a name with bytes in it that no name has is nobody: NUL, line ends, letters of other scripts', async () => {
    for (const bad of ['indexer.example\0.evil.example', 'indexer.example\n', 'indexer.example\r\nDNS:x', 'ind\u00e9xer.example', 'a b.example', '']) {
      const bytes = Buffer.from(bad, 'latin1');
      const [certificate] = await issued({ rawNames: Buffer.from([0x30, bytes.length + 2, 0x82, bytes.length, ...bytes]) });
      expect(outcome(verify(certificate ? [certificate] : [], [authority({ callers: [rule('dns', 'indexer.example')] })]))).toMatch(/^form: a name in it/);
    }
  });

  test('a comma, a quote or a slash in a name makes no second name', async () => {
    for (const dns of ['x.example,DNS:indexer.example', 'x.example, DNS:indexer.example'.replace(' ', ''), '"indexer.example"', 'indexer.example/x']) {
      const [certificate] = await issued({ dns });
      expect(outcome(verify(certificate ? [certificate] : [], [authority({ callers: [rule('dns', 'indexer.example')] })]))).toMatch(/^mapping/);
    }
  });
});

describe('a certificate by itself', () => {
  test.each<[string, IssueOptions, RegExp]>([
    ['is over', { days: [-9, -1] }, /^time: it expired at/],
    ['has not begun', { days: [1, 9] }, /^time: it is valid only from/],
    ['is for servers', { purposes: [serverAuth] }, /^usage: its extendedKeyUsage does not name clientAuth/],
    ['is for nothing that it says', { purposes: null }, /^usage: its extendedKeyUsage/],
    ['may not sign', { keyUsage: [2] }, /^usage: its keyUsage/],
    [
      'is an authority',
      { isAuthority: true, purposes: [clientAuth], keyUsage: [keyUsageBits.digitalSignature, keyUsageBits.keyCertSign] },
      /^usage: it is an authority itself/,
    ],
    ['has a weak key', { rsaBits: 1024 }, /^key: its RSA key has 1024 bits/],
    ['is signed by SHA-1', { signedBySha1: true }, /^chain: it is signed by SHA-1/],
    [
      'asks for something that is not known',
      { extensions: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))] },
      /critical extension that is not known here \(1\.2\.3\.4\)/,
    ],
    ['has an extension twice', { extensions: [new Extension('2.5.29.17', false, new Uint8Array([48, 0]))] }, /^form: an extension occurs twice/],
  ])('that %s is refused', async (_, options, expected) => {
    expect(outcome(verify(await issued(options)))).toMatch(expected);
  });

  test('that is good is taken, and holds no longer than the first thing it is good by', async () => {
    const verdict = verify(await issued({ days: [-1, 3] }), [authority({ lists: await listed([ca.list([], { days: [-1, 2] })]) })]);
    expect(verdict.ok && Math.round((verdict.verified.until - Date.now()) / dayMs)).toBe(2);
  });

  test('whose bytes are changed anywhere is refused, and never breaks the reader', async () => {
    const [certificate] = await issued({});
    const der = Buffer.from(certificate?.base64 ?? '', 'base64');
    const verifier = createCertificateVerifier({ nowMs: Date.now });
    verifier.configure([authority()]);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(der.length), (at, by, end) => {
        const changed = Buffer.from(der);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(verifier.verify(changed.toString('base64')).ok).toBe(false);
        if (end < der.length) expect(verifier.verify(der.subarray(0, end).toString('base64')).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a chain', () => {
  test('leads to an authority of the configuration and to no other', async () => {
    const foreign = await makeClientAuthority();
    const alone = await makeClientAuthority({ name: 'self', uri });
    expect(outcome(verify([await foreign.issue({ uri })]))).toMatch(/^chain: nobody known has signed it/);
    expect(outcome(verify([await foreign.issue({ uri }), foreign]))).toMatch(/^chain: nobody known has signed CN=clients authority|^chain: nobody known/);
    expect(outcome(verify([alone]))).not.toBe('sva_indexer');
  });

  test('goes by authorities between, sent with it or written in ca, and by none that may not', async () => {
    const between = await ca.below();
    const leaf = await between.issue({ uri });
    expect(outcome(verify([leaf]))).toMatch(/^chain: nobody known has signed it: its issuer is CN=issuing authority/);
    expect(outcome(verify([leaf, between]))).toBe('sva_indexer');
    expect(outcome(verify([leaf], [authority({ ca: ca.cert + between.cert })]))).toBe('sva_indexer');
    // The authority between is trusted by itself where it stands alone, and others of the same root are not.
    expect(outcome(verify([leaf], [authority({ ca: between.cert })]))).toBe('sva_indexer');
    expect(outcome(verify(await issued({}), [authority({ ca: between.cert })]))).toMatch(/^chain/);
    const client = await ca.issue({ name: 'issuing authority' });
    expect(outcome(verify([leaf, client]))).toMatch(/^chain: nobody known/);
    const narrow = await ca.below({ name: 'narrow', pathLength: 0 });
    const below = await narrow.below({ name: 'too deep' });
    expect(outcome(verify([await below.issue({ uri }), below, narrow]))).toMatch(/^chain: CN=narrow may not have 1 authorities below it/);
    const over = await ca.below({ name: 'over', days: [-9, -1] });
    expect(outcome(verify([await over.issue({ uri }), over]))).toMatch(/^chain: CN=over expired at/);
    const limited = await ca.below({ name: 'limited', extensions: [new Extension('2.5.29.30', true, new Uint8Array([0x30, 0]))] });
    expect(outcome(verify([await limited.issue({ uri }), limited]))).toMatch(/limits the names below it/);
    const weak = await makeClientAuthority({ name: 'weak', rsaBits: 1024 });
    expect(outcome(verify([leaf, weak]))).toMatch(/^chain: nobody known/);
    const mute = await ca.below({ name: 'mute', keyUsage: [keyUsageBits.crlSign] });
    expect(outcome(verify([await mute.issue({ uri }), mute]))).toMatch(/^chain/);
  });

  test('that goes in a circle or on and on ends', async () => {
    let last = ca;
    const all: ClientAuthority[] = [];
    for (let depth = 0; depth < 4; depth++) {
      last = await last.below({ name: `depth ${depth}` });
      all.unshift(last);
    }
    const leaf = await last.issue({ uri });
    expect(outcome(verify([leaf, ...all.slice(0, 3)]))).toMatch(/^chain/);
    expect(outcome(verify([leaf, ...all]))).toMatch(/^form: more than 4 certificates were sent/);
  });
});

test('what of an authority ends before long is said, its lists in the last quarter of their time', async () => {
  const ending = async (more: Partial<AuthorityData>, inDays: number): Promise<string> => {
    const verifier = createCertificateVerifier({ nowMs: () => Date.now() + inDays * dayMs });
    verifier.configure([authority(more)]);
    return verifier
      .ends()
      .map(({ isOver, reason }) => `${String(isOver)} ${reason}`)
      .join('; ');
  };
  expect(await ending({}, 0)).toBe('');
  expect(await ending({}, 61)).toMatch(/^false acme: the authority CN=clients authority expires at/);
  expect(await ending({}, 91)).toMatch(/^true acme: the authority CN=clients authority expired/);
  const lists = await listed([ca.list([], { days: [-9, -1] }), ca.list([], { days: [-1, 7] })]);
  expect(await ending({ lists }, 4)).toBe('');
  expect(await ending({ lists }, 6)).toMatch(/^false acme: a revocation list expires at/);
  expect(await ending({ lists }, 8)).toMatch(/^true acme: a revocation list expired, its callers are refused/);
});

describe('what was revoked', () => {
  test('is refused, and others go on', async () => {
    const [gone, good] = [await ca.issue({ uri }), await ca.issue({ uri })];
    const lists = await listed([ca.list([gone])]);
    expect(outcome(verify([gone], [authority({ lists })]))).toMatch(/^revocation: it was revoked by CN=clients authority/);
    expect(outcome(verify([good], [authority({ lists })]))).toBe('sva_indexer');
    // The newest list counts, wherever it stands.
    const older = await listed([ca.list([good], { days: [-3, 7] })]);
    expect(outcome(verify([good], [authority({ lists: [...older, ...lists] })]))).toBe('sva_indexer');
  });

  test('can be an authority between, whose own list is asked for too', async () => {
    const between = await ca.below();
    const chain = [await between.issue({ uri }), between];
    const at = async (lists: (string | Promise<string>)[]): Promise<string> =>
      outcome(verify(chain, [authority({ ca: ca.cert + between.cert, lists: await listed(lists) })]));
    expect(await at([ca.list(), between.list()])).toBe('sva_indexer');
    expect(await at([ca.list([between]), between.list()])).toMatch(/^revocation: it was revoked by CN=clients authority/);
    expect(await at([between.list()])).toMatch(/^revocation: there is no revocation list of CN=clients authority/);
    expect(await at([ca.list()])).toMatch(/^revocation: there is no revocation list of CN=issuing authority/);
  });

  test('by a list that is over, of the future or of somebody else is everybody', async () => {
    const [certificate] = await issued({});
    const chain = certificate ? [certificate] : [];
    const at = async (list: string | Promise<string>, inDays = 0): Promise<string> =>
      outcome(verify(chain, [authority({ lists: await listed([list]) })], inDays));
    expect(await at(ca.list([], { days: [-9, -1] }))).toMatch(/^revocation: the revocation list of CN=clients authority expired at/);
    expect(await at(ca.list([], { days: [1, 9] }))).toMatch(/is of the future/);
    expect(await at(ca.list(), 8)).toMatch(/expired at/);
    const impostor = await makeClientAuthority();
    expect(await at(impostor.list())).toMatch(/^revocation: there is no revocation list/);
    const mute = await makeClientAuthority({ keyUsage: [keyUsageBits.keyCertSign] });
    expect(outcome(verify([await mute.issue({ uri })], [authority({ ca: mute.cert, lists: await listed([mute.list()]) })]))).toMatch(
      /^revocation: there is no/,
    );
  });
});
