import { describe, expect, test } from 'vitest';
import { Fault } from '../kernel/fault.ts';
import { createHeaderGate, requireAddress, requireControlAddress, requireJson, type InboundHeaders } from './header-gate.ts';

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'none';
}

const read = (...lines: [string, string][]): InboundHeaders => createHeaderGate()(lines.flat());

describe('the gate', () => {
  test('reads a header in any letter case, and nothing that it does not know', () => {
    const headers = read(['hOsT', 'a'], ['AUTHORIZATION', 'b'], ['X-Evil', 'c'], ['__proto__', 'd'], ['constructor', 'e'], ['toString', 'f']);
    expect(headers).toMatchObject({ host: 'a', authorization: 'b', params: undefined });
    expect(Object.values(headers).filter((value) => value !== undefined)).toEqual(['a', 'b']);
  });

  test('joins lists and refuses everything else that is doubled, even in another spelling or with the same value', () => {
    expect(read(['Accept', 'a'], ['accept', 'b'], ['tracestate', 'c'], ['Tracestate', 'd'])).toMatchObject({ accept: 'a, b', tracestate: 'c, d' });
    expect(codeOf(() => read(['Host', 'a'], ['host', 'a']))).toBe('invalid_request');
    expect(codeOf(() => read(['Mcp-Name', ''], ['MCP-NAME', 'b']))).toBe('invalid_request');
  });

  test('keeps Mcp-Param-* as they are, in order', () => {
    expect(read(['Mcp-Param-A', '1'], ['mcp-param-a', '2'], ['MCP-PARAM-', '3']).params).toEqual(['Mcp-Param-A', '1', 'mcp-param-a', '2', 'MCP-PARAM-', '3']);
  });

  test('counts lines', () => {
    const lines = (count: number): [string, string][] => Array.from({ length: count }, (_, index) => [`x-${index}`, '1']);
    expect(codeOf(() => read(...lines(100)))).toBe('none');
    expect(codeOf(() => read(...lines(101)))).toBe('headers_too_large');
  });

  test('answers the same however many spellings it has seen', () => {
    const gate = createHeaderGate();
    for (let number = 0; number < 2_000; number++) gate([`x-${number}`, '1']);
    expect(gate(['HoSt', 'a', 'AuThOrIzAtIoN', 'b'])).toMatchObject({ host: 'a', authorization: 'b' });
  });
});

test('only JSON, in UTF-8, without an encoding', () => {
  const body = (contentType: string | undefined, contentEncoding?: string): string => codeOf(() => requireJson({ ...read(), contentType, contentEncoding }));
  expect(body('application/json')).toBe('none');
  expect(body('application/json;  charset="UTF-8"')).toBe('none');
  for (const type of [undefined, '', 'application/json;', 'application/json; charset=latin1', 'application/json, text/plain'])
    expect(body(type)).toBe('unsupported_media_type');
  expect(body('application/json', 'identity')).toBe('unsupported_media_type');
});

test('the answer of an identity provider may be posted from its own page, and nothing else from there', () => {
  const at = (method: string, url: string, host = 'a.example'): string =>
    codeOf(() => requireControlAddress({ ...read(), host, origin: 'https://idp.example' }, new Set(['a.example']), new Set(), { method, url }));
  for (const path of ['oidc/callback', 'oidc/callback?x', 'oidc/callback/okta', 'oidc/callback/okta?x', 'saml/acs'])
    expect([path, at('POST', `/v1/auth/sso/${path}`)]).toEqual([path, 'none']);
  for (const path of ['oidc/callback/', 'oidc/callback/okta/x', 'oidc/callbacks', 'oidc/callback/%2e%2e', 'saml/acs/x', '../keys'])
    expect([path, at('POST', `/v1/auth/sso/${path}`)]).toEqual([path, 'origin_not_allowed']);
  expect(at('GET', '/v1/auth/sso/oidc/callback/okta')).toBe('origin_not_allowed');
  expect(at('POST', '/v1/auth/sso/oidc/callback', 'b.example')).toBe('host_not_allowed');
});

test('only addresses that are served', () => {
  const at = (host: string | undefined, origin?: string, hosts: ReadonlySet<string> | null = new Set(['a.example:80'])): string =>
    codeOf(() => requireAddress({ ...read(), host, origin }, hosts, new Set(['http://a.example'])));
  expect([at('a.example:80'), at('A.Example:80'), at('a.example:80', 'http://a.example'), at('anything', undefined, null)]).toEqual([
    'none',
    'none',
    'none',
    'none',
  ]);
  expect([at('a.example'), at('b.example:80'), at('')]).toEqual(['host_not_allowed', 'host_not_allowed', 'host_not_allowed']);
  expect([at('a.example:80', 'http://A.example'), at('x', 'null', null)]).toEqual(['origin_not_allowed', 'origin_not_allowed']);
  expect([at(undefined), at(undefined, undefined, null)]).toEqual(['invalid_request', 'invalid_request']);
});
