import { expect, test } from 'vitest';
import type { Policy } from './policy-text.ts';
import { rulesAbout } from './rules-about.ts';

const rule = (name: string, said: Partial<Policy>): Policy => ({
  name,
  effect: 'allow',
  to: ['everyone'],
  servers: ['*'],
  tools: null,
  resources: null,
  prompts: null,
  actions: null,
  when: null,
  reason: null,
  until: null,
  source: 'registry',
  served: true,
  file: null,
  line: null,
  version: 1,
  changed_at: null,
  changed_by: null,
  usage: null,
  ...said,
});

const namesOf = (rules: readonly Policy[], tool: string | null): readonly string[] => rulesAbout(rules, 'desk', tool).map(({ name }) => name);

test('rules about a tool are those that name it, or all of its server, and what refuses stands first', () => {
  const rules = [
    rule('all', {}),
    rule('elsewhere', { servers: ['mail'] }),
    rule('drops', { effect: 'deny', servers: ['de*'], tools: ['drop_*'] }),
    rule('files', { resources: ['file:///*'] }),
    rule('reads', { actions: ['resources.*'] }),
    rule('calls', { effect: 'hold', actions: ['tools.*'] }),
  ];
  expect(namesOf(rules, 'drop_repo')).toEqual(['drops', 'calls', 'all']);
  expect(namesOf(rules, 'look')).toEqual(['calls', 'all']);
  expect(namesOf(rules, null)).toEqual(['drops', 'calls', 'all', 'files', 'reads']);
});

test('what refuses is about every spelling of a name, what allows about the one that it says', () => {
  const rules = [rule('no', { effect: 'deny', tools: ['Drop.repo'] }), rule('yes', { tools: ['Drop.repo'] })];
  expect(namesOf(rules, 'drop.repo')).toEqual(['no']);
  expect(namesOf(rules, 'Drop.repo')).toEqual(['no', 'yes']);
  expect(namesOf(rules, 'drop_repo')).toEqual([]);
});
