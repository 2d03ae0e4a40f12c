import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../test/support/control.ts';
import { until } from '../../../../test/support/poll.ts';
import { createKey } from '../control/keys/create-key.ts';
import { removeExpiredKeys } from '../control/idempotency/remove-expired-keys.ts';
import { bounds } from '../kernel/bounds.ts';
import { randomBase62 } from '../kernel/id.ts';
import { clientConfig } from '../store/registry/connections.ts';

let control: TestControl;
/** Another node on the same registry, begun later. */
let other: TestControl;
let bearer: string;
beforeAll(async () => {
  control = await startControl();
  other = control.variant({});
  bearer = await newKey();
});
afterAll(() => control.end());

async function newKey(): Promise<string> {
  const made = await createKey(control.context(), { name: 'k', environment: null, scopes: { servers: null, actions: ['*'] }, metadata: {}, expiresAtMs: null });
  return made.secret;
}
/** As its caller sends it; `name` stands in the body. */
async function send(key: string, name: string, more: { node?: TestControl; bearer?: string; path?: string; front?: 'admin' } = {}) {
  const { node = control, path = '/v1/auth/keys', front } = more;
  const who = front === undefined ? { bearer: more.bearer ?? bearer } : { front };
  const answer = await node.request('POST', path, { ...who, headers: { 'idempotency-key': key }, body: { name } });
  return { status: answer.status, replayed: answer.headers.get('idempotent-replayed'), etag: answer.headers.get('etag'), text: await answer.text() };
}
async function named(name: string): Promise<number> {
  const { keys } = (await (await control.request('GET', '/v1/auth/keys?limit=200', { bearer })).json()) as { keys: { name: string }[] };
  return keys.filter((key) => key.name === name).length;
}
/** Statements about what the API does not show. */
async function directly(text: string, values: unknown[] = []): Promise<readonly Record<string, unknown>[]> {
  const client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}
const fresh = (): string => randomBase62(20);

test('of many equal requests at once, on two nodes, one makes a key, and all get its answer with its secret', async () => {
  const [key, name] = [fresh(), fresh()];
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      until(
        async () => {
          const answer = await send(`"${key}"`, name, { node: index % 2 === 0 ? control : other });
          // Under way, or a registry that others keep busy: the same request is sent again.
          if (answer.status !== 201) expect([409, 503]).toContain(answer.status);
          return answer.status === 201 && answer;
        },
        { what: 'an answer', timeoutMs: 60_000 },
      ),
    ),
  );
  const [{ text }] = answers as [(typeof answers)[number]];
  expect(answers.map((answer) => answer.text)).toEqual(answers.map(() => text));
  expect(answers.filter(({ replayed }) => replayed === null).length).toBeLessThanOrEqual(1);
  // Quoted or bare it is the same key.
  for (const node of [control, other]) expect(await send(key, name, { node })).toMatchObject({ status: 201, replayed: 'true', text });
  expect(await named(name)).toBe(1);
  const { secret } = (JSON.parse(text) as { key: { secret: string } }).key;
  expect((await control.request('GET', '/v1/me', { bearer: secret })).status).toBe(200);
});

test('what lies in the registry shows neither the answer nor the key, and opens only with what the caller signs in with', async () => {
  const [key, name] = [fresh(), fresh()];
  const { text } = await send(key, name);
  const rows = JSON.stringify(
    await directly("select *, encode(answer, 'escape') as plain from idempotency_keys").then((all) => all.map((row) => Object.values(row).map(String))),
  );
  const { secret, id } = (JSON.parse(text) as { key: { secret: string; id: string } }).key;
  for (const hidden of [key, name, secret, id]) expect(rows).not.toContain(hidden);
  const { id: own } = (await (await control.request('GET', '/v1/me', { bearer })).json()) as { id: string };
  const rotated = (await (await control.request('POST', `/v1/auth/keys/${own}/rotate`, { front: 'admin' })).json()) as { key: { secret: string } };
  const again = await send(key, name, { bearer: rotated.key.secret });
  expect([again.status, JSON.parse(again.text)]).toMatchObject([409, { error: 'idempotent_answer_lost' }]);
  // The old secret is good for a day, and so is its answer.
  expect(await send(key, name)).toMatchObject({ status: 201, replayed: 'true', text });
});

test('the same key with another body or query is refused; of another caller, at another address and on the owner-only socket it is another key', async () => {
  const [key, name] = [fresh(), fresh()];
  expect((await send(key, name)).status).toBe(201);
  const reused = await send(key, `${name}2`);
  expect([reused.status, JSON.parse(reused.text)]).toMatchObject([422, { error: 'idempotency_key_reused' }]);
  expect(await send(key, name, { bearer: await newKey() })).toMatchObject({ status: 201, replayed: null });
  const team = await send(key, name, { path: '/v1/teams' });
  expect(team).toMatchObject({ status: 201, replayed: null, etag: '"1"' });
  expect(await send(key, name, { path: '/v1/teams' })).toEqual({ ...team, replayed: 'true' });
  const own = await send(key, name, { front: 'admin' });
  expect(own).toMatchObject({ status: 201, replayed: null });
  expect(await send(key, name, { front: 'admin' })).toEqual({ ...own, replayed: 'true' });
  // The operator of another node does not have its key.
  expect(await send(key, name, { front: 'admin', node: other })).toMatchObject({ status: 409, text: expect.stringContaining('idempotent_answer_lost') });
});

test('a request that failed, and a dry run, leave the key free', async () => {
  const [key, name] = [fresh(), fresh()];
  expect((await send(key, name, { path: '/v1/teams?dry_run=true' })).status).toBe(200);
  expect((await send(key, '', { path: '/v1/teams' })).status).toBe(400);
  expect((await control.request('POST', '/v1/teams', { bearer, headers: { 'idempotency-key': key }, body: '{' })).status).toBe(400);
  expect(await send(key, name, { path: '/v1/teams' })).toMatchObject({ status: 201, replayed: null });
});

test.each(['', '"', '"a', 'a b', 'a\\b', `"${'a'.repeat(256)}"`])('the key %j is refused before anything is done', async (key) => {
  const answer = await control.request('POST', '/v1/teams', { bearer, headers: { 'idempotency-key': key }, body: { name: fresh() } });
  expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_request' }]);
});

test('a node that died lets the key go after a minute, unless it had done what was asked', async () => {
  const [key, name] = [fresh(), fresh()];
  await send(key, name);
  const mine = 'digest = (select digest from idempotency_keys order by began_at desc limit 1)';
  await directly(`update idempotency_keys set answer = null where ${mine}`);
  expect(JSON.parse((await send(key, name)).text)).toMatchObject({ error: 'idempotent_answer_lost' });
  await directly(`update idempotency_keys set done_at = null where ${mine}`);
  expect(JSON.parse((await send(key, name)).text)).toMatchObject({ error: 'idempotency_key_in_use' });
  await directly(`update idempotency_keys set held_until = now() - interval '1 second' where ${mine}`);
  expect(await send(key, name, { node: other })).toMatchObject({ status: 201, replayed: null });
});

test('an answer is given again for a day, and what is older is deleted', async () => {
  const [key, name] = [fresh(), fresh()];
  const { text } = await send(key, name);
  await directly("update idempotency_keys set began_at = now() - interval '24 hours 1 second'");
  const again = await send(key, name);
  expect([again.status, again.replayed, again.text === text]).toEqual([201, null, false]);
  await directly("update idempotency_keys set began_at = now() - interval '24 hours 1 second'");
  await removeExpiredKeys(control.context());
  expect(await directly('select digest from idempotency_keys')).toEqual([]);
});

test('of one caller only so many are remembered', async () => {
  await directly(
    `insert into idempotency_keys (organization_id, digest, caller, request, attempt, began_at, held_until, done_at)
     select 'org_default', 'd' || n, 'operator:operator', 'r', 'a', now() - n * interval '1 second', now(), now() from generate_series(1, $1::int) n`,
    [bounds.idempotencyKeysMax],
  );
  await send(fresh(), fresh(), { front: 'admin' });
  expect(await directly("select count(*)::int as count from idempotency_keys where caller = 'operator:operator'")).toEqual([
    { count: bounds.idempotencyKeysMax },
  ]);
});
