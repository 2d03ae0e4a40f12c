import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { canFillDisk, setDiskFull } from '../../../../test/support/full-disk.ts';
import { until } from '../../../../test/support/poll.ts';
import type { Log } from '../kernel/log.ts';
import { frameHeadBytes, frameKind, intentColumns, outcomeColumns, type SegmentHeader } from './call-row.ts';
import { openJournal, type Journal } from './journal.ts';

const events: string[] = [];
const log: Log = {
  debug: () => undefined,
  info: (event) => void events.push(event),
  warn: (event) => void events.push(event),
  error: (event) => void events.push(event),
  child: () => log,
};
let folder = '';
let journal: Journal | null = null;

function open(more: { segmentBytesMax?: number; sync?: boolean } = {}): Journal {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-journal-'));
  journal = openJournal({ folder: join(folder, 'journal'), writer: 'w-1', segmentBytesMax: 1024 * 1024, sync: false, log, ...more });
  return journal;
}

function put(to: Journal, callNumber: number, text: string, kind: 'intent' | 'outcome' = 'intent'): void {
  to.begin(kind, callNumber).text(text);
  to.end();
}

function segments(): string[] {
  return existsSync(join(folder, 'journal')) ? readdirSync(join(folder, 'journal')).sort() : [];
}

/** Kind, call number and text of every whole frame. */
function frames(): string[] {
  return segments().flatMap((name) => {
    const bytes = readFileSync(join(folder, 'journal', name));
    const found: string[] = [];
    for (let at = bytes.indexOf('\n') + 1; at + frameHeadBytes <= bytes.length;) {
      const length = bytes.readUInt32LE(at);
      const kind = bytes[at + 4] === frameKind.intent ? 'intent' : 'outcome';
      found.push(`${kind} ${bytes.readUInt32LE(at + 5)} ${bytes.toString('utf8', at + frameHeadBytes + 1, at + 4 + length)}`);
      at += 4 + length;
    }
    return found;
  });
}

afterEach(() => {
  journal?.close();
  journal = null;
  events.length = 0;
  rmSync(folder, { recursive: true, force: true });
});

describe('the journal', () => {
  test('what was committed can be read back from the file, under a header that names its columns', async () => {
    const open1 = open({ sync: true });
    put(open1, 1, 'first');
    put(open1, 4_294_967_295, 'ü'.repeat(30));
    put(open1, 1, 'over', 'outcome');
    expect(frames()).toEqual([]);
    await open1.committed();
    expect(frames()[0]).toBe('intent 1 first');
    expect(frames()[2]).toBe('outcome 1 over');
    const [name = ''] = segments();
    const header = JSON.parse(readFileSync(join(folder, 'journal', name), 'utf8').split('\n')[0] ?? '') as SegmentHeader;
    expect(header).toEqual({
      format: 1,
      writer: 'w-1',
      segment: 0,
      intent: intentColumns.map((column) => column.name),
      outcome: outcomeColumns.map((column) => column.name),
    });
  });

  test('with nothing to write there is nothing to wait for', async () => {
    await open().committed();
    expect(frames()).toEqual([]);
  });

  test('a segment ends at its bound and the next goes on, without a lost or doubled entry', async () => {
    const small = open({ segmentBytesMax: 4096 });
    for (let number = 0; number < 100; number++) {
      put(small, number, `entry ${number} ${'x'.repeat(100)}`);
      await small.committed();
    }
    expect(segments().length).toBeGreaterThan(2);
    expect(frames().map((frame) => Number(frame.split(' ')[1]))).toEqual(Array.from({ length: 100 }, (_, number) => number));
  });

  test('an entry whose writer threw halfway is not written, and spoils none of the others of its turn', async () => {
    const shared = open();
    put(shared, 1, 'before');
    expect(() => shared.begin('intent', 2).u16(70_000)).toThrow(RangeError);
    put(shared, 3, 'after');
    shared.begin('outcome', 4).text('never ended');
    await shared.committed();
    expect(frames()).toEqual(['intent 1 before', 'intent 3 after']);
  });

  test.skipIf(!canFillDisk)('D10: while the disk takes nothing every entry is refused; it recovers by itself and leaves no litter', async () => {
    const full = open();
    put(full, 1, 'kept');
    await full.committed();
    // The limit of this process on file sizes: writing fails as on a full disk, but for the code.
    setDiskFull(true);
    try {
      put(full, 2, 'refused');
      await expect(full.committed()).rejects.toMatchObject({ code: 'audit_blocked' });
      put(full, 3, 'refused as well');
      await expect(full.committed()).rejects.toMatchObject({ code: 'audit_blocked' });
      expect(full.blockedSinceMs()).toBeGreaterThan(Date.now() - 10_000);
      // Some of its own attempts, each of which must clean up after itself.
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(full.blockedSinceMs()).not.toBeNull();
      expect(segments()).toHaveLength(1);
    } finally {
      setDiskFull(false);
    }
    // Nobody writes: it must find out by itself.
    await until(() => full.blockedSinceMs() === null);
    put(full, 4, 'kept again');
    await full.committed();
    expect(frames()).toEqual(['intent 1 kept', 'intent 4 kept again']);
    expect(events).toEqual(['journal.blocked', 'journal.recovered']);
  });

  test('a removed folder is noticed, and made anew', async () => {
    const lost = open();
    put(lost, 1, 'gone with the folder');
    await lost.committed();
    rmSync(join(folder, 'journal'), { recursive: true });
    const refused = await until(async () => {
      put(lost, 2, 'into the void');
      return lost.committed().then(
        () => false,
        (error: unknown) => error,
      );
    });
    expect(refused).toMatchObject({ code: 'audit_blocked' });
    await until(() => lost.blockedSinceMs() === null);
    put(lost, 3, 'kept');
    await lost.committed();
    expect(frames()).toEqual(['intent 3 kept']);
  });
});
