import { describe, expect, test } from 'vitest';
import { authText, credentialsOf, isGoodAt, takesCredential, type AuthType } from './route-auth.ts';

const none = { credential: 'none', issuer: '' } as const;
const key = { credential: 'apiKey', issuer: '' } as const;
const okta = { credential: 'jwt', issuer: 'okta' } as const;

describe('a route takes what it names, and nothing else', () => {
  test.each<[AuthType, readonly string[] | undefined, readonly [boolean, boolean, boolean]]>([
    ['none', undefined, [true, true, true]],
    ['apiKey', undefined, [false, true, false]],
    ['jwt', undefined, [false, false, true]],
    [['apiKey', 'jwt'], undefined, [false, true, true]],
    [['apiKey', 'jwt'], ['okta'], [false, true, true]],
    [['apiKey', 'jwt'], ['entra'], [false, true, false]],
    ['jwt', [], [false, false, false]],
    [[], undefined, [false, false, false]],
  ])('%j of issuers %j', (auth, issuers, expected) => {
    const place = { auth, ...(issuers === undefined ? {} : { issuers }) };
    expect([none, key, okta].map((caller) => takesCredential(place, caller))).toEqual(expected);
  });

  test('A8: a token of the gateway is good at the one address that it was given for', () => {
    const token = (path: string) => ({ credential: 'oauth', issuer: '', token: { path } }) as const;
    const asked = ['/mcp/search', '/mcp', '/mcp/search/', '/mcp/searc', '/mcp/searching', '', 'https://gateway.example/mcp/search'];
    expect(asked.map((path) => isGoodAt('/mcp/search', token(path)))).toEqual([true, ...asked.slice(1).map(() => false)]);
    expect(isGoodAt('/mcp/search', { credential: 'oauth' })).toBe(false);
    expect([isGoodAt('/mcp/search', key), isGoodAt('/mcp/search', okta)]).toEqual([true, true]);
    expect(takesCredential({ auth: 'apiKey' }, { credential: 'oauth', issuer: '' })).toBe(false);
  });

  test('and says so to people', () => {
    expect(authText(['apiKey', 'jwt'])).toBe('apiKey, jwt');
    expect(authText('none')).toBe('none');
    expect([credentialsOf('none'), credentialsOf('jwt'), credentialsOf(['apiKey', 'jwt'])]).toEqual([[], ['jwt'], ['apiKey', 'jwt']]);
  });
});
