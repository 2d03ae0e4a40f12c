import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Principal } from '../authenticate/authenticate.ts';
import type { PolicyData } from '../kernel/policy.ts';
import { membersRule } from '../../../../test/support/members-rule.ts';
import { listedFacts, riskOf, type ToolFacts } from '../kernel/tool-facts.ts';
import { fitsGlob, parseGlob } from '../kernel/glob.ts';
import { atOnce } from '../kernel/slices.ts';
import { accessSteps, compileAccess, type Access, type Grant, type Operation } from './access.ts';
import type { CallFacts } from './tell.ts';
import { compileRisks } from './tool-risk.ts';

const clock = { nowMs: () => Date.parse('2026-11-27T12:00:00Z') };
const noFacts: CallFacts = { argumentsText: () => null, ip: '10.1.2.3', tool: () => null };

function caller(more: Partial<Principal['data']> = {}): Principal {
  const data = {
    kind: 'key',
    keyId: 'key_a',
    organizationId: 'org_default',
    userId: 'ana',
    teamId: 'payments',
    projectId: '',
    agent: 'ci-bot',
    serviceAccountId: '',
    lineage: [],
    owner: null,
    environment: 'prod',
    ...more,
  };
  return { id: data.kind === 'anonymous' ? 'anonymous' : data.keyId, data, servers: null, actions: null } as Principal;
}

function rule(more: Partial<PolicyData>): PolicyData {
  return { ...membersRule, name: 'rule', subjects: null, ...more };
}

function call(server: string, name: string): Operation {
  return { server, action: 'tools.call', kind: 'tool', name };
}

function decide(policies: readonly PolicyData[], operation: Operation, facts: Partial<CallFacts> = {}, principal = caller()): Grant {
  return compileAccess(policies, clock)
    .viewOf(principal)
    .decide(principal, operation, { ...noFacts, ...facts });
}

describe('without a rule that allows', () => {
  test('everything is refused, as if it did not exist', () => {
    expect(decide([], call('github', 'search'))).toMatchObject({ decision: 'deny', hidden: true, rule: null });
    const view = compileAccess([], clock).viewOf(caller());
    expect([view.reaches('github'), view.opening('github'), view.shows('github', 'tool', 'search')]).toEqual([false, null, false]);
  });

  test('a rule for others does not help', () => {
    expect(decide([rule({ subjects: [{ kind: 'team', id: 'search' }] })], call('github', 'x')).decision).toBe('deny');
    expect(decide([rule({ subjects: [{ kind: 'team', id: 'search' }] })], call('github', 'x'), {}, caller({ teamId: '' })).decision).toBe('deny');
  });
});

describe('a rule is for', () => {
  test.each([
    ['member', '', true],
    ['anonymous', '', false],
    ['team', 'payments', true],
    ['team', 'pay*', true],
    ['team', 'PAYMENTS', false],
    ['user', 'ana', true],
    ['agent', 'ci-*', true],
    ['environment', 'prod', true],
    ['project', '*', false],
    ['key', 'key_a', true],
    ['organization', 'org_default', true],
    ['organization', 'org_other', false],
  ] as const)('%s %s: %s', (kind, id, isAllowed) => {
    expect(decide([rule({ subjects: [{ kind, id }] })], call('github', 'x')).decision).toBe(isAllowed ? 'allow' : 'deny');
  });

  test('callers without a key are no members, and are let in by their route alone', () => {
    const anonymous = caller({ kind: 'anonymous' });
    expect(decide([membersRule], call('open', 'x'), {}, anonymous).decision).toBe('allow');
    expect(decide([rule({ effect: 'deny' })], call('open', 'x'), {}, anonymous)).toMatchObject({ decision: 'deny', hidden: true });
  });
});

test('whatever is decided names the rule that decided', () => {
  const rules = [
    rule({ name: 'some', tools: ['get'] }),
    rule({ name: 'all-of-a', servers: ['a'] }),
    rule({ name: 'never', effect: 'deny', servers: ['b'], tools: ['drop'] }),
    rule({ name: 'asked', effect: 'hold', servers: ['b'], tools: ['write'] }),
    rule({ name: 'by-day', servers: ['b'], tools: ['post'], when: 'args.day == true' }),
  ];
  const decided = (server: string, name: string): string | null => decide(rules, call(server, name), { argumentsText: () => '{"day":true}' }).rule;
  expect([decided('a', 'any'), decided('b', 'get'), decided('b', 'drop'), decided('b', 'write'), decided('b', 'post'), decided('b', 'other')]).toEqual([
    'all-of-a',
    'some',
    'never',
    null,
    'by-day',
    null,
  ]);
  expect(decide([...rules, rule({ name: 'b-too', servers: ['b'] })], call('b', 'write')).rule).toBe('asked');
  expect(
    compileAccess([rule({ name: 'off', effect: 'deny', servers: ['c'] })], clock)
      .viewOf(caller())
      .refusalOf('c')?.rule,
  ).toBe('off');
});

describe('what a rule names', () => {
  const search = rule({ name: 'search-only', servers: ['git*'], tools: ['search_*', 'get'] });

  test('is all that it allows; and whoever may use some of a server may list and shake hands', () => {
    const view = compileAccess([search], clock).viewOf(caller());
    expect(['search_code', 'get', 'get_file', 'delete'].map((name) => view.shows('github', 'tool', name))).toEqual([true, true, false, false]);
    expect([view.reaches('github'), view.reaches('jira'), view.opening('github'), view.shows('github', 'prompt', 'search_code')]).toEqual([
      true,
      false,
      null,
      false,
    ]);
    for (const action of [null, 'tools.list', 'resources.list'])
      expect(decide([search], { server: 'github', action, kind: null, name: '' }).decision).toBe('allow');
  });

  test('is no way to what it does not name', () => {
    for (const action of ['skills.get', 'skills.list']) expect(decide([search], { server: 'github', action, kind: null, name: '' }).decision).toBe('deny');
    for (const action of ['tasks.get', 'subscriptions.listen'])
      expect(decide([search], { server: 'github', action, kind: null, name: '' }).decision).toBe('allow');
    expect(decide([membersRule], { server: 'github', action: 'skills.get', kind: null, name: '' }).decision).toBe('allow');
  });

  test('single operations', () => {
    const calls = rule({ actions: ['tools.call'] });
    expect(decide([calls], call('a', 'x')).decision).toBe('allow');
    expect(decide([calls], { server: 'a', action: 'tools.list', kind: null, name: '' }).decision).toBe('allow');
    expect(decide([calls], { server: 'a', action: 'resources.read', kind: 'resource', name: 'file:///a' }).decision).toBe('deny');
    expect(
      decide([membersRule, rule({ effect: 'deny', actions: ['resources.*'] })], { server: 'a', action: 'resources.list', kind: null, name: '' }).decision,
    ).toBe('deny');
    expect(decide([membersRule, rule({ effect: 'deny', actions: ['resources.*'] })], call('a', 'x')).decision).toBe('allow');
  });

  test('a refusal finds every spelling of a name that is read alike', () => {
    const policies = [membersRule, rule({ name: 'no-deletes', effect: 'deny', tools: ['delete_*'] })];
    for (const name of ['delete_repo', 'DELETE_repo', 'Delete_Repo', 'ｄelete_repo', 'delete_'])
      expect(decide(policies, call('github', name))).toMatchObject({ decision: 'deny', hidden: true, rule: 'no-deletes' });
    expect(decide(policies, call('github', 'undelete_repo')).decision).toBe('allow');
  });

  test('M20: a resource is where its URI leads, however it is written; what leads nowhere certain is refused', () => {
    const policies = [rule({ resources: ['file:///home/*'] }), rule({ name: 'no-secrets', effect: 'deny', resources: ['file:///home/secret*'] })];
    const read = (name: string): string => decide(policies, { server: 'files', action: 'resources.read', kind: 'resource', name }).decision;
    expect(read('file:///home/a.txt')).toBe('allow');
    for (const uri of [
      'file:///home/../etc/passwd',
      'file:///home/%2e%2e/etc/passwd',
      'file:///home/x/%2E%2e/secret',
      'file:///home/SECRET',
      'file:///etc/passwd',
      'x:/../',
    ])
      expect([uri, read(uri)]).toEqual([uri, 'deny']);
  });

  test('a template is shown where one of its URIs may be read', () => {
    const view = compileAccess([rule({ resources: ['db://public/*'] }), rule({ effect: 'deny', resources: ['db://public/pay*'] })], clock).viewOf(caller());
    expect(
      ['db://public/{table}', 'db://{schema}/{table}', 'db://private/{table}', 'db://public/payments/{id}'].map((name) => view.shows('db', 'template', name)),
    ).toEqual([true, true, false, false]);
  });
});

describe('a condition', () => {
  const prod = rule({ name: 'no-prod', effect: 'deny', tools: ['deploy'], when: 'args.target.startsWith("prod-")', reason: 'Not on Fridays.' });

  test('decides on the arguments; what it may refuse is still shown', () => {
    const policies = [membersRule, prod];
    const deploy = (args: string | null): Grant => decide(policies, call('k8s', 'deploy'), { argumentsText: () => args });
    expect(deploy('{"target":"prod-eu"}')).toEqual({ decision: 'deny', hidden: false, rule: 'no-prod', reason: 'Not on Fridays.' });
    expect(deploy('{"target":"dev"}')).toMatchObject({ decision: 'allow' });
    expect(compileAccess(policies, clock).viewOf(caller()).shows('k8s', 'tool', 'deploy')).toBe(true);
  });

  test('A30: that cannot be told refuses where the rule refuses, and does not allow where it allows', () => {
    for (const args of [null, '{}', '{"target":7}', '{"target":null}', '[]', '{'])
      expect(decide([membersRule, prod], call('k8s', 'deploy'), { argumentsText: () => args }).decision).toBe('deny');
    const small = rule({ when: 'args.amount < 100' });
    expect(decide([small], call('pay', 'send'), { argumentsText: () => '{"amount":5}' }).decision).toBe('allow');
    for (const args of [null, '{}', '{"amount":"5"}', '{"amount":500}']) {
      expect(decide([small], call('pay', 'send'), { argumentsText: () => args })).toMatchObject({ decision: 'deny', hidden: false });
    }
  });

  test('asks after the caller, the network and the time', () => {
    const when = (text: string): string => decide([rule({ when: text })], call('a', 'x')).decision;
    expect(when('principal.team == "payments" && principal.agent.startsWith("ci-")')).toBe('allow');
    expect(when('in_cidr(ip, "10.0.0.0/8")')).toBe('allow');
    expect(when('in_cidr(ip, "192.168.0.0/16") || in_cidr(ip, "fd00::/8")')).toBe('deny');
    expect(when('now.getHours() == 12 && now < timestamp("2027-01-01T00:00:00Z")')).toBe('allow');
    expect(when('server == "a" && action == "tools.call" && name == "x"')).toBe('allow');
  });

  test('with a macro does not look at more arguments than it can in time', () => {
    const policies = [membersRule, rule({ effect: 'deny', when: 'args.list.exists(x, x == "evil")' })];
    expect(decide(policies, call('a', 'x'), { argumentsText: () => '{"list":["good"]}' }).decision).toBe('allow');
    expect(decide(policies, call('a', 'x'), { argumentsText: () => JSON.stringify({ list: Array(10_000).fill('good') }) }).decision).toBe('deny');
  });
});

function toolWith(annotations: Readonly<Record<string, unknown>>): () => ToolFacts {
  const listed = listedFacts({ name: 'x', title: 'X', annotations });
  return () => ({ ...listed, risk: riskOf(listed.annotations) });
}
const reads = toolWith({ readOnlyHint: true });
const adds = toolWith({ destructiveHint: false });
const silent = toolWith({});

describe('a condition on the tool', () => {
  const onlyReading = rule({ name: 'reads', when: 'tool.annotations.readOnlyHint' });
  const noDestroying = rule({ name: 'no-destroying', effect: 'deny', when: 'tool.annotations.destructiveHint' });

  test('is told what its server says, and for the rest what MCP has read for it; "said" tells the two apart', () => {
    expect(silent()).toEqual({
      title: 'X',
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
      said: [],
      risk: 'high',
    });
    expect(reads()).toMatchObject({ annotations: { destructiveHint: false, idempotentHint: true }, said: ['readOnlyHint'], risk: 'low' });
    expect(adds()).toMatchObject({ risk: 'medium', said: ['destructiveHint'] });
    expect(toolWith({ readOnlyHint: 'true', destructiveHint: 0 })()).toMatchObject({ said: [], risk: 'high' });
    const decided = (when: string, tool: () => ToolFacts): string => decide([rule({ when })], call('a', 'x'), { tool }).decision;
    expect(decided('tool.annotations.openWorldHint && tool.title == "X"', silent)).toBe('allow');
    expect(decided('"destructiveHint" in tool.said', silent)).toBe('deny');
    expect(decided('tool.risk in ["low", "medium"]', adds)).toBe('allow');
  });

  test('hides what it refuses whatever the call says, from lists and from calls alike', () => {
    for (const [tool, isShown] of [
      [reads, true],
      [adds, false],
      [silent, false],
    ] as const) {
      const view = compileAccess([onlyReading], clock).viewOf(caller());
      expect([view.shows('a', 'tool', 'x', tool), view.decide(caller(), call('a', 'x'), { ...noFacts, tool })]).toMatchObject([
        isShown,
        isShown ? { decision: 'allow', rule: 'reads' } : { decision: 'deny', hidden: true },
      ]);
    }
    const view = compileAccess([membersRule, noDestroying], clock).viewOf(caller());
    expect([view.shows('a', 'tool', 'x', silent), view.shows('a', 'tool', 'x', adds)]).toEqual([false, true]);
    expect(view.decide(caller(), call('a', 'x'), { ...noFacts, tool: silent })).toMatchObject({ decision: 'deny', hidden: true, rule: 'no-destroying' });
  });

  test('of which nothing is known refuses where the rule refuses, and does not allow where it allows; neither hides it', () => {
    expect(decide([onlyReading], call('a', 'x'))).toMatchObject({ decision: 'deny', hidden: false });
    expect(decide([membersRule, noDestroying], call('a', 'x'))).toMatchObject({ decision: 'deny', hidden: false });
    expect(decide([membersRule, rule({ effect: 'hold', when: 'tool.risk == "critical"' })], call('a', 'x')).decision).toBe('hold');
  });

  test('is about calls of tools and nothing else, and lets who may call some of them list them', () => {
    const read: Operation = { server: 'a', action: 'resources.read', kind: 'resource', name: 'file:///a' };
    expect(decide([onlyReading], read).decision).toBe('deny');
    expect(decide([membersRule, noDestroying], read).decision).toBe('allow');
    for (const action of [null, 'tools.list']) {
      expect(decide([onlyReading], { server: 'a', action, kind: null, name: '' }).decision).toBe('allow');
      expect(decide([membersRule, noDestroying], { server: 'a', action, kind: null, name: '' }).decision).toBe('allow');
      expect(decide([rule({ when: 'args.amount < 100 && principal.team == "search"' })], { server: 'a', action, kind: null, name: '' }).decision).toBe('deny');
      expect(decide([rule({ when: 'args.amount < 100 && principal.team == "payments"' })], { server: 'a', action, kind: null, name: '' }).decision).toBe(
        'allow',
      );
    }
  });

  test('is asked for only where a rule about the tool asks', () => {
    const view = compileAccess([membersRule, rule({ effect: 'deny', tools: ['drop*'], when: 'tool.risk != "low"' })], clock).viewOf(caller());
    expect([view.asksOfTool(call('a', 'drop_all')), view.asksOfTool(call('a', 'read'))]).toEqual([true, false]);
  });

  test('may ask for the risk that an operator names: the highest of its entries, and no spelling of its name is lower', () => {
    const riskAt = compileRisks([
      { servers: ['git*'], tools: ['get_*'], risk: 'low' },
      { servers: ['*'], tools: ['get_secret', 'drop'], risk: 'critical' },
    ]);
    const { annotations } = silent();
    expect(['get_file', 'get_secret', 'GET_SECRET', 'Get_file', 'drop', 'other'].map((name) => riskAt('github', name, annotations))).toEqual([
      'low',
      'critical',
      'critical',
      'high',
      'critical',
      'high',
    ]);
    expect(riskAt('jira', 'get_file', reads().annotations)).toBe('low');
  });
});

test('deny wins over hold, hold over allow', () => {
  const hold = rule({ name: 'ask-first', effect: 'hold', tools: ['x'] });
  expect(decide([membersRule, hold], call('a', 'x'))).toMatchObject({ decision: 'hold', rule: 'ask-first' });
  expect(decide([membersRule, hold, rule({ name: 'no', effect: 'deny', tools: ['x'] })], call('a', 'x'))).toMatchObject({ decision: 'deny', rule: 'no' });
});

test('a rule that has ended holds no more, from the moment that it says', () => {
  let nowMs = 1_000;
  const access = compileAccess([membersRule, rule({ name: 'for-now', effect: 'deny', untilMs: 2_000 })], { nowMs: () => nowMs });
  const principal = caller();
  const decision = (): string => access.viewOf(principal).decide(principal, call('a', 'x'), noFacts).decision;
  expect(decision()).toBe('deny');
  nowMs = 2_000;
  expect(decision()).toBe('allow');
});

const name = fc.constantFrom('read', 'delete', 'Delete', 'delete_all', 'ｄelete', 'list');
const patterns = fc.option(fc.array(fc.constantFrom('*', 'read', 'delete*', 'del*', '*_all', 'list'), { minLength: 1, maxLength: 3 }), { nil: null });
const someRule = fc.record({
  effect: fc.constantFrom('allow', 'deny', 'hold' as const),
  subjects: fc.option(
    fc.array(fc.record({ kind: fc.constantFrom('team', 'user', 'member' as const), id: fc.constantFrom('payments', 'search', 'ana', '*') }), {
      minLength: 1,
      maxLength: 2,
    }),
    { nil: null },
  ),
  servers: fc.array(fc.constantFrom('*', 'a', 'b'), { minLength: 1, maxLength: 2 }),
  tools: patterns,
  when: fc.constantFrom(null, null, null, 'tool.annotations.readOnlyHint', 'tool.risk == "high"', 'args.n > 1', 'tool.risk != "low" && args.n > 1'),
});
const someTool = fc.constantFrom(null, reads(), adds(), silent());

test('T6: more rules that refuse never allow more, and rules that allow never lift a refusal', () => {
  fc.assert(
    fc.property(fc.array(someRule, { maxLength: 6 }), someRule, fc.constantFrom('a', 'b', 'c'), name, someTool, (base, extra, server, tool, known) => {
      const policies = base.map((one, index) => rule({ ...(one as Partial<PolicyData>), name: `r${index}` }));
      const facts = { tool: () => known, argumentsText: () => '{"n":2}' };
      const before = decide(policies, call(server, tool), facts);
      const after = decide([...policies, rule({ ...(extra as Partial<PolicyData>), name: 'extra' })], call(server, tool), facts);
      if (extra.effect === 'deny' && before.decision === 'deny') expect(after.decision).toBe('deny');
      if (extra.effect !== 'allow' && after.decision === 'allow') expect(before.decision).toBe('allow');
      if (extra.effect === 'allow' && before.decision === 'deny' && before.rule !== null) expect(after.decision).toBe('deny');
      const view = compileAccess(policies, clock).viewOf(caller());
      // What is not shown is refused, and what is open is refused nothing.
      // Who may know of it is told why, who may not hears that there is no such tool: by lists and by calls alike.
      const isShown = view.shows(server, 'tool', tool, facts.tool);
      if (before.decision === 'deny') expect(before.hidden).toBe(!isShown);
      else expect(isShown).toBe(true);
      if (view.opening(server) !== null) expect(before.decision).toBe('allow');
      if (!view.reaches(server)) expect(before.decision).toBe('deny');
    }),
  );
});

test('of thousands of rules the one that names the tool decides, in every spelling', () => {
  const many = Array.from({ length: 3_000 }, (_, n) => rule({ name: `no-${n}`, effect: 'deny', tools: [`Tool_${n}`] }));
  const view = compileAccess([membersRule, ...many, rule({ name: 'last', effect: 'deny', tools: ['tool_2*'] })], clock).viewOf(caller());
  expect(['Tool_7', 'tool_7', 'TOOL_2999', 'tool_29999', 'tool_30000'].map((one) => view.decide(caller(), call('a', one), noFacts))).toMatchObject([
    { rule: 'no-7' },
    { rule: 'no-7' },
    { rule: 'no-2999' },
    { rule: 'last' },
    { decision: 'allow' },
  ]);
});

const reference = fc.record({ kind: fc.constantFrom('department', 'team', 'project', 'user' as const), id: fc.constantFrom('a', 'b', 'c') });
const inheritedRule = fc.record({
  effect: fc.constantFrom('allow', 'deny', 'hold' as const),
  subjects: fc.option(
    fc.array(fc.record({ kind: fc.constantFrom('department', 'team', 'project' as const), id: fc.constantFrom('a', 'b', 'c', '*') }), { minLength: 1 }),
    {
      nil: null,
    },
  ),
});

test('T6 what is inherited is what the rules of all above say together: no deny is lost, nothing is allowed that none of them allows', () => {
  fc.assert(
    fc.property(fc.array(inheritedRule, { maxLength: 6 }), fc.array(reference, { maxLength: 4 }), (written, lineage) => {
      const rules = written.map((one) => rule(one));
      const { decision } = decide(rules, call('s', 'read'), {}, caller({ teamId: '', lineage }));
      const speaks = (effect: PolicyData['effect']): boolean =>
        rules.some(
          (one) =>
            one.effect === effect &&
            (one.subjects === null || one.subjects.some(({ kind, id }) => lineage.some((above) => above.kind === kind && (id === '*' || above.id === id)))),
        );
      expect(decision).toBe(speaks('deny') ? 'deny' : !speaks('allow') ? 'deny' : speaks('hold') ? 'hold' : 'allow');
      // Whatever else it inherits from, no deny goes away.
      if (speaks('deny'))
        expect(decide(rules, call('s', 'read'), {}, caller({ teamId: '', lineage: [...lineage, { kind: 'team', id: 'c' }] })).decision).toBe('deny');
    }),
  );
});

const placedRule = fc.record({
  subjects: fc.option(
    fc.array(
      fc.constantFrom(
        { kind: 'member' as const, id: '' },
        { kind: 'team' as const, id: 'payments' },
        { kind: 'team' as const, id: 'pay*' },
        { kind: 'user' as const, id: 'ana' },
        { kind: 'user' as const, id: 'bo' },
      ),
      { minLength: 1, maxLength: 2 },
    ),
    { nil: null },
  ),
  servers: fc.array(fc.constantFrom('*', 'a', 'b', 'b*', 'c'), { minLength: 1, maxLength: 2 }),
  untilMs: fc.constantFrom(null, null, clock.nowMs() + 1_000, clock.nowMs() - 1),
});

test("of rules for everyone and of the caller's own the first in the list that has not ended is the one that decides, also where a list is made of an earlier one", () => {
  fc.assert(
    fc.property(fc.array(placedRule, { maxLength: 8 }), fc.array(placedRule, { maxLength: 4 }), fc.nat(8), fc.boolean(), (written, more, at, isEnded) => {
      let nowMs = clock.nowMs();
      const time = { nowMs: () => nowMs };
      const first = written.map((one, index) => rule({ ...one, name: `rule-${index}`, effect: 'deny' }));
      const second = [...first.slice(0, at), ...more.map((one, index) => rule({ ...one, name: `more-${index}`, effect: 'deny' })), ...first.slice(at + 1)];
      const before = atOnce(accessSteps(first, time, null));
      const callers = [caller(), caller({ teamId: '', userId: 'bo' })];
      const requireFirst = (access: Access, list: readonly PolicyData[]): void => {
        for (const principal of callers) {
          for (const server of ['a', 'b', 'bb', 'd']) {
            const speaking = list.find(({ subjects, servers, untilMs }) => {
              const isFor =
                subjects === null ||
                subjects.some(
                  ({ kind, id }) =>
                    kind === 'member' || [principal.data.teamId, principal.data.userId].some((own) => own !== '' && fitsGlob(parseGlob(id), own)),
                );
              return isFor && (untilMs === null || nowMs < untilMs) && servers.some((pattern) => fitsGlob(parseGlob(pattern), server));
            });
            expect([server, access.viewOf(principal).decide(principal, call(server, 'x'), noFacts).rule]).toEqual([server, speaking?.name ?? null]);
          }
        }
      };
      requireFirst(before, first);
      if (isEnded) nowMs += 2_000;
      requireFirst(atOnce(accessSteps(second, time, before)), second);
      requireFirst(before, first);
    }),
  );
});

test('callers for whom nothing has changed keep their view, whatever has changed for others', () => {
  const common = rule({ name: 'common', subjects: null });
  const mine = rule({ name: 'mine', subjects: [{ kind: 'user', id: 'ana' }] });
  const others = rule({ name: 'others', subjects: [{ kind: 'team', id: 'search' }] });
  const before = atOnce(accessSteps([common, mine], clock, null));
  const view = before.viewOf(caller());
  const after = atOnce(accessSteps([others, common, mine], clock, before));
  expect(after.viewOf(caller())).toBe(view);
  // The same rules in another order are others: the first one decides.
  expect(atOnce(accessSteps([mine, common], clock, after)).viewOf(caller())).not.toBe(view);
  const key = compileAccess([common, mine], clock).viewOf(caller()).key;
  expect(compileAccess(structuredClone([common, mine]), clock).viewOf(caller()).key).toBe(key);
  expect(compileAccess([mine, common], clock).viewOf(caller()).key).not.toBe(key);
});
