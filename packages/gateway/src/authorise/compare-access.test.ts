import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Principal } from '../authenticate/authenticate.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { compileAccess, type Operation } from './access.ts';
import { compareAccess } from './compare-access.ts';

const clock = { nowMs: () => Date.UTC(2026, 0, 1) };

const rule = (name: string, more: Partial<PolicyData>): PolicyData => ({
  name,
  effect: 'allow',
  subjects: null,
  servers: ['*'],
  tools: null,
  resources: null,
  prompts: null,
  actions: null,
  when: null,
  reason: null,
  untilMs: null,
  ...more,
});

function caller(team: string, more: Partial<Principal> = {}): Principal {
  const data = {
    kind: team === '' ? 'anonymous' : 'key',
    credential: team === '' ? 'none' : 'apiKey',
    credentialId: team === '' ? '' : `key_${team}`,
    issuer: '',
    keyId: team === '' ? '' : `key_${team}`,
    keyPrefix: '',
    organizationId: 'org_default',
    userId: '',
    teamId: team,
    projectId: '',
    agent: '',
    serviceAccountId: '',
    lineage: [],
    owner: null,
    environment: 'production',
    servers: null,
    actions: null,
    expiresAtMs: null,
    deprecatedUntilMs: null,
    rateLimit: null,
  } as const;
  return { data, id: data.keyId, block: new Uint8Array(), agentBlocks: new Map(), servers: null, actions: null, ...more };
}
const call = (server: string, name: string): Operation & { action: string } => ({ server, action: 'tools.call', kind: 'tool', name });

const members = rule('members', { subjects: [{ kind: 'member', id: '' }] });

describe('two lists of rules', () => {
  test('differ for whom and what their rules are about, and for nobody else', () => {
    const compare = compareAccess([members], [members, rule('no', { effect: 'deny', subjects: [{ kind: 'team', id: 'red' }], tools: ['delete_*'] })], clock);
    expect(compare(caller('red'), call('github', 'DELETE_repo'))).toEqual({ before: 'allow', after: 'deny' });
    expect(compare(caller('blue'), call('github', 'delete_repo'))).toBeNull();
    expect(compare(caller('red'), call('github', 'list'))).toBeNull();
  });

  test('say nothing of calls that the scopes of a key refuse', () => {
    const compare = compareAccess([members], [], clock);
    expect(compare(caller('red'), call('github', 'list'))).toEqual({ before: 'allow', after: 'deny' });
    expect(compare(caller('red', { servers: new Set(['search']) }), call('github', 'list'))).toBeNull();
    expect(compare(caller('red', { actions: ['resources.*'] }), call('github', 'list'))).toBeNull();
  });

  test.each([
    ['args.amount > 100', null],
    ['in_cidr(ip, "10.0.0.0/8")', null],
    ['now.getHours() > 6', null],
    ['principal.team == "red"', 'deny'],
    ['principal.team == "blue"', 'allow'],
    ['name == "pay" && server.startsWith("ba")', 'deny'],
  ])('a condition is told where caller and operation tell it: %s', (when, after) => {
    const compare = compareAccess([members], [members, rule('no', { effect: 'deny', when })], clock);
    expect(compare(caller('red'), call('bank', 'pay'))).toEqual({ before: 'allow', after });
  });

  test('a refusal that holds whatever the call says needs no argument', () => {
    const asks = rule('asks', { effect: 'hold', when: 'args.amount > 100' });
    expect(compareAccess([members, asks], [members, asks, rule('no', { effect: 'deny' })], clock)(caller('red'), call('bank', 'pay'))).toEqual({
      before: null,
      after: 'deny',
    });
  });

  test('what is foreseen is what is decided, whatever the call says; where nothing is said, nothing is otherwise', () => {
    const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);
    const oneRule = fc.record({
      effect: some(['allow', 'allow', 'deny', 'hold'] as const),
      subjects: some([null, [{ kind: 'member', id: '' }], [{ kind: 'team', id: 'red' }], [{ kind: 'anonymous', id: '' }]] as const),
      servers: some([['*'], ['bank'], ['git*']]),
      tools: some([null, ['pay'], ['p*'], ['list', 'pay']]),
      actions: some([null, null, ['tools.call'], ['resources.*']]),
      when: some([null, null, 'args.amount > 1', 'has(args.amount)', 'ip == "10.0.0.1"', 'principal.team == "red"']),
      untilMs: some([null, null, null, Date.UTC(2025, 0, 1)]),
    });
    const rules = fc.array(oneRule, { maxLength: 4 }).map((list) => list.map((one, index) => rule(`rule-${index}`, one)));
    const facts = fc.record({ argumentsText: some([null, '{}', '{"amount":0}', '{"amount":5}', '{"amount":"x"}']), ip: some(['10.0.0.1', '192.0.2.1']) });
    fc.assert(
      fc.property(
        rules,
        rules,
        some(['red', 'blue', '']),
        some(['bank', 'github']),
        some(['pay', 'list']),
        facts,
        (before, after, team, server, name, told) => {
          const [principal, operation] = [caller(team), call(server, name)];
          const decided = (list: readonly PolicyData[]): string =>
            compileAccess(list, clock)
              .viewOf(principal)
              .decide(principal, operation, { argumentsText: () => told.argumentsText, ip: told.ip, tool: () => null }).decision;
          const foreseen = compareAccess(before, after, clock)(principal, operation);
          if (foreseen === null) return decided(before) === decided(after);
          return [
            [foreseen.before, before],
            [foreseen.after, after],
          ].every(([said, list]) => said === null || said === decided(list as readonly PolicyData[]));
        },
      ),
      { numRuns: 1500 },
    );
  });
});
