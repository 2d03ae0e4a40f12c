import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultOrganizationId } from '../kernel/id.ts';
import type { ClaimMapping, IssuerData, PeopleClaims } from './issuer-data.ts';
import { mapClaims } from './map-claims.ts';
import { readClaims } from './read-claims.ts';
import { claimAt, isTokenForm, readToken } from './read-token.ts';

const people: PeopleClaims = {
  subject: 'sub',
  email: 'email',
  isEmailTrusted: false,
  name: 'name',
  groups: ['groups', 'realm_access.roles', 'https://acme.example/roles'],
  provision: 'required',
  linkByEmail: true,
  domains: null,
  allowedGroups: null,
  firstRoleIds: [],
  mapping: [],
};

const issuer = (mapping: Partial<ClaimMapping> = {}): IssuerData => ({
  name: 'okta',
  organizationId: defaultOrganizationId,
  issuer: 'https://idp.example',
  audiences: ['gateway'],
  jwksUrl: null,
  algorithms: ['RS256'],
  tokenTypes: ['at+jwt'],
  authorizedParties: null,
  requiredClaims: {},
  maxAgeMs: 1,
  allowedNetworks: [],
  ca: null,
  mapping: { callers: [], people, ...mapping },
  actions: null,
  controlApi: false,
  servers: null,
});

describe('who a token is of', () => {
  test('the first entry of callers whose claims all fit, by patterns and in lists, before any person', () => {
    const callers: ClaimMapping['callers'] = [
      { claims: { sub: 'repo:acme/*', ref: 'refs/heads/main' }, kind: 'agent', id: 'agt_main' },
      { claims: { sub: 'repo:acme/*' }, kind: 'service_account', id: 'sva_ci' },
      { claims: { 'kubernetes.io.namespace': 'prod', aud: 'gateway' }, kind: 'service_account', id: 'sva_k8s' },
      { claims: { level: '3', isAdmin: 'true' }, kind: 'user', id: 'usr_root' },
    ];
    const of = (claims: Record<string, unknown>): unknown => {
      const mapped = mapClaims(issuer({ callers, people: null }), claims);
      return mapped.kind === 'entry' ? mapped.entry.id : mapped.kind;
    };
    expect(of({ sub: 'repo:acme/web:x', ref: 'refs/heads/main' })).toBe('agt_main');
    expect(of({ sub: 'repo:acme/web:x', ref: 'refs/heads/dev' })).toBe('sva_ci');
    expect(of({ 'kubernetes.io': { namespace: 'prod' }, aud: ['x', 'gateway'] })).toBe('nobody');
    expect(of({ kubernetes: { io: { namespace: 'prod' } }, aud: ['x', 'gateway'] })).toBe('sva_k8s');
    expect(of({ level: 3, isAdmin: true })).toBe('usr_root');
    expect(of({ sub: ['repo:acme/x', 7] })).toBe('sva_ci');
    expect(of({ sub: 'evil repo:acme/x' })).toBe('nobody');
  });

  test('else a person: an address counts that is verified, groups come from every claim that is named', () => {
    const claims = {
      sub: 'u1',
      email: 'ana@acme.example',
      email_verified: true,
      name: 'Ana',
      groups: ['a', 7, 'b'],
      realm_access: { roles: ['c'] },
      'https://acme.example/roles': 'd e',
    };
    const mapped = mapClaims(issuer(), claims);
    expect(mapped).toMatchObject({
      kind: 'person',
      identity: { providerId: 'okta', issuer: 'https://idp.example', subject: 'u1', email: 'ana@acme.example', emailVerified: true, name: 'Ana' },
    });
    expect(mapped.kind === 'person' ? mapped.identity.groups : []).toEqual(['a', 'b', 'c', 'd e', 'd', 'e']);
    for (const email_verified of ['true', 1, undefined, null])
      expect(mapClaims(issuer(), { ...claims, email_verified })).toMatchObject({ identity: { emailVerified: false } });
    expect(mapClaims(issuer({ people: { ...people, isEmailTrusted: true } }), { sub: 'u1', email: 'x@y.example' })).toMatchObject({
      identity: { emailVerified: true },
    });
    expect(mapClaims(issuer(), { sub: 'u1', email_verified: true })).toMatchObject({ identity: { email: null, emailVerified: false } });
  });

  test('that an address is verified is said of email, and of no name that people choose themselves', () => {
    const claims = { sub: 'u1', email: 'eve@acme.example', email_verified: true, preferred_username: 'root@acme.example', mail: { email: 'a@acme.example' } };
    const verified = (email: string, more: Record<string, unknown> = {}) => {
      const mapped = mapClaims(issuer({ people: { ...people, email } }), { ...claims, ...more });
      const provider = { name: 'p', organizationId: defaultOrganizationId, issuer: 'https://idp.example', isEmailTrusted: false };
      const read = readClaims({ ...provider, claims: { subject: 'sub', email, name: 'name', groups: [] } }, { ...claims, xms_edov: true, ...more });
      return [mapped.kind === 'person' && mapped.identity.emailVerified, read.emailVerified];
    };
    expect(verified('email')).toEqual([true, true]);
    expect(verified('preferred_username')).toEqual([false, false]);
    expect(verified('mail.email')).toEqual([false, false]);
    expect(verified('mail.email', { mail: { email: 'a@acme.example', email_verified: true } })).toEqual([true, true]);
    expect(verified('https://acme.example/email', { 'https://acme.example/email': 'a@b.example', 'https://acme.example/email_verified': true })).toEqual([
      true,
      true,
    ]);
  });

  test.each([undefined, null, '', {}, [], ['u1'], true, 1.5, 'x'.repeat(256), '\uD800'])('is nobody where the subject is %j', (sub) => {
    expect(mapClaims(issuer(), { sub })).toMatchObject({ kind: 'nobody', trouble: expect.stringContaining('sub') as string });
  });
});

test('no claims whatever break the mapping, or give a group that they do not name', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('sub', 'email', 'groups', 'realm_access', 'name', '__proto__', 'constructor'), fc.jsonValue()), (claims) => {
      const mapped = mapClaims(issuer({ callers: [{ claims: { 'realm_access.roles': 'x*' }, kind: 'user', id: 'u' }] }), claims);
      const text = JSON.stringify(claims);
      if (mapped.kind !== 'person') return true;
      return mapped.identity.groups.every((group) => text.includes(JSON.stringify(group).slice(1, -1)));
    }),
  );
});

test('any text is a token of which the parts are read, or is told why not; nothing is thrown', () => {
  const part = fc.oneof(
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    fc
      .record({ alg: fc.string(), kid: fc.jsonValue(), typ: fc.jsonValue(), iss: fc.string() })
      .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.tuple(part, part, part).map((parts) => parts.join('.')),
      ),
      (text) => {
        const read = readToken(text);
        return 'trouble' in read ? read.trouble !== '' : isTokenForm(text) && typeof read.issuer === 'string' && claimAt(read.claims, 'iss') === read.issuer;
      },
    ),
  );
  // Inherited members are no claims.
  expect([claimAt({}, 'constructor'), claimAt({ a: {} }, 'a.toString'), claimAt({ 'a.b': 1, a: { b: 2 } }, 'a.b')]).toEqual([undefined, undefined, 1]);
});
