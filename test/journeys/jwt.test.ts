import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modernServer } from '../support/modern-server.ts';
import { startOidcProvider, type OidcProvider } from '../support/oidc-provider.ts';
import { until } from '../support/poll.ts';
import { type Answer, jsonOf, post, toolCall } from '../support/post.ts';
import { startReference } from '../support/reference.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';
import { startTokenIssuer, testAudience, type TokenIssuer } from '../support/token-issuer.ts';

/** Callers with tokens of issuers, at the real program with two workers. */
let upstream: RecordingUpstream;
let reference: Awaited<ReturnType<typeof startReference>>;
let company: TokenIssuer;
let provider: OidcProvider;
let gateway: RunningGateway;

beforeAll(async () => {
  [upstream, reference, company, provider] = await Promise.all([
    startRecordingUpstream(modernServer()),
    startReference(),
    startTokenIssuer(),
    startOidcProvider(testAudience),
  ]);
  const reach = { allow_addresses: ['127.0.0.1'], audience: testAudience };
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'both', url: upstream.url },
        { name: 'people', url: reference.url },
        { name: 'keys', url: reference.url },
      ],
      routes: [
        { server: 'both', auth: { type: ['apiKey', 'jwt'] } },
        { server: 'people', auth: { type: 'jwt', issuers: ['company'] } },
      ],
      aggregate: { auth: { type: ['apiKey', 'jwt'] } },
      identity: {
        issuers: [
          {
            name: 'company',
            issuer: company.url,
            ...reach,
            provision: 'just_in_time',
            first_roles: ['developer'],
            mapping: [{ group: 'payments', teams: ['payments'] }],
          },
          {
            name: 'machines',
            issuer: provider.issuer,
            ...reach,
            provision: 'none',
            callers: [{ claims: { client_id: 'indexer' }, service_account: 'sva_indexer' }],
          },
        ],
      },
    },
  });
  const made = await Promise.all([
    post(`${gateway.url}/v1/teams`, { id: 'payments', name: 'Payments' }, { key: gateway.apiKey }),
    post(`${gateway.url}/v1/service-accounts`, { id: 'sva_indexer', name: 'Indexer', role_ids: ['developer'] }, { key: gateway.apiKey }),
  ]);
  expect(made.map(({ status }) => status)).toEqual([201, 201]);
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([upstream?.stop(), reference?.stop(), company?.stop(), provider?.stop()]);
  removeGatewayFolders();
});

function call(path: string, credential: string | null, args: Record<string, unknown> = { text: 'x' }): Promise<Answer> {
  const { body, headers } = toolCall('echo', args);
  return post(`${gateway.url}${path}`, body, { key: credential, headers });
}

interface Listed {
  readonly id: string;
  readonly email: string | null;
  readonly version: number;
  readonly team_ids: readonly string[];
}

async function users(): Promise<readonly Listed[]> {
  const answer = await post(`${gateway.url}/v1/users`, undefined, { key: gateway.apiKey });
  return (JSON.parse(answer.text) as { users: Listed[] }).users;
}

describe('a caller with a token', () => {
  const ana = { sub: 'ana', email: 'ana@acme.example', email_verified: true, name: 'Ana', groups: ['payments', 'others'] };

  test('is made a user with the teams of the mapping when it first comes, and its calls are under its name', async () => {
    const token = await company.token(ana);
    expect((await call('/mcp/both', token)).status).toBe(200);
    expect((await call('/mcp/people', await company.token(ana))).status).toBe(200);
    const [user, ...others] = (await users()).filter(({ email }) => email === 'ana@acme.example');
    expect([user?.team_ids, others]).toEqual([['payments'], []]);
    const row = await until(
      async () => {
        const asked = new URLSearchParams({ start_time: '2020-01-01T00:00:00Z', end_time: '2100-01-01T00:00:00Z', query: 'key:jwt:company server:both' });
        const answer = await post(`${gateway.url}/v1/logs/requests?${asked.toString()}`, undefined, { key: gateway.apiKey });
        return (JSON.parse(answer.text) as { requests?: { user_id: string; team_id: string; key_prefix: string; key_id: string }[] }).requests?.[0] ?? null;
      },
      { timeoutMs: 60_000, everyMs: 250, what: 'the call to be in the ledger' },
    );
    expect(row).toMatchObject({ user_id: user?.id, team_id: 'payments', key_prefix: 'jwt:company', key_id: expect.stringMatching(/^psn_/) as string });
    // Neither the token nor a part of it has gone on.
    expect(JSON.stringify(upstream.requests.map(({ headers }) => headers))).not.toContain(token.split('.')[2]);
  });

  test('is refused with nothing but 401, and the audit says which test it failed', async () => {
    const answers = new Set<string>();
    const challenge = `Bearer realm="gatewayops", error="invalid_token", resource_metadata="${gateway.url}/.well-known/oauth-protected-resource/mcp/both"`;
    for (const wrong of [
      await company.token({ ...ana, aud: 'https://other.example' }),
      await company.token({ ...ana, exp: 1 }),
      `${(await company.token(ana)).slice(0, -8)}AAAAAAAA`,
      'a.b.c',
    ]) {
      const answer = await call('/mcp/both', wrong);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, challenge]);
      answers.add(answer.text.replace(/req_[0-9a-f]+/, ''));
    }
    // Whatever was wrong with it, its sender hears the same.
    expect(answers.size).toBe(1);
    await until(
      async () => {
        const answer = await post(`${gateway.url}/v1/logs/audit?action=sign_in.failed`, undefined, { key: gateway.apiKey });
        return ['audience', 'time', 'signature', 'form'].every((step) => answer.text.includes(`"reason":"${step}"`));
      },
      { timeoutMs: 60_000, everyMs: 500, what: 'the refusals to be in the audit' },
    );
  });

  test('opens what takes tokens and nothing else, and a key what takes keys: by whichever address', async () => {
    const token = await company.token(ana);
    expect((await call('/mcp/keys', token)).status).toBe(401);
    expect((await call('/mcp/people', gateway.apiKey)).status).toBe(401);
    const names = async (credential: string | null): Promise<string[]> => {
      const answer = await post(
        `${gateway.url}/mcp`,
        { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: (toolCall('x').body as { params: { _meta: object } }).params._meta } },
        { key: credential, headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' } },
      );
      const { result } = jsonOf(answer) as { result: { tools: { name: string }[] } };
      return [...new Set(result.tools.map(({ name }) => name.split('__')[0] ?? ''))].sort();
    };
    // What stands behind `both` lists nothing.
    expect(await names(token)).toEqual(['people']);
    expect(await names(gateway.apiKey)).toEqual(['keys']);
    // The control API asks for a key or a session.
    expect((await post(`${gateway.url}/v1/users`, undefined, { key: token })).status).toBe(401);
  });

  test('A14: goes on through a change of keys, and is out when its user is deleted', async () => {
    const bo = { sub: 'bo', email: 'bo@acme.example', email_verified: true };
    const statuses: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      if (turn === 1) company.rotate(true);
      const tokens = await Promise.all(Array.from({ length: 8 }, (_, number) => company.token({ ...bo, jti: `${turn}-${number}` })));
      statuses.push(...(await Promise.all(tokens.map(async (token) => (await call('/mcp/both', token)).status))));
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    const token = await company.token(bo);
    expect((await call('/mcp/both', token)).status).toBe(200);
    const user = (await users()).find(({ email }) => email === 'bo@acme.example');
    const headers = { 'if-match': `"${user?.version ?? 0}"` };
    const deleted = await post(`${gateway.url}/v1/users/${user?.id ?? ''}`, undefined, { method: 'DELETE', key: gateway.apiKey, headers });
    expect(deleted.status).toBe(200);
    await until(async () => (await call('/mcp/both', token)).status === 401, { timeoutMs: 30_000, what: 'the user to be out' });
  });

  test('of a real provider, made for a program, is its service account', async () => {
    expect((await call('/mcp/both', await provider.token())).status).toBe(200);
    expect((await call('/mcp/people', await provider.token())).status).toBe(401);
  });
});
