import { createHmac, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTokenIssuer, testAudience, type TokenIssuer } from '../../../../test/support/token-issuer.ts';
import { until } from '../../../../test/support/poll.ts';
import { bounds } from '../kernel/bounds.ts';
import { silentLog } from '../kernel/log.ts';
import type { IssuerData } from './issuer-data.ts';
import { createTokenVerifier, type TokenVerdict, type TokenVerifier } from './verify-token.ts';

let issuer: TokenIssuer;
let other: TokenIssuer;
let verifier: TokenVerifier;
const nowMs = Date.now();
let monotonicMs = 0;

beforeAll(async () => {
  [issuer, other] = await Promise.all([startTokenIssuer(() => nowMs), startTokenIssuer(() => nowMs)]);
});
afterAll(async () => Promise.all([issuer?.stop(), other?.stop()]));
beforeEach(() => {
  issuer.answer(null);
  serve();
});

/** A verifier that knows nothing yet. */
function serve(more: Partial<IssuerData> = {}): void {
  monotonicMs = 0;
  verifier = createTokenVerifier({ clock: { nowMs: () => nowMs, monotonicMs: () => monotonicMs }, log: silentLog });
  verifier.configure([issuer.data(more)]);
}

/** The step that it fails at, or `ok`, `away`, `busy`. */
function stepOf(verdict: TokenVerdict): string {
  return verdict.ok === true ? 'ok' : verdict.ok === false ? verdict.refusal.step : verdict.ok;
}

async function step(text: string): Promise<string> {
  return stepOf(await verifier.verify(text));
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = (): number => Math.floor(nowMs / 1000);

test('a good token is taken, with its claims and its end', async () => {
  const verdict = await verifier.verify(await issuer.token({ groups: ['a'] }));
  expect(verdict).toMatchObject({ ok: true, token: { claims: { sub: 'ana', groups: ['a'] }, expiresAtMs: (seconds() + 600) * 1000 + 60_000 } });
  expect(await step(await issuer.token({}, { typ: 'application/AT+JWT' }))).toBe('ok');
});

describe('A2: what is no token ends at its form', () => {
  test.each([
    'a.b',
    'a.b.c',
    '..',
    'a.b.c.d.e',
    `${part({ alg: 'RS256' })}.${part([])}.x`,
    `${part({})}.${part({ iss: 'x' })}.x`,
    'x'.repeat(20_000),
    `${'a'.repeat(6_000)}.e.e`,
  ])('%.40s', async (text) => expect(await step(text)).toBe('form'));
});

describe('A3: the algorithm is one of the list, whatever the header says', () => {
  test.each(['none', 'NoNe', 'HS256', 'HS512', 'RS512', 'PS256'])('%s', async (alg) => {
    const body = `${part({ alg, typ: 'at+jwt' })}.${(await issuer.token()).split('.')[1]}`;
    const pem = issuer.publicKey().export({ type: 'spki', format: 'pem' });
    expect(await step(`${body}.`)).toBe('algorithm');
    expect(await step(`${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`)).toBe('algorithm');
  });
});

test('A4: a key id of any kind only ever compares, and one that is too long ends at the form', async () => {
  for (const kid of ['../../dev/null', "' or 1=1 --", 'http://169.254.169.254/', '']) expect(await step(await issuer.token({}, { kid }))).toBe('key');
  expect(await step(await issuer.token({}, { kid: 'x'.repeat(300) }))).toBe('form');
  expect(await step(await issuer.token({}, { kid: 7 }))).toBe('form');
});

test('A5: a key that the token brings along is not looked at', async () => {
  const mine = await startTokenIssuer(() => nowMs);
  const jwk = mine.publicKey().export({ format: 'jwk' });
  const header = { jwk, jku: `${mine.url}/jwks`, x5u: `${mine.url}/x`, x5c: ['MIIB'] };
  expect(await step(await mine.token({ iss: issuer.url }, header))).toBe('key');
  const kid = JSON.parse(Buffer.from((await issuer.token()).split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
  expect(await step(await mine.token({ iss: issuer.url }, { ...header, ...kid }))).toBe('signature');
  expect(mine.asked()).toBe(0);
  await mine.stop();
});

describe('A7: times are there, are times, and are now', () => {
  test.each<[string, () => Record<string, unknown>, string]>([
    ['no exp', () => ({ exp: undefined }), 'time'],
    ['exp as text', () => ({ exp: '9999999999' }), 'time'],
    ['exp without end', () => ({ exp: 1e300 }), 'time'],
    ['exp in milliseconds', () => ({ exp: nowMs }), 'time'],
    ['no iat', () => ({ iat: undefined }), 'time'],
    ['expired 59 s ago', () => ({ exp: seconds() - 59 }), 'ok'],
    ['expired 61 s ago', () => ({ exp: seconds() - 61 }), 'time'],
    ['nbf in 59 s', () => ({ nbf: seconds() + 59 }), 'ok'],
    ['nbf in 62 s', () => ({ nbf: seconds() + 62 }), 'time'],
    ['iat in 59 s', () => ({ iat: seconds() + 59 }), 'ok'],
    ['iat in 62 s', () => ({ iat: seconds() + 62 }), 'time'],
    ['24 h old', () => ({ iat: seconds() - 86_400 }), 'ok'],
    ['older than that', () => ({ iat: seconds() - 86_400 - 62 }), 'time'],
  ])('%s', async (_, claims, expected) => expect(await step(await issuer.token(claims()))).toBe(expected));
});

describe('A8: the audience is this gateway, letter for letter', () => {
  test.each([
    undefined,
    [],
    ['https://other.example'],
    `${testAudience}/`,
    testAudience.slice(0, -1),
    testAudience.toUpperCase(),
    'https://gateway.example',
    7,
    [[testAudience]],
  ])('%j is refused', async (aud) => expect(await step(await issuer.token({ aud }))).toBe('audience'));
  test('one of several is enough', async () => expect(await step(await issuer.token({ aud: ['account', testAudience] }))).toBe('ok'));
});

describe('A9: the issuer is one that is configured, letter for letter', () => {
  test('in no other writing', async () => {
    for (const iss of [`${issuer.url}/`, issuer.url.replace('http', 'HTTP'), 'https://evil.example', '', 7])
      expect(await step(await issuer.token({ iss }))).toMatch(/issuer|form/);
  });

  test('and its tokens are checked by its own keys', async () => {
    verifier.configure([issuer.data(), other.data({ name: 'other' })]);
    expect(await verifier.verify(await other.token())).toMatchObject({ ok: true, token: { issuer: { name: 'other' } } });
    expect(await step(await other.token({ iss: issuer.url }))).toBe('key');
  });

  test('of two entries for one issuer the audience, or what is required, says which is meant', async () => {
    verifier.configure([
      issuer.data({ name: 'a', requiredClaims: { tid: 'a' } }),
      issuer.data({ name: 'b', requiredClaims: { tid: 'b' } }),
      issuer.data({ name: 'c', audiences: ['c'] }),
    ]);
    const nameOf = async (claims: Record<string, unknown>): Promise<string> => {
      const verdict = await verifier.verify(await issuer.token(claims));
      return verdict.ok === true ? verdict.token.issuer.name : stepOf(verdict);
    };
    expect([await nameOf({ tid: 'a' }), await nameOf({ tid: 'b' }), await nameOf({ aud: 'c' }), await nameOf({ tid: 'x' })]).toEqual(['a', 'b', 'c', 'claims']);
  });
});

test('A10: who it was made for, and what kind of token it is', async () => {
  serve({ authorizedParties: ['cli'], tokenTypes: ['at+jwt'] });
  for (const claims of [{ azp: 'cli' }, { client_id: 'cli' }, { cid: 'cli' }, { appid: 'cli' }]) expect(await step(await issuer.token(claims))).toBe('ok');
  for (const claims of [{}, { azp: 'other', client_id: 'cli' }, { azp: ['cli'] }]) expect(await step(await issuer.token(claims))).toBe('party');
  expect(await step(await issuer.token({ azp: 'cli' }, { typ: 'JWT' }))).toBe('type');
  expect(await step(await issuer.token({ azp: 'cli' }, { typ: undefined }))).toBe('type');
  serve();
  for (const claims of [{ at_hash: 'x' }, { events: {} }, { typ: 'ID' }, { typ: 'Refresh' }])
    expect(await step(await issuer.token(claims, { typ: 'JWT' }))).toBe('type');
});

describe('keys', () => {
  test('A14: a new key is known with its first token, and one that is gone is refused within ten minutes', async () => {
    const before = await issuer.token();
    expect(await step(before)).toBe('ok');
    issuer.rotate();
    expect(await step(await issuer.token())).toBe('ok');
    expect(await step(before)).toBe('key');
    // Nobody has come with a new one: the reading of every few minutes says so.
    serve();
    expect(await step(await issuer.token())).toBe('ok');
    const last = await issuer.token();
    issuer.rotate();
    expect(await step(last)).toBe('ok');
    monotonicMs += 2 * bounds.issuerKeysFreshMs + 1;
    expect(await step(last)).toBe('key');
    expect(2 * bounds.issuerKeysFreshMs + bounds.tokenVerdictMs).toBeLessThanOrEqual(600_000);
  });

  test('A14: are changed under load without a single refusal', async () => {
    const results: string[] = [];
    for (let turn = 0; turn < 3; turn++) {
      issuer.rotate(true);
      monotonicMs += bounds.issuerUnknownKeyMs;
      const tokens = await Promise.all(Array.from({ length: 40 }, () => issuer.token()));
      results.push(...(await Promise.all(tokens.map(step))));
    }
    expect(new Set(results)).toEqual(new Set(['ok']));
  });

  test('A15: of an issuer that is away are gone by for an hour, then nobody can tell; back again, it is asked again', async () => {
    expect(await step(await issuer.token())).toBe('ok');
    issuer.answer((_, response) => void response.writeHead(500).end());
    monotonicMs += 2 * bounds.issuerKeysFreshMs + 1;
    expect(await step(await issuer.token())).toBe('ok');
    expect(verifier.reports()[0]?.keys).toMatchObject({ state: 'stale', trouble: expect.stringContaining('500') as string });
    monotonicMs += bounds.issuerKeysKeptMs;
    expect(await step(await issuer.token())).toBe('away');
    expect(verifier.reports()[0]?.keys.state).toBe('away');
    issuer.answer(null);
    monotonicMs += bounds.outsideRetryMsMax;
    expect(await step(await issuer.token())).toBe('ok');
    expect(verifier.reports()[0]?.keys).toMatchObject({ state: 'ok', trouble: null });
  });

  test('A15: of an issuer that has not said them are asked for again after a pause that doubles, half a minute at most', async () => {
    issuer.answer((_, response) => void response.writeHead(500).end());
    const token = await issuer.token();
    const asked: number[] = [];
    for (let second = 0; second <= 100; second++) {
      monotonicMs = second * 1_000;
      const { failed = 0 } = verifier.reports()[0]?.keys ?? {};
      expect(await step(token)).toBe('away');
      if ((verifier.reports()[0]?.keys.failed ?? 0) > failed) asked.push(second);
    }
    expect(asked).toEqual([0, 5, 15, 35, 65, 95]);
  });

  test('A15: an issuer that hangs holds up nobody but its own', async () => {
    verifier.configure([issuer.data(), other.data({ name: 'other' })]);
    let held: (() => void) | null = null;
    issuer.answer((_, response) => void (held = () => response.end()));
    const waiting = verifier.verify(await issuer.token());
    await until(() => held !== null, { what: 'the issuer to be asked' });
    expect(await step(await other.token())).toBe('ok');
    issuer.answer((_, response) => void response.writeHead(500).end());
    (held as unknown as () => void)();
    expect(stepOf(await waiting)).toBe('away');
  });

  test.each<[string, Parameters<TokenIssuer['answer']>[0], string]>([
    [
      'more than a mebibyte',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.alloc(1_100_000, 32)),
      'more than',
    ],
    ['a redirect', (_, response) => void response.writeHead(302, { location: '/jwks2' }).end(), 'redirect'],
    ['HTML', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), 'no JSON'],
    ['JSON that is no key set', (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":{}}'), 'no set'],
    [
      'too many keys',
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: Array.from({ length: 101 }, () => ({})) })),
      'no set',
    ],
    [
      'nothing but what is no key',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: odd() })),
      'no key',
    ],
    [
      'half of it',
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{', () => response.destroy()),
      'reached',
    ],
  ])('A16: that come as %s are not taken', async (_, answer, trouble) => {
    issuer.answer(answer);
    expect(await step(await issuer.token())).toBe('away');
    expect(verifier.reports()[0]?.keys.trouble).toContain(trouble);
  });

  test('A18: are asked for once in 30 s, however many ids are made up', async () => {
    expect(await step(await issuer.token())).toBe('ok');
    const before = issuer.asked();
    const made = await Promise.all(Array.from({ length: 50 }, (_, number) => issuer.token({}, { kid: `made-${number}` })));
    expect(new Set(await Promise.all(made.map(step)))).toEqual(new Set(['key']));
    expect(issuer.asked() - before).toBe(1);
    monotonicMs += bounds.issuerUnknownKeyMs;
    await Promise.all(made.map(step));
    expect(issuer.asked() - before).toBe(2);
  });
});

/** A secret, a key for encryption, one that is too short, another curve, one without its numbers. */
function odd(): unknown[] {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' });
  const good = issuer.publicKey().export({ format: 'jwk' });
  return [
    { kty: 'oct', k: 'c2VjcmV0' },
    { ...good, use: 'enc' },
    short,
    curve,
    { kty: 'RSA' },
    { ...good, e: 'A'.repeat(40) },
    null,
    7,
    { ...good, alg: 'HS256' },
  ];
}

describe('E1, E7: where keys come from', () => {
  test.each([
    ['a private address that nobody has named', { allowedNetworks: [] }, 'not asked'],
    ['this machine by its name', { issuer: 'https://localhost:1', allowedNetworks: [] }, 'not asked'],
    ['without TLS, though the network is named for another', { allowedNetworks: ['10.0.0.0/8'] }, 'without TLS'],
    ['metadata of a cloud', { jwksUrl: 'https://169.254.169.254/keys', allowedNetworks: [] }, 'not asked'],
    ['IPv4 in IPv6', { jwksUrl: 'https://[::ffff:127.0.0.1]/keys', allowedNetworks: [] }, 'not asked'],
    ['another scheme', { jwksUrl: 'file:///etc/passwd' }, 'no address'],
  ])('%s: no connection is made', async (_, more, trouble) => {
    const before = issuer.asked();
    serve(more);
    expect(await step(await issuer.token({ iss: issuer.data(more).issuer }))).toBe('away');
    expect(verifier.reports()[0]?.keys.trouble).toContain(trouble);
    expect(issuer.asked()).toBe(before);
  });

  test('S13: metadata of another issuer is not gone by', async () => {
    // The same place under another path: its metadata names the one without.
    serve({ issuer: `${issuer.url}/.well-known/..` });
    expect(await step(await issuer.token({ iss: `${issuer.url}/.well-known/..` }))).toBe('away');
    expect(verifier.reports()[0]?.keys.trouble).toContain('another issuer');
  });
});
