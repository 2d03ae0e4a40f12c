import type { Schemas } from '@gatewayops/sdk';
import { expect, test } from 'vitest';
import type { Policy } from './policy-text.ts';
import { propose, type Thing } from './propose.ts';

const policy = (name: string, effect: Policy['effect'], when: string | null = null): Policy => ({
  name,
  effect,
  to: ['everyone'],
  servers: ['*'],
  tools: effect === 'allow' ? null : ['delete_*'],
  resources: null,
  prompts: null,
  actions: null,
  when,
  reason: null,
  until: null,
  source: 'registry',
  file: null,
  line: null,
  served: true,
  version: 1,
  changed_at: null,
  changed_by: null,
  usage: null,
});
type Rule = Schemas['AccessExplanation']['rules'][number];
const found = (name: string, effect: Rule['effect'], bearing: Rule['bearing'] = 'speaks'): Rule => ({ name, effect, bearing, decided: false });
const thing: Thing = { server: 'github', kind: 'tool', name: 'delete_repo' };

test('where no rule allows it, one is made for whom and what was chosen, under a name that nobody has', () => {
  expect(propose([], [policy('allow-ana-delete_repo', 'deny')], thing, { subject: 'user:ana', isOfThing: true }, null)).toEqual([
    { name: 'allow-ana-delete_repo-2', change: { effect: 'allow', to: ['user:ana'], servers: ['github'], tools: ['delete_repo'] }, was: null },
  ]);
  expect(propose([found('x', 'allow', 'other_caller')], [], thing, { subject: 'team:Pay ments', isOfThing: false }, null)).toEqual([
    { name: 'allow-pay-ments-github', change: { effect: 'allow', to: ['team:Pay ments'], servers: ['github'] }, was: null },
  ]);
});

test('each rule that refuses or holds it gets an exception, and no other is touched', () => {
  const [no, ask, other, all] = [policy('no-deletes', 'deny'), policy('ask', 'hold', 'args.all == true'), policy('other', 'deny'), policy('all', 'allow')];
  const rules = [found('no-deletes', 'deny'), found('ask', 'hold'), found('other', 'deny', 'other_operation'), found('all', 'allow')];
  expect(propose(rules, [no, ask, other, all], thing, { subject: 'key:key_1', isOfThing: true }, null).map(({ name, change }) => [name, change.when])).toEqual([
    ['no-deletes', '!(principal.id == "key_1" && server == "github" && name == "delete_repo")'],
    ['ask', '(args.all == true) && !(principal.id == "key_1" && server == "github" && name == "delete_repo")'],
  ]);
});

test('of a rule whose condition is about what the call said, the record knows that it spoke', () => {
  const rules = [found('ask', 'hold', 'condition_unknown'), found('all', 'allow')];
  const asked = [policy('ask', 'hold', 'args.all == true'), policy('all', 'allow')];
  const scope = { subject: 'members', isOfThing: false };
  expect(propose(rules, asked, thing, scope, 'ask').map(({ change }) => change.when)).toEqual(['(args.all == true) && !(server == "github")']);
  expect(propose(rules, asked, thing, scope, null)).toEqual([]);
});
