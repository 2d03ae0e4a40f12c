import { expect, test } from 'vitest';
import { workerEnvironment } from './worker-environment.ts';

test('a worker gets what Node.js and the C library need, and no secret', () => {
  const own = { NODE_EXTRA_CA_CERTS: '/ca.pem', LANG: 'C.UTF-8', SEARCH_TOKEN: 's3cret', DATABASE_URL: 'postgres://u:p@db', PATH: '/bin' };
  expect(workerEnvironment(own)).toEqual({
    NODE_EXTRA_CA_CERTS: '/ca.pem',
    LANG: 'C.UTF-8',
    SEARCH_TOKEN: undefined,
    DATABASE_URL: undefined,
    PATH: undefined,
    NODE_OPTIONS: '--expose-gc --max-semi-space-size=16',
    UV_THREADPOOL_SIZE: '16',
  });
});

test('U6: it has threads for more than two names whose resolver hangs, or as many as it is told', () => {
  expect(Number(workerEnvironment({})['UV_THREADPOOL_SIZE'])).toBeGreaterThan(8);
  expect(workerEnvironment({ UV_THREADPOOL_SIZE: '64' })['UV_THREADPOOL_SIZE']).toBe('64');
});

test("what the operator says of the heap comes after the gateway's own, so that it holds", () => {
  expect(workerEnvironment({ NODE_OPTIONS: '--max-semi-space-size=64' })['NODE_OPTIONS']).toBe('--expose-gc --max-semi-space-size=16 --max-semi-space-size=64');
});
