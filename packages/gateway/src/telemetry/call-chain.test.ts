import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLedger, type TestLedger } from '../../../../test/support/ledger.ts';
import type { CallHead } from '../chain/call-entry.ts';
import type { CheckpointBody } from '../chain/checkpoint.ts';
import { ErasedEntries } from '../chain/erased-entries.ts';
import { Findings, type Finding } from '../chain/findings.ts';
import { verifyCalls, type CallReport } from '../chain/verify-calls.ts';
import { systemClock } from '../kernel/clock.ts';
import { defaultOrganizationId } from '../kernel/id.ts';
import { silentLog } from '../kernel/log.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../record/call-record.ts';
import { openJournal } from '../record/journal.ts';
import { createCallProof } from '../store/ledger/call-proof.ts';
import { createCallSink } from '../store/ledger/calls.ts';
import { openCallChain, type CallChain } from './call-chain.ts';
import { startDrain } from './drain.ts';
import { createTap } from './tap.ts';

let folder: string;
let ledger: TestLedger;
let chain: CallChain;
const heads: CallHead[] = [];
const dayMs = 86_400_000;
const calls = 120;

const principal = principalBlock({
  organizationId: defaultOrganizationId,
  keyId: 'key_1',
  keyPrefix: 'gwo_t',
  userId: 'usr_1',
  teamId: 'team_ü',
  projectId: '',
  agent: 'tester',
  environment: 'test',
});
const server = serverBlock('node', 'search', 'USD');

/** Calls of two days in six batches of two writers; after each the chain's end is noted as a checkpoint would. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-chain-'));
  ledger = await startLedger();
  const journalFolder = join(folder, 'journal');
  mkdirSync(journalFolder);
  chain = openCallChain({ path: join(folder, 'chain.json'), node: 'node_test', log: silentLog });
  const drain = startDrain({
    journalFolder,
    ledger: createCallSink(ledger.store),
    chain,
    tap: createTap(silentLog),
    clock: systemClock,
    log: silentLog,
    spoolBytesMax: 1024 ** 3,
  });
  const journals = ['w1', 'w2'].map((writer) => openJournal({ folder: journalFolder, writer, segmentBytesMax: 1024 ** 2, sync: false, log: silentLog }));
  for (let call = 0; call < calls; call++) {
    const journal = journals[call % 2];
    if (journal === undefined) continue;
    const record = new CallRecord(call, performance.now());
    record.traceHex = call.toString(16).padStart(32, '0');
    record.spanHex = call.toString(16).padStart(16, '0');
    record.method = 'tools/call';
    record.name = `tool ${call} é`;
    record.peer = '203.0.113.7';
    writeIntent(journal, record, principal, server, performance.timeOrigin - (call % 3 === 0 ? dayMs : 0));
    record.status = 'success';
    record.stop = 'reply';
    record.httpStatus = 200;
    record.costNano = call;
    writeOutcome(journal, record, performance.now());
    if (call % 20 !== 19) continue;
    await Promise.all(journals.map((one) => one.committed()));
    expect(await drain.flush(60_000)).toBe(true);
    heads.push(...chain.heads(defaultOrganizationId));
  }
  for (const journal of journals) journal.close();
  await drain.stop();
  await ledger.store.command('CREATE TABLE calls_kept AS calls', {});
  await ledger.store.command('INSERT INTO calls_kept SELECT * FROM calls', {});
  await ledger.store.command('CREATE TABLE call_chain_kept AS call_chain', {});
  await ledger.store.command('INSERT INTO call_chain_kept SELECT * FROM call_chain', {});
}, 240_000);
afterAll(async () => {
  await ledger.end();
  rmSync(folder, { recursive: true, force: true });
});

const checkpoints = (): CheckpointBody[] =>
  heads.map((head, index) => ({
    format: 1,
    organization_id: defaultOrganizationId,
    node: 'node_test',
    at: new Date(Date.now() - 60_000 + index).toISOString(),
    key_id: 'ak_test',
    events: { sequence: 0, hash: '0'.repeat(64) },
    calls: [head],
    calls_days: 30,
  }));

async function check(signed = checkpoints()): Promise<{ report: CallReport; findings: readonly Finding[] }> {
  const findings = new Findings(50);
  const proof = createCallProof(ledger.store, {
    organizationId: defaultOrganizationId,
    withRows: true,
    allocated: () => chain.allocated(defaultOrganizationId),
    nowMs: () => Date.now(),
  });
  const report = await verifyCalls(proof, { checkpoints: signed, leftOut: [], erasedEntries: new ErasedEntries() }, findings);
  return { report, findings: findings.list };
}

/** What is found after a change; then the tables are as they were. */
async function after(change: () => Promise<unknown>): Promise<readonly Finding[]> {
  try {
    await change();
    return (await check()).findings;
  } finally {
    for (const table of ['calls', 'call_chain']) {
      await ledger.store.command(`TRUNCATE TABLE ${table}`, {});
      await ledger.store.command(`INSERT INTO ${table} SELECT * FROM ${table}_kept`, {});
    }
  }
}

/** A row that stands in the place of another, with some columns changed: what no UPDATE can do to a key. */
const copy = (where: string, replace: string): Promise<void> =>
  ledger.store.command(`INSERT INTO calls SELECT * REPLACE (${replace}) FROM (SELECT * FROM calls_kept WHERE ${where})`, {});
const remove = (table: string, where: string): Promise<void> => ledger.store.command(`ALTER TABLE ${table} DELETE WHERE ${where}`, {});

test('a chain that nobody touched is whole: every call is read again and is as it was written', async () => {
  const { report, findings } = await check();
  expect(findings).toEqual([]);
  expect(report).toMatchObject({ chains: 1, rows: calls, expired: 0 });
  expect(report.entries).toBeGreaterThanOrEqual(12);
  expect(report.signedAt).not.toBeNull();
});

const seq = fc.integer({ min: 1, max: calls });
const columns = ['tool', 'status', 'user_id', 'peer', 'key_id', 'agent', 'server', 'request_id', 'stop', 'fault_code', 'priced_by'];
const tampering = fc.oneof(
  fc.record({ kind: fc.constant('edit' as const), seq, column: fc.constantFrom(...columns) }),
  fc.record({ kind: fc.constant('number' as const), seq, column: fc.constantFrom('cost', 'http_status', 'duration_us', 'reply_bytes', 'request_bytes') }),
  fc.record({ kind: fc.constant('move' as const), seq, column: fc.constantFrom('trace_id', 'started_at') }),
  fc.record({ kind: fc.constant('remove' as const), seq, count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ kind: fc.constant('swap' as const), seq, other: seq }).filter(({ seq: one, other }) => one !== other),
  fc.record({ kind: fc.constant('insert' as const), seq, where: fc.constantFrom('twice', 'beyond', 'unchained', 'strange') }),
  fc.record({ kind: fc.constant('entry' as const), seq, how: fc.constantFrom('remove', 'edit', 'cut') }),
);
type Tampering = typeof tampering extends fc.Arbitrary<infer One> ? One : never;

async function tamper(how: Tampering): Promise<void> {
  const at = `chain_seq = ${how.seq}`;
  const update = (what: string, where = at): Promise<void> => ledger.store.command(`ALTER TABLE calls UPDATE ${what} WHERE ${where}`, {});
  const entryAt = `first_seq <= ${how.seq} AND first_seq + row_count > ${how.seq}`;
  switch (how.kind) {
    case 'edit':
      return update(`${how.column} = concat(${how.column}, 'x')`);
    case 'number':
      return update(`${how.column} = ${how.column} + 1`);
    case 'move':
      await copy(at, how.column === 'trace_id' ? "repeat('f', 32) AS trace_id" : 'started_at - INTERVAL 1 MICROSECOND AS started_at');
      return remove(
        'calls',
        `${at} AND ${how.column === 'trace_id' ? "trace_id != repeat('f', 32)" : `started_at IN (SELECT started_at FROM calls_kept WHERE ${at})`}`,
      );
    case 'remove':
      return remove('calls', `chain_seq >= ${how.seq} AND chain_seq < ${how.seq + how.count}`);
    case 'swap':
      return update(`chain_seq = if(${at}, ${how.other}, ${how.seq})`, `chain_seq IN (${how.seq}, ${how.other})`);
    case 'insert': {
      const place = {
        twice: `${how.seq}::UInt64 AS chain_seq`,
        beyond: '100000::UInt64 AS chain_seq',
        unchained: "'' AS chain, now64(6, 'UTC') AS started_at",
        strange: "'node_x-aaaaaa' AS chain, started_at - INTERVAL 1 HOUR AS started_at",
      };
      return copy(at, place[how.where]);
    }
    case 'entry':
      if (how.how === 'edit') return ledger.store.command(`ALTER TABLE call_chain UPDATE rows_hash = repeat('a', 64) WHERE ${entryAt}`, {});
      return remove('call_chain', how.how === 'cut' ? `first_seq + row_count > ${how.seq}` : entryAt);
  }
}

test('promise 5: whatever call or entry is edited, moved, removed, swapped or inserted, at any place, is found', async () => {
  await fc.assert(
    fc.asyncProperty(tampering, async (how) => {
      const findings = await after(() => tamper(how));
      expect(findings).not.toEqual([]);
    }),
    { numRuns: 14 },
  );
}, 600_000);

test('a finding names the kind and the range', async () => {
  expect(await after(() => remove('calls', 'chain_seq IN (10, 11)'))).toMatchObject([{ kind: 'removed', from: 10, to: 11 }]);
  const [edited] = await after(() => tamper({ kind: 'edit', seq: 30, column: 'tool' }));
  expect(edited).toMatchObject({ kind: 'edited' });
  expect(edited?.from).toBeLessThanOrEqual(30);
  expect(edited?.to).toBeGreaterThanOrEqual(30);
  expect((await after(() => tamper({ kind: 'insert', seq: 5, where: 'unchained' }))).map(({ kind }) => kind)).toEqual(['inserted']);
});

test('days whose retention was over by a signed checkpoint are gone, not removed; younger ones are removed', async () => {
  const yesterday = new Date(Date.now() - dayMs).toISOString().slice(0, 10);
  const gone = (): Promise<void> => remove('calls', `toDate(started_at) <= '${yesterday}'`);
  expect((await after(gone)).map(({ kind }) => kind)).toContain('removed');
  try {
    await gone();
    // Two days later, with one day of retention.
    const [last] = checkpoints().slice(-1);
    if (last === undefined) throw new Error('no checkpoint');
    const { report, findings } = await check([...checkpoints(), { ...last, at: new Date(Date.now() + dayMs).toISOString(), calls_days: 1 }]);
    expect(findings).toEqual([]);
    expect(report.expired).toBeGreaterThan(0);
  } finally {
    await after(async () => undefined);
  }
});

test('a node that loses its state begins another chain, and its old one stays as it is', async () => {
  const other = openCallChain({ path: join(folder, 'another.json'), node: 'node_test', log: silentLog });
  expect(other.allocated(defaultOrganizationId).chain).not.toBe(chain.allocated(defaultOrganizationId).chain);
  const again = openCallChain({ path: join(folder, 'chain.json'), node: 'node_test', log: silentLog });
  expect(again.allocated(defaultOrganizationId)).toEqual(chain.allocated(defaultOrganizationId));
});
