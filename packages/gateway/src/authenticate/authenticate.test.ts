import { beforeEach, describe, expect, test } from 'vitest';
import { bounds } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import type { PrincipalData } from '../snapshot/snapshot.ts';
import { createAuthenticator, type Authenticator, type CredentialVerdict } from './authenticate.ts';

const secret = 'gwo_test_0123456789abcdefghijABCDEFGHIJ01';
const header = `Bearer ${secret}`;
let nowMs = 1_000_000;
let takesTokens = false;
let asked: string[] = [];
let answer: (secret: string) => Promise<CredentialVerdict>;
let authenticator: Authenticator;

function principal(more: Partial<PrincipalData> = {}): PrincipalData {
  return {
    kind: 'key',
    credential: 'apiKey',
    credentialId: more.keyId ?? 'key_1',
    issuer: '',
    keyId: 'key_1',
    keyPrefix: 'gwo_test_0123',
    organizationId: 'org_default',
    userId: '',
    teamId: '',
    projectId: '',
    agent: '',
    serviceAccountId: '',
    lineage: [],
    owner: null,
    environment: 'test',
    servers: null,
    actions: null,
    expiresAtMs: null,
    deprecatedUntilMs: null,
    rateLimit: null,
    ...more,
  };
}

beforeEach(() => {
  nowMs = 1_000_000;
  takesTokens = false;
  asked = [];
  answer = async () => ({ ok: true, principal: principal() });
  authenticator = createAuthenticator({
    verify: (given) => {
      asked.push(given);
      return answer(given);
    },
    takesTokens: () => takesTokens,
    encode: ({ keyId }) => Buffer.from(keyId),
    organizationId: 'org_default',
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
  });
});

/** The code of the fault that it throws or rejects with. */
async function refusal(authorization: string | undefined): Promise<string> {
  try {
    await authenticator.authenticate(authorization);
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return 'none';
}

describe('a key', () => {
  test('is verified once and known from then on, without a promise', async () => {
    const first = authenticator.authenticate(header);
    expect(first).toBeInstanceOf(Promise);
    expect((await first).id).toBe('key_1');
    const second = authenticator.authenticate(header);
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toBe(await first);
    expect(asked).toEqual([secret]);
  });

  test('is asked for once, however many calls wait for the answer', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, async () => authenticator.authenticate(header)));
    expect(new Set(all).size).toBe(1);
    expect(asked).toHaveLength(1);
  });

  test('dropped is verified anew, and refused from then on where it was revoked', async () => {
    await authenticator.authenticate(header);
    answer = async () => ({ ok: false, reason: 'revoked', organizationId: 'org_a' });
    authenticator.drop('key_1');
    expect(await refusal(header)).toBe('unauthorized');
    expect(asked).toHaveLength(2);
  });

  test('revoked while its answer is under way is not let in by that answer, nor by the next one that is too old', async () => {
    const answers: ((verdict: CredentialVerdict) => void)[] = [];
    answer = () => new Promise((resolve) => answers.push(resolve));
    const outcome = refusal(header);
    // Twice the answer was given before the change that the drop tells of.
    for (let turn = 0; turn < 2; turn++) {
      await expect.poll(() => answers.length, { interval: 1 }).toBe(turn + 1);
      authenticator.drop('key_1');
      answers[turn]?.({ ok: true, principal: principal() });
    }
    await expect.poll(() => answers.length, { interval: 1 }).toBe(3);
    answers[2]?.({ ok: false, reason: 'revoked', organizationId: 'org_a' });
    expect(await outcome).toBe('unauthorized');
    answer = async () => ({ ok: false, reason: 'revoked', organizationId: 'org_a' });
    expect(await refusal(header)).toBe('unauthorized');
  });

  test('is verified anew with all others, also one whose answer is under way', async () => {
    await authenticator.authenticate(header);
    const answers: ((verdict: CredentialVerdict) => void)[] = [];
    answer = () => new Promise((resolve) => answers.push(resolve));
    authenticator.dropAll();
    const limited = (limit: number): CredentialVerdict => ({ ok: true, principal: principal({ rateLimit: { limit, windowMs: 1_000, burst: 0 } }) });
    const outcome = authenticator.authenticate(header);
    await expect.poll(() => answers.length, { interval: 1 }).toBe(1);
    authenticator.dropAll();
    answers[0]?.(limited(1));
    await expect.poll(() => answers.length, { interval: 1 }).toBe(2);
    answers[1]?.(limited(2));
    expect((await outcome).data.rateLimit?.limit).toBe(2);
  });

  test('that changes with every answer is refused as unavailable, not asked for without end', async () => {
    answer = async () => {
      await Promise.resolve();
      authenticator.drop('key_1');
      return { ok: true, principal: principal() };
    };
    expect(await refusal(header)).toBe('unavailable');
    expect(asked.length).toBeLessThan(10);
  });

  test('is not known beyond its expiry or the grace of its rotation', async () => {
    for (const until of ['expiresAtMs', 'deprecatedUntilMs'] as const) {
      authenticator.drop('key_1');
      answer = async () => ({ ok: true, principal: principal({ [until]: nowMs + 1_000 }) });
      await authenticator.authenticate(header);
      nowMs += 999;
      expect(await refusal(header)).toBe('none');
      answer = async () => ({ ok: false, reason: 'expired', organizationId: 'org_a' });
      nowMs += 1;
      expect(await refusal(header)).toBe('unauthorized');
      nowMs += 20_000;
    }
  });
});

describe('a token', () => {
  const token = `ey${'x'.repeat(4_000)}`;
  const ofUser = (userId: string, more: Partial<PrincipalData> = {}): PrincipalData =>
    principal({
      kind: 'user',
      credential: 'jwt',
      credentialId: `tok_${userId}`,
      issuer: 'okta',
      keyId: `psn_${userId}`,
      keyPrefix: 'jwt:okta',
      userId,
      ...more,
    });

  test('as long as they are is asked for where tokens are taken, and nowhere else', async () => {
    answer = async () => ({ ok: true, principal: ofUser('ana') });
    expect(await refusal(`Bearer ${token}`)).toBe('unauthorized');
    expect(asked).toEqual([]);
    takesTokens = true;
    expect(await refusal(`Bearer ${token}`)).toBe('none');
    expect(await refusal(`Bearer ${'x'.repeat(16_385)}`)).toBe('unauthorized');
    expect(asked).toEqual([token]);
  });

  test('A9: of one person is the same caller as another one of theirs, and never that of another organization', async () => {
    takesTokens = true;
    const ids: string[] = [];
    for (const [text, data] of [
      ['a1', ofUser('ana')],
      ['a2', ofUser('ana', { credentialId: 'tok_2' })],
      ['b', ofUser('ana', { organizationId: 'org_b' })],
      ['s', principal({ kind: 'service_account', credential: 'jwt', keyId: 'psn_ana' })],
    ] as const) {
      answer = async () => ({ ok: true, principal: data });
      ids.push((await authenticator.authenticate(`Bearer ${text}`)).id);
    }
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  test('is forgotten by its id, or with all others of its organization, and keys stay known', async () => {
    takesTokens = true;
    answer = async (given) => ({ ok: true, principal: given === secret ? principal() : ofUser(given) });
    const known = async (text: string): Promise<boolean> => {
      const before = asked.length;
      await authenticator.authenticate(`Bearer ${text}`);
      return asked.length === before;
    };
    for (const text of [secret, 'ana', 'bo']) await known(text);
    authenticator.drop('tok_ana');
    expect([await known('ana'), await known('bo')]).toEqual([false, true]);
    authenticator.dropTokens('org_other');
    expect(await known('ana')).toBe(true);
    authenticator.dropTokens('org_default');
    expect([await known(secret), await known('ana'), await known('bo')]).toEqual([true, false, false]);
  });

  test('that was refused is asked for anew once something of its organization has changed', async () => {
    answer = async () => ({ ok: false, reason: 'refused', organizationId: 'org_default' });
    expect(await refusal('Bearer ana')).toBe('unauthorized');
    answer = async () => ({ ok: true, principal: ofUser('ana') });
    expect(await refusal('Bearer ana')).toBe('unauthorized');
    authenticator.dropTokens('org_default');
    expect(await refusal('Bearer ana')).toBe('none');
  });

  test('whose issuer has been away for too long is refused as unavailable, not as wrong', async () => {
    answer = async () => ({ ok: 'away' });
    expect(await refusal('Bearer ana')).toBe('unavailable');
  });
});

describe('a client certificate', () => {
  test('speaks where there is no Authorization, and its text sent as a header is never taken for it', async () => {
    const kinds: string[] = [];
    const own = createAuthenticator({
      verify: async (secret, _peer, kind) => {
        kinds.push(`${kind} ${secret}`);
        return kind === 'certificate'
          ? { ok: true, principal: principal({ kind: 'agent', credential: 'mtls', credentialId: 'crt_1' }) }
          : { ok: false, reason: 'unknown' };
      },
      takesTokens: () => true,
      encode: () => new Uint8Array(),
      organizationId: 'org_default',
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    });
    expect((await own.authenticate(undefined, '', 'MIIB')).data.credential).toBe('mtls');
    expect(own.authenticate(undefined, '', 'MIIB')).not.toBeInstanceOf(Promise);
    expect(() => own.authenticate('MIIB')).toThrow(Fault);
    await expect(Promise.resolve(own.authenticate('Bearer MIIB', '', 'MIIB'))).rejects.toMatchObject({ code: 'unauthorized' });
    expect(() => own.authenticate('', '', 'MIIB')).toThrow(Fault);
    expect(kinds).toEqual(['certificate MIIB', 'bearer MIIB']);
  });
});

describe('what is no key', () => {
  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'bearer',
    `Basic ${secret}`,
    secret,
    `Bearer ${secret} ${secret}`,
    `Bearer ${'x'.repeat(257)}`,
    'Bearer a\tb',
    'Bearer ü',
  ])('A2: %j is refused without a question, never anonymous', async (authorization) => {
    expect(await refusal(authorization)).toBe('unauthorized');
    expect(asked).toEqual([]);
  });

  test('the word bearer counts in any letter case', async () => {
    expect(await refusal(`bEaReR   ${secret}`)).toBe('none');
    expect(asked).toEqual([secret]);
  });

  test('a refused key is remembered for a while, then asked for again', async () => {
    answer = async () => ({ ok: false, reason: 'unknown' });
    for (let times = 0; times < 3; times++) expect(await refusal(header)).toBe('unauthorized');
    expect(asked).toHaveLength(1);
    nowMs += 10_000;
    expect(await refusal(header)).toBe('unauthorized');
    expect(asked).toHaveLength(2);
  });
});

describe('A27: where the answer is missing, nobody is let in', () => {
  test.each([
    ['it throws', async () => Promise.reject(new Error('down'))],
    ['it is busy', async () => ({ ok: 'busy' }) as const],
  ])('%s: 503, and the next call asks again', async (_, broken) => {
    answer = broken;
    expect(await refusal(header)).toBe('unavailable');
    answer = async () => ({ ok: true, principal: principal() });
    expect(await refusal(header)).toBe('none');
  });
});

test('what is known is bounded: the oldest keys are verified anew', async () => {
  answer = async (given) => ({ ok: true, principal: principal({ keyId: `key_${given}` }) });
  for (let number = 0; number <= bounds.verifiedKeysMax; number++) await authenticator.authenticate(`Bearer k${number}`);
  expect(authenticator.authenticate('Bearer k1')).not.toBeInstanceOf(Promise);
  expect(authenticator.authenticate('Bearer k0')).toBeInstanceOf(Promise);
});
