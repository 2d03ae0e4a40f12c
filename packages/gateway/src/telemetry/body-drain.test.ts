import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countedRow } from '../../../../test/support/counted-rows.ts';
import { until } from '../../../../test/support/poll.ts';
import { createBodySegments, handOverLeft } from '../bodies/body-segments.ts';
import { Fault } from '../kernel/fault.ts';
import { silentLog, type Log } from '../kernel/log.ts';
import type { LedgerRows } from '../store/ledger/ledger-store.ts';
import type { BodySink } from '../store/ledger/payloads.ts';
import { tokenColumns } from '../bodies/payload-row.ts';
import type { CountedTokens } from './counted-tokens.ts';
import { createTap, type Tap } from './tap.ts';
import { startBodyDrain, type BodyDrain } from './body-drain.ts';

let folder = '';
let drain: BodyDrain | null = null;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'gwo-body-drain-')), 'bodies');
  mkdirSync(folder);
});
afterEach(async () => {
  await drain?.stop();
  drain = null;
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

interface Ledger extends BodySink {
  readonly taken: LedgerRows[];
  fault: Error | null;
  isReady: boolean;
}

function ledger(): Ledger {
  return {
    taken: [],
    fault: null,
    isReady: true,
    state() {
      return this.isReady ? 'ready' : 'down';
    },
    async insert(rows) {
      if (this.fault !== null) throw this.fault;
      this.taken.push(rows);
    },
  };
}

/** A file of `payloads` with these rows of source `w`, handed over. */
function write(rows: readonly (readonly [sequence: number, row: string])[], writer = 'boot-m0'): void {
  const segments = createBodySegments({ folder, writer, table: 'payloads', columns: ['text'] });
  for (const [sequence, row] of rows) segments.append(Buffer.from(row), 'w', sequence);
  segments.flush(true);
}

function start(sink: BodySink, more: { spoolBytesMax?: number; otherBytes?: () => number; log?: Log; tap?: Tap } = {}): BodyDrain {
  drain = startBodyDrain({ folder, ledger: sink, log: silentLog, spoolBytesMax: 1_000_000, otherBytes: () => 0, tap: createTap(silentLog), ...more });
  return drain;
}

const files = (): string[] => readdirSync(folder).filter((name) => name !== 'corrupt');

describe('files of masked bodies', () => {
  test('go to the ledger as one unit each, under their own name, and are then gone', async () => {
    write([
      [1, 'one'],
      [2, 'two'],
    ]);
    const [name] = files();
    const sink = ledger();
    expect(await start(sink).flush(5_000)).toBe(true);
    expect(sink.taken).toEqual([{ table: 'payloads', columns: ['text'], rows: Buffer.from('onetwo'), token: name }]);
    expect(files()).toEqual([]);
  });

  test('with counted tokens are told to who listens, once the ledger has them', async () => {
    const counted = { organizationId: 'org_1', spanHex: 'b'.repeat(16), server: 'search', tool: 'echo', input: 3, output: 4, costNano: 11 };
    const segments = createBodySegments({ folder, writer: 'boot-m0', table: 'counted_tokens', columns: tokenColumns });
    segments.append(countedRow(counted), 'w', 0);
    segments.flush(true);
    const tap = createTap(silentLog);
    const heard: CountedTokens[] = [];
    tap.listenCounted((tokens) => heard.push(...tokens));
    const sink = ledger();
    sink.fault = new Fault('unavailable', { reason: 'away' });
    const sending = start(sink, { tap });
    await until(() => sending.status().lagBytes > 0);
    expect(heard).toEqual([]);
    sink.fault = null;
    expect(await sending.flush(20_000)).toBe(true);
    expect(heard).toEqual([
      {
        organizationId: 'org_1',
        server: 'search',
        tool: 'echo',
        currency: 'USD',
        spanHex: 'b'.repeat(16),
        input: 3,
        output: 4,
        source: 'counted',
        costNano: 11,
      },
    ]);
  });

  test('are sent again under the same name where it is not known whether they came', async () => {
    write([[1, 'one']]);
    const sink = ledger();
    sink.fault = new Fault('unavailable', { reason: 'away' });
    const draining = start(sink);
    expect(await draining.flush(400)).toBe(false);
    sink.fault = null;
    expect(await draining.flush(10_000)).toBe(true);
    expect(sink.taken).toHaveLength(1);
  });

  test('that a killed process has left are sent up to the last whole row', async () => {
    write([
      [1, 'one'],
      [2, 'second'],
    ]);
    const [name = ''] = files();
    const path = join(folder, name);
    const { readFileSync } = await import('node:fs');
    writeFileSync(`${path}.open`, readFileSync(path).subarray(0, -3));
    rmSync(path);
    handOverLeft(folder);
    const sink = ledger();
    expect(await start(sink).flush(5_000)).toBe(true);
    expect(sink.taken[0]?.rows.toString()).toBe('one');
  });

  test('a number that is missing is a call whose bodies were lost, and is counted', async () => {
    write([
      [1, 'a'],
      [1, 'b'],
      [4, 'c'],
    ]);
    const sink = ledger();
    const draining = start(sink);
    await draining.flush(5_000);
    write([[6, 'd']], 'boot-m1');
    await draining.flush(5_000);
    expect(draining.status()).toMatchObject({ lost: 3, dropped: 0 });
  });

  test('D5: at the bound bodies go, the oldest first, and are counted; tokens stay', async () => {
    const sink = ledger();
    sink.isReady = false;
    const tokens = createBodySegments({ folder, writer: 'boot-t0', table: 'counted_tokens', columns: ['text'] });
    tokens.append(Buffer.alloc(30_000), 'w', 0);
    tokens.flush(true);
    for (const index of [1, 2, 3, 4]) write([[index, `${index}`.repeat(30_000)]], `boot-m${index}`);
    const draining = start(sink, { spoolBytesMax: 100_000, otherBytes: () => 20_000 });
    await until(() => draining.status().dropped === 3);
    expect(files().map((name) => name.replace(/-0+\./, '.'))).toEqual(['boot-m4.payloads', 'boot-t0.counted_tokens']);
    sink.isReady = true;
    await draining.flush(5_000);
    expect(sink.taken.map(({ table }) => table).sort()).toEqual(['counted_tokens', 'payloads']);
  });

  test('that the ledger refuses, or that are none, are set aside and hold up nothing', async () => {
    writeFileSync(join(folder, 'boot-m0-00000000.payloads'), 'no json\n');
    write([[1, 'refused']], 'boot-m1');
    const sink = ledger();
    sink.fault = new Error('no such column');
    const draining = start(sink);
    expect(await draining.flush(5_000)).toBe(true);
    expect(draining.status().dropped).toBe(2);
    expect(readdirSync(join(folder, 'corrupt'))).toHaveLength(2);
    expect(existsSync(join(folder, 'corrupt', 'boot-m0-00000000.payloads'))).toBe(true);
  });
});
