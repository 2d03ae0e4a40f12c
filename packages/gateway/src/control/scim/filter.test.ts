import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bounds } from '../../kernel/bounds.ts';
import { compileFilter } from './match-filter.ts';
import { comparisons, parseFilter, parsePath, type Filter } from './parse-filter.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { userSchema } from './schemas.ts';

const bjensen = {
  userName: 'bjensen',
  name: { formatted: 'Ms. Barbara J Jensen III', familyName: "O'Malley", givenName: 'Barbara' },
  active: true,
  emails: [
    { value: 'bjensen@example.com', type: 'work', primary: true },
    { value: 'babs@example.org', type: 'home' },
  ],
  meta: { resourceType: 'User', created: '2010-01-23T04:56:22Z', lastModified: '2011-05-13T04:42:34Z' },
  schemas: [userSchema.urn],
};

const fits = (text: string): boolean => compileFilter(userSchema, parseFilter(text))(bjensen);

describe('filters', () => {
  test('the examples of RFC 7644 section 3.4.2.2 mean what it says', () => {
    const examples: readonly (readonly [string, boolean])[] = [
      ['userName Eq "bjensen"', true],
      ['userName Eq "john"', false],
      ['userName eq "BJENSEN"', true],
      [`name.familyName co "O'Malley"`, true],
      ['userName sw "J"', false],
      ['urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b"', true],
      ['title pr', false],
      ['meta.lastModified gt "2011-05-13T04:42:34Z"', false],
      ['meta.lastModified ge "2011-05-13T06:42:34+02:00"', true],
      ['meta.lastModified lt "2011-05-13T04:42:35Z"', true],
      ['title pr and userType eq "Employee"', false],
      ['title pr or userName eq "bjensen"', true],
      [`schemas eq "${userSchema.urn}"`, true],
      ['userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', false],
      ['userName pr and (emails co "example.com" or emails.value co "example.org")', true],
      ['userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', false],
      ['userType ne "Employee" and not (emails co "example.net")', true],
      ['emails[type eq "work" and value co "@example.com"]', true],
      ['emails[type eq "home" and value co "@example.com"]', false],
      ['emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]', true],
      // `and` before `or`, `not` before both; null is nothing.
      ['userName eq "x" and active eq true or active eq true', true],
      ['userName eq "x" and (active eq true or active eq true)', false],
      ['not (userName eq "x") and active eq "True"', true],
      ['displayName eq null and userName ne null', true],
      ['emails[primary eq true].value ew ".com"', true],
    ];
    for (const [text, wanted] of examples) expect([text, fits(text)]).toEqual([text, wanted]);
  });

  const name = fc.constantFrom('userName', 'name.givenName', 'emails.value', 'active', `${userSchema.urn}:displayName`, 'meta.created');
  const value = fc.oneof(
    fc.string({ maxLength: 12 }).filter((text) => !/\p{Cc}/u.test(text)),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constant(null),
  );
  const { filter } = fc.letrec<{ filter: Filter; term: Filter }>((tie) => ({
    term: fc.oneof(
      name.map((path): Filter => ({ kind: 'present', path: parsePath(path).path })),
      fc
        .record({ path: name.map((path) => parsePath(path).path), operator: fc.constantFrom(...comparisons), value })
        .map((one): Filter => ({ kind: 'compare', ...one })),
    ),
    filter: fc.oneof(
      { maxDepth: 3 },
      tie('term'),
      tie('filter').map((inner): Filter => ({ kind: 'not', filter: inner })),
      fc.record({ kind: fc.constantFrom('and', 'or'), filters: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }) }),
      fc.record({ inner: tie('term') }).map(({ inner }): Filter => ({ kind: 'values', path: { urn: null, name: 'emails', sub: null }, filter: inner })),
    ),
  }));

  const pathText = ({ urn, name: attribute, sub }: { urn: string | null; name: string; sub: string | null }): string =>
    `${urn === null ? '' : `${urn}:`}${attribute}${sub === null ? '' : `.${sub}`}`;
  function write(one: Filter): string {
    switch (one.kind) {
      case 'and':
      case 'or':
        return one.filters.map((inner) => (inner.kind === 'and' || inner.kind === 'or' ? `(${write(inner)})` : write(inner))).join(` ${one.kind} `);
      case 'not':
        return `not (${write(one.filter)})`;
      case 'present':
        return `${pathText(one.path)} PR`;
      case 'compare':
        return `${pathText(one.path)} ${one.operator} ${JSON.stringify(one.value)}`;
      case 'values':
        return `${pathText(one.path)}[${write(one.filter)}]`;
    }
  }

  test('what is written of any filter is read as that filter', () => {
    fc.assert(
      fc.property(filter, (one) => {
        const text = write(one);
        fc.pre(text.length <= bounds.scimFilterCharsMax);
        expect(parseFilter(text)).toEqual(JSON.parse(JSON.stringify(one)));
      }),
      { numRuns: 300 },
    );
  });

  test('whatever is sent is a filter or refused in the words of the RFC, at once', () => {
    const pieces = fc.array(
      fc.constantFrom('(', ')', '[', ']', '"', '\\', '.', ' ', 'not', 'and', 'or', 'pr', 'eq', 'userName', 'emails', 'urn:', 'a:b', '1', 'true', '\u0000'),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          pieces.map((all) => all.join('')),
          pieces.map((all) => all.join(' ')),
        ),
        (text) => {
          for (const read of [parseFilter, parsePath]) {
            try {
              read(text);
            } catch (error) {
              expect(error).toBeInstanceOf(ScimRefusal);
              expect(error).toMatchObject({ status: 400, scimType: read === parseFilter ? 'invalidFilter' : 'invalidPath' });
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('length, depth and terms are bounded', () => {
    const deep = (levels: number): string => `${'('.repeat(levels)}userName pr${')'.repeat(levels)}`;
    const many = (terms: number): string => Array.from({ length: terms }, () => 'id pr').join(' or ');
    for (const text of [deep(bounds.scimFilterDepthMax), many(bounds.scimFilterTermsMax - 1)]) expect(() => parseFilter(text)).not.toThrow();
    for (const text of [deep(bounds.scimFilterDepthMax + 1), many(bounds.scimFilterTermsMax + 1), `userName eq "${'x'.repeat(bounds.scimFilterCharsMax)}"`])
      expect(() => parseFilter(text)).toThrow(ScimRefusal);
  });
});
