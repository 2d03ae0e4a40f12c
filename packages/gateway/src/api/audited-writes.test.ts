/** Whatever changes something, or takes away much at once, is in the audit: each route stands here with the event that it leaves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { objectKinds, objectRows } from '../kernel/config-object.ts';
import { nounKinds, nouns } from '../kernel/directory.ts';
import { createKey } from '../control/keys/create-key.ts';
import { createAdminLink } from '../control/sessions/create-admin-link.ts';
import { openSession } from '../control/sessions/open-session.ts';

let control: TestControl;
beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

type Asked = Parameters<TestControl['request']>[2] & { readonly path?: string };

/** The event that a route leaves, and a request that it leaves it for, or the test that makes one; null: it changes nothing. */
const left: Readonly<Record<string, { readonly action: string; readonly ask: (() => Promise<Asked>) | string } | null>> = {
  'POST /v1/auth/keys': { action: 'key.created', ask: async () => ({ body: { name: 'k' } }) },
  'DELETE /v1/auth/keys/{key_id}': { action: 'key.revoked', ask: async () => ({ path: `/v1/auth/keys/${await newKey()}` }) },
  'POST /v1/auth/keys/{key_id}/rotate': { action: 'key.rotated', ask: async () => ({ path: `/v1/auth/keys/${await newKey()}/rotate` }) },
  'POST /v1/auth/admin-links': { action: 'admin_link.created', ask: async () => ({}) },
  'DELETE /v1/auth/session': { action: 'session.ended', ask: async () => ({ bearer: await newSession(), front: 'public' }) },
  'DELETE /v1/me/sessions/{session_id}': { action: 'session.ended', ask: 'user-session-routes.test.ts' },
  'DELETE /v1/users/{id}/sessions': { action: 'session.ended', ask: 'user-session-routes.test.ts' },
  'DELETE /v1/users/{id}/sessions/{session_id}': { action: 'session.ended', ask: 'user-session-routes.test.ts' },
  'DELETE /v1/users/{id}/identities/{identity_id}': { action: 'user.unlinked', ask: 'sign-in-routes.test.ts' },
  'POST /v1/identity/providers/{name}/tries': { action: 'provider.tried', ask: 'sign-in-routes.test.ts' },
  'POST /v1/identity/providers/{name}/test': { action: 'provider.tested', ask: 'sign-in-routes.test.ts' },
  'POST /v1/identity/mapping/preview': null,
  'POST /v1/identity/scim': { action: 'scim_connection.created', ask: 'scim/scim-routes.test.ts' },
  'POST /v1/identity/scim/{provider}/rotate': { action: 'key.rotated', ask: 'scim/scim-routes.test.ts' },
  'DELETE /v1/identity/scim/{provider}': { action: 'scim_connection.deleted', ask: 'scim/scim-routes.test.ts' },
  'POST /v1/auth/sso/oidc/callback': { action: 'session.opened', ask: 'sign-in-routes.test.ts' },
  'POST /v1/auth/sso/oidc/callback/{provider}': { action: 'session.opened', ask: 'sign-in-routes.test.ts' },
  'POST /v1/auth/sso/saml/acs': { action: 'session.opened', ask: 'saml-sign-in.test.ts' },
  'POST /v1/audit/keys/rotate': { action: 'audit_key.rotated', ask: async () => ({}) },
  'POST /v1/identity/token-keys/rotate': { action: 'token_key.rotated', ask: async () => ({}) },
  'PUT /v1/costs/prices': { action: 'prices.changed', ask: async () => ({ body: { default: { per_call: 0.5 } }, headers: { 'if-match': '"0"' } }) },
  'POST /v1/prices': { action: 'prices.changed', ask: 'price-routes.test.ts' },
  'PUT /v1/prices/{name}': { action: 'prices.changed', ask: 'price-routes.test.ts' },
  'DELETE /v1/prices/{name}': { action: 'prices.changed', ask: 'price-routes.test.ts' },
  'POST /v1/privacy/erasures': { action: 'person.erased', ask: async () => ({ body: { user_id: await newPerson() } }) },
  'POST /v1/config/reload': { action: 'config.applied', ask: '../control/config/reload-config.test.ts' },
  'POST /v1/config/apply': { action: 'config.plan_applied', ask: 'plan-routes.test.ts' },
  'PATCH /v1/servers/{name}': { action: 'server.switched', ask: '../control/servers/change-server.test.ts' },
  'POST /v1/servers/{name}/targets/{target}': { action: 'target.changed', ask: '../control/servers/change-target.test.ts' },
  'PATCH /v1/servers/{name}/targets/{target}': { action: 'target.changed', ask: '../control/servers/change-target.test.ts' },
  'POST /v1/logs/export': { action: 'export.created', ask: 'export-routes.test.ts' },
  'PUT /v1/policies/{name}': { action: 'policy.created', ask: 'policy-routes.test.ts' },
  'DELETE /v1/policies/{name}': { action: 'policy.deleted', ask: 'policy-routes.test.ts' },
  'PUT /v1/switches/{kind}/{name}': { action: 'switched_off', ask: 'policy-routes.test.ts' },
  'DELETE /v1/switches/{kind}/{name}': { action: 'switched_on', ask: 'policy-routes.test.ts' },
  'POST /v1/organizations': { action: 'organization.created', ask: async () => ({ body: { name: 'Acme', id: 'org_audited' } }) },
  'PATCH /v1/organizations/{id}': {
    action: 'organization.changed',
    ask: async () => ({ path: '/v1/organizations/org_audited', body: { name: 'Acme II' }, headers: { 'if-match': '"1"' } }),
  },
  'DELETE /v1/organizations/{id}': {
    action: 'organization.deleted',
    ask: async () => ({ path: '/v1/organizations/org_audited', headers: { 'if-match': '"2"' } }),
  },
  'DELETE /v1/grants/{grant_id}': { action: 'grant.revoked', ask: 'oauth/oauth-routes.test.ts' },
  'DELETE /v1/me/grants/{grant_id}': { action: 'grant.revoked', ask: 'oauth/oauth-routes.test.ts' },
  'POST /v1/views': { action: 'view.created', ask: async () => ({ body: { page: 'traces', name: 'Mine', state: {} } }) },
  'PATCH /v1/views/{id}': { action: 'view.changed', ask: 'view-routes.test.ts' },
  'DELETE /v1/views/{id}': { action: 'view.deleted', ask: 'view-routes.test.ts' },
  'POST /v1/users/invite': { action: 'invitation.created', ask: async () => ({ body: { email: 'invited@example.com' } }) },
  'DELETE /v1/invitations/{id}': { action: 'invitation.revoked', ask: 'directory-routes.test.ts' },
  'POST /v1/invitations/accept': { action: 'user.created', ask: 'directory-routes.test.ts' },
  ...Object.fromEntries(
    nounKinds.flatMap((kind) =>
      [
        ['POST', ''],
        ['PATCH', '/{id}'],
        ['DELETE', '/{id}'],
      ].map(([method, rest]) => [`${method} /v1/${nouns[kind].plural}${rest}`, { action: 'department.deleted', ask: 'directory-routes.test.ts' }]),
    ),
  ),
  ...Object.fromEntries(
    objectKinds.flatMap((kind) =>
      [
        ['POST', ''],
        ['PUT', '/{name}'],
        ['DELETE', '/{name}'],
      ].map(([method, rest]) => [`${method} /v1/${objectRows[kind].plural}${rest}`, { action: '.created', ask: 'object-routes.test.ts' }]),
    ),
  ),
  // What takes away much at once.
  'GET /v1/audit/export': { action: 'audit.exported', ask: async () => ({ path: '/v1/audit/export?format=jsonl' }) },
  'GET /v1/privacy/export': { action: 'person.exported', ask: '../control/privacy/privacy.test.ts' },
  'GET /v1/logs/exports/{export_id}/file': { action: 'export.downloaded', ask: 'export-routes.test.ts' },
  'GET /v1/backup': { action: 'backup.taken', ask: '../../../../test/journeys/backup.test.ts' },
  // They ask and change nothing.
  'POST /v1/config/plan': null,
  'POST /v1/servers/{name}/test': null,
  'POST /v1/traces/search': null,
  'POST /v1/masking/test': null,
  'POST /v1/identity/check': null,
  'POST /v1/identity/certificates/test': null,
  'POST /v1/costs/estimate': null,
  'POST /v1/access/explain': null,
  'POST /v1/access/dry-run': null,
};

async function newKey(metadata: Record<string, string> = {}): Promise<string> {
  const made = await createKey(control.context(), { name: 'k', environment: null, scopes: { servers: null, actions: null }, metadata, expiresAtMs: null });
  return made.key.id;
}

async function newPerson(): Promise<string> {
  await newKey({ user_id: 'usr_ana' });
  return 'usr_ana';
}

async function newSession(): Promise<string> {
  const { url } = await createAdminLink(control.context());
  return (await openSession(control.context(), url.slice(url.lastIndexOf('/') + 1))) ?? '';
}

const routes = (): string[] =>
  control.app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === 'route' ? [`${definition.route.method.toUpperCase()} ${definition.route.path}`] : [],
  );

test('every route that is no GET says here what it leaves in the audit, or that it changes nothing; and no other is named', () => {
  const known = routes();
  expect(known.filter((route) => !route.startsWith('GET ') && !(route in left))).toEqual([]);
  expect(Object.keys(left).filter((route) => !known.includes(route))).toEqual([]);
});

test('and each leaves it', async () => {
  const { registry } = control.dependencies;
  const { organizationId } = control.context();
  for (const [route, event] of Object.entries(left)) {
    if (event === null) continue;
    if (typeof event.ask === 'string') {
      expect([route, readFileSync(join(import.meta.dirname, event.ask), 'utf8').includes(event.action)]).toEqual([route, true]);
      continue;
    }
    const { path = route.slice(route.indexOf(' ') + 1), ...request } = await event.ask();
    const before = (await registry.audit.head(organizationId)).sequence;
    const answer = await control.request(route.slice(0, route.indexOf(' ')), path, { front: 'admin', ...request });
    await answer.text();
    const events = await registry.audit.range(organizationId, { after: before, limit: 10 });
    expect([route, answer.ok, events.map(({ action }) => action)]).toEqual([route, true, expect.arrayContaining([event.action])]);
  }
});
