/**
 * Open Policy Agent on the way of a call, through a worker: as compiled policies, and by REST. The server behind REST is a stand-in that says what OPA's
 * documentation says of the Data API, for the test needs answers that OPA never gives; where the program `opa` is at hand, it is asked as well.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBundle } from '../../packages/gateway/src/config/read-bundle.ts';
import type { PolicyData } from '../../packages/gateway/src/kernel/policy.ts';
import type { OpaRestData } from '../../packages/gateway/src/snapshot/opa-data.ts';
import { modernBody, mirrors, post } from '../support/calls.ts';
import { startEraServer, type EraServer } from '../support/era-server.ts';
import { journalRows } from '../support/journal-rows.ts';
import { membersRule } from '../support/members-rule.ts';
import { until } from '../support/poll.ts';
import { plainEndpointData } from '../support/server-data.ts';
import { startDoor, type TestDoor } from '../support/start-door.ts';

/** Room for a machine that does much else; what happens when the time is over is tested with less. */
const timeoutMs = 30_000;
const bundle = join(import.meta.dirname, '../support/opa/bundle.tar.gz');
const rule = (more: Partial<PolicyData>): PolicyData => ({ ...membersRule, subjects: null, ...more });
const policies = [membersRule, rule({ name: 'no-slow', effect: 'deny', tools: ['slow'] })];

interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly text: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const asked: Asked[] = [];
let reply: { status: number; text: string } | null = null;
let opa: Server;
let servers: EraServer[];
let door: TestDoor;

beforeAll(async () => {
  opa = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => void (text += part));
    request.on('end', () => {
      const { input } = JSON.parse(text) as Pick<Asked, 'input'>;
      asked.push({ path: request.url ?? '', authorization: request.headers.authorization, text, input });
      // Without a reply the question stays open, until the asker goes.
      if (reply !== null) response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.text);
    });
  }).listen(0, '127.0.0.1');
  [servers] = await Promise.all([Promise.all([startEraServer('modern'), startEraServer('legacy')]), once(opa, 'listening')]);
  const [modern, legacy] = servers;
  door = await startDoor({
    policies,
    endpoints: [plainEndpointData(['real', 'old'])],
    servers: [
      { name: 'real', origin: modern?.origin ?? '', timeoutMs: 20_000 },
      { name: 'old', origin: legacy?.origin ?? '', timeoutMs: 20_000 },
    ],
  });
});
afterAll(async () => {
  await door?.stop();
  opa?.closeAllConnections();
  opa?.close();
  await Promise.all((servers ?? []).map((server) => server.stop()));
});

function byRest(more: Partial<OpaRestData> = {}): OpaRestData {
  const { port } = opa.address() as AddressInfo;
  const credential = { header: 'authorization', value: 'Bearer of-the-gateway' };
  return {
    kind: 'rest',
    path: 'gatewayops/decision',
    timeoutMs,
    origin: `http://127.0.0.1:${port}`,
    basePath: '',
    credential,
    tls: null,
    allowedNetworks: [],
    ...more,
  };
}

function says(result: unknown, decisionId = 'd-1'): void {
  reply = { status: 200, text: JSON.stringify({ ...(result === undefined ? {} : { result }), decision_id: decisionId }) };
}

interface Answer {
  readonly result?: { readonly tools?: { name: string }[]; readonly isError?: boolean; readonly content?: { text: string }[] };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: { readonly code: string } };
}

async function ask(path: string, method: string, params: Record<string, unknown> = {}): Promise<Answer> {
  const { name } = params;
  const { body } = await post(door, modernBody(method, params), mirrors(method, typeof name === 'string' ? name : undefined), path);
  const text = body.toString('utf8');
  const data = text.split('\n').findLast((line) => line.startsWith('data: {') && (line.includes('"result"') || line.includes('"error"')));
  return JSON.parse(data?.slice('data: '.length) ?? text) as Answer;
}

const called = (path: string, name: string, args: unknown = {}): Promise<Answer> => ask(path, 'tools/call', { name, arguments: args });
const textOf = ({ result, error }: Answer): string => result?.content?.[0]?.text ?? error?.message ?? '';
const lastRow = async (): Promise<unknown> => journalRows(await door.journal()).at(-1);

describe('compiled policies', () => {
  beforeAll(() => door.setOpa({ kind: 'bundle', path: 'gatewayops/decision', timeoutMs, ...readBundle(bundle, 'gatewayops/decision', 'access.opa.bundle') }));

  test.each([
    ['relayed', '/mcp/real', ''],
    ['in the words of another era', '/mcp/old', ''],
    ['behind the aggregate', '/mcp', 'real__'],
  ])('refuse and hold what the rules allow, and let pass, %s', async (_, path, prefix) => {
    expect(textOf(await called(path, `${prefix}tell`))).toBe('done');
    const refused = await called(path, `${prefix}numbers`);
    expect([refused.result?.isError, textOf(refused)]).toEqual([true, expect.stringContaining('Nobody counts here.')]);
    const held = await called(path, `${prefix}ask_all`, { amount: 101 });
    expect([held.result?.isError, textOf(held)]).toEqual([true, expect.stringContaining('team_test wants to pay')]);
    // What the engine refuses is in the lists.
    const { result } = await ask(path, 'tools/list');
    expect(result?.tools?.map(({ name }) => name)).toContain(`${prefix}numbers`);
  });

  test('never allow what a rule denies', async () => {
    expect((await called('/mcp/real', 'slow')).error).toMatchObject({ code: -32602 });
  });

  test('are named in the record, with their decision', async () => {
    await called('/mcp/real', 'numbers');
    expect(await lastRow()).toMatchObject({
      status: 'blocked',
      stop: 'access',
      fault_code: 'policy_denied',
      policy: 'opa:gatewayops/decision',
      decision_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
    });
    await called('/mcp/real', 'tell');
    expect(await lastRow()).toMatchObject({ status: 'success', policy: 'members-may-call-every-server', decision_id: expect.stringMatching(/./) as unknown });
  });
});

async function readiness(): Promise<[number, unknown]> {
  const answer = await fetch(`${door.url}/readyz`);
  return [answer.status, await answer.json()];
}

describe('by REST', () => {
  beforeAll(() => door.setOpa(byRest()));

  test('it is asked once of a call that the rules allow, with who, what, by which rule and what is said, as it was written', async () => {
    says({ allow: true }, 'd-77');
    asked.length = 0;
    const body = modernBody('tools/call', { name: 'tell', arguments: {} }).replace('"arguments":{}', '"arguments":{"amount":9007199254740993,"big": 1e400}');
    await post(door, body, mirrors('tools/call', 'tell'), '/mcp/real');
    await called('/mcp/real', 'slow');
    await ask('/mcp/real', 'tools/list');
    expect(asked).toMatchObject([{ path: '/v1/data/gatewayops/decision', authorization: 'Bearer of-the-gateway' }]);
    expect(asked[0]?.text).toContain('"args":{"amount":9007199254740993,"big": 1e400}}}');
    expect(asked[0]?.input).toMatchObject({
      principal: { id: 'key_test', kind: 'key', organization: 'org_default', team: 'team_test', user: 'usr_test', agent: 'tester', belongs_to: [] },
      server: 'real',
      action: 'tools.call',
      kind: 'tool',
      name: 'tell',
      tool: { annotations: { readOnlyHint: true, destructiveHint: false }, said: ['readOnlyHint'], risk: 'low' },
      ip: '127.0.0.1',
      now: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
      rule: 'members-may-call-every-server',
    });
    const rows = journalRows(await door.journal()).filter(({ decision_id: id }) => id === 'd-77');
    expect(rows).toMatchObject([{ tool: 'tell', policy: 'members-may-call-every-server' }]);
  });

  test.each([
    ['false', false, 'policy_denied'],
    ['deny with a reason', { decision: 'deny', reason: 'Not today.' }, 'policy_denied'],
    ['hold', { decision: 'hold' }, 'approval_required'],
    ['undefined', undefined, 'policy_error'],
    ['a number', 1, 'policy_error'],
    ['a list', [true], 'policy_error'],
    ['true and more than it may say', { allow: true, reason: 'x'.repeat(100_000) }, 'policy_error'],
  ])('A30: %s lets nothing pass', async (_, result, code) => {
    says(result);
    const refused = await post(door, JSON.stringify({ tool: 'tell', arguments: {} }), {}, '/v1/mcp/real/tools/call');
    expect([refused.status, refused.body.toString()]).toEqual([403, expect.stringContaining(`"${code}"`)]);
  });

  test.each([
    ['an error of its own', () => void (reply = { status: 500, text: '{"result":true}' }), byRest, 'it refuses to be asked'],
    ['no JSON', () => void (reply = { status: 200, text: 'true}' }), byRest, 'its answer is no decision'],
    ['no answer', () => void (reply = null), () => byRest({ timeoutMs: 150 }), 'it does not answer in time'],
    ['nobody there', () => undefined, () => byRest({ origin: 'http://127.0.0.1:1' }), 'it cannot be reached'],
    ['an address that nothing is sent to', () => undefined, () => byRest({ origin: 'http://169.254.169.254' }), 'it cannot be reached'],
  ])('A30: %s lets nothing pass, and the next call is decided anew', async (_, goWrong, data, reason) => {
    goWrong();
    await door.setOpa(data());
    const { error } = await called('/mcp/real', 'tell');
    expect(error).toMatchObject({ data: { code: 'policy_error' }, message: expect.stringContaining(reason) as unknown });
    expect(await lastRow()).toMatchObject({ status: 'blocked', fault_code: 'policy_error', policy: 'opa:gatewayops/decision' });
    if (reason === 'it cannot be reached') expect(await readiness()).toMatchObject([200, { status: 'ready', policyEngine: 'down' }]);
    says(true);
    await door.setOpa(byRest());
    expect(textOf(await called('/mcp/real', 'tell'))).toBe('done');
    expect(await readiness()).toMatchObject([200, { status: 'ready', policyEngine: 'ready' }]);
  });
});

const program = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'opa'))
  .find(existsSync);

describe('the server of OPA itself (where the program `opa` is in PATH)', () => {
  test.skipIf(program === undefined)('decides as the bundle does, and names its decision', async () => {
    const folder = join(import.meta.dirname, '../support/opa');
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const child = spawn(program ?? '', [
      'run',
      '--server',
      '--set',
      'decision_logs.console=true',
      '--addr',
      `127.0.0.1:${port}`,
      join(folder, 'policy.rego'),
      join(folder, 'data.json'),
    ]);
    try {
      const origin = `http://127.0.0.1:${port}`;
      await until(
        () =>
          fetch(`${origin}/health`).then(
            ({ ok }) => ok,
            () => false,
          ),
        { timeoutMs: 30_000, what: 'OPA' },
      );
      await door.setOpa(byRest({ origin, credential: null }));
      expect(textOf(await called('/mcp/real', 'tell'))).toBe('done');
      expect(await lastRow()).toMatchObject({ decision_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown });
      expect(textOf(await called('/mcp/real', 'numbers'))).toContain('Nobody counts here.');
      expect(textOf(await called('/mcp/real', 'ask_all', { amount: 101 }))).toContain('team_test wants to pay');
    } finally {
      child.kill();
    }
  });
});
