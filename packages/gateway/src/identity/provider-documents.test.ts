import { beforeEach, expect, test } from 'vitest';
import { plainProvider } from '../../../../test/support/plain-provider.ts';
import { bounds } from '../kernel/bounds.ts';
import type { OidcProviderData } from './provider-data.ts';
import { createProviderDocuments, type ProviderDocuments } from './provider-documents.ts';
import { SignInTrouble } from './sign-in-trouble.ts';

const okta: OidcProviderData = plainProvider;

let nowMs: number;
let asked: number;
/** Null: it answers. */
let fault: Error | null;
/** Until it is called nobody is answered. */
let held: Promise<void>;
let documents: ProviderDocuments<OidcProviderData, number>;

beforeEach(() => {
  [nowMs, asked, fault, held] = [0, 0, null, Promise.resolve()];
  serve(0);
});

function serve(staleMs: number): void {
  const read = async (): Promise<number> => {
    const number = ++asked;
    await held;
    if (fault !== null) throw fault;
    return number;
  };
  documents = createProviderDocuments({ read, staleMs, nowMs: () => nowMs });
}

const away = new SignInTrouble('address', 'it cannot be reached', 'Correct issuer.');
const troubleOf = async (provider = okta): Promise<SignInTrouble> => {
  const error = await documents.of(provider).catch((thrown: unknown) => thrown);
  if (error instanceof SignInTrouble) return error;
  throw error instanceof Error ? error : new Error('it answered');
};

test('all who come at once are answered by one question, whether it is answered or not', async () => {
  let release: () => void = () => undefined;
  held = new Promise((resolve) => (release = resolve));
  fault = away;
  const all = Promise.all([1, 2, 3].map(() => troubleOf()));
  release();
  expect((await all).map(({ step }) => step)).toEqual(['address', 'address', 'address']);
  expect(asked).toBe(1);
});

test('who did not answer is asked again after a pause that doubles, half a minute at most; whoever comes meanwhile hears why, and when that is', async () => {
  fault = away;
  const at: number[] = [];
  for (let seconds = 0; seconds <= 130; seconds++) {
    nowMs = seconds * 1_000;
    const before = asked;
    await troubleOf();
    if (asked > before) at.push(seconds);
  }
  expect(at).toEqual([0, 5, 15, 35, 65, 95, 125]);
  nowMs = 127_500;
  const trouble = await troubleOf();
  expect(trouble).toMatchObject({ step: 'address', reason: 'it cannot be reached; it is asked again in 28 s', fix: 'Correct issuer.', retryAfterMs: 27_500 });
  expect(documents.trouble(okta)).toEqual({ reason: 'it cannot be reached', retryMs: 27_500, isGoneBy: false });

  fault = null;
  nowMs = 155_000;
  await documents.of(okta);
  expect(documents.trouble(okta)).toBeNull();
  // The next failure is a first one.
  nowMs += bounds.providerMetadataMs;
  fault = away;
  expect((await troubleOf()).retryAfterMs).toBe(bounds.outsideRetryMs);
});

test('a test asks in any case: what it finds holds for all, and where it fails nobody waits longer for that', async () => {
  fault = away;
  await troubleOf();
  nowMs = 4_000;
  await expect(documents.ask(okta)).rejects.toBe(away);
  expect((await troubleOf()).retryAfterMs).toBe(1_000);
  fault = null;
  expect(await documents.ask(okta)).toBe(3);
  expect([await documents.of(okta), documents.trouble(okta), asked]).toEqual([3, null, 3]);
});

test('another configuration of it is asked at once, and breakage of ours is not remembered as its own', async () => {
  fault = away;
  await troubleOf();
  await troubleOf({ ...okta });
  expect(asked).toBe(2);
  fault = new TypeError('of ours');
  const other = { ...okta, name: 'other' };
  for (let time = 0; time < 2; time++) await expect(documents.of(other)).rejects.toBe(fault);
  expect([asked, documents.trouble(other)]).toEqual([4, null]);
});

test('what it said is gone by for ten minutes without a question; later while it is away, as long as is allowed, and without waiting for it each time', async () => {
  const dayMs = 86_400_000;
  serve(dayMs);
  expect(await documents.of(okta)).toBe(1);
  fault = away;
  nowMs = bounds.providerMetadataMs - 1;
  expect([await documents.of(okta), asked, documents.trouble(okta)]).toEqual([1, 1, null]);
  nowMs = bounds.providerMetadataMs;
  expect([await documents.of(okta), await documents.of(okta), asked]).toEqual([1, 1, 2]);
  expect(documents.trouble(okta)).toMatchObject({ isGoneBy: true, retryMs: bounds.outsideRetryMs });
  // Long ago, and nobody has tried since: nothing is known of it.
  nowMs += bounds.providerMetadataMs;
  expect(documents.trouble(okta)).toBeNull();
  nowMs = dayMs;
  expect((await troubleOf()).step).toBe('address');
  expect(documents.trouble(okta)?.isGoneBy).toBe(false);
});
