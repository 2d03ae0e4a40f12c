import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import { silentLog } from '../kernel/log.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../record/call-record.ts';
import { intentColumns, outcomeColumns } from '../record/call-row.ts';
import { openJournal } from '../record/journal.ts';
import { CallRowReader } from './call-row-reader.ts';
import type { Delivery } from './deliver.ts';
import type { Row } from './row-batch.ts';
import { openJournalFolder } from './journal-folder.ts';
import { createTap } from './tap.ts';
import { createWriterDrain, type WriterDrain } from './writer-drain.ts';

const principal = principalBlock({ organizationId: 'org', keyId: 'k', keyPrefix: '', userId: '', teamId: '', projectId: '', agent: '', environment: '' });
const server = serverBlock('node', 'server', 'USD');

type Step =
  | { readonly do: 'begin'; readonly calls: number }
  /** Ends open calls: every `every`th of them. */
  | { readonly do: 'end'; readonly every: number }
  | { readonly do: 'step'; readonly delivery: 'stored' | 'died before' | 'died after' }
  | { readonly do: 'restart' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('begin' as const), calls: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ do: fc.constant('end' as const), every: fc.integer({ min: 1, max: 4 }) }),
    fc.record({
      do: fc.constant('step' as const),
      delivery: fc.constantFrom('stored' as const, 'stored' as const, 'died before' as const, 'died after' as const),
    }),
    fc.record({ do: fc.constant('restart' as const) }),
  ),
  { maxLength: 30 },
);

test('whatever telemetry is doing when it is killed, every intent is stored exactly once, with its own outcome or as unknown', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (todo) => {
      const path = mkdtempSync(join(tmpdir(), 'gwo-writer-drain-'));
      try {
        await play(path, todo);
      } finally {
        rmSync(path, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});

test('a journal in which nothing happens is not read again', async () => {
  const path = mkdtempSync(join(tmpdir(), 'gwo-writer-drain-'));
  try {
    const folder = openJournalFolder(path);
    let reads = 0;
    const counting = {
      ...folder,
      segment: (writer: string, number: number) => {
        reads++;
        return folder.segment(writer, number);
      },
    };
    let rows = 0;
    const deliver = async (delivery: Delivery): Promise<void> => void (rows += delivery.rows.count);
    const drain = createWriterDrain({ writer: 'w', folder: counting, deliver, tap: createTap(silentLog), clock: systemClock, log: silentLog });
    const step = (): Promise<boolean> => drain.step(folder.list().get('w') ?? { segments: [], carried: [] }, false, true);
    const journal = openJournal({ folder: path, writer: 'w', segmentBytesMax: 3000, sync: false, log: silentLog });
    const call = async (number: number): Promise<void> => {
      const record = new CallRecord(number, performance.now());
      writeIntent(journal, record, principal, server, performance.timeOrigin);
      writeOutcome(journal, record, performance.now());
      await journal.committed();
    };

    await call(1);
    await step();
    expect(rows).toBe(1);
    const afterFirst = reads;
    for (let idle = 0; idle < 5; idle++) await step();
    expect(reads).toBe(afterFirst);
    await call(2);
    await step();
    expect([rows, reads > afterFirst]).toEqual([2, true]);
    journal.close();
  } finally {
    rmSync(path, { recursive: true });
  }
});

async function play(path: string, todo: readonly Step[]): Promise<void> {
  const folder = openJournalFolder(path);
  const journal = openJournal({ folder: path, writer: 'w', segmentBytesMax: 3000, sync: false, log: silentLog });
  const open = new Map<number, CallRecord>();
  const expected = new Map<number, number>();
  let calls = 0;

  const tokens = new Set<string>();
  const stored: Row[] = [];
  let mode: 'stored' | 'died before' | 'died after' = 'stored';
  const start = (): WriterDrain =>
    createWriterDrain({
      writer: 'w',
      folder,
      async deliver({ rows, token }) {
        if (mode === 'died before') throw new Error('killed');
        if (!tokens.has(token)) stored.push(...rows.rows());
        tokens.add(token);
        if (mode === 'died after') throw new Error('killed');
      },
      tap: createTap(silentLog),
      clock: systemClock,
      log: silentLog,
    });
  let drain = start();
  const filesOf = () => folder.list().get('w') ?? { segments: [], carried: [] };

  for (const step of todo) {
    if (step.do === 'begin') {
      for (let index = 0; index < step.calls; index++) {
        const record = new CallRecord(calls++, performance.now());
        record.traceHex = '0'.repeat(32);
        record.spanHex = record.number.toString(16).padStart(16, '0');
        open.set(record.number, record);
        expected.set(record.number, 0);
        writeIntent(journal, record, principal, server, performance.timeOrigin);
      }
      await journal.committed();
    } else if (step.do === 'end') {
      let index = 0;
      for (const record of open.values()) {
        if (index++ % step.every !== 0) continue;
        open.delete(record.number);
        record.status = 'success';
        record.httpStatus = 1 + (record.number % 60_000);
        expected.set(record.number, record.httpStatus);
        writeOutcome(journal, record, performance.now());
      }
      await journal.committed();
    } else if (step.do === 'step') {
      mode = step.delivery;
      try {
        await drain.step(filesOf(), false, true);
      } catch {
        drain = start();
      }
    } else drain = start();
  }

  journal.close();
  mode = 'stored';
  drain = start();
  for (let tries = 0; !(await drain.step(filesOf(), true, true)); tries++) expect(tries).toBeLessThan(1000);
  expect(readdirSync(path)).toEqual(['corrupt']);
  expect(drain.dropped()).toBe(0);
  expect(stored.length).toBe(calls);
  const row = new CallRowReader({ intent: intentColumns, outcome: outcomeColumns });
  for (const { intent, outcome } of stored) {
    expect(row.at(intent, 0, intent.length, outcome, 0, outcome.length)).toBe(true);
    const call = Number.parseInt(row.text('span_id'), 16);
    const httpStatus = row.number('http_status');
    expect([call, httpStatus]).toEqual([call, expected.get(call)]);
    expected.delete(call);
  }
  expect(expected.size).toBe(0);
}
