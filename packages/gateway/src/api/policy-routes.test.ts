import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileAccess } from '../authorise/access.ts';
import { createKey } from '../control/keys/create-key.ts';
import { policyOfSwitch } from '../kernel/switch.ts';
import { startControlWithAccess, type ControlWithAccess } from '../../../../test/support/access.ts';
import type { TestControl } from '../../../../test/support/control.ts';

let control: TestControl;
let end: () => Promise<void>;
let setConsulted: ControlWithAccess['setConsulted'];
let keyId = '';

beforeAll(async () => {
  ({ control, end, setConsulted } = await startControlWithAccess());
  const created = await createKey(control.context(), {
    name: 'ci',
    environment: null,
    scopes: { servers: null, actions: null },
    expiresAtMs: null,
    metadata: { team_id: 'payments' },
  });
  keyId = created.key.id;
});
afterAll(() => end());

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; etag: string | null }> {
  const answer = await control.request(method, path, { front: 'admin', ...(body === undefined ? {} : { body }), headers });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), etag: answer.headers.get('etag') };
}

async function explain(more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { status, body } = await send('POST', '/v1/access/explain', { as: keyId, server: 'search', name: 'query', ...more });
  expect(status).toBe(200);
  return body['explanation'] as Record<string, unknown>;
}

async function actions(): Promise<string[]> {
  const { body } = await send('GET', '/v1/logs/audit?limit=50');
  return (body['events'] as { action: string }[]).map(({ action }) => action);
}

describe('rules of access', () => {
  test('a fresh registry has one, and says so', async () => {
    const { body } = await send('GET', '/v1/policies');
    expect(body['policies']).toMatchObject([
      { name: 'members-may-call-every-server', effect: 'allow', to: ['members'], servers: ['*'], source: 'registry', served: true, version: 1 },
    ]);
    expect(await explain()).toMatchObject({ decision: 'allow', stop: null, rule: 'members-may-call-every-server' });
  });

  test('say with the policy engine beside them what becomes of a call', async () => {
    const engine = 'opa:gatewayops/allow';
    try {
      setConsulted({ engine, opinion: { decision: 'allow', decisionId: 'd-1' } });
      expect(await explain()).toMatchObject({
        decision: 'allow',
        rule: 'members-may-call-every-server',
        engine: { name: engine, decision_id: 'd-1' },
        changes: [],
      });
      setConsulted({ engine, opinion: { decision: 'hold', decisionId: '', reason: 'Ask first.' } });
      expect(await explain()).toMatchObject({
        decision: 'hold',
        hidden: false,
        stop: 'access',
        rule: engine,
        reason: 'Ask first.',
        rules: [{ decided: false }],
      });
      setConsulted({ engine, opinion: { decision: 'none', decisionId: '', reason: 'timeout' } });
      expect(await explain()).toMatchObject({ decision: 'deny', rule: engine, reason: expect.stringContaining('does not answer in time') as unknown });
    } finally {
      setConsulted(null);
    }
    expect(await explain()).toMatchObject({ decision: 'allow', engine: null });
  });

  test('are explained for users, service accounts and agents without a key too, by id or e-mail address', async () => {
    await send('POST', '/v1/teams', { id: 'ops', name: 'Ops' });
    await send('POST', '/v1/users', { id: 'ana', name: 'Ana', email: 'Ana@Example.com', team_ids: ['ops'], role_ids: ['developer'] });
    await send('POST', '/v1/users', { id: 'ned', name: 'Ned', role_ids: ['viewer'] });
    await send('POST', '/v1/service-accounts', { id: 'ana', name: 'Ana of old', role_ids: ['developer'] });
    await send('POST', '/v1/agents', { id: 'helper', name: 'Helper' });
    await send('PUT', '/v1/policies/no-ops', { effect: 'deny', to: ['team:ops'] }, { 'if-match': '"0"' });
    const access = 'members-may-call-every-server';
    const found = await explain({ as: 'ANA@example.com' });
    expect([found, (found['stops'] as object[])[0]]).toMatchObject([
      { decision: 'deny', stop: 'access', rule: 'no-ops' },
      { stop: 'auth', outcome: 'pass' },
    ]);
    expect(await explain({ as: 'user:ana' })).toMatchObject({ decision: 'deny', rule: 'no-ops' });
    expect(await explain({ as: 'service_account:ana' })).toMatchObject({ decision: 'allow', rule: access });
    expect(await explain({ as: 'helper' })).toMatchObject({ decision: 'allow', rule: access });
    expect(await explain({ as: 'ned' })).toMatchObject({ decision: 'deny', rule: null, reason: 'the roles of user ned do not allow tools.call' });
    const asked = { server: 'search', name: 'query' };
    const atServer = async (server: string): Promise<unknown> => ((await explain({ as: 'helper', server }))['stops'] as object[]).at(-1);
    expect(await atServer('gone')).toEqual({ stop: 'server', outcome: 'refuse', reason: 'there is no server gone' });
    expect((await send('POST', '/v1/access/explain', { as: 'ana', ...asked })).body).toMatchObject({
      error: 'invalid_params',
      message: expect.stringContaining('user:ana or service_account:ana') as unknown,
    });
    for (const as of ['nobody', 'agent:ana', 'nobody@example.com', 'key_gone', '../x'])
      expect((await send('POST', '/v1/access/explain', { as, ...asked })).body).toMatchObject({ error: 'unknown_object' });
    expect((await send('DELETE', '/v1/policies/no-ops', undefined, { 'if-match': '"1"' })).status).toBe(204);
  });

  test('are made, changed and taken away by who has seen what there is', async () => {
    const rule = { effect: 'deny', servers: ['search'], tools: ['query'], when: 'has(args.all) && args.all == true', reason: 'Not everything.' };
    expect((await send('PUT', '/v1/policies/no-all', rule)).status).toBe(428);
    expect((await send('PUT', '/v1/policies/no-all?dry_run=true', rule, { 'if-match': '"0"' })).body).toMatchObject({ outcome: 'planned' });
    expect((await send('GET', '/v1/policies/no-all')).status).toBe(404);
    const made = await send('PUT', '/v1/policies/no-all', rule, { 'if-match': '"0"' });
    expect([made.status, made.etag, made.body]).toMatchObject([200, '"1"', { outcome: 'created', policy: { name: 'no-all', version: 1, to: ['everyone'] } }]);
    expect((await send('PUT', '/v1/policies/no-all', rule, { 'if-match': '"0"' })).body).toMatchObject({ error: 'precondition_failed', version: 1 });
    expect((await send('PUT', '/v1/policies/no-all', rule, { 'if-match': '"1"' })).body).toMatchObject({ outcome: 'unchanged' });

    expect(await explain({ arguments: { all: true } })).toMatchObject({
      decision: 'deny',
      hidden: false,
      stop: 'access',
      rule: 'no-all',
      reason: 'Not everything.',
      rules: [
        { name: 'members-may-call-every-server', bearing: 'speaks', decided: false },
        { name: 'no-all', bearing: 'speaks', decided: true },
      ],
    });
    expect(await explain({ arguments: { all: false } })).toMatchObject({ decision: 'allow', rules: [{ decided: true }, { bearing: 'condition_not_met' }] });
    expect(await explain({ name: 'other' })).toMatchObject({ decision: 'allow', rules: [{}, { bearing: 'other_operation' }] });

    expect((await send('PUT', '/v1/policies/no-all', { ...rule, to: ['team:search'] }, { 'if-match': '"1"' })).body).toMatchObject({ outcome: 'changed' });
    expect(await explain({ arguments: { all: true } })).toMatchObject({ decision: 'allow', rules: [{}, { bearing: 'other_caller' }] });
    expect((await send('DELETE', '/v1/policies/no-all', undefined, { 'if-match': '"1"' })).status).toBe(412);
    expect((await send('DELETE', '/v1/policies/no-all', undefined, { 'if-match': '"2"' })).status).toBe(204);
    expect((await actions()).slice(0, 3)).toEqual(['policy.deleted', 'policy.changed', 'policy.created']);
  });

  test.each([
    [{ effect: 'forbid' }, 'effect'],
    [{ effect: 'deny', to: ['payments'] }, 'to.0: it must be "everyone"'],
    [{ effect: 'deny', servers: ['serch'] }, 'there is no server serch'],
    [{ effect: 'deny', when: 'args.' }, 'the condition cannot serve'],
    [{ effect: 'deny', when: 'name.matches("a")' }, '`matches` is not served'],
    [{ effect: 'deny', tools: [] }, 'tools'],
    [{ effect: 'deny', colour: 'red' }, 'colour'],
  ])('%j is refused with the place', async (rule, said) => {
    const { status, body } = await send('PUT', '/v1/policies/bad', rule, { 'if-match': '"0"' });
    expect(status).toBe(400);
    expect(body['message']).toContain(said);
  });

  test.each([
    ['args.q ==', { column: 10, length: 1 }],
    ['name == "x" && nothing', { column: 16 }],
  ])('a condition that cannot be read says at which of its characters: %s', async (when, place) => {
    const { body } = await send('PUT', '/v1/policies/bad?dry_run=true', { effect: 'deny', when }, { 'if-match': '"0"' });
    expect(body).toMatchObject({ error: 'invalid_params', field: 'when', ...place });
  });

  test('without any, nobody may call anything, and the explanation says what is missing', async () => {
    const gone = await send('DELETE', '/v1/policies/members-may-call-every-server', undefined, { 'if-match': '"1"' });
    expect(gone.status).toBe(204);
    expect(await explain()).toMatchObject({ decision: 'deny', hidden: true, rule: null, reason: 'no policy allows it', changes: ['a policy that allows it'] });
    await send('PUT', '/v1/policies/members-may-call-every-server', { effect: 'allow', to: ['members'] }, { 'if-match': '"0"' });
    expect(await explain()).toMatchObject({ decision: 'allow' });
  });
});

describe('the kill switch', () => {
  test('closes a server, a tool or a caller, with a reason, until it is opened', async () => {
    for (const [kind, name] of [
      ['server', 'search'],
      ['tool', 'search/query'],
      ['key', keyId],
      ['team', 'payments'],
    ]) {
      const path = `/v1/switches/${kind}/${encodeURIComponent(name ?? '')}`;
      const off = await send('PUT', path, { reason: 'INC-412' });
      expect([off.status, off.body]).toMatchObject([200, { switch: { kind, name, reason: 'INC-412', until: null } }]);
      expect(await explain()).toMatchObject({ decision: 'deny', rule: `switched-off:${kind}:${name}`, reason: 'INC-412' });
      expect((await send('DELETE', path)).status).toBe(204);
      expect(await explain()).toMatchObject({ decision: 'allow' });
      expect((await actions()).slice(0, 2)).toEqual([`${kind}.switched_on`, `${kind}.switched_off`]);
    }
  });

  test('stands in the audit of a person under their pseudonym, which nothing leads back from once they are erased', async () => {
    await send('POST', '/v1/users', { id: 'usr_off', name: 'Olga Off' });
    await send('PUT', '/v1/switches/user/usr_off', { reason: 'INC-412' });
    await send('DELETE', '/v1/switches/user/usr_off');
    const { body } = await send('GET', '/v1/logs/audit?object=usr_off');
    const events = body['events'] as { action: string; object: { id: string }; detail: object }[];
    expect(events.map(({ action }) => action)).toEqual(['user.switched_on', 'user.switched_off', 'user.created']);
    expect(new Set(events.map(({ object }) => object.id)).size).toBe(1);
    expect(events[1]).toMatchObject({ object: { kind: 'user', id: expect.not.stringContaining('usr_off') as unknown } });
    expect(events[1]?.detail).toMatchObject({ user: { id: 'usr_off' }, reason: 'INC-412' });
  });

  test('opens again at its time', async () => {
    const until = new Date(control.clock.nowMs() + 60_000).toISOString();
    expect((await send('PUT', '/v1/switches/server/search', { reason: 'for a minute', until })).status).toBe(200);
    expect(await explain()).toMatchObject({ decision: 'deny' });
    control.clock.advance(60_000);
    expect(await explain()).toMatchObject({ decision: 'allow', rules: [{ bearing: 'ended' }, {}] });
    expect((await send('GET', '/v1/switches')).body).toMatchObject({ switches: [{ name: 'search' }] });
    await send('DELETE', '/v1/switches/server/search');
  });

  test.each([
    ['server', 'serch', 404],
    ['tool', 'query', 400],
    ['tool', 'serch/query', 404],
    ['key', 'key_nobody', 404],
    ['agent', 'ci-*', 400],
  ])('%s %s is refused: a slip would leave the wrong thing on', async (kind, name, status) => {
    expect((await send('PUT', `/v1/switches/${kind}/${encodeURIComponent(name)}`, { reason: 'x' })).status).toBe(status);
  });

  test('is a rule before all others', () => {
    const off = policyOfSwitch({ kind: 'tool', name: 'a/b/c', reason: 'x', untilMs: null });
    expect(off).toMatchObject({ effect: 'deny', servers: ['a'], tools: ['b/c'], subjects: null });
    expect(compileAccess([off], control.clock).data).toEqual([off]);
  });
});
