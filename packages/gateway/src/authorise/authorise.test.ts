import { describe, expect, test } from 'vitest';
import type { Principal } from '../authenticate/authenticate.ts';
import { systemClock } from '../kernel/clock.ts';
import { membersRule } from '../../../../test/support/members-rule.ts';
import { testPrincipal } from '../../../../test/support/test-principal.ts';
import { atOnce } from '../kernel/slices.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { OrganizationRules } from '../snapshot/snapshot.ts';
import { allows, authoriseAction, authoriseServer, offeredTo } from './authorise.ts';
import { organizationSteps, type AccessOfAll } from './organizations.ts';

function caller(servers: string[] | null, actions: string[] | null, organizationId = 'org_a'): Principal {
  const principal = testPrincipal();
  return { ...principal, data: { ...principal.data, organizationId }, servers: servers === null ? null : new Set(servers), actions };
}

function compileOrganizations(organizations: readonly OrganizationRules[], clock: typeof systemClock, before: AccessOfAll | null): AccessOfAll {
  return atOnce(organizationSteps(organizations, clock, before));
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
    const access = { ...compileOrganizations([{ organizationId: 'org_a', policies: [membersRule] }], systemClock, null) };
    expect(authoriseServer({ access, byName: new Map() }, caller(servers, null), server)).toMatchObject(
      decision === 'allow' ? { decision } : { decision, hidden: true },
    );
  });

  test('are there for the organizations that they are offered to, and judged by the rules of each', () => {
    const rule = (organizationId: string): OrganizationRules => ({ organizationId, policies: [membersRule] });
    const access = compileOrganizations([rule('org_a'), rule('org_b'), { organizationId: 'org_c', policies: [] }], systemClock, null);
    const server = (organizations: string[] | null): Server => ({ organizations: organizations && new Set(organizations) }) as Server;
    const servers = new Map([
      ['of-a', server(['org_a'])],
      ['of-all', server(null)],
    ]);
    const reached = (organizationId: string): string[] =>
      [...servers.keys()].filter((name) => authoriseServer({ access, byName: servers }, caller(null, null, organizationId), name).decision === 'allow');
    expect(['org_a', 'org_b', 'org_c', 'org_unknown'].map(reached)).toEqual([['of-a', 'of-all'], ['of-all'], [], []]);
    expect(offeredTo(caller(null, null, 'org_b'), servers.get('of-a'))).toBeUndefined();
  });

  test('of two organizations with the same rules, what is kept for callers of one is not given to those of the other', () => {
    const [first, second]: [OrganizationRules, OrganizationRules] = [
      { organizationId: 'org_a', policies: [membersRule] },
      { organizationId: 'org_b', policies: [membersRule] },
    ];
    const access = compileOrganizations([first, second], systemClock, null);
    const keyOf = (organizationId: string): string => access.viewOf(caller(null, null, organizationId)).key;
    expect(keyOf('org_a')).not.toBe(keyOf('org_b'));
    const next = compileOrganizations([first, { ...second, policies: [] }], systemClock, access);
    expect(next.byOrganization.get('org_a')).toBe(access.byOrganization.get('org_a'));
    expect(next.viewOf(caller(null, null, 'org_b')).reaches('files')).toBe(false);
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
