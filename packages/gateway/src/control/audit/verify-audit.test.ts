import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { hashRecord } from '../../chain/audit-record.ts';
import { openProofFile, proofLines } from '../../chain/proof-file.ts';
import { createSigningKey } from '../../chain/signing-key.ts';
import { verifyProof, type ProofReport } from '../../chain/verify-proof.ts';
import { clientConfig } from '../../store/registry/connections.ts';
import { auditEvent } from './audit-event.ts';
import { rotateAuditKey } from './rotate-audit-key.ts';
import { storedProof, verifyAudit } from './verify-audit.ts';

let control: TestControl;
let client: Client;
const signedEvents = 24;

beforeAll(async () => {
  control = await startControl();
  for (let index = 0; index < signedEvents; index++) await record({ index, before: { limit: index }, after: { limit: index + 1, text: `ü'"\\${index}` } });
  await rotateAuditKey(control.context());
  await record({ last: 1.5e-7 });
  await control.dependencies.audit.checkpoint();
  client = new Client(clientConfig(control.registryAddress));
  await client.connect();
  await client.query('create table kept_events as select * from audit_events');
  await client.query('create table kept_checkpoints as select * from audit_checkpoints');
  await client.query('create table kept_keys as select * from audit_keys');
  // What whoever owns the database can do: no trigger is in their way.
  await client.query('set session_replication_role = replica');
});
afterAll(async () => {
  await client.end();
  await control.end();
});

async function record(detail: Record<string, unknown>): Promise<void> {
  const context = control.context();
  await control.dependencies.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'thing.changed', 'thing_1', detail)));
  control.clock.advance(1000);
}

/** The check of the stores after a change, and that of a proof made of them; both see the same. What was changed is put back. */
async function after(change: () => Promise<unknown>): Promise<ProofReport> {
  await change();
  try {
    const report = await verifyAudit(control.context(), 'none');
    const { dependencies } = control;
    const source = storedProof(control.context(), 'none');
    const lines = proofLines(source, { organizationId: control.context().organizationId, node: dependencies.audit.node, atMs: dependencies.clock.nowMs() });
    const file = await verifyProof(await openProofFile(lines, dependencies.audit.trustedKeys()), { nowMs: dependencies.clock.nowMs(), findingsMax: 100 });
    // A file alone cannot know that its end and the checkpoints for it were cut.
    if (report.findings.every(({ text }) => !text.includes('this node signed'))) expect(file.findings).toEqual(report.findings);
    return report;
  } finally {
    await client.query('delete from audit_events');
    await client.query('insert into audit_events overriding system value select * from kept_events');
    await client.query('delete from audit_checkpoints');
    await client.query('insert into audit_checkpoints select * from kept_checkpoints');
    await client.query('delete from audit_keys');
    await client.query('insert into audit_keys select * from kept_keys');
  }
}

test('who asks for the same check while it is under way gets its verdict; another check at the same time is refused', async () => {
  const both = await Promise.all([verifyAudit(control.context(), 'none'), verifyAudit(control.context(), 'none')]);
  expect(both[0]).toBe(both[1]);
  const first = verifyAudit(control.context(), 'none');
  await expect(verifyAudit(control.context(), 'rows')).rejects.toMatchObject({ code: 'unavailable' });
  await first;
  expect(await verifyAudit(control.context(), 'none')).not.toBe(both[0]);
});

test('a chain that nobody touched is whole, with two keys and to its last checkpoint', async () => {
  const report = await after(async () => undefined);
  expect(report).toMatchObject({ ok: true, findings: [], events: { from: 1, signed: { sequence: report.events.through } } });
  expect(report.keys).toHaveLength(2);
});

const place = fc.integer({ min: 1, max: signedEvents + 2 });
const columns = [
  'at',
  'actor_kind',
  'actor_id',
  'action',
  'object_kind',
  'object_id',
  'result',
  'request_id',
  'peer',
  'detail',
  'previous_hash',
  'hash',
  'signature',
];
const edit = fc.record({ kind: fc.constant('edit' as const), place, column: fc.constantFrom(...columns) });
const remove = fc.record({ kind: fc.constant('remove' as const), place, count: fc.integer({ min: 1, max: 5 }) });
const swap = fc.record({ kind: fc.constant('swap' as const), place, other: place }).filter(({ place: one, other }) => one !== other);
const insert = fc.record({ kind: fc.constant('insert' as const), place, renumber: fc.boolean() });
const cut = fc.record({ kind: fc.constant('cut' as const), place, checkpoints: fc.boolean() });
const rewrite = fc.record({ kind: fc.constant('rewrite' as const), place });
type Tampering = typeof edit | typeof remove | typeof swap | typeof insert | typeof cut | typeof rewrite extends fc.Arbitrary<infer One> ? One : never;

async function tamper(how: Tampering): Promise<void> {
  const at = how.place;
  switch (how.kind) {
    case 'edit': {
      const value: Record<string, string> = {
        at: "at + interval '1 millisecond'",
        detail: `detail || '{"added": 1}'`,
        result: "case result when 'denied' then 'success' else 'denied' end",
        hash: "'f' || substr(hash, 2, 62) || case right(hash, 1) when '0' then '1' else '0' end",
        previous_hash: "'f' || substr(previous_hash, 2, 62) || case right(previous_hash, 1) when '0' then '1' else '0' end",
        signature: "'AAAA' || substr(signature, 5)",
      };
      await client.query(`update audit_events set ${how.column} = ${value[how.column] ?? `${how.column} || 'x'`} where chain_sequence = $1`, [at]);
      return;
    }
    case 'remove':
      await client.query('delete from audit_events where chain_sequence >= $1 and chain_sequence < $2', [at, at + how.count]);
      return;
    case 'swap':
      await client.query('drop index audit_events_by_chain');
      await client.query(
        'update audit_events set chain_sequence = case chain_sequence when $1 then $2::bigint else $1::bigint end where chain_sequence in ($1, $2)',
        [at, how.other],
      );
      await client.query('create unique index audit_events_by_chain on audit_events (organization_id, chain_sequence)');
      return;
    case 'insert':
      if (how.renumber) await client.query('update audit_events set chain_sequence = -chain_sequence - 1 where chain_sequence >= $1', [at]);
      if (how.renumber) await client.query('update audit_events set chain_sequence = -chain_sequence where chain_sequence < 0');
      await client.query(
        `insert into audit_events (id, organization_id, at, actor_kind, actor_id, action, object_id, request_id, peer, detail, chain_sequence, previous_hash, hash, key_id, signature)
         select 'aud_forged', organization_id, at, actor_kind, 'mallory', action, object_id, request_id, peer, detail, $2, previous_hash, hash, key_id, signature
         from kept_events where chain_sequence = $1`,
        [at, how.renumber ? at : signedEvents + 10],
      );
      return;
    case 'cut':
      await client.query('delete from audit_events where chain_sequence >= $1', [at]);
      if (how.checkpoints) await client.query('delete from audit_checkpoints where sequence >= $1', [at]);
      return;
    case 'rewrite':
      await rewriteFrom(at);
  }
}

/** What an owner of the database can do at best: change a record and make all hashes anew, signed by a key of their own. */
async function rewriteFrom(at: number): Promise<void> {
  const own = createSigningKey(Buffer.alloc(32, 1));
  const page = await control.dependencies.registry.audit.range(control.context().organizationId, { after: at - 1, limit: 1000 });
  let previous = page[0]?.previousHash ?? '';
  for (const stored of page) {
    const changed = { ...stored, sequence: stored.sequence ?? 0, actorId: stored.sequence === at ? 'mallory' : stored.actorId };
    const hash = hashRecord(changed, previous);
    await client.query('update audit_events set actor_id = $1, previous_hash = $2, hash = $3, signature = $4 where id = $5', [
      changed.actorId,
      previous,
      hash,
      own.sign('record', hash),
      stored.id,
    ]);
    previous = hash;
  }
}

test('promise 5: whatever is edited, removed, swapped, inserted, cut off or written anew, at any place, is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(edit, remove, swap, insert, cut, rewrite), async (how) => {
      const report = await after(() => tamper(how));
      expect(report.ok).toBe(false);
      expect(report.findings.length).toBeGreaterThan(0);
    }),
    { numRuns: 60 },
  );
}, 300_000);

describe('a finding names its place', () => {
  test('of an edited record', async () => {
    const report = await after(() => tamper({ kind: 'edit', place: 7, column: 'detail' }));
    expect(report.findings).toEqual([{ kind: 'edited', chain: 'events', from: 7, to: 7, text: 'the record is not as it was written' }]);
  });
  test('of removed records', async () => {
    const report = await after(() => tamper({ kind: 'remove', place: 5, count: 3 }));
    expect(report.findings).toEqual([{ kind: 'removed', chain: 'events', from: 5, to: 7, text: 'records are missing' }]);
  });
  test('of two that changed places', async () => {
    const report = await after(() => tamper({ kind: 'swap', place: 4, other: 9 }));
    expect(report.findings.map(({ kind, from }) => [kind, from])).toEqual(
      expect.arrayContaining([
        ['reordered', 4],
        ['reordered', 9],
      ]),
    );
  });
  test('of an end that was cut off together with its checkpoints: the node remembers how far it signed', async () => {
    const report = await after(() => tamper({ kind: 'cut', place: 20, checkpoints: true }));
    expect(report.findings).toMatchObject([{ kind: 'removed', from: 20 }]);
  });
  test('of a record that was never written', async () => {
    const report = await after(() => tamper({ kind: 'insert', place: 3, renumber: false }));
    expect(report.findings.map(({ kind }) => kind)).toContain('edited');
  });
  test('of a forged checkpoint, and of one by a strange key', async () => {
    const forged = await after(() => client.query(`update audit_checkpoints set body = replace(body, '"sequence":', '"sequence":1')`));
    expect(forged.findings.map(({ kind }) => kind)).toContain('forged');
    const strange = await after(() => client.query(`update audit_checkpoints set body = regexp_replace(body, 'ak_.{16}', 'ak_0000000000000000')`));
    expect(strange.findings.map(({ kind }) => kind)).toContain('unknown_key');
  });
});

test('a key without which nothing is trusted vouches for its successor, and nobody else can', async () => {
  const source = storedProof(control.context(), 'none');
  const [first = ''] = source.trusted;
  expect((await verifyProof({ ...source, trusted: [first] }, { nowMs: control.clock.nowMs(), findingsMax: 100 })).ok).toBe(true);
  const report = await after(() => client.query("update audit_keys set signature = 'AAAA' || substr(signature, 5) where previous_key_id is not null"));
  expect(report.ok).toBe(true);
  const forged = await client.query("update audit_keys set signature = 'AAAA' || substr(signature, 5) where previous_key_id is not null");
  expect(forged.rowCount).toBe(1);
  expect((await verifyProof({ ...source, trusted: [first] }, { nowMs: control.clock.nowMs(), findingsMax: 100 })).ok).toBe(false);
});
