import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControlWithAccess } from '../../../../../test/support/access.ts';
import type { TestControl } from '../../../../../test/support/control.ts';
import { startTokenIssuer, type TokenIssuer } from '../../../../../test/support/token-issuer.ts';
import { assembleIdentity } from '../../assemble-identity.ts';
import type { IssuerData } from '../../identity/issuer-data.ts';
import { silentLog } from '../../kernel/log.ts';
import { defaultOrganizationId, organizationIdOf } from '../../kernel/id.ts';
import { createEntry } from '../directory/create-entry.ts';
import type { ControlContext, ControlDependencies } from '../context.ts';
import { checkToken } from './check-token.ts';
import { verifyCredential } from './verify-credential.ts';

let control: TestControl;
let end: () => Promise<void>;
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await startTokenIssuer();
  ({ control, end } = await startControlWithAccess());
}, 60_000);
afterAll(async () => {
  await Promise.all([end?.(), issuer?.stop()]);
});

/** The control plane of a node with that issuer. */
function serve(more: Partial<IssuerData> = {}): ControlDependencies {
  const { ca: _ca, ...entry } = issuer.data(more);
  const issuers = assembleIdentity([issuer.data(more)], { nowMs: Date.now, monotonicMs: () => performance.now() }, silentLog);
  return {
    ...control.dependencies,
    issuers,
    config: { ...control.dependencies.config, identity: { ...control.dependencies.config.identity, issuers: [{ ...entry, caFile: null }] } },
  };
}

const context = (dependencies: ControlDependencies): ControlContext => ({ ...control.context(), ...dependencies });
const callers: IssuerData['mapping']['callers'] = [{ claims: { sub: 'robot' }, kind: 'agent', id: 'agt_robot' }];

const shown = (secret: string) => ({ secret, peer: '', kind: 'bearer' }) as const;

test('a token is told its way: what it fails at, how to mend it, and whom it is of, without letting anybody in', async () => {
  const dependencies = serve({ mapping: { ...issuer.data().mapping, callers } });
  expect(await checkToken(context(dependencies), await issuer.token({ aud: 'https://other.example' }))).toMatchObject({
    outcome: 'refused',
    issuer: 'test',
    failed: { step: 'audience', reason: expect.stringContaining('https://other.example') as string, fix: expect.stringContaining('audience') as string },
  });
  // Nobody is there yet, and nobody is made by asking.
  const robot = await issuer.token({ sub: 'robot' });
  expect(await checkToken(context(dependencies), robot)).toMatchObject({ outcome: 'refused', failed: { step: 'directory' }, caller: { id: 'agt_robot' } });
  const ana = await issuer.token({ email: 'ana@acme.example', email_verified: true, groups: ['a'] });
  expect(await checkToken(context(dependencies), ana)).toMatchObject({
    outcome: 'taken',
    caller: { kind: 'user', id: null, email: 'ana@acme.example', emailVerified: true, groups: ['a'] },
  });
  expect(await checkToken(context(dependencies), await issuer.token({ sub: 'nobody' }))).toMatchObject({ outcome: 'refused', failed: { step: 'directory' } });
  expect(await verifyCredential(dependencies, shown(ana))).toMatchObject({ ok: false, reason: 'refused' });
  // What callers were refused for is counted, what administrators try is not.
  expect(Array.from(dependencies.issuers.refusals())).toEqual([['directory', 1]]);
});

test('of an issuer of another organization nothing is told, and none at all is the same', async () => {
  const other = organizationIdOf('org_other');
  if (other === null) throw new Error('that is an id');
  const told = await checkToken(context(serve({ organizationId: other })), await issuer.token());
  const none = await checkToken({ ...context(control.dependencies), organizationId: defaultOrganizationId }, await issuer.token());
  expect([told.issuer, told.failed]).toEqual([none.issuer, none.failed]);
  expect(told.failed?.step).toBe('issuer');
});

test('who calls is an agent or a user of the directory, and may do what the entry allows and their roles', async () => {
  const dependencies = serve({ mapping: { ...issuer.data().mapping, callers }, actions: ['tools.call', 'keys.write'], servers: ['search'] });
  const made = { dryRun: false } as const;
  await createEntry(control.context(), { kind: 'agent', id: 'agt_robot', change: { name: 'Robot', texts: {}, names: {}, links: {} }, ...made });
  const links = { role_ids: [{ kind: 'role', id: 'viewer' }] } as const;
  await createEntry(control.context(), { kind: 'user', id: 'usr_bo', change: { name: 'Bo', texts: { email: 'bo@acme.example' }, names: {}, links }, ...made });
  const robot = await verifyCredential(dependencies, shown(await issuer.token({ sub: 'robot' })));
  expect(robot).toMatchObject({
    ok: true,
    principal: { kind: 'agent', agent: 'agt_robot', keyId: 'agt_robot', keyPrefix: 'jwt:test', servers: ['search'], userId: '' },
  });
  const bo = { sub: 'bo', email: 'bo@acme.example', email_verified: true };
  const first = await verifyCredential(dependencies, shown(await issuer.token(bo)));
  const again = await verifyCredential(dependencies, shown(await issuer.token({ ...bo, jti: '2' })));
  if (first.ok !== true || again.ok !== true) throw new Error('Bo is a user');
  expect(first.principal).toMatchObject({ kind: 'user', userId: 'usr_bo', owner: { kind: 'user', id: 'usr_bo' }, credential: 'jwt', issuer: 'test' });
  // A role that reads gives neither what the issuer's entry names, nor the entry what the role does not.
  expect(first.principal.actions).not.toContain('keys.write');
  expect([again.principal.keyId, again.principal.credentialId === first.principal.credentialId]).toEqual([first.principal.keyId, false]);
  expect(first.principal.keyId).toMatch(/^psn_/);
});
