import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type OtlpReceiver, refusals, startOtlpReceiver } from '../../../../../test/support/otlp-receiver.ts';
import { until } from '../../../../../test/support/poll.ts';
import type { OtlpConfig } from '../../config/otlp-config.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../../record/call-record.ts';
import { openJournal, type Journal } from '../../record/journal.ts';
import type { CallSink } from '../../store/ledger/calls.ts';
import { openCallChain } from '../call-chain.ts';
import { startDrain, type Drain } from '../drain.ts';
import { createTap, type Tap } from '../tap.ts';
import { startOtlpExport, type OtlpExport } from './start-export.ts';

const sink: CallSink = {
  state: () => 'ready',
  insert: async () => undefined,
  has: async () => true,
  insertEntries: async () => undefined,
  hasEntry: async () => true,
};
const principal = principalBlock({
  organizationId: 'org_1',
  keyId: 'key_1',
  keyPrefix: '',
  userId: 'usr_1',
  teamId: 'team_1',
  projectId: '',
  agent: 'tester',
  environment: 'test',
});
const server = serverBlock('node-1', 'search', 'USD');
const base: OtlpConfig = {
  endpoint: '',
  protocol: 'http/protobuf',
  headers: {},
  headersVariable: false,
  signals: ['traces', 'metrics', 'logs'],
  stops: true,
  compression: 'gzip',
  timeoutMs: 2_000,
  metricsIntervalMs: 300,
  batchMax: 50,
  batchWaitMs: 100,
  queueMax: 20_000,
  filter: { servers: null, statuses: null, sampleRatio: 1, errorsAlways: true },
  resource: { 'deployment.environment.name': 'test' },
};

let folder = '';
let tap: Tap;
let drain: Drain;
let journal: Journal;
let receiver: OtlpReceiver;
let exporting: OtlpExport;
let calls = 0;

async function start(protocol: OtlpConfig['protocol'], more: Partial<OtlpConfig> = {}): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'gwo-otlp-'));
  tap = createTap(silentLog);
  receiver = await startOtlpReceiver(protocol === 'grpc' ? 'grpc' : 'http');
  exporting = startOtlpExport({
    config: { ...base, protocol, endpoint: receiver.url, ...more },
    headers: { 'x-api-key': 'SECRET-OF-EXPORT' },
    resource: { 'service.name': 'gatewayops' },
    version: '1.2.3',
    tap,
    readings: async () => [
      { name: 'gatewayops_workers', points: [{ labels: [], value: 2 }] },
      { name: 'gatewayops_calls_total', points: [{ labels: ['search', 'echo', 'tools/call', 'success', 'reply'], value: calls }] },
    ],
    startedMs: Date.now(),
    clock: systemClock,
    log: silentLog,
  });
  drain = startDrain({
    journalFolder: folder,
    ledger: sink,
    chain: openCallChain({ path: `${folder}.chain`, node: 'node', log: silentLog }),
    tap,
    clock: systemClock,
    log: silentLog,
    spoolBytesMax: 1024 ** 3,
  });
  journal = openJournal({ folder, writer: 'w1', segmentBytesMax: 1024 ** 2, sync: false, log: silentLog });
  calls = 0;
}

afterEach(async () => {
  journal.close();
  await drain.stop();
  await exporting.stop();
  await receiver.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Written {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startUs: number;
}

async function write(count: number, more: (record: CallRecord) => void = () => undefined): Promise<Written[]> {
  const written: Written[] = [];
  for (let index = 0; index < count; index++) {
    const number = ++calls;
    const record = new CallRecord(number, performance.now());
    record.traceHex = (number % 2 === 0 ? number : 0xf0000000 + number).toString(16).padStart(32, '0');
    record.spanHex = number.toString(16).padStart(16, '0');
    record.parentSpanHex = number % 3 === 0 ? 'b'.repeat(16) : '';
    record.method = 'tools/call';
    record.name = 'echo';
    record.requestId = `req_${number}`;
    record.version = '2026-07-28';
    record.requestBytes = 100;
    record.status = 'success';
    record.stop = 'reply';
    record.httpStatus = 200;
    more(record);
    writeIntent(journal, record, principal, server, performance.timeOrigin);
    const at = record.startedAt;
    Object.assign(record, { authAt: at + 1, accessAt: at + 1.5, limitAt: at + 2, guardAt: at + 2, firstByteAt: at + 10 });
    writeOutcome(journal, record, at + 12);
    written.push({
      traceId: record.traceHex,
      spanId: record.spanHex,
      parentSpanId: record.parentSpanHex,
      startUs: Math.round((at + performance.timeOrigin) * 1000),
    });
  }
  await journal.committed();
  return written;
}

const roots = () => receiver.spans.filter(({ kind }) => kind === 2);

describe.each(['http/protobuf', 'http/json', 'grpc'] as const)('a receiver of %s', (protocol) => {
  test('holds each call once, with its ids, its parent, its times and its stops as children', { timeout: 120_000 }, async () => {
    await start(protocol);
    const written = await write(120, (record) => {
      if (record.number > 1) return;
      const at = record.startedAt;
      record.tries = [
        { target: 'blue', at: at + 3, untilAt: at + 5, outcome: 'upstream_reset' },
        { target: 'green', at: at + 6, untilAt: 0, outcome: '' },
      ];
    });
    await until(() => roots().length >= 120, { timeoutMs: 60_000 });
    await until(() => receiver.logs.length >= 120, { timeoutMs: 60_000 });
    expect(
      roots()
        .map(({ spanId }) => spanId)
        .toSorted(),
    ).toEqual(written.map(({ spanId }) => spanId).toSorted());
    expect(receiver.spans).toHaveLength(120 * 7 + 2);
    const bySpan = new Map(receiver.spans.map((span) => [span.spanId, span]));
    for (const { traceId, spanId, parentSpanId, startUs } of written) {
      const span = bySpan.get(spanId);
      expect(span).toMatchObject({ traceId, parentSpanId, name: 'tools/call echo', startUs, endUs: startUs + 12_000, status: 0 });
    }
    const [first] = written;
    const children = receiver.spans
      .filter(({ parentSpanId }) => parentSpanId === first?.spanId)
      .toSorted((one, other) => one.startUs - other.startUs || one.endUs - other.endUs);
    expect(children.map(({ name, startUs, endUs, traceId }) => [name, startUs - (first?.startUs ?? 0), endUs - startUs, traceId])).toEqual([
      ['auth', 0, 1000, first?.traceId],
      ['access', 1000, 500, first?.traceId],
      ['limit', 1500, 500, first?.traceId],
      ['guard', 2000, 0, first?.traceId],
      ['server', 2000, 8000, first?.traceId],
      ['reply', 10_000, 2000, first?.traceId],
    ]);
    const stop = children.find(({ name }) => name === 'server');
    const tries = receiver.spans.filter(({ parentSpanId }) => parentSpanId === stop?.spanId).toSorted((one, other) => one.startUs - other.startUs);
    expect(tries.map(({ name, startUs, endUs, attributes, status }) => [name, startUs - (first?.startUs ?? 0), endUs - startUs, attributes, status])).toEqual([
      ['try', 3000, 2000, { 'gatewayops.target.name': 'blue', 'error.type': 'upstream_reset' }, 2],
      ['try', 6000, 4000, { 'gatewayops.target.name': 'green' }, 0],
    ]);
    expect(roots()[0]?.attributes).toMatchObject({
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2026-07-28',
      'gen_ai.tool.name': 'echo',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.agent.name': 'tester',
      'gatewayops.server.name': 'search',
      'gatewayops.status': 'success',
      'http.response.status_code': 200,
    });
    expect(roots()[0]?.resource).toMatchObject({ 'service.name': 'gatewayops', 'deployment.environment.name': 'test' });
    expect(receiver.logs.map(({ spanId }) => spanId).toSorted()).toEqual(written.map(({ spanId }) => spanId).toSorted());
    // The definitions that the receiver decodes with are older than the names of events.
    expect(receiver.logs[0]).toMatchObject({ severity: 'INFO', eventName: protocol === 'http/json' ? 'gatewayops.call' : '' });
    expect(receiver.logs[0]?.body).toMatch(/^search: tools\/call echo success in 12\.0 ms$/);

    const points = await until(() => (receiver.points.length > 0 ? receiver.points : null), { timeoutMs: 60_000 });
    expect(points).toContainEqual({ name: 'gatewayops.workers', unit: '{process}', attributes: {}, value: 2 });
    await until(() => receiver.points.find(({ name }) => name === 'gatewayops.calls')?.value === 120, { timeoutMs: 60_000 });
    for (const { headers, compressed } of receiver.requests)
      expect([headers['x-api-key'], compressed]).toEqual(['SECRET-OF-EXPORT', protocol === 'grpc' ? null : true]);
    // Compressed, also where the headers of a request do not say so.
    if (protocol === 'grpc') expect(receiver.bytes.sent).toBeLessThan(receiver.bytes.unpacked / 2);
    await until(() => exporting.figures().waiting === 0);
    expect(exporting.figures()).toMatchObject({ exported: { traces: 120, logs: 120 }, dropped: { traces: 0, metrics: 0, logs: 0 } });
  });

  test('that cannot take calls now gets them when it can; what it refuses for good is counted', { timeout: 120_000 }, async () => {
    await start(protocol, { signals: ['traces'], stops: false, timeoutMs: 1_000 });
    const { now, ever } = refusals[protocol === 'grpc' ? 'grpc' : 'http'];
    receiver.refuse = now;
    await write(30);
    await until(() => exporting.figures().waiting === 30, { timeoutMs: 30_000 });
    receiver.refuse = null;
    await until(() => roots().length === 30, { timeoutMs: 60_000 });
    await until(() => exporting.figures().waiting === 0);
    receiver.refuse = ever;
    await write(5);
    await until(() => exporting.figures().dropped.traces === 5, { timeoutMs: 30_000 });
    receiver.refuse = null;
    await write(3);
    await until(() => roots().length === 33, { timeoutMs: 30_000 });
    await until(() => exporting.figures().exported.traces === 33);
  });
});

test('a receiver that is away costs bounded memory: what comes when too much waits is not exported, and counted', { timeout: 120_000 }, async () => {
  await start('http/json', { signals: ['traces'], queueMax: 100, timeoutMs: 1_000 });
  receiver.refuse = 503;
  await write(150);
  await until(() => exporting.figures().dropped.traces === 50, { timeoutMs: 30_000 });
  expect(exporting.figures().waiting).toBe(100);
  // The drain was not held up.
  expect(await drain.flush(10_000)).toBe(true);
  receiver.refuse = null;
  await until(() => roots().length === 100, { timeoutMs: 60_000 });
});

test('the filter keeps servers, statuses and a share of whole traces, but every error', { timeout: 120_000 }, async () => {
  // Traces with an odd number end above, those with an even one below the middle of all ids.
  await start('http/json', {
    signals: ['traces'],
    stops: false,
    filter: { servers: ['search'], statuses: ['success', 'error'], sampleRatio: 0.5, errorsAlways: true },
  });
  await write(20);
  await write(3, (record) => (record.status = 'timeout'));
  await write(10, (record) => {
    record.status = 'error';
    record.rpcErrorCode = -32602;
  });
  await until(() => roots().length >= 20, { timeoutMs: 60_000 });
  await drain.flush(10_000);
  await until(() => exporting.figures().waiting === 0);
  expect(roots()).toHaveLength(20);
  expect(roots().filter(({ status }) => status === 2)).toHaveLength(10);
  expect(roots().find(({ status }) => status === 2)?.attributes).toMatchObject({ 'error.type': '-32602', 'rpc.response.status_code': '-32602' });
});

test('what waits at the end is sent', { timeout: 120_000 }, async () => {
  await start('http/protobuf', { batchWaitMs: 60_000, batchMax: 10 });
  await write(10);
  await until(() => roots().length === 10 && receiver.logs.length === 10, { timeoutMs: 60_000 });
  await write(5);
  await until(() => exporting.figures().waiting === 5, { timeoutMs: 30_000 });
  await exporting.stop();
  expect([roots().length, receiver.logs.length]).toEqual([15, 15]);
});
