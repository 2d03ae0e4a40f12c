import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { until } from '../../../../test/support/poll.ts';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { silentLog } from '../kernel/log.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../record/call-record.ts';
import { openJournal, type Journal } from '../record/journal.ts';
import { createCallSink, type CallSink } from '../store/ledger/calls.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import { openLedger } from '../store/ledger/open-ledger.ts';
import { startDrain, type Drain } from './drain.ts';
import { openCallChain, type CallChain } from './call-chain.ts';
import { createTap } from './tap.ts';

let root: string;
let ledger: LedgerStore;
let sink: CallSink;
let organization = '';
let journalFolder = '';
let rounds = 0;
const drains: Drain[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gwo-drain-'));
  await openTheLedger();
});
afterAll(async () => {
  await ledger.close();
  // A killed ledger's successor may be making files still.
  await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});
beforeEach(() => {
  rounds += 1;
  organization = `org_${rounds}`;
  journalFolder = join(root, `journal-${rounds}`);
  mkdirSync(journalFolder);
});
afterEach(() => Promise.all(drains.splice(0).map((drain) => drain.stop())));

async function openTheLedger(): Promise<void> {
  ledger = openLedger({ at: { folder: join(root, 'ledger'), socketPath: join(root, 'l.sock') }, retentionDays: 30, log: silentLog });
  sink = createCallSink(ledger);
  await until(() => ledger.state() === 'ready');
}

function chainOf(): CallChain {
  return openCallChain({ path: `${journalFolder}.chain`, node: 'node', log: silentLog });
}

function start(ledgerSink: CallSink = sink, spoolBytesMax = 1024 ** 3): Drain {
  const drain = startDrain({
    journalFolder,
    ledger: ledgerSink,
    chain: chainOf(),
    tap: createTap(silentLog),
    clock: systemClock,
    log: silentLog,
    spoolBytesMax,
  });
  drains.push(drain);
  return drain;
}

const hex = (value: number, length: number): string => value.toString(16).padStart(length, '0');
const principal = (): Uint8Array =>
  principalBlock({
    organizationId: organization,
    keyId: 'key_1',
    keyPrefix: 'gwo_t',
    userId: 'usr_1',
    teamId: '',
    projectId: '',
    agent: 'tester',
    environment: 'test',
  });
const server = serverBlock('node', 'search', 'USD');

interface Writer {
  readonly journal: Journal;
  intend(call: number): void;
  settle(call: number): void;
}

function openWriter(name: string, segmentBytesMax = 1024 ** 2): Writer {
  const journal = openJournal({ folder: journalFolder, writer: name, segmentBytesMax, sync: false, log: silentLog });
  const calls = new Map<number, CallRecord>();
  return {
    journal,
    intend(call) {
      const record = new CallRecord(call, performance.now());
      record.traceHex = hex(call, 32);
      record.spanHex = hex(call, 16);
      record.method = 'tools/call';
      record.name = `tool ${call} ${'é'.repeat(call % 90)}`;
      record.requestBytes = call;
      calls.set(call, record);
      writeIntent(journal, record, principal(), server, performance.timeOrigin);
    },
    settle(call) {
      const record = calls.get(call) ?? new CallRecord(call, performance.now());
      record.status = 'success';
      record.stop = 'reply';
      record.httpStatus = 200;
      record.costNano = call;
      record.pricedBy = 'default';
      writeOutcome(journal, record, performance.now());
    },
  };
}

async function write(writer: Writer, calls: readonly number[]): Promise<void> {
  for (const call of calls) {
    writer.intend(call);
    writer.settle(call);
    // Ends the turn now and then, as calls do.
    if (call % 7 === 0) await writer.journal.committed();
  }
  await writer.journal.committed();
}

const stored = z.object({ call: z.coerce.number(), status: z.string(), tool: z.string(), cost: z.string(), stop: z.string() });
function rows(): Promise<z.infer<typeof stored>[]> {
  return ledger.query(
    'SELECT request_bytes AS call, status, tool, toString(cost) AS cost, stop FROM calls WHERE org_id = {org:String} ORDER BY request_bytes',
    { org: organization },
    stored,
  );
}
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const callsOf = async (): Promise<number[]> => (await rows()).map(({ call }) => call);

describe('a call becomes one row', () => {
  test('with the bytes of its intent and its outcome, whatever lies between them', async () => {
    const drain = start();
    const writer = openWriter('w1');
    for (const call of numbers(0, 200)) writer.intend(call);
    await writer.journal.committed();
    for (const call of numbers(0, 200).reverse()) writer.settle(call);
    await writer.journal.committed();
    expect(await drain.flush(10_000)).toBe(true);
    expect(await rows()).toEqual(
      numbers(0, 200).map((call) => ({
        call,
        status: 'success',
        stop: 'reply',
        tool: `tool ${call} ${'é'.repeat(call % 90)}`,
        cost: (call / 1e9).toFixed(9).replace(/\.?0+$/, ''),
      })),
    );
    expect(drain.status()).toMatchObject({ lagRows: 0, lagBytes: 0, dropped: 0, overBound: false });
  });

  test('without being asked for, soon', async () => {
    start();
    await write(openWriter('w1'), [1]);
    await until(async () => (await callsOf()).length === 1, { timeoutMs: 5000 });
  });

  test('as unknown when its writer is gone, not before, and a torn tail is no call', async () => {
    const drain = start();
    const writer = openWriter('w1');
    await write(writer, [1, 2]);
    writer.intend(3);
    await writer.journal.committed();
    expect(await drain.flush(10_000)).toBe(true);
    expect(await callsOf()).toEqual([1, 2]);
    appendFileSync(join(journalFolder, 'w1-00000000.journal'), Buffer.from([100, 0, 0, 0, 1, 4, 0]));
    drain.writerClosed('w1');
    await until(async () => readdirSync(journalFolder).join() === 'corrupt');
    expect((await rows()).map(({ call, status, stop, cost }) => [call, status, stop, cost])).toEqual([
      [1, 'success', 'reply', '0.000000001'],
      [2, 'success', 'reply', '0.000000002'],
      [3, 'unknown', 'server', '0'],
    ]);
    expect(drain.status().dropped).toBe(0);
  });

  test('when it was left by an earlier boot', async () => {
    const writer = openWriter('w1');
    await write(writer, numbers(0, 50));
    writer.intend(50);
    await writer.journal.committed();
    writer.journal.close();
    const drain = start();
    expect(await drain.flush(10_000)).toBe(true);
    await until(async () => (await callsOf()).length === 51);
    await until(() => readdirSync(journalFolder).join() === 'corrupt');
  });

  test('though its intent lies in a segment that is long deleted', async () => {
    const drain = start();
    const writer = openWriter('w1', 4096);
    writer.intend(0);
    await write(writer, numbers(1, 400));
    expect(await drain.flush(10_000)).toBe(true);
    await until(() => readdirSync(journalFolder).filter((name) => name.endsWith('.journal')).length === 1);
    expect(readdirSync(journalFolder)).toContain('w1-00000000.carry');
    await drain.stop();

    // The writer lives on while telemetry starts again: only then is it taken for dead.
    writer.settle(0);
    await writer.journal.committed();
    writer.journal.close();
    const next = start();
    expect(await next.flush(10_000)).toBe(true);
    expect((await rows()).map(({ call, status }) => [call, status])).toEqual(numbers(0, 400).map((call) => [call, 'success']));
    await until(() => readdirSync(journalFolder).join() === 'corrupt');
  });
});

describe('exactly once', () => {
  /** A ledger whose answer never comes: telemetry is as if killed at that point. */
  function dyingSink(inserts: boolean): { readonly sink: CallSink; readonly reached: Promise<void> } {
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    return {
      reached,
      sink: {
        ...sink,
        async insert(batch) {
          if (inserts) await sink.insert(batch);
          resolve();
          throw new Fault('unavailable', { reason: 'cut off' });
        },
      },
    };
  }

  test.each([
    ['before the ledger has the rows', false],
    ['after the ledger has the rows, before telemetry knows', true],
  ])('a stop %s', async (_, inserts) => {
    const dying = dyingSink(inserts);
    const drain = start(dying.sink);
    const writer = openWriter('w1');
    await write(writer, numbers(0, 100));
    writer.intend(100);
    await dying.reached;
    // More arrives after the plan was made: the redone batch must not take it in.
    await write(writer, numbers(101, 150));
    await drain.stop();
    writer.journal.close();
    expect(await start().flush(10_000)).toBe(true);
    await until(async () => (await callsOf()).length >= 150);
    expect(await callsOf()).toEqual(numbers(0, 150));
  });

  test('a ledger that noted the token and was killed before it kept the rows gets them again', async () => {
    const dying = dyingSink(true);
    const drain = start(dying.sink);
    const writer = openWriter('w1');
    await write(writer, numbers(0, 30));
    await dying.reached;
    await drain.stop();
    expect(await callsOf()).toEqual(numbers(0, 30));

    const [, pid] = /PID: (\d+)/.exec(readFileSync(join(root, 'ledger', 'status'), 'utf8')) ?? [];
    process.kill(Number(pid), 'SIGKILL');
    await ledger.close();
    const parts = (await readdir(join(root, 'ledger', 'store'), { recursive: true })).filter((path) => /\/\d{8}_\d+_\d+_\d+$/.test(path));
    const newest = parts.sort((a, b) => Number(a.split('_').at(-2)) - Number(b.split('_').at(-2))).at(-1) ?? '';
    rmSync(join(root, 'ledger', 'store', newest), { recursive: true });
    await openTheLedger();
    expect(await callsOf()).toEqual([]);

    expect(await start().flush(10_000)).toBe(true);
    expect(await callsOf()).toEqual(numbers(0, 30));
  });

  test('D5 a ledger that is away costs only disk, says so beyond the bound, and gets everything when it is back', async () => {
    let away = true;
    const drain = start({ ...sink, state: () => (away ? 'down' : sink.state()) }, 40_000);
    const writer = openWriter('w1', 16_384);
    await write(writer, numbers(0, 400));
    await until(() => drain.status().overBound);
    expect(drain.status().lagBytes).toBeGreaterThan(40_000);
    await until(() => drain.status().oldestMs > 100);
    expect(await drain.flush(50)).toBe(false);
    expect(await callsOf()).toEqual([]);
    away = false;
    await until(() => !drain.status().overBound);
    expect(await drain.flush(10_000)).toBe(true);
    expect(await callsOf()).toEqual(numbers(0, 400));
    expect(drain.status().dropped).toBe(0);
  });

  test('D6 a ledger that answers an error after it took the rows has them once', async () => {
    let errors = 0;
    const drain = start({
      ...sink,
      async insert(batch) {
        await sink.insert(batch);
        if (errors++ < 3) throw new Fault('unavailable', { reason: 'late' });
      },
    });
    await write(openWriter('w1'), numbers(0, 20));
    await write(openWriter('w2'), numbers(20, 40));
    expect(await drain.flush(20_000)).toBe(true);
    expect(errors).toBeGreaterThan(3);
    expect(await callsOf()).toEqual(numbers(0, 40));
  });
});

describe('a journal that is not as written', () => {
  test('is read up to where it makes no sense and again from its next segment; the rest of the segment is kept aside', async () => {
    const writer = openWriter('w1', 8192);
    await write(writer, numbers(0, 100));
    writer.journal.close();
    const path = join(journalFolder, 'w1-00000001.journal');
    const bytes = readFileSync(path);
    const middle = frameStarts(bytes).at(10) ?? 0;
    bytes.writeUInt32LE(0xfffffff0, middle);
    writeFileSync(path, bytes);
    const drain = start();
    await until(() => readdirSync(journalFolder).join() === 'corrupt');
    expect(readFileSync(join(journalFolder, 'corrupt', `w1-00000001-${middle}.journal`))).toEqual(bytes.subarray(middle));
    const found = await callsOf();
    expect(found.length).toBeLessThan(100);
    expect(found).toContain(0);
    expect(found).toContain(99);
    expect(new Set(found).size).toBe(found.length);
    expect(drain.status().dropped).toBeGreaterThan(0);
  });

  test('loses only the entry whose bytes are no row', async () => {
    const writer = openWriter('w1');
    await write(writer, numbers(0, 30));
    writer.journal.close();
    const path = join(journalFolder, 'w1-00000000.journal');
    const bytes = readFileSync(path);
    // The length of the first text of an intent.
    bytes[(frameStarts(bytes).at(20) ?? 0) + 9] = 0x7f;
    writeFileSync(path, bytes);
    const drain = start();
    await until(() => readdirSync(journalFolder).join() === 'corrupt');
    expect(await callsOf()).toEqual(numbers(0, 30).filter((call) => call !== 10));
    expect(drain.status().dropped).toBe(1);
    expect(readdirSync(join(journalFolder, 'corrupt'))).toHaveLength(1);
  });

  test.each([
    ['with a header that is none', Buffer.from('{"format":9}\nxx')],
    ['of zeros', Buffer.alloc(5000)],
    ['without an end to its header', Buffer.alloc(70_000, 0x41)],
  ])('%s is kept aside', async (_, bytes) => {
    writeFileSync(join(journalFolder, 'w1-00000000.journal'), bytes);
    const drain = start();
    await until(() => readdirSync(journalFolder).join() === 'corrupt');
    expect(drain.status().dropped).toBe(1);
    expect(readFileSync(join(journalFolder, 'corrupt', 'w1-00000000-0.journal'))).toEqual(bytes);
  });

  test('and is gone altogether is said once, and so is that it is back; what comes then is drained', async () => {
    const events: string[] = [];
    const note = (event: string): void => void events.push(event);
    const drain = startDrain({
      journalFolder,
      ledger: sink,
      chain: chainOf(),
      tap: createTap(silentLog),
      clock: systemClock,
      log: { ...silentLog, error: note, info: note },
      spoolBytesMax: 1024 ** 3,
    });
    drains.push(drain);
    rmSync(journalFolder, { recursive: true });
    await until(() => events.length > 0);
    // Tries many times meanwhile.
    expect(await drain.flush(300)).toBe(false);
    expect(events).toEqual(['drain.failed']);
    mkdirSync(journalFolder);
    await write(openWriter('back'), numbers(0, 5));
    await until(async () => (await callsOf()).length === 5);
    expect(events).toEqual(['drain.failed', 'drain.recovered']);
  });

  test('is empty where its writer died at once', async () => {
    writeFileSync(join(journalFolder, 'w1-00000000.journal'), '{"form');
    const drain = start();
    await until(() => readdirSync(journalFolder).join() === 'corrupt');
    expect(drain.status().dropped).toBe(0);
  });
});

/** Where each frame of a segment begins. */
function frameStarts(bytes: Buffer): number[] {
  const starts: number[] = [];
  for (let at = bytes.indexOf(0x0a) + 1; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) starts.push(at);
  return starts;
}

describe('D12 kill -9', () => {
  const children = new Set<ChildProcess>();
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  test('of writers, of telemetry and of the ledger at random moments: no intent lost, none twice, the unfinished unknown', async () => {
    const state = join(root, 'kill');
    mkdirSync(state);
    const here = import.meta.dirname;
    const drainScript = `
      import { writeSync } from 'node:fs';
      import { startDrain } from '${here}/drain.ts';
      import { createTap } from '${here}/tap.ts';
      import { openCallChain } from '${here}/call-chain.ts';
      import { openLedger } from '${here}/../store/ledger/open-ledger.ts';
      import { createCallSink } from '${here}/../store/ledger/calls.ts';
      import { systemClock } from '${here}/../kernel/clock.ts';
      import { silentLog } from '${here}/../kernel/log.ts';
      const ledger = openLedger({ at: { folder: '${state}/ledger', socketPath: '${state}/l.sock' }, retentionDays: 30, log: silentLog });
      startDrain({ journalFolder: '${journalFolder}', ledger: createCallSink(ledger), chain: openCallChain({ path: '${journalFolder}.chain', node: 'node', log: silentLog }), tap: createTap(silentLog), clock: systemClock, log: silentLog, spoolBytesMax: 1e9 });
      writeSync(1, 'draining\\n');
    `;
    const writerScript = (name: string, first: number): string => `
      import { openJournal } from '${here}/../record/journal.ts';
      import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '${here}/../record/call-record.ts';
      import { silentLog } from '${here}/../kernel/log.ts';
      import { writeSync } from 'node:fs';
      const journal = openJournal({ folder: '${journalFolder}', writer: '${name}', segmentBytesMax: 65536, sync: false, log: silentLog });
      const principal = principalBlock({ organizationId: 'org_kill', keyId: 'k', keyPrefix: '', userId: '', teamId: '', projectId: '', agent: '', environment: '' });
      const server = serverBlock('node', 'search', 'USD');
      for (let call = ${first}; ; call += 20) {
        const records = [];
        for (let index = 0; index < 20; index++) {
          const record = new CallRecord(call + index, performance.now());
          record.traceHex = (call + index).toString(16).padStart(32, '0');
          record.spanHex = (call + index).toString(16).padStart(16, '0');
          record.requestBytes = call + index;
          records.push(record);
          writeIntent(journal, record, principal, server, performance.timeOrigin);
        }
        await journal.committed();
        writeSync(1, \`\${call} intent\\n\`);
        for (const record of records) {
          record.status = 'success';
          writeOutcome(journal, record, performance.now());
        }
        await journal.committed();
        writeSync(1, \`\${call} outcome\\n\`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    `;
    const run = (script: string): ChildProcess => {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
      children.add(child);
      child.once('exit', () => children.delete(child));
      return child;
    };
    const end = async (child: ChildProcess): Promise<void> => {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    };

    let said = '';
    for (let round = 0; round < 5; round++) {
      const telemetry = run(drainScript);
      await new Promise((resolve) => telemetry.stdout?.once('data', resolve));
      const writer = run(writerScript(`boot${round}-1`, round * 1_000_000));
      writer.stdout?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      const before = said.length;
      await until(() => said.length > before);
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 900));
      if (round % 2 === 1) {
        // It writes the file when it opens the folder, which may be later than the first outcome.
        const killed = (): boolean => process.kill(Number(/PID: (\d+)/.exec(readFileSync(join(state, 'ledger', 'status'), 'utf8'))?.[1]), 'SIGKILL');
        await until(killed, { what: 'a ledger to kill' });
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      }
      await Promise.all(Math.random() < 0.5 ? [end(writer), end(telemetry)] : [end(telemetry), end(writer)]);
    }

    const last = openLedger({ at: { folder: join(state, 'ledger'), socketPath: join(state, 'l.sock') }, retentionDays: 30, log: silentLog });
    try {
      await until(() => last.state() === 'ready');
      const drain = start(createCallSink(last));
      expect(await drain.flush(20_000)).toBe(true);
      await until(() => readdirSync(journalFolder).join() === 'corrupt');
      const found = await last.query(
        'SELECT request_bytes AS call, status, count() AS times FROM calls GROUP BY call, status',
        {},
        z.object({ call: z.coerce.number(), status: z.string(), times: z.coerce.number() }),
      );
      const status = new Map(found.map((row) => [row.call, row.status]));
      expect(status.size).toBe(found.length);
      expect(found.filter(({ times }) => times !== 1)).toEqual([]);
      const lines = said.trimEnd().split('\n');
      const intents = lines.filter((line) => line.endsWith(' intent')).map((line) => Number.parseInt(line, 10));
      const outcomes = new Set(lines.filter((line) => line.endsWith(' outcome')).map((line) => Number.parseInt(line, 10)));
      const lost = intents.flatMap((first) => numbers(first, first + 20)).filter((call) => !status.has(call));
      expect({ lost: lost.length, first: lost[0], last: lost.at(-1) }).toEqual({ lost: 0, first: undefined, last: undefined });
      for (const first of outcomes) for (const call of numbers(first, first + 20)) expect(status.get(call)).toBe('success');
      // What a writer wrote and could not say any more is at most its last turn.
      expect(found.length - intents.length * 20).toBeLessThanOrEqual(5 * 20);
      expect(new Set(found.map((row) => row.status)).size).toBeLessThanOrEqual(2);
      expect(drain.status().dropped).toBe(0);
    } finally {
      await Promise.all(drains.splice(0).map((drain) => drain.stop()));
      await last.close();
    }
  }, 60_000);
});
