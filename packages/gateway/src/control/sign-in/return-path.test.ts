import fc from 'fast-check';
import { expect, test } from 'vitest';
import { returnPath } from './return-path.ts';

test.each([
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/.//evil.example',
  '/a/..//evil.example',
  'javascript:alert(1)',
  '',
  'x',
  '/a b',
  '/\u0000',
])('nobody is sent away by return_to=%j', (asked) => {
  expect(returnPath(asked, 'https://gateway.example')).toBe('/ui/');
  expect(returnPath(asked, 'https://tools.example/gateway/')).toBe('/gateway/ui/');
});

test('a path of ours stays as it is, query and all', () => {
  expect(returnPath('/oauth/authorize?client_id=x&redirect_uri=http%3A%2F%2Flocalhost%2Fcb', 'https://gateway.example')).toBe(
    '/oauth/authorize?client_id=x&redirect_uri=http%3A%2F%2Flocalhost%2Fcb',
  );
});

test('whatever is asked, a browser stays on this gateway', () => {
  const piece = fc.constantFrom('/', '\\', '.', '..', ':', '@', '?', '#', '%2f', '%5c', 'a', 'https:', 'evil.example', '\t', '\n', ' ');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const gateway = 'https://gateway.example';
      expect(new URL(returnPath(pieces.join(''), gateway), `${gateway}/sign-in`).origin).toBe(gateway);
    }),
  );
});
