import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../../../../test/support/certificates.ts';
import {
  answerDefaults,
  answerXml,
  assertionOf,
  encryptAssertion,
  exclusive,
  fieldOf,
  makeSigningCertificate,
  sign,
  wrappings,
  type AnswerParts,
} from '../../../../../test/support/saml-answers.ts';
import { SignInTrouble } from '../sign-in-trouble.ts';
import type { CheckedAssertion } from './check-assertion.ts';
import { readCertificates } from './saml-certificate.ts';
import { verifyResponse, type Trust } from './verify-response.ts';

const nowMs = Date.parse('2026-11-27T12:00:00Z');
const minuteMs = 60_000;
const folder = fileURLToPath(new URL('../../../../../test/support/node-saml/', import.meta.url));

let provider: Certificate;
let stranger: Certificate;
let ours: Certificate;
let weak: Certificate;

beforeAll(async () => {
  [provider, stranger, ours, weak] = await Promise.all([
    makeSigningCertificate(),
    makeSigningCertificate(),
    makeSigningCertificate(),
    makeSigningCertificate({ bits: 1_024 }),
  ]);
}, 120_000);

function trust(more: Partial<Trust> = {}): Trust {
  const { issuer, audience, recipient, requestId } = answerDefaults;
  return { issuer, audience, recipient, requestId, nowMs, certificates: [provider.cert], decryptionKey: null, ...more };
}

const taken = (xml: string, more: Partial<Trust> = {}): Promise<CheckedAssertion> => verifyResponse(fieldOf(xml), trust(more));

/** What is refused, with the step at which it was. */
async function refusal(xml: string, more: Partial<Trust> = {}): Promise<string> {
  try {
    const { nameId } = await taken(xml, more);
    return `taken as ${nameId}`;
  } catch (error) {
    if (!(error instanceof SignInTrouble)) throw error;
    expect(error.fix).not.toBe('');
    return `${error.step}: ${error.reason}`;
  }
}

const signedWith = (parts: AnswerParts = {}, options: Parameters<typeof sign>[2] = {}): string => sign(answerXml(nowMs, parts), provider, options);

describe('who a provider vouches for', () => {
  test('is read from an answer whose assertion, response, or both are signed', async () => {
    const both = sign(signedWith(), provider, { what: 'response' });
    for (const xml of [signedWith(), signedWith({}, { what: 'response' }), both]) {
      const { id, nameId, attributes, untilMs } = await taken(xml);
      expect({ id, nameId, groups: attributes.get('groups') }).toEqual({ id: '_assertion1', nameId: 'ada@acme.example', groups: ['engineering', 'admins'] });
      expect(untilMs).toBeGreaterThanOrEqual(nowMs + 5 * minuteMs);
    }
  });

  test('is verified by any of several certificates, and with SHA-512 and RSA-PSS too', async () => {
    expect((await taken(signedWith(), { certificates: [stranger.cert, provider.cert] })).nameId).toBe('ada@acme.example');
    for (const signature of ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha512', 'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1'])
      expect((await taken(signedWith({}, { signature, digest: 'http://www.w3.org/2001/04/xmlenc#sha512' }))).nameId).toBe('ada@acme.example');
  });

  test('has the values of attributes that are written apart, and those of a friendly name', async () => {
    const attributes =
      '<saml:Attribute Name="urn:oid:0.9" FriendlyName="mail"><saml:AttributeValue> ada@acme.example </saml:AttributeValue></saml:Attribute>' +
      '<saml:Attribute Name="Role"><saml:AttributeValue>a</saml:AttributeValue></saml:Attribute><saml:Attribute Name="Role"><saml:AttributeValue>b</saml:AttributeValue></saml:Attribute>' +
      '<saml:Attribute Name="__proto__"><saml:AttributeValue>c</saml:AttributeValue></saml:Attribute>';
    const found = (await taken(signedWith({ attributes }))).attributes;
    expect([found.get('mail'), found.get('Role'), found.get('__proto__')]).toEqual([['ada@acme.example'], ['a', 'b'], ['c']]);
  });
});

describe('S1: what is not signed by the provider is refused', () => {
  test('unsigned, tampered with, or signed by somebody else, whose certificate stands beside', async () => {
    expect(await refusal(answerXml(nowMs))).toMatch(/^signature: neither/);
    expect(await refusal(signedWith().replace('ada@acme.example', 'eve@acme.example'))).toMatch(/^signature: /);
    expect(await refusal(sign(answerXml(nowMs), stranger, { isKeyNamed: true }))).toMatch(/^signature: the signature is not one/);
    const both = sign(sign(answerXml(nowMs), stranger), provider, { what: 'response' });
    expect(await refusal(both)).toMatch(/^signature: the signature is not one/);
  });

  test('by SHA-1, by a shared key, or with transforms of its own', async () => {
    const sha1 = 'http://www.w3.org/2000/09/xmldsig#';
    expect(await refusal(signedWith({}, { signature: `${sha1}rsa-sha1` }))).toMatch(/^signature: .*SignatureMethod is/);
    expect(await refusal(signedWith({}, { digest: `${sha1}sha1` }))).toMatch(/^signature: .*DigestMethod is/);
    const shared = sign(
      answerXml(nowMs),
      { ...provider, key: createPublicKey(provider.cert).export({ type: 'spki', format: 'pem' }).toString() },
      { signature: `${sha1}hmac-sha1` },
    );
    expect(await refusal(shared)).toMatch(/^signature: .*SignatureMethod is .*hmac/);
    for (const transforms of [[exclusive], ['http://www.w3.org/2000/09/xmldsig#enveloped-signature']])
      expect(await refusal(signedWith({}, { transforms }))).toMatch(/^signature: .*transforms/);
  });
});

describe('S2: what is wrapped, doubled or hidden is refused', () => {
  test('the eight wrappings of an answer that itself is taken', async () => {
    const [response, assertion] = [signedWith({}, { what: 'response' }), signedWith()];
    expect(await refusal(response)).toBe('taken as ada@acme.example');
    const wrapped = Object.entries(wrappings(response, assertion));
    expect(wrapped).toHaveLength(8);
    for (const [name, xml] of wrapped) {
      expect([name, xml.includes('eve@acme.example'), xml.includes('ada@acme.example')]).toEqual([name, true, true]);
      expect(`${name} ${await refusal(xml)}`).toMatch(/^XSW\d (?:answer|signature): /);
    }
  });

  test('a second assertion, an assertion in Advice, the same id twice, another kind of answer', async () => {
    const xml = signedWith();
    const second = assertionOf(answerXml(nowMs, { assertionId: '_second' }));
    expect(await refusal(xml.replace('</samlp:Response>', `${second}</samlp:Response>`))).toMatch(/^answer: .*more than one assertion/);
    expect(
      await refusal(
        sign(
          answerXml(nowMs).replace('<saml:AuthnStatement ', () => `<saml:Advice>${second}</saml:Advice><saml:AuthnStatement `),
          provider,
          { what: 'response' },
        ),
      ),
    ).toMatch(/^answer: .*more than one assertion/);
    expect(await refusal(xml.replace('<samlp:Status>', '<samlp:Status Id="_assertion1">'))).toMatch(/^answer: .*same id/);
    expect(await refusal(xml.replaceAll('samlp:Response', 'samlp:LogoutResponse'))).toMatch(/^answer: .*no Response/);
  });

  test('an error that is signed, whatever it carries', async () => {
    const refused = signedWith({ status: 'urn:oasis:names:tc:SAML:2.0:status:Responder' }, { what: 'response' });
    expect(await refusal(refused)).toBe('answer: the provider answered Responder');
  });

  test.each(readdirSync(folder).filter((name) => name.endsWith('.xml')))('node-saml: %s', async (name) => {
    const known = {
      issuer: 'https://evil-corp.com',
      recipient: 'https://evil-corp.madness.com/sso/callback',
      requestId: '_e8df3fe5f04237d25670',
      nowMs: Date.parse('2020-09-25T16:59:00Z'),
      certificates: [readFileSync(join(folder, 'cert.pem'), 'utf8')],
      decryptionKey: ours.key,
    };
    expect(await refusal(readFileSync(join(folder, name), 'utf8'), known)).toMatch(/^(?:answer|signature|decryption): /);
  });
});

describe('S3: what has no place in an answer is refused before it is parsed', () => {
  test('DOCTYPE, entities, comments, CDATA, instructions, a second root, another encoding or version', async () => {
    const xml = signedWith();
    const bomb = `<!DOCTYPE x [${Array.from({ length: 20 }, (_, index) => `<!ENTITY e${index + 1} "&e${index};&e${index};">`).join('')}]>`;
    for (const doctype of ['<!DOCTYPE x>', '<!DOCTYPE x [<!ENTITY e "ada">]>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">', bomb])
      expect(await refusal(doctype + xml)).toBe('answer: the answer cannot be used: it has a DOCTYPE');
    for (const part of ['<!-- -->', '<![CDATA[x]]>', '<?x y?>'])
      expect(await refusal(xml.replace('<samlp:Status>', `${part}<samlp:Status>`))).toMatch(/^answer: .*comments, CDATA/);
    expect(await refusal(`${xml}<x/>`)).toMatch(/^answer: .*well-formed/);
    expect(await refusal(xml.replace('<samlp:Status>', '<samlp:Status>&e;'))).toMatch(/^answer: .*well-formed/);
    expect(await refusal(`<?xml version="1.1"?>${xml}`)).toMatch(/^answer: /);
    expect(await refusal(`<?xml version="1.0" encoding="utf-16"?>${xml}`)).toMatch(/^answer: /);
    expect(await refusal(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`)).toBe('taken as ada@acme.example');
  });

  test('what is no Base64, no UTF-8, too long or too deep', async () => {
    for (const field of [
      '',
      '%',
      'abc',
      Buffer.from([0x3c, 0xff, 0x3e]).toString('base64'),
      Buffer.alloc(300 * 1_024, 'a').toString('base64'),
      'A'.repeat(4_000_000),
    ])
      await expect(verifyResponse(field, trust())).rejects.toMatchObject({ step: 'answer' });
    expect(await refusal(`${'<a>'.repeat(100)}${'</a>'.repeat(100)}`)).toMatch(/^answer: .*deeper/);
  });
});

describe('S5: what is for somebody else, by somebody else, or of another time is refused', () => {
  test.each<readonly [string, AnswerParts, RegExp]>([
    ['destination', { destination: 'https://other.example/acs' }, /the response is for https:\/\/other/],
    ['recipient', { recipient: 'https://other.example/acs', destination: answerDefaults.recipient }, /to be shown at https:\/\/other/],
    ['issuer', { issuer: 'https://other.example', responseIssuer: answerDefaults.issuer }, /the assertion is by https:\/\/other/],
    ['issuer of the response', { responseIssuer: 'https://other.example' }, /the response is by https:\/\/other/],
    ['issuer but for a slash', { issuer: `${answerDefaults.issuer}/` }, /is by/],
    ['audience', { audience: 'https://other.example' }, /the assertion is for https:\/\/other/],
    ['no audience', { audience: null }, /names no audience/],
    ['no conditions', { conditions: '' }, /no Conditions/],
    ['no end', { conditions: '<saml:Conditions/>' }, /has no end/],
    [
      'a condition that is not known',
      { conditions: `<saml:Conditions NotOnOrAfter="${new Date(nowMs + minuteMs).toISOString()}"><saml:Odd/></saml:Conditions>` },
      /condition Odd/,
    ],
    ['over', { fromMs: nowMs - 20 * minuteMs, untilMs: nowMs - minuteMs }, /over/],
    ['not yet', { fromMs: nowMs + 2 * minuteMs }, /not good yet/],
    ['for days', { untilMs: nowMs + 3 * 24 * 60 * minuteMs }, /more than a day/],
    ['of tomorrow', { issuedMs: nowMs + 10 * minuteMs }, /in the future/],
    ['of last week', { issuedMs: nowMs - 7 * 24 * 60 * minuteMs }, /more than a day ago/],
    ['another request', { inResponseTo: '_other' }, /another request/],
    ['another request, in what is signed', { assertionInResponseTo: '_other' }, /another request/],
    ['no request', { inResponseTo: null }, /no request/],
  ])('%s', async (_, parts, said) => {
    const reason = await refusal(signedWith(parts));
    expect(reason).toMatch(/^assertion: /);
    expect(reason).toMatch(said);
  });

  test('clocks may differ by a minute, and by no more', async () => {
    for (const [untilMs, said] of [
      [nowMs - 59_000, /^taken/],
      [nowMs - 61_000, /^assertion: .*over/],
    ] as const)
      expect(await refusal(signedWith({ fromMs: nowMs - 10 * minuteMs, untilMs }))).toMatch(said);
  });

  test('S7: an answer that nobody asked for is taken only where that is allowed, and then answers nothing', async () => {
    expect(await refusal(signedWith({ inResponseTo: null }), { requestId: null })).toBe('taken as ada@acme.example');
    expect(await refusal(signedWith(), { requestId: null })).toMatch(/none was made/);
  });
});

describe('S6: text is that of the signed bytes', () => {
  test('a name id that a comment cuts is no shorter one', async () => {
    const xml = signedWith({ nameId: 'ada@acme.example.evil.example' });
    expect(await refusal(xml)).toBe('taken as ada@acme.example.evil.example');
    expect(await refusal(xml.replace('ada@acme.example.evil', 'ada@acme.example<!---->.evil'))).toMatch(/^answer: .*comments/);
  });

  test('attributes that change what others inherit are refused', async () => {
    for (const name of ['base', 'space', 'id'])
      expect(await refusal(signedWith().replace('<samlp:Status>', `<samlp:Status xml:${name}="x">`))).toMatch(/^answer: .*xml:/);
  });

  test('whatever one changes in an answer, it is refused, or says the same', { timeout: 120_000 }, async () => {
    const xml = signedWith();
    const said = await taken(xml);
    const edit = fc.record({
      at: fc.nat(xml.length - 1),
      length: fc.nat(3),
      text: fc.string({ maxLength: 4, unit: fc.constantFrom('<', '>', '"', '&', '/', ' ', 'a', 'D', '_', ':', '\n', '=', '#') }),
    });
    await fc.assert(
      fc.asyncProperty(edit, async ({ at, length, text }) => {
        const changed = xml.slice(0, at) + text + xml.slice(at + length);
        const found = await taken(changed).catch((error: unknown) => (error instanceof SignInTrouble ? null : Promise.reject(error)));
        if (found !== null) expect(found).toEqual(said);
      }),
      { numRuns: 150 },
    );
  });
});

describe('S10: of an encrypted assertion', () => {
  test('what is encrypted for us and signed inside, or below a signature, is taken', async () => {
    const mine = { decryptionKey: ours.key };
    const inside = await encryptAssertion(signedWith(), ours);
    expect(await refusal(inside, mine)).toBe('taken as ada@acme.example');
    for (const content of ['http://www.w3.org/2009/xmlenc11#aes128-gcm', 'http://www.w3.org/2001/04/xmlenc#aes256-cbc'])
      expect(await refusal(sign(await encryptAssertion(answerXml(nowMs), ours, { content }), provider, { what: 'response' }), mine)).toBe(
        'taken as ada@acme.example',
      );
    expect(await refusal(sign(inside, provider, { what: 'response' }), mine)).toBe('taken as ada@acme.example');
    expect(await refusal(inside)).toMatch(/^decryption: .*there is no key/);
  });

  test('all that fails after decrypting fails alike', async () => {
    const mine = { decryptionKey: ours.key };
    const good = await encryptAssertion(signedWith(), ours);
    const values = [...good.matchAll(/<(?:\w+:)?CipherValue>\s*([^<\s]+)/g)].map(([, value = '']) => value);
    const [keyValue = '', content = ''] = values;
    const flipped = (value: string): string => value.slice(0, 40) + (value[40] === 'A' ? 'B' : 'A') + value.slice(41);
    const bad = [
      await encryptAssertion(answerXml(nowMs), ours),
      await encryptAssertion(sign(answerXml(nowMs), stranger), ours),
      await encryptAssertion(signedWith(), stranger),
      await encryptAssertion(signedWith().replace('ada@', 'eve@'), ours),
      good.replace(content, flipped(content)),
      good.replace(keyValue, flipped(keyValue)),
      good.replace(content, 'AAAA'),
      sign(await encryptAssertion(sign(answerXml(nowMs), stranger), ours), provider, { what: 'response' }),
    ];
    expect(values).toHaveLength(2);
    const reasons = await Promise.all(bad.map((xml) => refusal(xml, mine)));
    expect(new Set(reasons).size).toBe(1);
    expect(reasons[0]).toMatch(/^decryption: the encrypted assertion cannot be used/);
  });

  test('nothing is decrypted that a stranger could change and ask again', async () => {
    const mine = { decryptionKey: ours.key };
    const cbc = await encryptAssertion(signedWith(), ours, { content: 'http://www.w3.org/2001/04/xmlenc#aes128-cbc' });
    expect(await refusal(cbc, mine)).toMatch(/^decryption: .*the response is not signed/);
    expect(await refusal(sign(cbc, stranger, { what: 'response' }), mine)).toMatch(/^signature: the signature is not one/);
    expect(await refusal(await encryptAssertion(signedWith(), ours, { key: 'http://www.w3.org/2001/04/xmlenc#rsa-1_5' }), mine)).toMatch(
      /^decryption: .*its key is encrypted by/,
    );
  });
});

test('S1: a certificate with a short key is not one to believe', () => {
  expect(readCertificates(weak.cert)).toMatch(/1024 bits/);
  expect(readCertificates(provider.cert)).toMatchObject([{ pem: expect.stringContaining('BEGIN CERTIFICATE') }]);
});
