import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPatch, readPatch } from './apply-patch.ts';
import { isObject } from './match-filter.ts';
import { readResource } from './read-resource.ts';
import { ScimRefusal } from './scim-refusal.ts';
import { groupSchema, userSchema } from './schemas.ts';

const babs = readResource(userSchema, {
  userName: 'babs',
  name: { givenName: 'Barbara', familyName: 'Jensen' },
  emails: [
    { value: 'work@example.com', type: 'work', primary: true },
    { value: 'home@example.com', type: 'home' },
  ],
});

const patched = (...Operations: unknown[]) =>
  applyPatch(userSchema, babs, readPatch({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations }));

describe('PATCH', () => {
  test('the examples of RFC 7644 section 3.5.2 do what it says', () => {
    expect(patched({ op: 'add', value: { emails: [{ value: 'babs@jensen.org', type: 'other' }], displayName: 'Babs' } })).toMatchObject({
      displayName: 'Babs',
      emails: [{ type: 'work' }, { type: 'home' }, { value: 'babs@jensen.org', type: 'other' }],
    });
    // What is there already is not there twice.
    expect(patched({ op: 'add', path: 'emails', value: [{ type: 'home', value: 'home@example.com' }] })).toEqual(babs);
    expect(patched({ op: 'replace', path: 'emails[type eq "work"].value', value: 'new@example.com' })).toMatchObject({
      emails: [{ value: 'new@example.com', type: 'work', primary: true }, { type: 'home' }],
    });
    expect(patched({ op: 'replace', path: 'name', value: { familyName: 'Smith' } })).toMatchObject({ name: { givenName: 'Barbara', familyName: 'Smith' } });
    expect(patched({ op: 'remove', path: 'emails[type eq "work" and value ew "example.com"]' })).toMatchObject({
      emails: [{ value: 'home@example.com', type: 'home' }],
    });
    expect(patched({ op: 'remove', path: 'name.givenName' })).toMatchObject({ name: { familyName: 'Jensen' } });
    expect(patched({ op: 'remove', path: 'emails' })).not.toHaveProperty('emails');
    expect(patched({ op: 'replace', path: 'emails', value: [{ value: 'one@example.com' }] })).toMatchObject({ emails: [{ value: 'one@example.com' }] });
    const group = readResource(groupSchema, { displayName: 'g', members: [{ value: 'a' }, { value: 'b' }] });
    const members = (...operations: unknown[]) => applyPatch(groupSchema, group, readPatch({ Operations: operations }))['members'];
    expect(
      members({ op: 'remove', path: 'members[value eq "a"]' }, { op: 'add', path: 'members', value: [{ display: 'C', $ref: 'x', value: 'c' }] }),
    ).toMatchObject([{ value: 'b' }, { value: 'c' }]);
    expect(members({ op: 'remove', path: 'members' })).toBeUndefined();
    expect(members({ op: 'replace', path: 'members', value: [] })).toBeUndefined();
  });

  test('the address that becomes the primary one is the only one', () => {
    const primaries = (resource: Readonly<Record<string, unknown>>) =>
      (resource['emails'] as readonly Record<string, unknown>[]).filter(({ primary }) => primary === true).map(({ value }) => value);
    expect(primaries(patched({ op: 'add', path: 'emails', value: [{ value: 'x@example.com', primary: true }] }))).toEqual(['x@example.com']);
    expect(primaries(patched({ op: 'replace', path: 'emails[type eq "home"].primary', value: true }))).toEqual(['home@example.com']);
  });

  test('all operations are done or none, and what they begin with is not changed', () => {
    const before = structuredClone(babs);
    expect(() => patched({ op: 'replace', path: 'displayName', value: 'X' }, { op: 'remove', path: 'userName' })).toThrow(ScimRefusal);
    expect(babs).toEqual(before);
  });

  test('whatever is sent leaves a resource that reads as itself, or is refused in the words of the RFC', () => {
    const path = fc.constantFrom(
      null,
      'userName',
      'active',
      'name',
      'name.givenName',
      'emails',
      'emails.value',
      'emails[type eq "work"]',
      'emails[type eq "work"].value',
      'emails[value co "@"].primary',
      'id',
      'groups',
      'title',
      'nothing',
      'emails[',
      '__proto__',
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('True', { value: 'a@b.c', type: 'work', primary: true }, [{ value: 'a@b.c' }], { userName: '', __proto__: 1 }),
    );
    const operation = fc.record({ op: fc.constantFrom('add', 'Replace', 'REMOVE', 'x'), path, value }, { requiredKeys: ['op'] });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (operations) => {
        try {
          const after = patched(...operations);
          expect(readResource(userSchema, after)).toEqual(after);
          expect(typeof after['userName']).toBe('string');
          expect(Array.isArray(after['emails']) ? after['emails'].every(isObject) : true).toBe(true);
        } catch (error) {
          if (!(error instanceof ScimRefusal)) throw error;
          expect(error.status).toBe(400);
        }
      }),
      { numRuns: 500 },
    );
  });
});
