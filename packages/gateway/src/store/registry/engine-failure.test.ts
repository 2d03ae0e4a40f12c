import { expect, test } from 'vitest';
import { engineFailure } from './engine-failure.ts';

test.each([
  [
    { name: 'ErrnoError', errno: 51 },
    { reason: 'ENOSPC', code: 'ENOSPC' },
  ],
  [
    { name: 'ErrnoError', errno: 7 },
    { reason: 'its files fail with number 7', code: null },
  ],
  [Object.assign(new Error('no space left on device, mkdir'), { code: 'ENOSPC' }), { reason: 'no space left on device, mkdir', code: 'ENOSPC' }],
  // A SQLSTATE is no code of the system.
  [
    Object.assign(new Error('could not locate a valid checkpoint record'), { code: 'XX000' }),
    { reason: 'could not locate a valid checkpoint record', code: null },
  ],
  ['text', { reason: 'text', code: null }],
])('what the engine throws has words: %j', (thrown, failure) => {
  expect(engineFailure(thrown)).toEqual(failure);
});
