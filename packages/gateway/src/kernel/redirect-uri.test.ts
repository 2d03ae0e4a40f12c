import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitsRedirectUri, redirectPlace, refusedRedirectUri } from './redirect-uri.ts';

const registered = [
  'https://app.example/cb',
  'https://app.example/cb?x=1',
  'http://127.0.0.1/callback',
  'http://[::1]:7000/callback',
  'http://localhost:33418/',
  'app.example:/cb',
];
const isLoopbackText = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?(?=[/?]|$)/;

test('what is registered fits, and of a loopback address any port does (RFC 8252 section 7.3)', () => {
  for (const one of registered) expect([one, fitsRedirectUri(registered, one)]).toEqual([one, true]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 65_535 }),
      fc.constantFrom(['http://127.0.0.1', '/callback'], ['http://[::1]', '/callback'], ['http://localhost', '/']),
      (port, [origin, path]) => {
        expect(fitsRedirectUri(registered, `${origin}:${port}${path}`)).toBe(true);
      },
    ),
  );
  expect(fitsRedirectUri(['http://localhost:33418/'], 'http://127.0.0.1:33418/')).toBe(false);
  expect(fitsRedirectUri(['https://127.0.0.1/cb'], 'https://127.0.0.1:8443/cb')).toBe(false);
  expect(fitsRedirectUri(['https://app.example/cb'], 'https://app.example:8443/cb')).toBe(false);
});

test('whatever else is asked for fits only where it is a registered address, character by character, but for that port', () => {
  const pieces = fc.constantFrom(
    'https://',
    'http://',
    'HTTPS://',
    'app.example',
    'app.example.',
    'APP.example',
    'аpp.example',
    'xn--pp-jlc.example',
    'app.example.evil.example',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '127.0.0.1.nip.io',
    '[::1]',
    '[::ffff:127.0.0.1]',
    'localhost',
    'localhost.',
    'user@',
    'user:pass@',
    '@',
    '\\',
    '\\\\',
    '//',
    '/',
    '/cb',
    '/callback',
    '/cb/',
    '/cb/../cb',
    '/./cb',
    '%2e%2e/',
    '%2F',
    '%5c',
    '%00',
    '%0d%0a',
    '?',
    '?x=1',
    '&y=2',
    '#',
    '#x',
    '#@app.example',
    ':',
    ':80',
    ':99999',
    ':0',
    ';',
    '\t',
    '\n',
    ' ',
    'app.example:/cb',
    'javascript:alert(1)',
    'data:,x',
  );
  const spliced = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((all) => all.join(''));
  const mutated = fc
    .constantFrom(...registered)
    .chain((one) =>
      fc
        .integer({ min: 0, max: one.length })
        .chain((at) => fc.oneof(pieces, fc.string({ maxLength: 3 })).map((more) => `${one.slice(0, at)}${more}${one.slice(at)}`)),
    );
  fc.assert(
    fc.property(fc.oneof(spliced, mutated), (asked) => {
      if (!fitsRedirectUri(registered, asked)) return;
      const plain = (text: string): string => text.replace(isLoopbackText, (authority) => authority.replace(/:\d{1,5}$/, ''));
      const twin = registered.find((one) => one === asked || (isLoopbackText.test(one) && isLoopbackText.test(asked) && plain(one) === plain(asked)));
      expect([asked, twin]).toEqual([asked, expect.any(String)]);
      // Browsers read it as the registered one is read: no other host, no other path.
      const [given, kept] = [new URL(asked), new URL(twin ?? '')];
      expect([given.protocol, given.hostname, given.pathname, given.search, given.hash, given.username]).toEqual([
        kept.protocol,
        kept.hostname,
        kept.pathname,
        kept.search,
        '',
        '',
      ]);
    }),
    { numRuns: 500 },
  );
});

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'blob:https://app.example/x',
  'file:///etc/passwd',
  'ftp://app.example/cb',
  'http://app.example/cb',
  'http://127.0.0.2/cb',
  'http://localhost.evil.example/cb',
  'https://user@app.example/cb',
  'https://app.example/cb#',
  'https://app.example/cb#x',
  'https://аpp.example/cb',
  'https://app.example/c b',
  ' https://app.example/cb',
  'https://app.example/cb\n',
  'https://',
  '/cb',
  '',
  `https://app.example/${'x'.repeat(2_048)}`,
])('nobody can register %j, and it fits nothing', (uri) => {
  expect(refusedRedirectUri(uri)).toEqual(expect.any(String));
  expect(fitsRedirectUri([uri], uri)).toBe(false);
});

test('a page names the host that an answer goes to as browsers do', () => {
  expect(redirectPlace('https://app.example\\@evil.example/cb')).toEqual({ name: 'app.example', isLocal: false });
  expect(redirectPlace('http://127.0.0.1:7000/cb')).toEqual({ name: '127.0.0.1:7000', isLocal: true });
  expect(redirectPlace('com.app.example:/cb')).toEqual({ name: 'com.app.example://', isLocal: true });
});
