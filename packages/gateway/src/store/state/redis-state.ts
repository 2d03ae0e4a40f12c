import { Redis } from 'ioredis';
import { bounds } from '../../kernel/bounds.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { redisScripts } from './redis-scripts.ts';
import type { StateStore } from './state-store.ts';
import { bucketLifeMs, capacityOf, windowIndexAt } from './token-bucket.ts';

export interface RedisStateOptions {
  /** `redis://` or `rediss://`; may carry a password, so it is never logged. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a command may take; by default `stateCommandTimeoutMs`. */
  readonly commandTimeoutMs?: number;
}

type ScriptedRedis = Redis & {
  takeTokens(key: string, ...values: number[]): Promise<[granted: number, remaining: number, windowIndex: number]>;
  returnTokens(key: string, ...values: number[]): Promise<number>;
  replaceValue(key: string, before: Buffer, after: Buffer, ttlMs: number): Promise<number>;
};

const firstConnectionMs = 1_000;
/** After this many commands in a row without an answer, none is sent for `pauseMs`: a slow Redis must not slow every call. */
const failuresBeforePause = 3;
const pauseMs = 500;
const clockCheckMs = 60_000;
/** Clocks closer than this count as one; beyond it, the time handed to buckets is corrected to Redis's. */
const clockToleranceMs = 250;

/**
 * Shared state in Redis 6.2 or later, under the key prefix `gatewayops:`. Every command answers or fails within
 * `stateCommandTimeoutMs`; nothing waits for a connection and nothing is sent twice, because taking tokens twice is
 * worse than an error. Resolves once connected, or after a second without: the store then reports itself not ready and
 * connects when it can.
 */
export async function openRedisState({ url, clock, log, commandTimeoutMs = bounds.stateCommandTimeoutMs }: RedisStateOptions): Promise<StateStore> {
  const redis = new Redis(url, {
    keyPrefix: 'gatewayops:',
    connectionName: 'gatewayops',
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 3_000,
    socketTimeout: 3_000,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
    // After a failover the old primary answers READONLY until the connection is made anew.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    scripts: {
      takeTokens: { lua: redisScripts.takeTokens, numberOfKeys: 1 },
      returnTokens: { lua: redisScripts.returnTokens, numberOfKeys: 1 },
      replaceValue: { lua: redisScripts.replaceValue, numberOfKeys: 1 },
    },
  }) as ScriptedRedis;

  let reason: string | null = 'not connected yet';
  let failures = 0;
  let failuresInRow = 0;
  let pausedUntilMs = 0;
  let waiting = 0;
  let closing = false;
  let skewMs = 0;
  let skewCheckedAtMs = -Infinity;

  redis.on('error', (error: Error) => down(error.message));
  redis.on('close', () => down('the connection is closed'));
  redis.on('ready', () => {
    pausedUntilMs = 0;
    failuresInRow = 0;
    up();
    void checkClock();
  });
  await firstConnection(redis);
  if (reason !== null) log.warn('state.redis_down', { reason });

  async function run<T>(command: () => Promise<T>): Promise<T> {
    if (clock.monotonicMs() < pausedUntilMs) throw unavailable(reason);
    if (waiting >= bounds.stateCommandsMax) throw unavailable('too many commands wait');
    waiting += 1;
    try {
      const value = await answerInTime(command(), commandTimeoutMs);
      failuresInRow = 0;
      up();
      return value;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      failures += 1;
      down(message);
      // An error reply (out of memory, loading) came in time: no reason to pause.
      if (!(error instanceof Error && error.name === 'ReplyError') && ++failuresInRow >= failuresBeforePause) pausedUntilMs = clock.monotonicMs() + pauseMs;
      throw unavailable(message, error);
    } finally {
      waiting -= 1;
    }
  }

  function down(message: string): void {
    if (reason === null && !closing) log.warn('state.redis_down', { reason: message });
    reason = message;
  }

  function up(): void {
    if (reason !== null) log.info('state.redis_up');
    reason = null;
  }

  /** Nodes whose clocks differ would turn each other's windows; Redis's clock is the one they share. */
  async function checkClock(): Promise<void> {
    skewCheckedAtMs = clock.monotonicMs();
    try {
      const [seconds, micros] = await run(() => redis.time());
      const measuredMs = Number(seconds) * 1000 + Number(micros) / 1000 - clock.nowMs();
      skewMs = Math.abs(measuredMs) > clockToleranceMs ? Math.round(measuredMs) : 0;
      if (skewMs !== 0) log.warn('state.clock_skew', { skewMs });
    } catch {
      // `run` has said so already; the last figure stays.
    }
  }

  async function setIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<boolean> {
    return (await run(() => redis.set(key, bufferOf(value), 'PX', wholeMs(ttlMs), 'NX'))) === 'OK';
  }

  return {
    get: (key) => run(() => redis.getBuffer(key)),
    async set(key, value, ttlMs) {
      await run(() => redis.set(key, bufferOf(value), 'PX', wholeMs(ttlMs)));
    },
    setIfAbsent,
    async replace(key, before, after, ttlMs) {
      if (before === null) return setIfAbsent(key, after, ttlMs);
      return (await run(() => redis.replaceValue(key, bufferOf(before), bufferOf(after), wholeMs(ttlMs)))) === 1;
    },
    take: (key) => run(() => redis.getdelBuffer(key)),
    async touch(key, ttlMs) {
      return (await run(() => redis.pexpire(key, wholeMs(ttlMs)))) === 1;
    },
    async delete(key) {
      await run(() => redis.del(key));
    },
    async takeTokens(bucket, rule, want, nowMs) {
      if (clock.monotonicMs() - skewCheckedAtMs > clockCheckMs) void checkClock();
      const appliedSkewMs = skewMs;
      const window = windowIndexAt(rule, nowMs + appliedSkewMs);
      const [granted, remaining, windowIndex] = await run(() =>
        redis.takeTokens(bucketKey(bucket, rule.windowMs), window, rule.limit, capacityOf(rule), want, bucketLifeMs(rule)),
      );
      return { granted, remaining, resetAtMs: (windowIndex + 1) * rule.windowMs - appliedSkewMs, windowIndex };
    },
    async returnTokens(bucket, rule, windowIndex, count) {
      await run(() => redis.returnTokens(bucketKey(bucket, rule.windowMs), windowIndex, count));
    },
    status() {
      return { kind: 'redis', ready: reason === null, reason, entries: null, bytes: null, failures };
    },
    async close() {
      closing = true;
      await run(() => redis.quit()).catch(() => undefined);
      redis.disconnect();
    },
  };
}

function firstConnection(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, firstConnectionMs);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function answerInTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // One more turn of the loop: when this process itself stood still, the answer lies unread in the socket.
      setImmediate(() => reject(new Error(`no answer within ${timeoutMs} ms`)));
    }, timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function unavailable(reason: string | null, cause?: unknown): Fault {
  return new Fault('unavailable', { reason: 'the shared state does not answer' }, { cause: cause ?? new Error(reason ?? 'not ready') });
}

function bufferOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Redis refuses a time to live below 1 ms. */
function wholeMs(ttlMs: number): number {
  return Math.max(1, Math.round(ttlMs));
}

/** A rule with another window counts in other windows: it gets a bucket of its own. */
function bucketKey(bucket: string, windowMs: number): string {
  return `bucket:${bucket}:${windowMs}`;
}
