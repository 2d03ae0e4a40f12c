import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { systemClock } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import { silentLog } from '../kernel/log.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../record/call-record.ts';
import { intentColumns, outcomeColumns } from '../record/call-row.ts';
import { openJournal, type Journal } from '../record/journal.ts';
import type { CallSink } from '../store/ledger/calls.ts';
import { CallRowReader } from './call-row-reader.ts';
import { startDrain, type Drain } from './drain.ts';
import { openCallChain } from './call-chain.ts';
import { createTap, type Tap } from './tap.ts';

let folder = '';
let tap: Tap;
let drain: Drain;
let journal: Journal;
let isLedgerUp = true;
let stored = 0;
let asksInVain = 0;

/** A ledger that can be away: what it has is counted only. */
const sink: CallSink = {
  state() {
    if (!isLedgerUp) asksInVain++;
    return isLedgerUp ? 'ready' : 'down';
  },
  async insert() {
    if (!isLedgerUp) throw new Fault('unavailable', { reason: 'away' });
    stored++;
  },
  has: async () => true,
  insertEntries: async () => undefined,
  hasEntry: async () => true,
};

const principal = principalBlock({
  organizationId: 'org_1',
  keyId: 'key_1',
  keyPrefix: 'gwo_t',
  userId: 'usr_1',
  teamId: 'team_ü',
  projectId: '',
  agent: 'tester',
  environment: 'test',
});
const server = serverBlock('node-1', 'search', 'EUR');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-tap-'));
  isLedgerUp = true;
  stored = 0;
  asksInVain = 0;
  tap = createTap(silentLog);
  drain = startDrain({
    journalFolder: folder,
    ledger: sink,
    chain: openCallChain({ path: `${folder}.chain`, node: 'node', log: silentLog }),
    tap,
    clock: systemClock,
    log: silentLog,
    spoolBytesMax: 1024 ** 3,
  });
  journal = openJournal({ folder, writer: 'w1', segmentBytesMax: 4096, sync: false, log: silentLog });
});
afterEach(async () => {
  journal.close();
  await drain.stop();
  rmSync(folder, { recursive: true, force: true });
});

function recordOf(call: number): CallRecord {
  const record = new CallRecord(call, performance.now());
  record.traceHex = call.toString(16).padStart(32, '0');
  record.spanHex = call.toString(16).padStart(16, '0');
  record.method = 'tools/call';
  record.name = `tool ${call}`;
  record.requestBytes = call;
  return record;
}

async function write(calls: readonly number[]): Promise<void> {
  for (const call of calls) {
    const record = recordOf(call);
    writeIntent(journal, record, principal, server, performance.timeOrigin);
    record.status = 'success';
    record.stop = 'reply';
    writeOutcome(journal, record, performance.now());
    await journal.committed();
  }
}

function listen(): number[] {
  const seen: number[] = [];
  tap.listen((row) => void seen.push(row.number('request_bytes')));
  return seen;
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

describe('whoever listens at the tap', () => {
  test('sees every call once, soon', async () => {
    const seen = listen();
    await write(numbers(0, 60));
    await until(() => seen.length >= 60);
    await drain.flush(10_000);
    expect(seen).toEqual(numbers(0, 60));
  });

  test('sees nothing from before it began to listen', async () => {
    await write(numbers(0, 10));
    await until(() => stored > 0 && drain.status().lagBytes === 0);
    const seen = listen();
    await write(numbers(10, 20));
    await until(() => seen.length >= 10);
    expect(seen).toEqual(numbers(10, 20));
  });

  test('goes on seeing calls while the ledger is away, and none of them again when it returns', async () => {
    const seen = listen();
    const long = recordOf(1000);
    writeIntent(journal, long, principal, server, performance.timeOrigin);
    await write(numbers(0, 5));
    isLedgerUp = false;
    await write(numbers(5, 40));
    await until(() => seen.length >= 40, { timeoutMs: 15_000 });
    // From here on the drain holds a batch that it cannot hand over, and reads no further itself.
    await until(() => asksInVain > 5);
    // Begun before the ledger went, ended while it is away.
    writeOutcome(journal, long, performance.now());
    await write(numbers(40, 80));
    await until(() => seen.length >= 81, { timeoutMs: 15_000 });
    isLedgerUp = true;
    await write(numbers(80, 90));
    await until(() => seen.length >= 91, { timeoutMs: 15_000 });
    expect(await drain.flush(15_000)).toBe(true);
    expect(seen.toSorted((a, b) => a - b)).toEqual([...numbers(0, 90), 1000]);
  });

  test('that fails holds up neither the drain nor the others, and is counted', async () => {
    tap.listen(() => {
      throw new Error('a defect');
    });
    const seen = listen();
    await write(numbers(0, 3));
    await until(() => seen.length >= 3);
    expect(await drain.flush(10_000)).toBe(true);
    expect(tap.failures()).toBe(3);
  });
});

test('every column is read as it was written', async () => {
  const read: Record<string, string | number>[] = [];
  tap.listen((row) => {
    const texts = [
      'org_id',
      'team_id',
      'server',
      'currency',
      'trace_id',
      'span_id',
      'parent_span_id',
      'method',
      'tool',
      'status',
      'stop',
      'fault_code',
      'cache',
    ];
    const whole = [
      'started_at',
      'request_bytes',
      'http_status',
      'rpc_error_code',
      'duration_us',
      'server_us',
      'reply_bytes',
      'input_tokens',
      'cost',
      'retries',
    ];
    read.push(Object.fromEntries([...texts.map((name) => [name, row.text(name)]), ...whole.map((name) => [name, row.number(name)])]));
  });
  const record = recordOf(7);
  record.parentSpanHex = 'a'.repeat(16);
  record.name = `ß${'x'.repeat(300)}`;
  record.requestBytes = 2 ** 40 + 1;
  record.status = 'error';
  record.stop = 'server';
  record.fault = 'mcp_error';
  record.httpStatus = 502;
  record.rpcErrorCode = -31502;
  record.inputTokens = 4_000_000_000;
  record.costNano = 9_007_199_254_740_991;
  record.replyBytes = 12;
  record.cache = 'miss';
  record.retries = 2;
  writeIntent(journal, record, principal, server, performance.timeOrigin);
  record.guardAt = record.startedAt + 1;
  record.accessAt = record.limitAt = record.authAt = record.startedAt + 0.5;
  writeOutcome(journal, record, record.startedAt + 1234.5);
  await journal.committed();
  const [row] = await until(() => (read.length > 0 ? read : null));
  expect(row).toEqual({
    org_id: 'org_1',
    team_id: 'team_ü',
    server: 'search',
    currency: 'EUR',
    trace_id: record.traceHex,
    span_id: record.spanHex,
    parent_span_id: 'a'.repeat(16),
    method: 'tools/call',
    tool: `ß${'x'.repeat(300)}`,
    status: 'error',
    stop: 'server',
    fault_code: 'mcp_error',
    cache: 'miss',
    started_at: Math.round((record.startedAt + performance.timeOrigin) * 1000),
    request_bytes: 2 ** 40 + 1,
    http_status: 502,
    rpc_error_code: -31502,
    duration_us: 1_234_500,
    server_us: 1_233_500,
    reply_bytes: 12,
    input_tokens: 4_000_000_000,
    cost: 9_007_199_254_740_991,
    retries: 2,
  });
});

test('bytes of another shape are no row', () => {
  const reader = new CallRowReader({ intent: intentColumns, outcome: outcomeColumns });
  const bytes = Buffer.alloc(500, 0xff);
  expect(reader.at(bytes, 0, 200, bytes, 200, 500)).toBe(false);
});
