import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapGroups } from './map-groups.ts';

const ids: readonly string[] = ['a', 'b', 'c', 'd', 'e'];
const name = fc.constantFrom(...ids);
const names = fc.uniqueArray(name);
const mapping = fc.array(fc.record({ group: name, teamIds: names, roleIds: names }), { maxLength: 6 });
const links = fc.record({ teams: names, roles: names });

describe('what groups give and take', () => {
  test('of what the mapping names somebody has exactly what their groups give; all else is as it was', () => {
    fc.assert(
      fc.property(mapping, names, links, (rows, groups, before) => {
        const after = mapGroups(rows, groups, before);
        for (const [member, had, has] of [
          ['teamIds', before.teams, after.teams],
          ['roleIds', before.roles, after.roles],
        ] as const)
          for (const id of ids) {
            const isNamed = rows.some((row) => row[member].includes(id));
            const isGiven = rows.some((row) => groups.includes(row.group) && row[member].includes(id));
            expect(has.includes(id)).toBe(isNamed ? isGiven : had.includes(id));
          }
      }),
    );
  });

  test('the same groups a second time change nothing, in whatever order they come', () => {
    fc.assert(
      fc.property(mapping, names, links, (rows, groups, before) => {
        const once = mapGroups(rows, groups, before);
        expect(mapGroups(rows, [...groups].reverse(), once)).toEqual(once);
      }),
    );
  });
});
