import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { startLedger, type TestLedger } from '../../../../../test/support/ledger.ts';
import { openProofFile, proofLines } from '../../chain/proof-file.ts';
import { verifyProof } from '../../chain/verify-proof.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { CallRecord, principalBlock, serverBlock, writeIntent, writeOutcome } from '../../record/call-record.ts';
import { openJournal } from '../../record/journal.ts';
import { createCallSink } from '../../store/ledger/calls.ts';
import { createRollups } from '../../store/ledger/rollups.ts';
import { openCallChain } from '../../telemetry/call-chain.ts';
import { startDrain } from '../../telemetry/drain.ts';
import { createTap } from '../../telemetry/tap.ts';
import { storedProof, verifyAudit } from '../audit/verify-audit.ts';
import { createEntry } from '../directory/create-entry.ts';
import { openUserSession } from '../sessions/open-user-session.ts';
import { erasePerson, finishErasures } from './erase-person.ts';

let control: TestControl;
let ledger: TestLedger;
let folder: string;
const keys: Record<'ana' | 'ben', string> = { ana: '', ben: '' };
const grants = { ana: 'gra_ofAna', ben: 'gra_ofBen' };
const ana = 'ana@example.com';
const dayMs = 86_400_000;
const answer = z.object({ found: z.coerce.number() });

/** Calls of two people, mixed, of two days in several batches, as a node writes them. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-privacy-'));
  ledger = await startLedger();
  control = await startControl({ ledger: () => ledger.reader });
  for (const [who, user] of [
    ['ana', ana],
    ['ben', 'ben@example.com'],
  ] as const) {
    const made = await control.request('POST', '/v1/auth/keys', {
      front: 'admin',
      body: { name: `laptop of ${who}`, metadata: { user_id: user, team_id: 'team_1', phone: who === 'ana' ? '+49 30 1234567' : '+49 30 7654321' } },
    });
    keys[who] = ((await made.json()) as { key: { id: string } }).key.id;
  }
  const { registry } = control.dependencies;
  const atMs = Date.now();
  for (const [id, userId] of [
    [grants.ana, ana],
    [grants.ben, 'ben@example.com'],
  ] as const)
    await registry.transaction(({ grants: all }) =>
      all.insert({
        organizationId: control.context().organizationId,
        id,
        userId,
        grantedBy: 'ses_1',
        clientId: 'code-editor',
        clientName: `editor of ${userId}`,
        redirectUri: 'http://127.0.0.1/callback',
        resource: 'http://127.0.0.1/mcp',
        scopes: ['tools.*'],
        createdAtMs: atMs,
        expiresAtMs: atMs + dayMs,
        usedAtMs: null,
        revoked: null,
        sessionKey: null,
      }),
    );
  const { actor: _actor, organizationId: home, ...context } = control.context();
  await createEntry(control.context(), { kind: 'user', id: ana, change: { name: 'Ana', texts: { email: ana }, names: {}, links: {} }, dryRun: false });
  const entry = await registry.directory.find(home, { kind: 'user', id: ana });
  if (entry !== null) await openUserSession(context, { organizationId: home, user: entry, provider: 'okta', userAgent: 'Firefox of Ana' });
  await registry.transaction(({ identities }) =>
    identities.put(home, { digest: 'digest-of-ana', issuer: 'https://acme.okta.example', provider: 'okta', userId: ana, createdAtMs: atMs }),
  );
  for (const [id, owner] of [
    ['view_ofAna', ana],
    ['view_ofBen', 'ben@example.com'],
  ] as const)
    await registry.transaction(({ savedViews }) =>
      savedViews.insert(home, {
        id,
        page: 'traces',
        name: `what ${owner} looks at`,
        state: { q: `user:"${owner}"` },
        owner: { kind: 'user', id: owner },
        sharedWith: null,
        version: 1,
        createdAtMs: atMs,
        changedAtMs: atMs,
      }),
    );
  const journalFolder = join(folder, 'journal');
  mkdirSync(journalFolder);
  const chain = openCallChain({ path: join(folder, 'chain.json'), node: 'node_test', log: silentLog });
  const drain = startDrain({
    journalFolder,
    ledger: createCallSink(ledger.store),
    chain,
    tap: createTap(silentLog),
    clock: systemClock,
    log: silentLog,
    spoolBytesMax: 1024 ** 3,
  });
  const journal = openJournal({ folder: journalFolder, writer: 'w1', segmentBytesMax: 1024 ** 2, sync: false, log: silentLog });
  const server = serverBlock('node_test', 'search', 'USD');
  for (let call = 0; call < 60; call++) {
    // Of the last batches none is hers.
    const who = call % 3 === 0 && call < 45 ? 'ana' : 'ben';
    const { organizationId } = control.context();
    const user = who === 'ana' ? ana : 'ben@example.com';
    const principal = principalBlock({
      organizationId,
      keyId: keys[who],
      keyPrefix: 'gwo_t',
      userId: user,
      teamId: 'team_1',
      projectId: '',
      agent: 'tester',
      environment: 'test',
    });
    const record = new CallRecord(call, performance.now());
    record.traceHex = call.toString(16).padStart(32, '0');
    record.spanHex = call.toString(16).padStart(16, '0');
    record.method = 'tools/call';
    record.name = 'find';
    record.peer = who === 'ana' ? '203.0.113.7' : '203.0.113.8';
    writeIntent(journal, record, principal, server, performance.timeOrigin - (call % 2 === 0 ? 2 * dayMs : dayMs));
    record.status = 'success';
    record.stop = 'reply';
    record.httpStatus = 200;
    record.costNano = 1_000_000;
    writeOutcome(journal, record, performance.now());
    if (call % 15 !== 14) continue;
    await journal.committed();
    expect(await drain.flush(60_000)).toBe(true);
  }
  journal.close();
  await drain.stop();
  await ledger.store.command(
    "INSERT INTO payloads (org_id, key_id, user_id, trace_id, span_id, started_at, kind, text) SELECT org_id, key_id, user_id, trace_id, span_id, started_at, 'request', concat('said by ', user_id) FROM calls",
    {},
  );
  const rollups = createRollups(ledger.store);
  for (const { startMs } of await rollups.listStale('day', 10)) await rollups.seal('day', startMs, BigInt(Date.now()) * 1000n);
}, 300_000);
afterAll(async () => {
  await control.end();
  await ledger.end();
  rmSync(folder, { recursive: true, force: true });
});

async function count(table: string, where: string): Promise<number> {
  const [row] = await ledger.store.query(`SELECT count() AS found FROM ${table} WHERE ${where}`, {}, answer);
  return row?.found ?? -1;
}

const costs = async (where: string): Promise<number> =>
  (await ledger.store.query(`SELECT toUInt64(sum(calls)) AS found FROM costs_by_day WHERE ${where}`, {}, answer))[0]?.found ?? -1;

/** All that the registry says anywhere. */
async function registryText(): Promise<string> {
  const { registry } = control.dependencies;
  const { organizationId } = control.context();
  const raw = await registry.audit.range(organizationId, { after: 0, limit: 1000 });
  return JSON.stringify([
    raw,
    await registry.keys.list(organizationId, { after: null, limit: 200 }),
    await registry.grants.list(organizationId, { userId: null, after: null, limit: 200 }),
    await registry.people.erasures(organizationId),
    ...(await Promise.all(['view_ofAna', 'view_ofBen'].map((id) => registry.savedViews.find(organizationId, id)))),
  ]);
}

test('the audit seals what it says of a person, and shows it to who may read it', async () => {
  const { registry } = control.dependencies;
  const raw = JSON.stringify(await registry.audit.range(control.context().organizationId, { after: 0, limit: 1000 }));
  for (const secret of [ana, 'laptop of ana', '+49 30 1234567']) expect(raw).not.toContain(secret);
  const shown = await (await control.request('GET', `/v1/logs/audit?object=${keys.ana}`, { front: 'admin' })).json();
  expect(shown).toMatchObject({ events: [{ action: 'key.created', detail: { name: 'laptop of ana', metadata: { user_id: ana } } }] });
  expect(await verifyAudit(control.context(), 'rows')).toMatchObject({ ok: true, findings: [], calls: { rows: 60, erased: 0 } });
});

test('an export has everything that is held about a person and nothing of another, and is recorded', async () => {
  const response = await control.request('GET', `/v1/privacy/export?user_id=${encodeURIComponent(ana)}`, { front: 'admin' });
  const lines = (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const of = (type: string): Record<string, unknown>[] => lines.filter((line) => line['type'] === type);
  expect(of('person')).toMatchObject([{ user_id: ana, pseudonym: expect.stringMatching(/^psn_/) }]);
  expect(of('key')).toMatchObject([{ id: keys.ana, name: 'laptop of ana', metadata: { phone: '+49 30 1234567' } }]);
  expect(of('identity')).toMatchObject([{ provider: 'okta', issuer: 'https://acme.okta.example' }]);
  expect(of('session')).toMatchObject([{ provider: 'okta', user_agent: 'Firefox of Ana' }]);
  expect(of('view')).toMatchObject([{ id: 'view_ofAna', name: `what ${ana} looks at`, owner: `user:${ana}` }]);
  expect(of('grant')).toMatchObject([{ id: grants.ana, client_name: `editor of ${ana}`, status: 'pending' }]);
  expect(of('audit_event').map((event) => event['action'])).toEqual(expect.arrayContaining(['key.created', 'person.exported']));
  expect(of('call')).toHaveLength(15);
  expect(of('call').every((call) => call['user_id'] === ana && call['ip'] === '203.0.113.7')).toBe(true);
  expect(of('body').map((one) => one['text'])).toEqual(Array.from({ length: 15 }, () => `said by ${ana}`));
  expect(JSON.stringify(lines)).not.toContain('ben@example.com');
  const listed = await (await control.request('GET', '/v1/logs/audit?action=person.exported', { front: 'admin' })).json();
  expect(listed).toMatchObject({ events: [{ actor: { kind: 'operator' }, object: { id: of('person')[0]?.['pseudonym'] } }] });
});

test('a person who is erased is nowhere any more; what was theirs counts under a pseudonym, and the chain holds, offline too', async () => {
  const before = { ana: await costs(`user_id = '${ana}'`), all: await costs('1') };
  expect(before.ana).toBe(15);
  const erasure = await erasePerson(control.context(), ana);
  await finishErasures(control.context());
  const { registry } = control.dependencies;
  expect(await registry.people.erasures(control.context().organizationId)).toMatchObject([
    { pseudonym: erasure.pseudonym, keyIds: [keys.ana], finishedAtMs: expect.any(Number) },
  ]);
  for (const table of ['calls', 'payloads', 'costs_by_day']) expect([table, await count(table, `user_id = '${ana}'`)]).toEqual([table, 0]);
  expect(await count('payloads', '1')).toBe(45);
  expect(await count('calls', "peer = '203.0.113.7'")).toBe(0);
  expect(await count('calls', `user_id = '${erasure.pseudonym}'`)).toBe(15);
  expect(await costs(`user_id = '${erasure.pseudonym}'`)).toBe(15);
  expect(await costs('1')).toBe(before.all);
  const text = await registryText();
  for (const secret of [ana, 'laptop of ana', '+49 30 1234567']) expect(text).not.toContain(secret);
  const listed = (await (await control.request('GET', `/v1/logs/audit?object=${keys.ana}`, { front: 'admin' })).json()) as { events: { detail: unknown }[] };
  expect(listed.events.at(-1)?.detail).toMatchObject({ name: { person: erasure.pseudonym, erased: true }, metadata: { erased: true } });
  const key = await (await control.request('GET', `/v1/auth/keys/${keys.ana}`, { front: 'admin' })).json();
  expect(key).toMatchObject({ key: { name: 'erased', status: 'revoked', metadata: { user_id: erasure.pseudonym, team_id: 'team_1' } } });
  expect(control.changedKeys).toEqual(expect.arrayContaining([keys.ana, grants.ana]));
  expect(text).toContain(grants.ben);

  const verdict = await verifyAudit(control.context(), 'rows');
  expect(verdict).toMatchObject({ ok: true, findings: [], calls: { erased: expect.any(Number) } });
  expect((verdict.calls?.rows ?? 0) + (verdict.calls?.erased ?? 0)).toBe(60);
  expect(verdict.calls?.erased).toBeGreaterThan(0);
  expect(verdict.calls?.rows).toBeGreaterThan(0);
  const source = storedProof(control.context(), 'rows');
  const lines = proofLines(source, { organizationId: control.context().organizationId, node: 'node_test', atMs: Date.now() });
  const file = await openProofFile(lines, control.dependencies.audit.trustedKeys());
  expect(await verifyProof(file, { nowMs: Date.now(), findingsMax: 10 })).toMatchObject({ ok: true, calls: verdict.calls });
  // Again it finds nothing, and records nothing.
  const head = await registry.audit.head(control.context().organizationId);
  await finishErasures(control.context());
  expect(await registry.audit.head(control.context().organizationId)).toEqual(head);
  expect((await control.request('POST', '/v1/privacy/erasures', { front: 'admin', body: { user_id: ana } })).status).toBe(404);
});

test('an erasure covers nothing up: a call that was changed before is still found', async () => {
  await ledger.store.command("ALTER TABLE calls UPDATE tool = 'forged' WHERE trace_id = '00000000000000000000000000000001'", {});
  const erasure = await erasePerson(control.context(), 'ben@example.com');
  await finishErasures(control.context());
  expect(await count('calls', `user_id = '${erasure.pseudonym}'`)).toBe(45);
  const verdict = await verifyAudit(control.context(), 'rows');
  expect(verdict.ok).toBe(false);
  expect(verdict.findings.map(({ kind }) => kind)).toEqual(['edited']);
});
