import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mcpActions } from '../protocol/methods.ts';
import { covers, excess, mcpPermissions, permissionNames, within } from './permissions.ts';

const universe = [...mcpActions, ...permissionNames];
const entry = fc.oneof(fc.constantFrom(...universe), fc.constantFrom('*', 'tools.*', 'keys.*', 'resources.*', 'people.*', 'TOOLS.CALL', 'tools', '.*', ''));
const entries = fc.array(entry, { maxLength: 8 });

test('T6 what a key may do lies within what it holds and within what the roles of its owner allow, and is all of both', () => {
  fc.assert(
    fc.property(fc.option(entries, { nil: null }), entries, (held, granted) => {
      const effective = within(held, granted, mcpActions) ?? mcpActions;
      for (const name of universe)
        expect([name, covers(effective, name)]).toEqual([name, (held === null ? mcpActions.includes(name) : covers(held, name)) && covers(granted, name)]);
    }),
  );
});

test('every operation that can be permitted says in plain words what it is', () => {
  expect(Object.keys(mcpPermissions)).toEqual(mcpActions);
});

test('what is given lies within what the giver holds, pattern by pattern', () => {
  fc.assert(
    fc.property(entries, entries, (held, wanted) => {
      fc.pre(excess({ actions: held, servers: null }, { actions: wanted, servers: null }, mcpActions) === null);
      for (const name of universe) if (covers(wanted, name)) expect([name, covers(held, name)]).toEqual([name, true]);
    }),
  );
});
