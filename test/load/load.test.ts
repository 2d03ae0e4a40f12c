import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { nodePath } from '../support/node-path.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { after, bytes, json, type Reply } from '../support/replies.ts';
import type { GeneratorNews, LoadJob, LoadResult } from './generator.ts';
import { createHistogram } from './histogram.ts';
import { callBody, replyBody } from './messages.ts';

describe('histogram', () => {
  test('gives quantiles of any size to within one percent', () => {
    const histogram = createHistogram();
    for (let value = 1; value <= 10_000; value += 1) histogram.record(value / 10);
    expect(histogram.count).toBe(10_000);
    for (const [q, expected] of [
      [0.5, 500],
      [0.95, 950],
      [0.99, 990],
      [1, 1_000],
    ] as const) {
      expect(Math.abs(histogram.quantile(q) / expected - 1)).toBeLessThan(0.01);
    }
    const tiny = createHistogram();
    for (const value of [0, 0.0123, 1e9]) tiny.record(value);
    expect([tiny.quantile(0.1), tiny.quantile(0.5)]).toEqual([0, 0.0123]);
    expect(tiny.quantile(1)).toBeGreaterThan(99_000);
    expect(createHistogram().quantile(0.5)).toBe(0);
  });
});

test('the call has 300 bytes and the reply 600', () => {
  expect([callBody.length, replyBody.length]).toEqual([300, 600]);
});

describe('load generator', () => {
  let upstream: RecordingUpstream;
  let generator: ChildProcess;

  afterEach(async () => {
    generator.kill();
    await upstream.stop();
  });

  async function run(reply: Reply, load: Partial<LoadJob>): Promise<LoadResult> {
    upstream = await startRecordingUpstream(reply);
    generator = fork(fileURLToPath(new URL('generator.ts', import.meta.url)), { execPath: nodePath, execArgv: [] });
    const request = `POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`;
    const job: LoadJob = { port: upstream.port, request, replyBytes: 5, connections: 4, perSecond: null, warmupMs: 50, measureMs: 400, ...load };
    generator.send(job);
    for (;;) {
      const [news] = (await once(generator, 'message')) as [GeneratorNews];
      if (news.kind === 'failed') throw new Error(news.message);
      if (news.kind === 'done') return news.result;
    }
  }

  test('in the closed loop each connection has one request on its way, and chunked replies count', async () => {
    const chunked = bytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n');
    const result = await run(after(10, chunked), {});
    expect([result.failures, result.firstFailure]).toEqual([0, null]);
    expect(upstream.connections).toBe(4);
    expect(result.replies).toBeGreaterThan(4);
    expect(result.replies).toBeLessThanOrEqual(4 * 45);
    expect(result.p50).toBeGreaterThan(9);
  });

  test('a wrong size or status is a failure, not a result', async () => {
    const result = await run(json('toolong'), {});
    expect(result.replies).toBe(0);
    expect(result.failures).toBeGreaterThan(0);
    expect(result.firstFailure).toBe('status 200 with 7 bytes');
  });

  test('at a fixed rate a stall is charged to all requests that were due meanwhile', async () => {
    let count = 0;
    const stallOnce: Reply = (request, socket) => {
      count += 1;
      return (count === 30 ? after(200, json('12345')) : json('12345'))(request, socket);
    };
    // One connection: while it waits, the requests of 200 ms (of 400) come due and wait as well.
    const result = await run(stallOnce, { connections: 1, perSecond: 500 });
    expect(result.replies).toBeGreaterThan(150);
    expect(result.unanswered).toBe(0);
    expect(result.worst).toBeGreaterThan(190);
    expect(result.p95).toBeGreaterThan(100);
  });
});
