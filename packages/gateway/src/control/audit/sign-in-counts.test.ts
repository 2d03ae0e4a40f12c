import { expect, test } from 'vitest';
import { bounds } from '../../kernel/bounds.ts';
import { createSignInCounts } from './sign-in-counts.ts';

test('credentials are counted by kind, outcome and the word for why, so often as they are noted; a sentence is no label', () => {
  const counts = createSignInCounts();
  counts.credential({ kind: 'key', outcome: 'succeeded', reason: '' }, 1);
  counts.credential({ kind: 'key', outcome: 'failed', reason: 'unknown' }, 3);
  counts.credential({ kind: 'key', outcome: 'failed', reason: 'unknown' }, 1);
  counts.credential({ kind: 'oauth_client', outcome: 'failed', reason: 'the client did not show its secret' }, 1);
  expect(counts.credentials()).toEqual([
    { labels: ['key', 'succeeded', ''], value: 1 },
    { labels: ['key', 'failed', 'unknown'], value: 4 },
    { labels: ['oauth_client', 'failed', 'other'], value: 1 },
  ]);
});

test('providers that come and go without end are counted up to a bound, and those that are known go on', () => {
  const counts = createSignInCounts();
  for (let number = 0; number < bounds.signInCountsMax + 10; number++) counts.person(`provider-${number}`, 'begun');
  counts.person('provider-0', 'begun');
  expect(counts.people()).toHaveLength(bounds.signInCountsMax);
  expect(counts.people()[0]).toEqual({ labels: ['provider-0', 'begun'], value: 2 });
});
