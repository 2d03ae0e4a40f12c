import { expect, test } from 'vitest';
import { aboutText, byWeight, changeOf, changeOfText, emptyForm, fitsForm, formOf, textOf, writtenOf, type Policy } from './policy-text.ts';

const rule: Policy = {
  name: 'no-deletes',
  effect: 'deny',
  to: ['team:payments', 'agent:ci-*'],
  servers: ['github', 'jira-*'],
  tools: ['delete_*'],
  resources: null,
  prompts: null,
  actions: null,
  when: 'args.amount > 100',
  reason: 'Ask the platform team.',
  until: '2026-12-24T18:30:00.000Z',
  source: 'registry',
  file: null,
  line: null,
  served: true,
  version: 3,
  changed_at: '2026-11-28T00:00:00.000Z',
  changed_by: 'user:usr_1',
  usage: null,
};

test('a rule that is opened in the form or as text and saved as it is, is the same rule', () => {
  expect(changeOfText(textOf(writtenOf(rule)))).toEqual(changeOf(formOf(rule.name, writtenOf(rule))));
  expect(writtenOf(rule)).toEqual({
    effect: 'deny',
    to: rule.to,
    servers: rule.servers,
    tools: rule.tools,
    when: rule.when,
    reason: rule.reason,
    until: rule.until,
  });
});

test('what is left empty is for everyone, of every server, always', () => {
  expect(changeOf({ ...emptyForm, to: ' ', servers: ',' })).toEqual({ effect: 'deny', to: ['everyone'], servers: ['*'] });
});

test('a rule with a comma in a pattern is not opened in a form that would part it there', () => {
  expect([fitsForm(writtenOf(rule)), fitsForm({ ...writtenOf(rule), resources: ['file:///a,b'] })]).toEqual([true, false]);
});

test('rules stand in the order in which they weigh, and say in a line what they are about', () => {
  const named = (name: string, effect: Policy['effect']): Policy => ({ ...rule, name, effect });
  expect([named('a', 'allow'), named('h', 'hold'), named('z', 'deny'), named('b', 'deny')].toSorted(byWeight).map(({ name }) => name)).toEqual([
    'b',
    'z',
    'h',
    'a',
  ]);
  expect(aboutText(rule)).toBe('github, jira-*: tools delete_*');
  expect(aboutText({ ...rule, servers: ['*'], tools: null })).toBe('every server');
});
