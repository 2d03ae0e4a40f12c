import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { canFillDisk, setDiskFull } from '../../../../../test/support/full-disk.ts';
import { until } from '../../../../../test/support/poll.ts';
import { memoryLog, type LogEntry } from '../../../../../test/support/bridge/bridge-client.ts';
import { systemClock } from '../../kernel/clock.ts';
import { openEmbeddedState } from './embedded-state.ts';
import type { StateStore } from './state-store.ts';

const long = 600_000;
const folders: string[] = [];
const stores: StateStore[] = [];
afterEach(async () => {
  // Those that a test goes on after are as a kill would leave them.
  for (const store of stores.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatewayops-state-'));
  folders.push(folder);
  return join(folder, 'state');
}

async function open(folder: string, log: LogEntry[] = [], aheadMs = 0): Promise<StateStore> {
  const store = await openEmbeddedState({ folder, clock: { ...systemClock, nowMs: () => Date.now() + aheadMs }, log: memoryLog(log) });
  stores.push(store);
  return store;
}

const text = async (store: StateStore, key: string): Promise<string | undefined> => (await store.get(key))?.toString();
const bytesIn = (folder: string): number => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

describe('the embedded shared state', () => {
  test('what was answered is there for the next process, though this one never closed: values, their time, and what was taken back', async () => {
    const folder = newFolder();
    const store = await open(folder);
    await Promise.all([store.set('a', Buffer.from('1'), long), store.set('b', Buffer.from('2'), long), store.set('brief', Buffer.from('3'), 1_000)]);
    expect(await store.setIfAbsent('c', Buffer.from('4'), 1_000)).toBe(true);
    expect(await store.touch('c', long)).toBe(true);
    await store.set('a', Buffer.from('other'), long);
    await store.delete('b');
    await store.set('once', Buffer.from('5'), long);
    expect((await store.take('once'))?.toString()).toBe('5');
    const next = await open(folder, [], 2_000);
    expect(await Promise.all(['a', 'b', 'brief', 'c', 'once'].map((key) => text(next, key)))).toEqual(['other', undefined, undefined, '4', undefined]);
    expect(await next.setIfAbsent('a', Buffer.from('again'), long)).toBe(false);
    expect(statSync(join(folder, readdirSync(folder)[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  test('any series of changes reads back the same after any number of restarts', async () => {
    const step = fc.record({
      act: fc.constantFrom('set', 'setIfAbsent', 'replace', 'take', 'delete', 'touch', 'restart'),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.uint8Array({ maxLength: 50 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const folder = newFolder();
        const model = new Map<string, Buffer>();
        let store = await open(folder);
        for (const { act, key, value } of steps) {
          if (act === 'restart') store = await open(folder);
          else if (act === 'set') await store.set(key, value, long);
          else if (act === 'setIfAbsent') expect(await store.setIfAbsent(key, value, long)).toBe(!model.has(key));
          else if (act === 'replace') expect(await store.replace(key, model.get(key) ?? null, value, long)).toBe(true);
          else if (act === 'touch') expect(await store.touch(key, long)).toBe(model.has(key));
          else if (act === 'take') expect(await store.take(key)).toEqual(model.get(key) ?? null);
          else await store.delete(key);
          if (act === 'set' || act === 'replace' || (act === 'setIfAbsent' && !model.has(key))) model.set(key, Buffer.from(value));
          if (act === 'take' || act === 'delete') model.delete(key);
          for (const name of ['a', 'b', 'c']) expect(await store.get(name)).toEqual(model.get(name) ?? null);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('half a record, as a kill leaves it, is said once and costs nothing else', async () => {
    const folder = newFolder();
    const store = await open(folder);
    await store.set('a', Buffer.from('whole'), long);
    const file = join(folder, readdirSync(folder)[0] ?? '');
    appendFileSync(file, readFileSync(file).subarray(0, 12));
    const [first, second]: [LogEntry[], LogEntry[]] = [[], []];
    const next = await open(folder, first);
    await next.set('b', Buffer.from('after'), long);
    const last = await open(folder, second);
    expect([await text(last, 'a'), await text(last, 'b')]).toEqual(['whole', 'after']);
    expect(first.map(({ event, fields }) => [event, fields])).toEqual([['state.file_torn', { file: 1, bytes: 12, is_last: true }]]);
    expect(second).toEqual([]);
  });

  test('files that are mostly dead are written anew, while changes go on, and lose none', async () => {
    const folder = newFolder();
    const store = await open(folder);
    await store.set('kept', Buffer.from('from the beginning'), long);
    await store.set('gone', Buffer.from('deleted'), long);
    await store.delete('gone');
    const block = Buffer.alloc(1024 * 1024);
    let written = 0;
    // More is written than the files may hold of it.
    for (let round = 0; round < 60; round++) {
      block.fill(round);
      await Promise.all([store.set(`block-${round % 3}`, block, long), store.set(`count-${round % 5}`, Buffer.from(String(round)), long)]);
      written += block.length;
    }
    await until(() => bytesIn(folder) < 30 * 1024 * 1024);
    expect(written).toBeGreaterThan(50 * 1024 * 1024);
    await store.set('end', Buffer.from('the last'), long);
    await store.close();
    const next = await open(folder);
    expect(await Promise.all(['kept', 'gone', 'end', 'count-0', 'count-4'].map((key) => text(next, key)))).toEqual([
      'from the beginning',
      undefined,
      'the last',
      '55',
      '59',
    ]);
    for (let round = 57; round < 60; round++) expect(await next.get(`block-${round % 3}`)).toEqual(Buffer.alloc(block.length, round));
  });

  test.runIf(canFillDisk)('a disk that is full refuses changes, leaves the key free, says so, and mends itself', async () => {
    const folder = newFolder();
    const log: LogEntry[] = [];
    const store = await open(folder, log);
    await store.set('before', Buffer.from('1'), long);
    setDiskFull(true);
    try {
      for (let tries = 0; tries < 3; tries++)
        await expect(store.setIfAbsent('free', Buffer.from('2'), long)).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining('cannot be written'),
        });
      await expect(store.set('other', Buffer.from('3'), long)).rejects.toMatchObject({ code: 'unavailable' });
      expect(store.status()).toMatchObject({ ready: false, failures: 4, reason: expect.stringContaining('EFBIG') });
      expect(readdirSync(folder)).toHaveLength(1);
    } finally {
      setDiskFull(false);
    }
    await until(() => store.status().ready);
    expect(await store.setIfAbsent('free', Buffer.from('2'), long)).toBe(true);
    expect(log.map(({ event }) => event)).toEqual(['state.unwritable', 'state.written_again']);
    const next = await open(folder);
    expect(await Promise.all(['before', 'free'].map((key) => text(next, key)))).toEqual(['1', '2']);
  });

  test('a folder that cannot be used is a fault that names it', async () => {
    const folder = newFolder();
    writeFileSync(folder, 'in the way');
    await expect(open(folder)).rejects.toMatchObject({ code: 'state_broken', detail: { path: folder } });
  });
});
