import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../test/support/access.ts';
import { configuredControl } from '../../../../test/support/configured-control.ts';
import type { TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestCall, type TestLedger } from '../../../../test/support/ledger.ts';
import { createKey } from '../control/keys/create-key.ts';
import { defaultOrganizationId, newGrantId } from '../kernel/id.ts';

let ledger: TestLedger;
let control: TestControl;
let end: () => Promise<void>;
const keys: Record<string, string> = {};
const dayMs = 86_400_000;
const nowMs = Date.now();

let number = 0;
function calls(count: number, of: TestCall, ago = 1): TestCall[] {
  return Array.from({ length: count }, () => {
    const id = (++number).toString(16);
    return {
      org_id: 'org_default',
      trace_id: id.padStart(32, '0'),
      span_id: id.padStart(16, '0'),
      started_at: BigInt(Math.round(nowMs - ago * dayMs)) * 1000n + BigInt(number) * 1000n,
      method: 'tools/call',
      server: 'search',
      tool: 'query',
      status: 'success',
      ...of,
    };
  });
}

beforeAll(async () => {
  ledger = await startLedger();
  ({ control, end } = await startControlWithAccess({ ledger: () => ledger.reader, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } }));
  for (const [name, scopes] of [
    ['red', null],
    ['blue', null],
    ['narrow', ['resources.*']],
  ] as const) {
    const { key } = await createKey(control.context(), {
      name,
      environment: null,
      scopes: { servers: null, actions: scopes && [...scopes] },
      expiresAtMs: null,
      metadata: { team_id: name, user_id: `usr_${name}` },
    });
    keys[name] = key.id;
  }
  const by = (name: string): TestCall => ({ key_id: keys[name] ?? '', user_id: `usr_${name}` });
  await ledger.insert([
    ...calls(30, { ...by('red'), tool: 'delete_all' }),
    ...calls(20, by('red')),
    ...calls(7, { ...by('blue'), tool: 'delete_one', environment: 'staging' }),
    ...calls(3, { ...by('blue'), tool: 'delete_one', environment: 'production' }, 2),
    ...calls(5, { ...by('narrow'), tool: 'delete_all' }),
    ...calls(4, { key_id: 'key_gone', tool: 'delete_all' }),
    // Of the last day, and of other organizations: which rule decided them.
    ...calls(3, { method: 'tools/list', tool: '', policy: 'members-may-call-every-server' }, 0.5),
    ...calls(9, { ...by('red'), org_id: 'org_other', policy: 'members-may-call-every-server' }, 0.5),
    // None of these may be counted: lists, the calls of others, and those of before.
    ...calls(9, { ...by('red'), method: 'tools/list', tool: '' }),
    ...calls(9, { ...by('red'), org_id: 'org_other', tool: 'delete_all' }),
    ...calls(11, { ...by('blue'), tool: 'delete_one' }, 20),
  ]);
}, 240_000);
afterAll(async () => {
  await end();
  await ledger.end();
});

async function dryRun(body: object): Promise<Record<string, unknown>> {
  const answer = await control.request('POST', '/v1/access/dry-run', { front: 'admin', body });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { dry_run: Record<string, unknown> }).dry_run;
}
const none = { calls: 0, callers: 0 };
const noDeletes = { name: 'no-deletes', effect: 'deny', tools: ['delete_*'] };

test('a rule that would be made says which calls of the last days it would have refused, of whom, and an example of each kind', async () => {
  const found = await dryRun({ put: [noDeletes] });
  expect(found).toMatchObject({
    calls: 69,
    unknown_callers_calls: 4,
    truncated: false,
    denied: { calls: 40, callers: 2 },
    held: none,
    allowed: none,
    depends: none,
    groups: [
      {
        outcome: 'denied',
        before: 'allow',
        after: 'deny',
        calls: 30,
        user_id: 'usr_red',
        server: 'search',
        kind: 'tool',
        name: 'delete_all',
        environment: null,
      },
      { outcome: 'denied', calls: 7, key_id: keys['blue'], name: 'delete_one', environment: 'staging', trace_id: `tr_${(57).toString(16).padStart(32, '0')}` },
      { outcome: 'denied', calls: 3, environment: 'production' },
    ],
  });
  expect(await dryRun({ put: [noDeletes], days: 30 })).toMatchObject({ calls: 80, denied: { calls: 51, callers: 2 } });
  // Nothing was changed by asking.
  const { policies } = (await (await control.request('GET', '/v1/policies', { front: 'admin' })).json()) as { policies: { name: string }[] };
  expect(policies.map(({ name }) => name)).toEqual(['members-may-call-every-server']);
});

test('a rule says how many calls of the last day it decided, and of when the last of them is', async () => {
  const path = '/v1/policies?usage=true';
  const usage = { calls: 3, last_time: expect.stringMatching(/^2/) as unknown };
  expect(await (await control.request('GET', path, { front: 'admin' })).json()).toMatchObject({ policies: [{ usage }] });
  expect(await (await control.request('GET', '/v1/policies', { front: 'admin' })).json()).toMatchObject({ policies: [{ usage: null }] });
});

test('who called by token is judged as the directory has them now, within what their grant allows; of whom it has no more nothing is said', async () => {
  const make = async (path: string, body: object): Promise<void> => expect((await control.request('POST', path, { front: 'admin', body })).status).toBe(201);
  await make('/v1/teams', { id: 'red', name: 'Red' });
  await make('/v1/users', { id: 'ana', name: 'Ana', email: 'Ana@Example.com', team_ids: ['red'], role_ids: ['developer'] });
  await make('/v1/users', { id: 'ned', name: 'Ned', team_ids: ['red'], role_ids: ['viewer'] });
  await make('/v1/service-accounts', { id: 'robot', name: 'Robot', role_ids: ['developer'] });
  await make('/v1/agents', { id: 'helper', name: 'Helper' });
  const grantId = newGrantId();
  await control.dependencies.registry.transaction(async ({ grants }) =>
    grants.insert({
      organizationId: defaultOrganizationId,
      id: grantId,
      userId: 'ana',
      grantedBy: 'psn_ana',
      clientId: 'client',
      clientName: 'Client',
      redirectUri: 'https://client.example/',
      resource: 'http://gateway.example/mcp/search',
      scopes: ['resources.read'],
      createdAtMs: nowMs,
      expiresAtMs: nowMs + dayMs,
      usedAtMs: nowMs,
      revoked: null,
      sessionKey: null,
    }),
  );
  const call = { tool: 'token_tool' };
  const ana = { ...call, key_id: 'psn_ana', user_id: 'ana' };
  await ledger.insert([
    ...calls(6, { ...ana, key_prefix: 'jwt:corp' }, 40),
    // What the grant does not allow was refused whatever the rules say; one that is over is not known any more, but its user is.
    ...calls(2, { ...ana, key_prefix: `oauth:${grantId}` }, 40),
    ...calls(1, { ...ana, key_prefix: 'oauth:gra_over' }, 40),
    ...calls(8, { ...call, key_id: 'psn_ned', user_id: 'ned', key_prefix: 'jwt:corp' }, 40),
    ...calls(3, { ...call, key_id: 'robot', key_prefix: 'jwt:corp' }, 40),
    ...calls(4, { ...call, key_id: 'helper', agent: 'helper', key_prefix: 'jwt:corp' }, 40),
    ...calls(5, { ...call, key_id: 'psn_gone', user_id: 'gone', key_prefix: 'jwt:corp' }, 40),
  ]);
  const rule = { name: 'no-tokens', effect: 'deny', tools: ['token_*'] };
  expect(await dryRun({ put: [{ ...rule, to: ['team:red'] }], days: 60 })).toMatchObject({ unknown_callers_calls: 9, denied: { calls: 7, callers: 1 } });
  const denied = await dryRun({ put: [{ ...rule, to: ['user:ana', 'service_account:robot', 'agent:helper', 'user:ned'] }], days: 60 });
  expect(denied).toMatchObject({ denied: { calls: 14, callers: 3 }, held: none, allowed: none });
  expect((denied['groups'] as { key_id: string; calls: number }[]).map(({ key_id, calls: count }) => [key_id, count])).toEqual([
    ['psn_ana', 6],
    ['helper', 4],
    ['robot', 3],
    ['psn_ana', 1],
  ]);
});

test('calls of which an argument would decide are counted apart', async () => {
  expect(await dryRun({ put: [{ ...noDeletes, effect: 'hold', to: ['team:red'], when: 'args.all == true' }] })).toMatchObject({
    denied: none,
    held: none,
    depends: { calls: 30, callers: 1 },
    groups: [{ outcome: 'depends', before: 'allow', after: null, name: 'delete_all' }],
  });
});

test('a whole list takes the place of the rules that hold, and one that is taken away leaves the others', async () => {
  const held = { name: 'look', effect: 'hold', to: ['team:blue'] };
  expect(await dryRun({ policies: [{ name: 'reds', effect: 'allow', to: ['team:red'] }, held] })).toMatchObject({
    denied: { calls: 10, callers: 1 },
    held: none,
  });
  expect(await dryRun({ put: [held] })).toMatchObject({ held: { calls: 10, callers: 1 }, denied: none });
  expect(await dryRun({ remove: ['members-may-call-every-server'] })).toMatchObject({ denied: { calls: 60, callers: 2 } });
});

test.each([
  [{ put: [{ ...noDeletes, when: 'args.' }] }, 400, 'invalid_params'],
  [{ put: [{ ...noDeletes, servers: ['nowhere'] }] }, 400, 'invalid_params'],
  [{ put: [noDeletes, noDeletes] }, 400, 'invalid_params'],
  [{ remove: ['no-such'] }, 404, 'unknown_object'],
  [{ days: 0 }, 400, 'invalid_request'],
])('a change that could not be made is refused: %j', async (body, status, error) => {
  const answer = await control.request('POST', '/v1/access/dry-run', { front: 'admin', body });
  expect([answer.status, await answer.json()]).toMatchObject([status, { error }]);
});

test('a plan says which keys would lose which tools that they called in the last week, by change and as a whole', async () => {
  const node = await configuredControl(control, 'version: 1\nservers: [{ name: fixed, url: "https://fixed.example/mcp" }]\n', {
    overrides: { ledger: () => ledger.reader, access: control.dependencies.access, clock: control.dependencies.clock },
  });
  const ask = async (method: string, path: string, body: object): Promise<Record<string, unknown>> =>
    (await (await node.request(method, path, { front: 'admin', body })).json()) as Record<string, unknown>;
  await ask('POST', '/v1/servers', { name: 'search', spec: { url: 'https://search.example/mcp' } });
  const planOf = async (document: object) => (await ask('POST', '/v1/config/plan', { document: JSON.stringify(document) }))['plan'];
  const members = { name: 'members-may-call-every-server', effect: 'allow', to: ['members'] };
  const nothing = { keys: 0, tools: 0, calls: 0 };
  // What the narrow key called was refused before.
  expect(await planOf({ policies: [members, noDeletes] })).toMatchObject({
    changes: [{ action: 'add', kind: 'policy', name: 'no-deletes', radius: { lost: { keys: 2, tools: 2, calls: 40 }, gained: nothing } }],
    radius: { days: 7, truncated: false, lost: { keys: 2, tools: 2, calls: 40 }, touched: nothing },
  });
  expect(await planOf({ servers: [{ name: 'search', url: 'https://other.example/mcp' }] })).toMatchObject({
    changes: [{ action: 'change', kind: 'server', radius: { lost: nothing, touched: { keys: 4, tools: 3, calls: 69 } } }],
  });
  expect(await planOf({ servers: [] })).toMatchObject({
    changes: [{ action: 'remove', kind: 'server', name: 'search', radius: { lost: { keys: 4, tools: 3, calls: 69 } } }],
    radius: { lost: { keys: 4, tools: 3, calls: 69 } },
  });
  await node.close();
});
