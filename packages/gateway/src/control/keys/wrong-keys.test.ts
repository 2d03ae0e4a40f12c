import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startControl, type ControlOverrides, type TestControl } from '../../../../../test/support/control.ts';
import { createAuthenticator } from '../../authenticate/authenticate.ts';
import { bounds } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { verifyCredential } from '../sign-in/verify-credential.ts';
import { createKey } from './create-key.ts';
import { newKeySecret } from './key-secret.ts';
import { revokeKey } from './revoke-key.ts';

const allowed = bounds.wrongKeysPerMinute;
const victims = '198.51.100.7';
const attackers = '203.0.113.66';
let control: TestControl;
/** A node whose shared state nobody has counted in yet. */
let node: TestControl;
let good: { readonly id: string; readonly secret: string; readonly prefix: string };

beforeAll(async () => {
  control = await startControl();
});
afterAll(() => control.end());
beforeEach(async () => {
  node = control.variant({});
  good = await key();
});

async function key(): Promise<typeof good> {
  const scopes = { servers: null, actions: null };
  const made = await createKey(control.context(), { name: 'agent', environment: null, scopes, metadata: {}, expiresAtMs: null });
  return { id: made.key.id, secret: made.secret, prefix: made.key.prefix };
}

/** A guess at a key of the prefix, or at any. */
function guess(prefix?: string): string {
  const { secret } = newKeySecret('test');
  return prefix === undefined ? secret : prefix + secret.slice(prefix.length);
}

async function ask(bearer: string, peer: string, { at = node, method = 'GET' } = {}): Promise<{ status: number; body: unknown; retryAfter: number }> {
  const answer = await at.request(method, method === 'GET' ? '/v1/me' : '/v1/teams?dry_run=true', { bearer, headers: { 'x-gatewayops-peer': peer } });
  return { status: answer.status, body: await answer.json(), retryAfter: Number(answer.headers.get('retry-after') ?? NaN) };
}

/** The statuses of so many guesses, one after the other. */
async function tries(times: number, peer: (time: number) => string, prefix?: string, at = node): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time++) statuses.push((await ask(guess(prefix), peer(time), { at })).status);
  return statuses;
}

const refused = (times: number): readonly number[] => Array.from({ length: times }, () => 401);

test('A21 after ten wrong keys in a minute an address hears 429 with the time until it is answered again, and another address nothing of it', async () => {
  expect(await tries(allowed, () => attackers)).toEqual(refused(allowed));
  const slowed = await ask(guess(), attackers);
  expect(slowed).toMatchObject({ status: 429, body: { error: 'too_many_wrong_keys', fix: expect.stringContaining('let in at any time') } });
  expect(slowed.retryAfter).toBeGreaterThanOrEqual(1);
  expect(slowed.retryAfter).toBeLessThanOrEqual(60);
  expect((await ask(guess(), victims)).status).toBe(401);
  node.clock.advance((slowed.retryAfter - 1) * 1_000 - 1);
  expect((await ask(guess(), attackers)).status).toBe(429);
  node.clock.advance(1_001);
  expect((await ask(guess(), attackers)).status).toBe(401);
});

test('A21 guesses at one key are slowed by its prefix, wherever they come from; guesses at another are not', async () => {
  const other = await key();
  expect(await tries(allowed, (time) => `203.0.113.${time}`, good.prefix)).toEqual(refused(allowed));
  expect((await ask(guess(good.prefix), '203.0.113.200')).status).toBe(429);
  expect((await ask(guess(other.prefix), '203.0.113.201')).status).toBe(401);
});

test('A21 whoever has the key is let in all the same: from elsewhere and from the address of the guesses, for reads and writes, known or new', async () => {
  const fresh = await key();
  expect(await tries(allowed + 1, () => attackers, good.prefix)).toEqual([...refused(allowed), 429]);
  for (const peer of [victims, attackers]) {
    expect((await ask(good.secret, peer)).status).toBe(200);
    // It may not make teams, which is asked once it is known who it is.
    expect((await ask(good.secret, peer, { method: 'POST' })).status).toBe(403);
  }
  expect((await ask(fresh.secret, attackers)).status).toBe(200);
  expect((await ask(guess(), attackers)).status).toBe(429);
});

test('of an address of IPv6 the network counts: its holder has all the others', async () => {
  expect(await tries(allowed, (time) => `2001:db8:1:2::${time + 1}`)).toEqual(refused(allowed));
  expect((await ask(guess(), '2001:db8:1:2:ffff::1')).status).toBe(429);
  expect((await ask(guess(), '2001:db8:1:3::1')).status).toBe(401);
});

test('all nodes count together', async () => {
  const other = control.variant({ state: node.dependencies.state });
  expect(await tries(allowed - 1, () => attackers)).toEqual(refused(allowed - 1));
  expect(await tries(2, () => attackers, undefined, other)).toEqual([401, 429]);
  expect((await ask(guess(), attackers)).status).toBe(429);
});

test('who guesses nothing is not slowed: one wrong key again and again, one that has ended, what is no key, a token, the owner of the machine', async () => {
  const wrong = guess();
  await revokeKey(control.context(), good.id);
  for (const bearer of [wrong, good.secret, 'garbage', 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl'])
    for (let time = 0; time < allowed + 2; time++) expect([bearer, (await ask(bearer, attackers)).status]).toEqual([bearer, 401]);
  for (let time = 0; time < allowed + 2; time++) expect((await ask(`garbage-${time}`, attackers)).status).toBe(401);
  expect(await tries(allowed + 2, () => '')).toEqual(refused(allowed + 2));
});

test('where shared state is away a wrong key is refused as ever, and a right one let in', async () => {
  const takeTokens = (): Promise<never> => Promise.reject(new Fault('unavailable', { reason: 'it is away' }));
  const state: ControlOverrides['state'] = { ...node.dependencies.state, takeTokens };
  const cut = control.variant({ state });
  expect(await tries(allowed + 2, () => attackers, undefined, cut)).toEqual(refused(allowed + 2));
  expect((await ask(good.secret, attackers, { at: cut })).status).toBe(200);
});

test('on the rail, too: the caller hears how long is left, the audit that a key was wrong, and a key that a worker knows is not looked at', async () => {
  let asked = 0;
  const noted: string[] = [];
  const { audit } = node.dependencies;
  const noting = {
    ...audit,
    noteSignIn: ({ outcome, reason, subject, peer }: Parameters<typeof audit.noteSignIn>[0]) => void noted.push([outcome, reason, subject, peer].join(' ')),
  };
  const { authenticate } = createAuthenticator({
    verify: (secret, peer, kind) => ((asked += 1), verifyCredential({ ...node.dependencies, audit: noting }, { secret, peer, kind })),
    takesTokens: () => false,
    encode: () => new Uint8Array(),
    organizationId: 'org_default',
    clock: node.clock,
  });
  const send = async (secret: string): Promise<string> => {
    try {
      return (await authenticate(`Bearer ${secret}`, attackers)).data.keyId;
    } catch (error) {
      return error instanceof Fault ? `${error.code} ${String(error.detail['retryAfter'] ?? '')}`.trim() : String(error);
    }
  };
  expect(await send(good.secret)).toBe(good.id);
  for (let time = 0; time < allowed; time++) expect(await send(guess(good.prefix))).toBe('unauthorized');
  const late = guess(good.prefix);
  const [, left = NaN] = /^too_many_wrong_keys (\d+)$/.exec(await send(late)) ?? [];
  node.clock.advance(2_000);
  expect(await send(late)).toBe(`too_many_wrong_keys ${Number(left) - 2}`);
  const before = asked;
  expect(await send(good.secret)).toBe(good.id);
  expect(asked).toBe(before);
  expect(noted.at(-1)).toBe(`failed unknown ${good.prefix} ${attackers}`);
  expect(noted).toHaveLength(allowed + 2);
});
