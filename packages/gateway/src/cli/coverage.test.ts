import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderOpenApi } from '../api/openapi-document.ts';
import { objectKinds, objectRows } from '../kernel/config-object.ts';
import { nounKinds, nouns } from '../kernel/directory.ts';
import { commands } from './commands.ts';

/** Operation → the command that asks it. A new operation of the API is to be added here, with its command. */
const covered: Readonly<Record<string, string>> = {
  'POST /v1/auth/keys': 'keys create',
  'GET /v1/auth/keys': 'keys list',
  'GET /v1/auth/keys/{key_id}': 'keys get',
  'DELETE /v1/auth/keys/{key_id}': 'keys revoke',
  'POST /v1/auth/keys/{key_id}/rotate': 'keys rotate',
  'GET /v1/servers': 'servers list',
  'GET /v1/servers/{name}': 'servers get',
  'PATCH /v1/servers/{name}': 'servers set',
  'POST /v1/servers/{name}/test': 'servers test',
  'PATCH /v1/servers/{name}/targets/{target}': 'servers drain',
  'POST /v1/auth/admin-links': 'admin link',
  'GET /v1/me': 'whoami',
  'GET /v1/identity/providers': 'identity list',
  'POST /v1/identity/providers/{name}/test': 'identity test',
  'POST /v1/identity/mapping/preview': 'identity preview',
  'GET /v1/identity/token-keys': 'identity keys',
  'POST /v1/identity/token-keys/rotate': 'identity keys',
  'GET /v1/identity/scim': 'scim list',
  'POST /v1/identity/scim': 'scim enable',
  'POST /v1/identity/scim/{provider}/rotate': 'scim rotate',
  'DELETE /v1/identity/scim/{provider}': 'scim disable',
  'GET /v1/identity/scim/{provider}/errors': 'scim errors',
  'POST /v1/identity/providers/{name}/tries': 'identity try',
  'GET /v1/identity/tries/{try_id}': 'identity try',
  'GET /v1/me/sessions': 'sessions list',
  'DELETE /v1/me/sessions/{session_id}': 'sessions end',
  'GET /v1/users/{id}/sessions': 'sessions list',
  'DELETE /v1/users/{id}/sessions': 'sessions end',
  'DELETE /v1/users/{id}/sessions/{session_id}': 'sessions end',
  'GET /v1/users/{id}/identities': 'identity links',
  'DELETE /v1/users/{id}/identities/{identity_id}': 'identity unlink',
  'GET /v1/me/capabilities': 'whoami',
  'GET /v1/permissions': 'permissions list',
  'GET /v1/unregistered-agents': 'agents unregistered',
  'GET /v1/ready': 'doctor',
  'GET /v1/config/export': 'export',
  'POST /v1/config/reload': 'reload',
  'POST /v1/config/plan': 'plan',
  'POST /v1/config/apply': 'apply',
  'GET /v1/config/objects': 'objects list',
  'GET /v1/traces': 'traces list',
  'GET /v1/traces/{trace_id}': 'traces get',
  'GET /v1/traces/{trace_id}/spans/{span_id}/request': 'traces get',
  'GET /v1/traces/{trace_id}/spans/{span_id}/response': 'traces get',
  'GET /v1/logs/requests': 'logs list',
  'POST /v1/logs/export': 'logs export',
  'GET /v1/logs/exports/{export_id}': 'logs export',
  'GET /v1/logs/exports/{export_id}/file': 'logs export',
  'GET /v1/stream': 'logs tail',
  'GET /v1/metrics/series': 'metrics',
  'GET /v1/costs/summary': 'costs summary',
  'GET /v1/costs/trend': 'costs report',
  'GET /v1/costs/prices': 'costs prices',
  'PUT /v1/costs/prices': 'costs set-prices',
  'POST /v1/costs/estimate': 'costs estimate',
  'POST /v1/masking/test': 'masking test',
  'GET /v1/logs/audit': 'audit list',
  'GET /v1/audit/verify': 'audit verify',
  'GET /v1/audit/export': 'audit export',
  'GET /v1/audit/keys': 'audit keys',
  'POST /v1/audit/keys/rotate': 'audit keys',
  'GET /v1/audit/streams': 'audit streams',
  'GET /v1/policies': 'policies list',
  'GET /v1/policies/{name}': 'policies get',
  'PUT /v1/policies/{name}': 'policies set',
  'DELETE /v1/policies/{name}': 'policies delete',
  'GET /v1/switches': 'switches list',
  'PUT /v1/switches/{kind}/{name}': 'servers disable',
  'DELETE /v1/switches/{kind}/{name}': 'servers enable',
  'POST /v1/access/explain': 'access explain',
  'POST /v1/identity/check': 'identity check',
  'GET /v1/identity/certificates': 'identity certificates list',
  'POST /v1/identity/certificates/test': 'identity certificates test',
  'POST /v1/access/dry-run': 'access dry-run',
  'POST /v1/users/invite': 'users invite',
  'GET /v1/invitations': 'invitations list',
  'GET /v1/invitations/{id}': 'invitations get',
  'DELETE /v1/invitations/{id}': 'invitations revoke',
  'POST /v1/invitations/accept': 'invitations accept',
  'GET /v1/grants': 'grants list',
  'GET /v1/grants/{grant_id}': 'grants get',
  'DELETE /v1/grants/{grant_id}': 'grants revoke',
  'GET /v1/me/grants': 'grants list',
  'DELETE /v1/me/grants/{grant_id}': 'grants revoke',
  'GET /v1/backup': 'backup',
  'GET /v1/backups': 'backup list',
  'GET /v1/privacy/export': 'privacy export',
  'POST /v1/privacy/erasures': 'privacy erase',
  'GET /v1/privacy/erasures': 'privacy erase',
  'GET /v1/organizations': 'organizations list',
  'GET /v1/organizations/{id}': 'organizations get',
  'POST /v1/organizations': 'organizations create',
  'PATCH /v1/organizations/{id}': 'organizations update',
  'DELETE /v1/organizations/{id}': 'organizations delete',
  'GET /v1/views': 'views list',
  'POST /v1/views': 'views create',
  'GET /v1/views/{id}': 'views get',
  'PATCH /v1/views/{id}': 'views update',
  'DELETE /v1/views/{id}': 'views delete',
  'GET /v1/prices': 'prices list',
  'GET /v1/prices/{name}': 'prices get',
  'POST /v1/prices': 'prices create',
  'PUT /v1/prices/{name}': 'prices update',
  'DELETE /v1/prices/{name}': 'prices delete',
  ...Object.fromEntries(
    objectKinds.flatMap((kind) => {
      const { plural } = objectRows[kind];
      return [
        [`GET /v1/${plural}`, `${plural} list`],
        [`POST /v1/${plural}`, `${plural} create`],
        [`GET /v1/${plural}/{name}`, `${plural} get`],
        [`PUT /v1/${plural}/{name}`, `${plural} update`],
        [`DELETE /v1/${plural}/{name}`, `${plural} delete`],
      ];
    }),
  ),
  ...Object.fromEntries(
    nounKinds.flatMap((kind) => {
      const { plural } = nouns[kind];
      return [
        [`GET /v1/${plural}`, `${plural} list`],
        [`POST /v1/${plural}`, `${plural} create`],
        [`GET /v1/${plural}/{id}`, `${plural} get`],
        [`PATCH /v1/${plural}/{id}`, `${plural} update`],
        [`DELETE /v1/${plural}/{id}`, `${plural} delete`],
      ];
    }),
  ),
};

/** Operation → why a shell has no use for it. */
const without: Readonly<Record<string, string>> = {
  'POST /v1/servers/{name}/targets/{target}': 'deprecated: PATCH takes its place',
  'GET /v1/auth/sso/oidc/authorize': 'for browsers',
  'GET /v1/auth/sso/oidc/callback': 'for browsers',
  'POST /v1/auth/sso/oidc/callback': 'for browsers',
  'GET /v1/auth/sso/oidc/callback/{provider}': 'for browsers',
  'POST /v1/auth/sso/oidc/callback/{provider}': 'for browsers',
  'GET /v1/auth/sso/saml/login': 'for browsers',
  'POST /v1/auth/sso/saml/acs': 'for browsers',
  'GET /v1/auth/sso/saml/metadata': 'for providers',
  'DELETE /v1/auth/session': 'a session is a browser’s',
  'GET /v1/health': 'for balancers and monitors; `doctor` asks /v1/ready, which says the same',
  'GET /v1/config': 'for pages; `reload --dry-run` says what serves and what is wrong with the file',
  'GET /v1/config/sizes': 'figures beside a list on a page',
  'GET /v1/openapi.json': 'a file for programs',
  'POST /v1/traces/search': 'the question of GET /v1/traces in a body',
  'GET /v1/traces/facets': 'counts beside a list on a page',
  'GET /v1/traces/histogram': 'bars above a list on a page',
  'GET /v1/traces/{trace_id}/outline': 'a picture of the whole on a page; `traces get` has the tree',
  'GET /v1/traces/{trace_id}/spans': 'windows of a tree on a page; `traces get` has the tree',
  'GET /v1/traces/{trace_id}/spans/{span_id}/request/redactions': 'marks in a text on a page',
  'GET /v1/traces/{trace_id}/spans/{span_id}/response/redactions': 'marks in a text on a page',
  'GET /v1/costs/by-team': '`costs summary --by team`',
  'GET /v1/costs/by-user': '`costs summary --by user`',
  'GET /v1/costs/by-server': '`costs summary --by server`',
  'GET /v1/costs/trace/{trace_id}': '`traces get` has the costs of each call',
  'GET /metrics': 'for Prometheus',
  'GET /v1/metrics': 'figures for pages; `metrics` has them by server and tool',
};

test('every operation of the API has a command, or a reason why it has none', () => {
  const { paths } = JSON.parse(renderOpenApi()) as { paths: Record<string, Record<string, unknown>> };
  const operations = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
  expect([...Object.keys(covered), ...Object.keys(without)].sort()).toEqual(operations.sort());
});

test('every command that is named there exists, and stands in the reference', () => {
  const names = new Set(commands.map(({ name }) => name.join(' ')));
  expect(Object.values(covered).filter((name) => !names.has(name))).toEqual([]);
  const reference = readFileSync(join(import.meta.dirname, '../../../../docs/reference/cli.md'), 'utf8');
  for (const name of new Set(Object.values(covered))) expect(reference).toContain(`gateway ${name}`);
});
