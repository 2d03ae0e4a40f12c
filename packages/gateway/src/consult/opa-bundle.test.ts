import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { silentLog } from '../kernel/log.ts';
import { readBundle } from '../config/read-bundle.ts';
import { anonymousData } from '../authenticate/authenticate.ts';
import type { Question } from './consultant.ts';
import type { Engine } from './counted.ts';
import { openOpaBundle } from './opa-bundle.ts';

const file = join(import.meta.dirname, '../../../../test/support/opa/bundle.tar.gz');
const engines: Engine[] = [];
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

function engineOf(path: string, timeoutMs = 30_000): Engine {
  const engine = openOpaBundle({ kind: 'bundle', path, timeoutMs, ...readBundle(file, 'gatewayops/allow', 'access.opa.bundle') }, silentLog);
  engines.push(engine);
  return engine;
}

function question(name: string, argumentsText: string | null = null): Question {
  return {
    principal: { id: 'key_1', data: { ...anonymousData('org_default'), kind: 'key', keyId: 'key_1', teamId: 'payments' } },
    operation: { server: 'bank', action: 'tools.call', kind: 'tool', name },
    argumentsText,
    tool: null,
    ip: '10.0.0.1',
    nowMs: Date.UTC(2026, 10, 27),
    rule: 'members',
  };
}

test('compiled policies decide by caller, call and data of the bundle, each decision with a name of its own', async () => {
  const engine = engineOf('gatewayops/decision');
  const told = await engine.ask(question('tell'));
  expect(told).toEqual({ decision: 'allow', decisionId: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown });
  expect(await engine.ask(question('numbers'))).toMatchObject({ decision: 'deny', reason: 'Nobody counts here.' });
  expect(await engine.ask(question('pay', '{"amount":101}'))).toMatchObject({ decision: 'hold', reason: 'payments wants to pay' });
  // No rule has a value for it: that is no yes.
  expect(await engine.ask(question('pay', '{"amount":1}'))).toMatchObject({ decision: 'none', reason: 'undefined' });
  const many = await Promise.all(Array.from({ length: 50 }, (_, index) => engine.ask(question(index % 2 === 0 ? 'tell' : 'numbers'))));
  expect(new Set(many.map(({ decision }, index) => `${index % 2} ${decision}`))).toEqual(new Set(['0 allow', '1 deny']));
});

test('what is no decision lets nothing pass', async () => {
  expect(await engineOf('gatewayops/number').ask(question('tell'))).toMatchObject({ decision: 'none', reason: 'unreadable' });
  expect(await engineOf('gatewayops/gone').ask(question('tell'))).toMatchObject({ decision: 'none', reason: 'failed' });
});

test('a policy that runs too long is ended, and those after it are evaluated', async () => {
  const engine = engineOf('gatewayops/slow', 2_000);
  expect((await engine.ask(question('tell'))).decision).toBe('allow');
  expect(await engine.ask(question('numbers'))).toMatchObject({ decision: 'none', reason: 'timeout' });
  expect((await engine.ask(question('tell'))).decision).toBe('allow');
}, 60_000);

test('a bundle without the decision, or that is none, says so', () => {
  expect(() => readBundle(file, 'gatewayops/other', 'access.opa.bundle')).toThrow('access.opa.bundle');
  expect(() => readBundle(import.meta.filename, 'gatewayops/allow', 'access.opa.bundle')).toThrow('is no bundle');
  expect(() => readBundle(`${file}.gone`, 'gatewayops/allow', 'access.opa.bundle')).toThrow('there is no file');
});
