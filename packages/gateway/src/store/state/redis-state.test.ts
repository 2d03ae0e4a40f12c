import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../../../../test/support/poll.ts';
import { describeWith } from '../../../../../test/support/requires.ts';
import { startRedis, type TemporaryRedis } from '../../../../../test/support/redis.ts';
import { bounds } from '../../kernel/bounds.ts';
import { systemClock, type Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { openRedisState } from './redis-state.ts';
import type { StateStore } from './state-store.ts';

const rule = { limit: 10, windowMs: 60_000, burst: 0 };

describeWith('redis-server', 'shared state in Redis', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function server(): Promise<TemporaryRedis> {
    const redis = await startRedis();
    ends.push(() => redis.stop());
    return redis;
  }

  /** A machine that is busy is no Redis that is slow: only what is about slow ones has the time limit of the rail. */
  async function opened(url: string, clock: Clock = systemClock, commandTimeoutMs = 5_000): Promise<{ store: StateStore; events: string[] }> {
    const events: string[] = [];
    const store = await openRedisState({ url, clock, log: eventLog(events), commandTimeoutMs });
    ends.push(() => store.close());
    return { store, events };
  }

  test('every key is under the prefix gatewayops: and ends by itself', async () => {
    const { url } = await server();
    const { store } = await opened(url);
    await store.set('a', Buffer.from('1'), 60_000);
    await store.takeTokens('b', rule, 1, Date.now());
    const client = new Redis(url);
    ends.push(async () => client.disconnect());
    const keys = await client.keys('*');
    expect(keys.sort()).toEqual(['gatewayops:a', 'gatewayops:bucket:b:60000']);
    for (const key of keys) expect(await client.pttl(key)).toBeGreaterThan(0);
  });

  test('two nodes share one bucket', async () => {
    const { url } = await server();
    const [one, two] = [await opened(url), await opened(url)];
    const nowMs = Date.now();
    const grants = await Promise.all([7, 7, 7].map((want, i) => (i % 2 === 0 ? one : two).store.takeTokens('shared', rule, want, nowMs)));
    expect(grants.reduce((sum, grant) => sum + grant.granted, 0)).toBe(10);
  });

  test('a node whose clock is an hour ahead counts in the same windows as the others', async () => {
    const { url } = await server();
    const [right, ahead] = [await opened(url), await opened(url, { ...systemClock, nowMs: () => Date.now() + 3_600_000 })];
    await until(async () => ahead.events.includes('state.clock_skew'));
    const hour = { limit: 10, windowMs: 86_400_000, burst: 0 };
    const first = await ahead.store.takeTokens('skew', hour, 10, Date.now() + 3_600_000);
    const second = await right.store.takeTokens('skew', hour, 1, Date.now());
    expect([first.granted, second.granted]).toEqual([10, 0]);
    expect(second.windowIndex).toBe(first.windowIndex);
    // Each is told the end of the window in its own time.
    expect(Math.abs(first.resetAtMs - second.resetAtMs - 3_600_000)).toBeLessThan(1_000);
  });

  test('D7: without a server, opening takes no longer than a second and commands fail at once as `unavailable`, which is said once', async () => {
    const { store, events } = await opened('redis://127.0.0.1:1');
    const startedAt = performance.now();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(50);
    expect(store.status()).toMatchObject({ ready: false });
    expect(events).toEqual(['state.redis_down']);
  });

  test('D7: a server that stands still fails commands in 50 ms, is left alone for a while, and is used again when it answers', async () => {
    const redis = await server();
    const { store, events } = await opened(redis.url, systemClock, bounds.stateCommandTimeoutMs);
    process.kill(redis.pid, 'SIGSTOP');
    try {
      for (let i = 0; i < 3; i++) await expect(store.get('a')).rejects.toMatchObject({ code: 'unavailable' });
      // Each of these would take 50 ms if it were asked.
      const startedAt = performance.now();
      for (let i = 0; i < 100; i++) await expect(store.takeTokens('a', rule, 1, Date.now())).rejects.toMatchObject({ code: 'unavailable' });
      expect(performance.now() - startedAt).toBeLessThan(100 * 50);
      expect(store.status().ready).toBe(false);
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await until(async () => (await store.takeTokens('b', rule, 1, Date.now())).granted === 1);
    expect(store.status()).toMatchObject({ ready: true, reason: null });
    expect(events.filter((event) => event === 'state.redis_down')).toHaveLength(1);
  });

  test('D7: a server out of memory answers `unavailable`, and reading goes on', async () => {
    const redis = await server();
    const { store } = await opened(redis.url);
    await store.set('kept', Buffer.from('1'), 60_000);
    const client = new Redis(redis.url);
    ends.push(async () => client.disconnect());
    await client.config('SET', 'maxmemory', '1');
    for (let i = 0; i < 5; i++) await expect(store.takeTokens('a', rule, 1, Date.now())).rejects.toMatchObject({ code: 'unavailable' });
    expect((await store.get('kept'))?.toString()).toBe('1');
  });

  test('scripts that the server forgot are sent again', async () => {
    const { url } = await server();
    const { store } = await opened(url);
    const client = new Redis(url);
    ends.push(async () => client.disconnect());
    await store.takeTokens('a', rule, 1, Date.now());
    await client.script('FLUSH');
    expect((await store.takeTokens('a', rule, 1, Date.now())).remaining).toBe(8);
  });
});

function eventLog(events: string[]): Log {
  const log: Log = {
    debug() {},
    info: (event) => void events.push(event),
    warn: (event) => void events.push(event),
    error: (event) => void events.push(event),
    child: () => log,
  };
  return log;
}
