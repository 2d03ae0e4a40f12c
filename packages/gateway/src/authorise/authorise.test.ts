import { describe, expect, test } from 'vitest';
import type { Principal } from '../authenticate/authenticate.ts';
import { systemClock } from '../kernel/clock.ts';
import { membersRule } from '../../../../test/support/members-rule.ts';
import { testPrincipal } from '../../../../test/support/test-principal.ts';
import { compileAccess } from './access.ts';
import { allows, authoriseAction, authoriseServer } from './authorise.ts';

function caller(servers: string[] | null, actions: string[] | null): Principal {
  return { ...testPrincipal(), servers: servers === null ? null : new Set(servers), actions };
}

describe('servers', () => {
  test.each([
    [null, 'files', 'allow'],
    [['files'], 'files', 'allow'],
    [['files'], 'search', 'deny'],
    [['files'], 'Files', 'deny'],
    [['files'], 'files/', 'deny'],
    [['*'], 'files', 'deny'],
    [[], 'files', 'deny'],
  ])('scope %j, server %s: %s', (servers, server, decision) => {
    expect(authoriseServer(compileAccess([membersRule], systemClock), caller(servers, null), server)).toMatchObject(
      decision === 'allow' ? { decision } : { decision, hidden: true },
    );
  });
});

describe('actions', () => {
  test.each([
    [null, 'tools.call', true],
    [['tools.call'], 'tools.call', true],
    [['tools.list'], 'tools.call', false],
    [['tools.*'], 'tools.call', true],
    [['tools.*'], 'tools', false],
    [['tool.*'], 'tools.call', false],
    [['tools*'], 'tools.call', false],
    [['tools.call.*'], 'tools.call', false],
    [['*'], 'tasks.update', true],
    [['.*'], 'tools.call', false],
    [[], 'tools.call', false],
    [['TOOLS.CALL'], 'tools.call', false],
  ])('%j for %s: %s', (actions, action, allowed) => {
    expect(authoriseAction(caller(null, actions), action)).toMatchObject(allowed ? { decision: 'allow' } : { decision: 'deny', hidden: false });
    if (actions !== null) expect(allows(actions, action)).toBe(allowed);
  });

  test('the handshake is open to whoever may reach the server', () => {
    expect(authoriseAction(caller(null, []), null)).toMatchObject({ decision: 'allow' });
  });
});
