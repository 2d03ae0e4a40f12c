import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from 'pg';
import { startControl, actorOf, type TestControl } from '../../../../../test/support/control.ts';
import { until } from '../../../../../test/support/poll.ts';
import { bounds } from '../../kernel/bounds.ts';
import { silentLog } from '../../kernel/log.ts';
import { openServedAccess } from '../../node/served-access.ts';
import type { KeyUsageRow } from '../../store/ledger/key-usage.ts';
import type { LedgerReader } from '../../store/ledger/ledger-reader.ts';
import { clientConfig } from '../../store/registry/connections.ts';
import { createKey, type CreateKeyInput, type KeyWithSecret } from './create-key.ts';
import { getKey } from './get-key.ts';
import { createSecretHasher } from './hash-secret.ts';
import { newKeySecret, prefixOf } from './key-secret.ts';
import { listKeys } from './list-keys.ts';
import { revokeKey } from './revoke-key.ts';
import { rotateKey } from './rotate-key.ts';
import { recogniseKey, verifyKey } from './verify-key.ts';
import { firstStart } from '../first-start.ts';

let control: TestControl;
beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());

const plain: CreateKeyInput = { name: 'agent', environment: null, scopes: { servers: null, actions: null }, metadata: {}, expiresAtMs: null };
const create = (more: Partial<CreateKeyInput> = {}): Promise<KeyWithSecret> => createKey(control.context(), { ...plain, ...more });
const verify = (secret: string) => verifyKey(control.dependencies, secret, '');
const hour = 3_600_000;

async function rows(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

test('the first start makes one key that holds everything and one link; a later one makes neither', async () => {
  const [one, two] = await Promise.all([firstStart(control.context()), firstStart(control.context())]);
  const made = [one, two].filter(({ apiKey }) => apiKey !== null);
  expect(made).toHaveLength(1);
  expect(made[0]?.adminLink).toMatch(/^http:\/\/127\.0\.0\.1:8080\/admin\/[0-9A-Za-z]{43}$/);
  expect(await verify(made[0]?.apiKey ?? '')).toMatchObject({ ok: true, principal: { actions: ['*'], servers: null } });
  expect(await firstStart(control.context())).toEqual({ apiKey: null, adminLink: null });
});

test('a secret is gwo_, the environment and 32 base62 characters; its prefix ends after four of them', async () => {
  const { key, secret } = await create({ environment: 'prod' });
  expect(secret).toMatch(/^gwo_prod_[0-9A-Za-z]{32}$/);
  expect(key.prefix).toBe(secret.slice(0, 'gwo_prod_'.length + 4));
  expect(prefixOf(secret)).toBe(key.prefix);
  const longest = newKeySecret('a'.repeat(32));
  expect(Buffer.byteLength(longest.secret)).toBeLessThanOrEqual(72);
  expect(prefixOf(longest.secret)).toBe(longest.prefix);
});

test('a verified key says whom its calls are attributed to, where it may go and how often', async () => {
  const { key, secret } = await create({
    scopes: { servers: ['search'], actions: ['tools.*'] },
    metadata: { team_id: 'team_eng', project: 'review', user_id: 'user_1', agent: 'bot' },
    expiresAtMs: control.clock.nowMs() + hour,
  });
  expect(await verify(secret)).toEqual({
    ok: true,
    principal: {
      kind: 'key',
      credential: 'apiKey',
      credentialId: key.id,
      issuer: '',
      keyId: key.id,
      keyPrefix: key.prefix,
      organizationId: 'org_default',
      userId: 'user_1',
      teamId: 'team_eng',
      projectId: 'review',
      agent: 'bot',
      serviceAccountId: '',
      owner: null,
      lineage: [
        { kind: 'agent', id: 'bot' },
        { kind: 'project', id: 'review' },
        { kind: 'team', id: 'team_eng' },
        { kind: 'user', id: 'user_1' },
      ],
      environment: 'test',
      servers: ['search'],
      actions: ['tools.*'],
      expiresAtMs: control.clock.nowMs() + hour,
      deprecatedUntilMs: null,
      rateLimit: { limit: 500, windowMs: 60_000, burst: 50 },
    },
  });
});

test('a rule for the prefix of a key beats the default, also after its rotation', async () => {
  const { key, secret } = await create();
  const rateLimits = [...control.dependencies.config.rateLimits, { scope: 'api_key' as const, keyPrefix: key.prefix, limit: 7, windowMs: 1000, burst: 0 }];
  const dependencies = { ...control.dependencies, config: { ...control.dependencies.config, rateLimits } };
  const rule = { limit: 7, windowMs: 1000, burst: 0 };
  expect(await verifyKey(dependencies, secret, '')).toMatchObject({ principal: { rateLimit: rule } });
  const rotated = await rotateKey(control.context(), key.id);
  expect(await verifyKey(dependencies, rotated.secret, '')).toMatchObject({ principal: { rateLimit: rule } });
});

test('another node forgets a key that was revoked or rotated here, and no other, and loads no rules anew', async () => {
  const { registry } = control.dependencies;
  const forgotten: string[] = [];
  const organizations: string[] = [];
  let read = 0;
  const node = await openServedAccess({
    revisions: () => registry.access.revisions(),
    readSwitches: async () => [],
    readPolicies: async () => {
      read += 1;
      return [];
    },
    applySwitches: async () => undefined,
    applyPolicies: async () => undefined,
    changedKeys: (organizationId, after) => registry.access.changedKeys(organizationId, after, 10),
    forget: async (keys) => void forgotten.push(...(keys ?? ['all'])),
    forgetTokens: async (organizationId) => void organizations.push(organizationId),
    log: silentLog,
    everyMs: 20,
  });
  const [revoked, rotated] = [await create(), await create(), await create()];
  await revokeKey(control.context(), revoked.key.id);
  await until(() => forgotten.length === 1, { what: 'the revoked key to be forgotten' });
  await rotateKey(control.context(), rotated.key.id);
  await until(() => forgotten.length === 2, { what: 'the rotated key to be forgotten' });
  node.close();
  expect([forgotten, read]).toEqual([[revoked.key.id, rotated.key.id], 1]);
  // Whoever signed in without a key may be another now: they are asked anew.
  expect(new Set(organizations)).toEqual(new Set(['org_default']));
});

test('a key is refused from the millisecond it expires', async () => {
  const { key, secret } = await create({ expiresAtMs: control.clock.nowMs() + hour });
  control.clock.advance(hour - 1);
  expect(await verify(secret)).toMatchObject({ ok: true });
  control.clock.advance(1);
  expect(await verify(secret)).toEqual({ ok: false, reason: 'expired', organizationId: 'org_default' });
  expect(await getKey(control.context(), key.id)).toMatchObject({ status: 'expired' });
});

test('a revoked key is refused at once although it was just used, and the workers are told before it is acknowledged', async () => {
  const { key, secret } = await create();
  expect(await verify(secret)).toMatchObject({ ok: true });
  await revokeKey(control.context(), key.id);
  expect(control.changedKeys).toContain(key.id);
  expect(await verify(secret)).toEqual({ ok: false, reason: 'revoked', organizationId: 'org_default' });
  await revokeKey(control.context(), key.id);
  expect(await rows('select count(*)::int as events from audit_events where object_id = $1 and action = $2', [key.id, 'key.revoked'])).toEqual([{ events: 1 }]);
});

test('A20 the old secret of a rotated key is good for 24 hours, says so, and not a second longer', async () => {
  const { key, secret } = await create();
  const rotated = await rotateKey(control.context(), key.id);
  const until = control.clock.nowMs() + 24 * hour;
  expect(rotated.secret).not.toBe(secret);
  expect(await verify(rotated.secret)).toMatchObject({ ok: true, principal: { keyId: key.id, deprecatedUntilMs: null } });
  expect(await verify(secret)).toMatchObject({ ok: true, principal: { keyId: key.id, deprecatedUntilMs: until } });
  control.clock.advance(24 * hour);
  expect(await verify(secret)).toEqual({ ok: false, reason: 'expired', organizationId: 'org_default' });
  expect(await verify(rotated.secret)).toMatchObject({ ok: true });
  expect(control.changedKeys).toContain(key.id);
});

test('L4: a clock that is set back ends no key later, neither one that has ended nor one that has not', async () => {
  const ended = await create({ expiresAtMs: control.clock.nowMs() + hour });
  const rotated = await create();
  await rotateKey(control.context(), rotated.key.id);
  expect(await verify(ended.secret)).toMatchObject({ ok: true });
  control.clock.advance(hour);
  expect(await verify(ended.secret)).toEqual({ ok: false, reason: 'expired', organizationId: 'org_default' });
  control.clock.setWall(-hour);
  expect(await verify(ended.secret)).toEqual({ ok: false, reason: 'expired', organizationId: 'org_default' });
  control.clock.advance(23 * hour);
  expect(await verify(rotated.secret)).toEqual({ ok: false, reason: 'expired', organizationId: 'org_default' });
});

test('a second rotation ends the first secret at once', async () => {
  const { key, secret } = await create();
  await rotateKey(control.context(), key.id);
  await rotateKey(control.context(), key.id);
  expect(await verify(secret)).toEqual({ ok: false, reason: 'unknown' });
});

test('a key that leaked is rotated without a day of grace: the old secret is refused at once', async () => {
  const { key, secret } = await create();
  const rotated = await rotateKey(control.context(), key.id, 0);
  expect(await verify(secret)).toMatchObject({ ok: false });
  expect(await verify(rotated.secret)).toMatchObject({ ok: true });
});

test('a revoked or expired key is not rotated', async () => {
  const revoked = await create();
  await revokeKey(control.context(), revoked.key.id);
  await expect(rotateKey(control.context(), revoked.key.id)).rejects.toMatchObject({ code: 'invalid_params' });
  const expired = await create({ expiresAtMs: control.clock.nowMs() + 1 });
  control.clock.advance(1);
  await expect(rotateKey(control.context(), expired.key.id)).rejects.toMatchObject({ code: 'invalid_params' });
});

test.each<[string, Partial<CreateKeyInput>, string]>([
  ['an empty name', { name: ' ' }, 'name'],
  ['a long name', { name: 'x'.repeat(bounds.keyNameCharsMax + 1) }, 'name'],
  ['a name with control characters', { name: 'a\u0000b' }, 'name'],
  ['an environment that would not parse back', { environment: 'a_b' }, 'environment'],
  ['a server that is not configured', { scopes: { servers: ['search', 'nowhere'], actions: null } }, 'nowhere'],
  ['an action that does not exist', { scopes: { servers: null, actions: ['tools.call', 'tools.destroy'] } }, 'tools.destroy'],
  ['a pattern that covers nothing', { scopes: { servers: null, actions: ['nothing.*'] } }, 'nothing.*'],
  ['an expiry in the past', { expiresAtMs: 1 }, 'expires_at'],
  ['a forged creator', { metadata: { created_by: 'admin' } }, 'created_by'],
])('%s is refused and named', async (_, input, named) => {
  await expect(create(input)).rejects.toMatchObject({ code: 'invalid_params', message: expect.stringContaining(named) });
});

test.each<[string, ReturnType<typeof actorOf>, Partial<CreateKeyInput>, boolean]>([
  ['a part of its actions', actorOf(['tools.*', 'keys.write']), { scopes: { servers: null, actions: ['tools.call'] } }, true],
  ['its own pattern', actorOf(['tools.*', 'keys.write']), { scopes: { servers: null, actions: ['tools.*'] } }, true],
  ['an action beside them', actorOf(['tools.*', 'keys.write']), { scopes: { servers: null, actions: ['costs.read'] } }, false],
  ['everything', actorOf(['tools.*', 'keys.write']), { scopes: { servers: null, actions: ['*'] } }, false],
  ['a wider pattern', actorOf(['tools.call', 'keys.write']), { scopes: { servers: null, actions: ['tools.*'] } }, false],
  ['every MCP operation by leaving actions out', actorOf(['tools.call', 'keys.write']), {}, false],
  ['one of its servers', actorOf(['*'], ['search']), { scopes: { servers: ['search'], actions: null } }, true],
  ['another server', actorOf(['*'], ['search']), { scopes: { servers: ['filesystem'], actions: null } }, false],
  ['every server by leaving servers out', actorOf(['*'], ['search']), {}, false],
])('a key can give %s only where it holds it', async (_, actor, input, allowed) => {
  const made = createKey(control.context(actor), { ...plain, ...input });
  if (allowed) expect((await made).secret).toMatch(/^gwo_/);
  else await expect(made).rejects.toMatchObject({ code: 'forbidden' });
});

test('a key cannot take the secret of one that holds more by rotating it', async () => {
  const strong = await create({ scopes: { servers: null, actions: ['*'] } });
  await expect(rotateKey(control.context(actorOf(['keys.*', 'tools.*'])), strong.key.id)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await verify(strong.secret)).toMatchObject({ ok: true, principal: { deprecatedUntilMs: null } });
});

test('an unknown id is not found, whatever is done to it', async () => {
  for (const verb of [getKey, revokeKey, rotateKey])
    await expect(verb(control.context(), "key_x' or '1'='1")).rejects.toMatchObject({ code: 'unknown_object' });
});

test('a list goes on where its cursor says and refuses a cursor that it did not give', async () => {
  const names: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listKeys>> = await listKeys(control.context(), { cursor, limit: 3 });
    names.push(...page.keys.map(({ key }) => key.id));
    cursor = page.cursor;
  } while (cursor !== null);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toHaveLength(Number((await rows('select count(*) as keys from api_keys'))[0]?.['keys']));
  await expect(listKeys(control.context(), { cursor: 'bm90IG91cnM', limit: 3 })).rejects.toMatchObject({ code: 'invalid_params' });
});

test('usage comes from the ledger; one that is away, or fails, leaves it null and the keys readable', async () => {
  const { key } = await create();
  const usage = { lastUsedMs: 5, calls: 2, costNano: 3_000_000n };
  const reading = (keyUsage: LedgerReader['keyUsage']) => ({ ...control.context(), ledger: () => ({ keyUsage }) as LedgerReader });
  expect(
    (
      await getKey(
        reading(async () => new Map([[key.id as string, usage]])),
        key.id,
      )
    ).usage,
  ).toEqual(usage);
  expect(
    (
      await getKey(
        reading(async () => new Map()),
        key.id,
      )
    ).usage,
  ).toEqual({ lastUsedMs: null, calls: 0, costNano: 0n });
  expect((await getKey(control.context(), key.id)).usage).toBeNull();
  expect(
    (
      await getKey(
        reading(() => Promise.reject(new Error('away'))),
        key.id,
      )
    ).usage,
  ).toBeNull();
  // One that hangs is not waited for.
  const askedAt = performance.now();
  expect(
    (
      await getKey(
        reading(() => new Promise(() => undefined)),
        key.id,
      )
    ).usage,
  ).toBeNull();
  expect(performance.now() - askedAt).toBeLessThan(3_000);
});

test('keys that nobody has used since a time are listed alone; where the ledger cannot say, none is taken for unused', async () => {
  const ids: string[] = [];
  for (const name of ['unused', 'used', 'used long ago']) ids.push((await create({ name: `${name} of the list` })).key.id);
  const sinceMs = control.clock.nowMs() + hour;
  const use = (id: string | undefined, lastUsedMs: number): [string, KeyUsageRow] => [id ?? '', { lastUsedMs, calls: 1, costNano: 0n }];
  const keyUsage: LedgerReader['keyUsage'] = async () => new Map([use(ids[1], sinceMs), use(ids[2], sinceMs - 1)]);
  const context = { ...control.context(), ledger: () => ({ keyUsage }) as LedgerReader };
  const namesSince = async (unusedSinceMs: number): Promise<string[]> =>
    (await listKeys(context, { cursor: null, limit: 50, text: 'of the list', unusedSinceMs })).keys.map(({ key }) => key.name).toSorted();
  expect(await namesSince(sinceMs)).toEqual(['unused of the list', 'used long ago of the list']);
  // Made since.
  expect(await namesSince(control.clock.nowMs())).toEqual([]);
  await expect(listKeys(control.context(), { cursor: null, limit: 50, unusedSinceMs: sinceMs })).rejects.toMatchObject({ code: 'unavailable' });
});

test('no secret is in the registry, only bcrypt of it; each change has its audit event in words without one', async () => {
  const { key, secret } = await create({ metadata: { team_id: 'team_x' } });
  const rotated = await rotateKey(control.context(), key.id);
  const stored = JSON.stringify([await rows('select * from api_keys'), await rows('select * from audit_events')]);
  for (const text of [secret, rotated.secret]) {
    expect(stored).not.toContain(text);
    expect(stored).not.toContain(text.slice(-28));
  }
  expect(rotated.key.hash).toMatch(/^\$2b\$04\$/);
  const events = await rows('select action, actor_kind, actor_id, detail from audit_events where object_id = $1 order by sequence', [key.id]);
  expect(events).toMatchObject([
    { action: 'key.created', actor_kind: 'operator', detail: { name: 'agent', metadata: { team_id: 'team_x' } } },
    { action: 'key.rotated', detail: { previous_prefix: key.prefix, prefix: rotated.key.prefix } },
  ]);
  expect(JSON.stringify(events)).not.toContain('$2b$');
});

test.each([
  ['SQL', "gwo_test_' or 1=1 --                  "],
  ['a NUL', `gwo_test_${'a'.repeat(31)}\u0000`],
  ['10 MB', `gwo_test_${'a'.repeat(10_000_000)}`],
  ['another form', 'sk-live-abcdefghijklmnop'],
  ['nothing', ''],
])('A17 %s in place of a key is unknown and costs neither a query nor a bcrypt', async (_, secret) => {
  const untouchable = new Proxy(
    {},
    {
      get: () => {
        throw new Error('touched');
      },
    },
  );
  const dependencies = { ...control.dependencies, registry: untouchable as never, secrets: untouchable as never };
  expect(await verifyKey(dependencies, secret, '')).toEqual({ ok: false, reason: 'unknown' });
});

test('A23 a wrong secret costs no bcrypt, whether its prefix is known or not; that of a rotated key neither', async () => {
  const { key, secret } = await create();
  const rotated = await rotateKey(control.context(), key.id);
  const hasher = createSecretHasher(4);
  let compares = 0;
  const secrets = {
    hash: (text: string) => hasher.hash(text),
    matches: (text: string, hashed: string) => ((compares += 1), hasher.matches(text, hashed)),
  };
  const wrong = (text: string): string => `${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}`;
  for (const guess of [wrong(rotated.secret), wrong(secret), newKeySecret('test').secret])
    expect(await verifyKey({ ...control.dependencies, secrets }, guess, '')).toEqual({ ok: false, reason: 'unknown' });
  expect(compares).toBe(0);
  for (const good of [rotated.secret, secret]) expect(await verifyKey({ ...control.dependencies, secrets }, good, '')).toMatchObject({ ok: true });
  expect(compares).toBe(2);
});

test('a key without a check, and one to which an earlier version gave another secret beside the check of the one before, is known by its hash', async () => {
  const { key, secret } = await create();
  const another = newKeySecret('test');
  const wrong = `${another.secret.slice(0, -1)}${another.secret.endsWith('a') ? 'b' : 'a'}`;
  await rows('update api_keys set hash = $2, prefix = $3 where id = $1', [key.id, await control.dependencies.secrets.hash(another.secret), another.prefix]);
  expect(await verify(another.secret)).toMatchObject({ ok: true, principal: { keyId: key.id } });
  await rows('update api_keys set secret_check = null where id = $1', [key.id]);
  expect(await verify(another.secret)).toMatchObject({ ok: true, principal: { keyId: key.id } });
  for (const bad of [secret, wrong]) expect(await verify(bad)).toEqual({ ok: false, reason: 'unknown' });
});

test('what the hasher cannot take is busy, which is no verdict; what waits is served in its turn', async () => {
  const hasher = createSecretHasher(4);
  const hashed = await hasher.hash('secret');
  const all = await Promise.allSettled(Array.from({ length: bounds.verifyQueueMax + 50 }, (_, index) => hasher.matches(`wrong ${index}`, hashed)));
  const refused = all.filter((answer) => answer.status === 'rejected');
  expect(refused).toHaveLength(48);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'unavailable' });
  expect(await hasher.matches('secret', hashed)).toBe(true);
  expect(await hasher.matches('secret', hashed)).toBe(true);
  const { secret } = await create();
  const busy = { ...control.dependencies, secrets: { ...hasher, matches: () => hasher.hash('x').then(() => Promise.reject(refused[0]?.reason)) } };
  expect(await verifyKey(busy, secret, '')).toEqual({ ok: 'busy' });
});

describe('what the control API remembers of keys', () => {
  /** One of a node of its own, with what it asked the registry for and what it noted for the audit. */
  function node(ageMs = 0) {
    const { registry, audit, access } = control.dependencies;
    const lookedUp: string[] = [];
    const noted: string[] = [];
    const one = control.variant({
      registry: {
        ...registry,
        keys: {
          ...registry.keys,
          findByPrefix(prefix) {
            lookedUp.push(prefix);
            return registry.keys.findByPrefix(prefix);
          },
        },
      },
      audit: { ...audit, noteSignIn: ({ outcome, reason, subject, peer }) => void noted.push([outcome, reason, subject, peer].filter(Boolean).join(' ')) },
      access: { ...access, ageMs: () => ageMs },
    });
    return { one, lookedUp, noted };
  }
  const statusOf = async (one: TestControl, method: string, bearer: string): Promise<number> =>
    (
      await one.request(method, method === 'GET' ? '/v1/me' : '/v1/teams?dry_run=true', {
        bearer,
        ...(method === 'POST' ? { body: { name: 'Payments' } } : {}),
      })
    ).status;

  test('a key is looked up for its first read and for every change, and each request is noted for the audit', async () => {
    const { key, secret } = await create({ scopes: { servers: null, actions: ['people.write'] } });
    const { one, lookedUp, noted } = node();
    for (const method of ['GET', 'GET', 'GET', 'POST', 'POST']) expect(await statusOf(one, method, secret)).toBe(200);
    expect(lookedUp).toHaveLength(3);
    expect(noted).toEqual(Array.from({ length: 5 }, () => `succeeded ${key.id}`));
  });

  test('a revoked key is refused from the moment of its revocation, each time with its reason in the audit', async () => {
    const { key, secret } = await create();
    const { one, noted } = node();
    expect(await statusOf(one, 'GET', secret)).toBe(200);
    await revokeKey(one.context(), key.id);
    expect([await statusOf(one, 'GET', secret), await statusOf(one, 'GET', secret)]).toEqual([401, 401]);
    expect(noted.slice(1)).toEqual(Array.from({ length: 2 }, () => `failed revoked ${key.prefix}`));
  });

  test('a key that ends is refused from then on', async () => {
    const { one } = node();
    const { secret } = await createKey(one.context(), { ...plain, expiresAtMs: one.clock.nowMs() + hour });
    expect(await statusOf(one, 'GET', secret)).toBe(200);
    one.clock.advance(hour);
    expect(await statusOf(one, 'GET', secret)).toBe(401);
  });

  test('a node that has not just confirmed its view looks every key up: one that another node revoked is refused', async () => {
    const { key, secret } = await create();
    const { one } = node(bounds.rememberedKeyMs + 1);
    expect(await statusOf(one, 'GET', secret)).toBe(200);
    await revokeKey(control.context(), key.id);
    expect(await statusOf(one, 'GET', secret)).toBe(401);
  });

  test('what could not be looked up is no verdict, and is looked up again', async () => {
    const { secret } = await create();
    const { one } = node();
    let isDown = true;
    const { registry } = control.dependencies;
    const cut = control.variant({
      registry: {
        ...registry,
        keys: { ...registry.keys, findByPrefix: (prefix) => (isDown ? Promise.reject(new Error('cut')) : registry.keys.findByPrefix(prefix)) },
      },
    });
    await expect(recogniseKey(cut.dependencies, secret, '')).rejects.toMatchObject({ code: 'unavailable' });
    isDown = false;
    expect(await recogniseKey(cut.dependencies, secret, '')).toMatchObject({ ok: true });
    expect(await statusOf(one, 'GET', `${secret.slice(0, -1)}_`)).toBe(401);
  });
});
