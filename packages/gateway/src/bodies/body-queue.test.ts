import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { bounds } from '../kernel/bounds.ts';
import { silentLog } from '../kernel/log.ts';
import { JobBatch, JobReader, type BodyFacts, type BodyJob } from './body-job.ts';
import { createBodyQueue, type BodyQueue } from './body-queue.ts';

const facts: BodyFacts = {
  traceHex: '0'.repeat(32),
  spanHex: '1'.repeat(16),
  startedAtUs: 1,
  method: 'tools/call',
  tool: 'echo',
  sequence: 1,
  keepBytesMax: 100,
  requestBytes: 1,
  responseBytes: 2,
  isRequestCut: false,
  isResponseCut: false,
  responseType: 'application/json',
  requestHeaders: 'accept: \u00fc\n',
  count: { perInput: 10_000, perOutput: 0.5, by: 'default' },
  callCostNano: 0,
};
const jobOf = (request: string, response: string): BodyJob => ({
  principal: Buffer.from('p'),
  server: Buffer.from('server'),
  facts,
  request: Buffer.from(request),
  response: Buffer.from(response),
});

function framed(job: BodyJob): Buffer {
  const batch = new JobBatch(Buffer.alloc(100_000));
  batch.add(job);
  return batch.bytes;
}

test('jobs are read as they were written, in whatever pieces they come', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string()), { maxLength: 5 }), fc.array(fc.nat(40), { minLength: 1 }), (bodies, cuts) => {
      const jobs = bodies.map(([request, response]) => jobOf(request, response));
      const bytes = Buffer.concat(jobs.map(framed));
      const reader = new JobReader(1_000_000);
      const read: BodyJob[] = [];
      for (let at = 0, index = 0; at < bytes.length; index++) {
        const size = (cuts[index % cuts.length] ?? 0) + 1;
        read.push(...reader.feed(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(read.map(({ request, response, facts: found, server }) => [String(request), String(response), found, String(server)])).toEqual(
        jobs.map(({ request, response, server }) => [String(request), String(response), facts, String(server)]),
      );
    }),
  );
});

test('facts are read as they were written: any text, any number, what is not counted', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 });
  const number = fc.nat(Number.MAX_SAFE_INTEGER);
  const written = fc.record({
    traceHex: text,
    spanHex: text,
    startedAtUs: number,
    method: text,
    tool: text,
    sequence: number,
    keepBytesMax: number,
    requestBytes: number,
    responseBytes: number,
    isRequestCut: fc.boolean(),
    isResponseCut: fc.boolean(),
    responseType: text,
    requestHeaders: text,
    count: fc.option(fc.record({ perInput: fc.double({ noNaN: true }), perOutput: number, by: text })),
    callCostNano: number,
  });
  fc.assert(
    fc.property(written, (one) => {
      const [read] = new JobReader(1_000_000).feed(framed({ ...jobOf('a', 'b'), facts: one }));
      expect(read?.facts).toEqual(one);
    }),
  );
});

test('a frame that says it is larger than any may be is refused before it is waited for', () => {
  expect(() => new JobReader(100).feed(Buffer.from([0xff, 0xff, 0xff, 0x7f]))).toThrow(RangeError);
});

describe('the queue of a worker', () => {
  let folder = '';
  let queue: BodyQueue;
  let server: Server | null = null;
  const sockets = new Set<Socket>();
  const received: BodyJob[] = [];
  const hellos: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gwo-queue-'));
    queue = createBodyQueue({ socketPath: join(folder, 'm.sock'), source: 'boot-1', log: silentLog });
    received.length = 0;
    hellos.length = 0;
  });
  afterEach(async () => {
    await queue.close(100);
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listen(isReading = true): Promise<void> {
    const made = createServer((socket) => {
      sockets.add(socket);
      if (!isReading) return void socket.pause();
      const reader = new JobReader(bounds.bodyJobBytesMax);
      let isFirst = true;
      socket.on('data', (chunk) => {
        let bytes = chunk;
        if (isFirst) {
          const end = chunk.indexOf(0x0a);
          hellos.push(chunk.toString('utf8', 0, end));
          bytes = chunk.subarray(end + 1);
          isFirst = false;
        }
        received.push(...reader.feed(bytes));
      });
    });
    server = made;
    await new Promise<void>((resolve) => made.listen(join(folder, 'm.sock'), resolve));
  }

  async function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    const stopping = server;
    server = null;
    if (stopping) await new Promise((resolve) => stopping.close(resolve));
  }

  const offer = (bytes: number): string =>
    queue.offer(bytes, true, (sequence) => ({ ...jobOf('', ''), request: Buffer.alloc(bytes), facts: { ...facts, sequence } }));

  test('hands over what came before anybody listened, in order and numbered', async () => {
    expect([offer(10), offer(10)]).toEqual(['sent', 'sent']);
    await listen();
    await until(() => received.length === 2);
    expect(received.map(({ facts: { sequence } }) => sequence)).toEqual([1, 2]);
    expect(hellos).toEqual(['boot-1']);
  });

  test('goes on with whoever listens next', async () => {
    await listen();
    offer(10);
    await until(() => received.length === 1);
    await stop();
    await until(() => {
      offer(10);
      return true;
    });
    await listen();
    await until(() => {
      offer(10);
      return received.length > 1;
    });
    expect(hellos.length).toBe(2);
  });

  test('drops and counts at its bound, and never holds more than that', async () => {
    await listen(false);
    const offered = Array.from({ length: 40 }, () => offer(1024 * 1024));
    expect(offered.filter((became) => became === 'sent').length).toBeLessThanOrEqual(bounds.bodyQueueBytesMax / 1024 / 1024);
    expect(offered.at(-1)).toBe('queue_full');
    const counted = (reason: string): number => offered.filter((became) => became === reason).length;
    expect(queue.dropped()).toEqual({ queue_full: counted('queue_full'), too_large: counted('too_large') });
    expect(offer(bounds.bodyJobBytesMax)).toBe('too_large');
  });
});
