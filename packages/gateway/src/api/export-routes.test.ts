import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { actorOf, startControl, type TestControl } from '../../../../test/support/control.ts';
import { startLedger, type TestCall, type TestLedger } from '../../../../test/support/ledger.ts';
import { until } from '../../../../test/support/poll.ts';
import { csvLine } from '../control/logs/csv.ts';
import { createExportFiles, type ExportFiles } from '../jobs/export-files.ts';
import type * as Bounds from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { silentLog } from '../kernel/log.ts';

vi.mock('../kernel/bounds.ts', async (original) => {
  const { bounds } = await original<typeof Bounds>();
  return { bounds: { ...bounds, exportPageRows: 100, exportRowsMax: 700, exportsKeptMax: 6 } };
});

let ledger: TestLedger;
let control: TestControl;
let files: ExportFiles;
let nowMs = Date.now();
const parent = mkdtempSync(join(tmpdir(), 'gwo-export-'));
const folder = join(parent, 'exports');
const day = 86_400_000;
const begin = Math.floor(Date.now() / day) * day - 5 * day;
const iso = (ms: number): string => new Date(ms).toISOString();
const window = { start_time: iso(begin), end_time: iso(begin + day) };

const calls: readonly TestCall[] = Array.from({ length: 650 }, (_, index) => ({
  org_id: 'org_default',
  trace_id: (index + 1).toString(16).padStart(32, '0'),
  span_id: (index + 1).toString(16).padStart(16, '0'),
  // Many in the same microsecond: pages must neither repeat nor skip one.
  started_at: BigInt(begin + Math.floor(index / 130)) * 1000n,
  method: 'tools/call',
  server: index % 2 === 0 ? 'github' : 'mail',
  tool: ['plain', '=1+1', 'a,"b"', '@x', ' spaced'][index % 5] ?? '',
  status: 'success',
  stop: 'reply',
  currency: 'USD',
  cost: index,
  duration_us: index * 1000,
}));

beforeAll(async () => {
  ledger = await startLedger();
  files = createExportFiles({ folder, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs }, log: silentLog });
  control = await startControl({ ledger: () => ledger.reader, exports: files });
  await ledger.insert(calls);
  await ledger.insert(calls.slice(0, 100).map((call) => ({ ...call, org_id: 'org_other', tool: 'foreign' })));
});
afterAll(async () => {
  await control.end();
  await files.close();
  await ledger.end();
  rmSync(parent, { recursive: true, force: true });
});

interface Job {
  readonly export: {
    readonly id: string;
    readonly state: string;
    readonly rows: number;
    readonly bytes: number;
    readonly truncated: boolean;
    readonly estimated_rows: number;
    readonly download_url: string | null;
    readonly status_url: string;
  };
}
const begun = (body: object): Promise<Response> => control.request('POST', '/v1/logs/export', { front: 'admin', body: { ...window, ...body } });
const get = (path: string): Promise<Response> => control.request('GET', path, { front: 'admin' });
async function exported(body: object): Promise<{ job: Job['export']; text: string; response: Response }> {
  const answer = await begun(body);
  expect(answer.status).toBe(202);
  const { export: first } = (await answer.json()) as Job;
  const job = await until(async () => {
    const now = ((await (await get(first.status_url)).json()) as Job).export;
    return now.state !== 'running' && now;
  });
  expect(job.state).toBe('done');
  const response = await get(job.download_url ?? '');
  return { job, text: await response.text(), response };
}

describe('an export of the request log', () => {
  test('holds every call that fits, once and newest first, in the columns asked for, with no formula in it', async () => {
    const { job, text, response } = await exported({ query: 'server:github', columns: ['span_id', 'tool', 'cost', 'latency_ms'] });
    const expected = calls.filter(({ server }) => server === 'github').toReversed();
    const lines = expected.map(({ span_id, tool, cost, duration_us }) => {
      const cell = { plain: 'plain', '=1+1': "'=1+1", 'a,"b"': '"a,""b"""', '@x': "'@x", ' spaced': '" spaced"' }[String(tool)];
      const nano = String(cost).padStart(9, '0');
      return `sp_${span_id},${cell},${cost === 0 ? '0' : `0.${nano.replace(/0+$/, '')}`},${Number(duration_us) / 1000}`;
    });
    // Of one microsecond by trace, descending: as the calls were made.
    expect(text.trimEnd().split('\n')).toEqual(['span_id,tool,cost,latency_ms', ...lines]);
    expect(job).toMatchObject({ rows: expected.length, estimated_rows: expected.length, truncated: false, bytes: Buffer.byteLength(text) });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="requests-${job.id}.csv"`);
  });

  test('is JSON Lines of whole entries where it says so, and lies where only this user reads it', async () => {
    const { job, text } = await exported({ format: 'jsonl', tool: '=1+1' });
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const listed = (await (await get(`/v1/logs/requests?${new URLSearchParams({ ...window, tool: '=1+1', limit: '1000' }).toString()}`)).json()) as {
      requests: unknown[];
    };
    expect(rows).toEqual(listed.requests);
    expect(statSync(join(folder, `${job.id}.jsonl`)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('is recorded, also that it was fetched, and is of its organization only', async () => {
    const { job } = await exported({ query: 'tool:plain', columns: ['time'] });
    const events = (await (await get(`/v1/logs/audit?object=${job.id}`)).json()) as { events: { action: string }[] };
    expect(events.events.map(({ action }) => action).toSorted()).toEqual(['export.created', 'export.downloaded']);
    expect(files.find('org_other', job.id)).toBe(null);
    expect(files.open('org_other', job.id)).toBe(null);
    expect(await (await get('/v1/logs/exports/exp_00000000000000000000')).json()).toMatchObject({ error: 'unknown_export' });
    expect(actorOf(['logs.read']).can('logs.export')).toBe(false);
  });

  test('of a question that is none is refused before a job begins', async () => {
    for (const body of [
      { query: 'sever:x' },
      { columns: ['nothing'] },
      { columns: ['time', 'time'] },
      { columns: [] },
      { format: 'xml' },
      { end_time: window.start_time },
    ])
      expect((await begun(body)).status).toBe(400);
  });

  test('has a bound of number, and goes when it has expired', async () => {
    const ids: string[] = [];
    let last = await begun({ columns: ['time'] });
    for (let tries = 0; last.status === 202 && tries < 10; tries++) {
      ids.push(((await last.json()) as Job).export.id);
      await until(() => files.find('org_default', ids.at(-1) ?? '')?.state === 'done');
      last = await begun({ columns: ['time'] });
    }
    expect([last.status, await last.json()]).toMatchObject([429, { error: 'too_many_exports' }]);
    nowMs += day;
    expect((await get(`/v1/logs/exports/${ids[0]}`)).status).toBe(404);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that comes to its bound of rows holds the newest and says so', async () => {
    await ledger.insert(calls.map((call) => ({ ...call, started_at: BigInt(begin + 1000) * 1000n, server: 'later' })));
    const { job, text } = await exported({ format: 'jsonl', columns: ['server'] });
    expect([job.rows, job.truncated, job.estimated_rows]).toEqual([700, true, 1300]);
    expect(text.split('"later"')).toHaveLength(651);
  });

  test('ends with its process: what is being written is stopped, and all files are gone', async () => {
    const own = join(parent, 'own');
    const desk = createExportFiles({ folder: own, clock: { nowMs: () => nowMs, monotonicMs: () => nowMs }, log: silentLog });
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        yield 'line'.repeat(10_000);
      }
    }
    desk.begin({ organizationId: 'org', format: 'csv', estimatedRows: null, head: null, lines: endless() });
    await until(() => existsSync(own));
    await desk.close();
    expect(existsSync(own)).toBe(false);
  });
});

describe('the audit', () => {
  let atMs = begin + 2 * day;
  let audited: TestControl;
  /** What was done and called, oldest first: an event, then what follows it in the same second. */
  const wanted: string[] = [];
  const ways: readonly Readonly<Record<string, string>>[] = [
    { method: 'tools/call', tool: 'drop', status: 'blocked', stop: 'access', fault_code: 'policy_denied', policy: 'no-drop' },
    { method: 'tools/call', tool: 'drop', status: 'success', stop: 'reply', policy: 'members' },
    { method: 'tools/call', tool: 'drop', status: 'blocked', stop: 'limit', fault_code: 'rate_limit_exceeded' },
    { method: 'resources/read', tool: 'file:///etc', status: 'blocked', stop: 'access', fault_code: 'unknown_resource' },
    { method: 'tools/list', tool: '', status: 'blocked', stop: 'access', fault_code: 'not_found' },
    { method: 'tools/list', tool: '', status: 'success', stop: 'reply' },
  ];
  interface Page {
    readonly events: readonly {
      readonly actor: { readonly kind: string };
      readonly action: string;
      readonly object: { readonly id: string };
      readonly result: string;
      readonly detail: { readonly stop?: string; readonly policy?: string };
    }[];
    readonly tool_calls: string;
    readonly cursor: string | null;
  }
  const textOf = ({ action, object, result, detail }: Page['events'][number]): string => [action, object.id, result, detail.stop ?? ''].join(' ').trim();

  beforeAll(async () => {
    audited = control.variant({ ledger: () => ledger.reader, clock: { nowMs: () => atMs, monotonicMs: () => atMs } });
    const called: TestCall[] = [];
    for (let index = 0; index < 7; index++) {
      atMs += 1_000;
      const rule = { effect: 'deny', servers: ['search'], tools: ['drop'] };
      const made = await audited.request('PUT', `/v1/policies/rule-${index}`, { front: 'admin', body: rule, headers: { 'if-match': '"0"' } });
      expect(made.status).toBe(200);
      wanted.push(`policy.created rule-${index} success`);
      for (const [place, way] of ways.entries()) {
        const id = (0xa0000 + index * 16 + place).toString(16);
        // Two in the same microsecond.
        const us = BigInt(atMs) * 1000n + BigInt(Math.floor(place / 2) + 1);
        called.push({
          org_id: 'org_default',
          trace_id: id.padStart(32, '0'),
          span_id: id.padStart(16, '0'),
          started_at: us,
          server: 'search',
          key_id: 'key_a',
          currency: 'USD',
          ...way,
        });
        const [action, object] = { 'tools/call': ['tool.called', 'search/drop'], 'resources/read': ['resource.read', 'search/file:///etc'] }[
          way['method'] ?? ''
        ] ?? ['server.called', 'search'];
        wanted.push(`${action} ${object} ${way['status'] === 'blocked' ? 'denied' : 'success'} ${way['stop']}`);
      }
    }
    await ledger.insert(called);
  });

  async function all(query: Record<string, string>): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | null = null;
    do {
      const asked = new URLSearchParams({
        start_time: iso(begin + 2 * day),
        end_time: iso(begin + 3 * day),
        limit: '4',
        ...query,
        ...(cursor === null ? {} : { cursor }),
      });
      const answer = await audited.request('GET', `/v1/logs/audit?${asked.toString()}`, { front: 'admin' });
      const page = (await answer.json()) as Page;
      expect([answer.status, page.events.length <= 4]).toEqual([200, true]);
      found.push(...page.events.map(textOf));
      ({ cursor } = page);
    } while (cursor !== null);
    return found;
  }
  const newestFirst = (of: (text: string) => boolean): string[] => wanted.filter(of).toReversed();
  const isRefused = (text: string): boolean => text.includes(' denied ') && !text.endsWith(' limit');
  const isOfThing = (text: string): boolean => !text.startsWith('server.called');

  test('has refused calls among its events, in their order, page by page; with all calls those of tools, resources and prompts too', async () => {
    expect(await all({})).toEqual(newestFirst((text) => text.startsWith('policy') || isRefused(text)));
    expect(await all({ tool_calls: 'all' })).toEqual(newestFirst(isOfThing));
    expect(await all({ tool_calls: 'none' })).toEqual(newestFirst((text) => text.startsWith('policy')));
    expect(await all({ action: 'tool.called', tool_calls: 'all' })).toEqual(newestFirst((text) => text.startsWith('tool.called')));
    expect(await all({ action: 'policy.*', tool_calls: 'all' })).toEqual(newestFirst((text) => text.startsWith('policy')));
    expect(await all({ object_kind: 'server' })).toEqual(newestFirst((text) => text.startsWith('server.called') && isRefused(text)));
    expect(await all({ object: 'search/drop', result: 'success', tool_calls: 'all' })).toEqual(
      newestFirst((text) => text === 'tool.called search/drop success reply'),
    );
    expect(await all({ actor: 'key_a', actor_kind: 'key', text: 'no-drop' })).toEqual(newestFirst((text) => text === 'tool.called search/drop denied access'));
    expect(await all({ actor: 'key_b' })).toEqual([]);
  });

  test('finds calls by the kind of who made them, as the events name it', async () => {
    const jwt = { key_prefix: 'jwt:corp' };
    const makers: Readonly<Record<string, TestCall>> = {
      anonymous: {},
      key: { key_id: 'key_a', key_prefix: 'gwo_live_aaaa', user_id: 'usr_ana', agent: 'ci' },
      user: { ...jwt, key_id: 'psn_ana', user_id: 'usr_ana' },
      agent: { ...jwt, key_id: 'ci', agent: 'ci' },
      service_account: { ...jwt, key_id: 'robot' },
      client: { key_prefix: 'oauth:gra_1', key_id: 'gra_1' },
    };
    const [startMs, endMs] = [begin + 4 * day, begin + 5 * day];
    await ledger.insert(
      Object.entries(makers).map(([kind, maker], index) => {
        const id = (0xb0000 + index).toString(16);
        const place = { trace_id: id.padStart(32, '0'), span_id: id.padStart(16, '0'), started_at: BigInt(startMs + 1 + index) * 1000n };
        return { org_id: 'org_default', currency: 'USD', server: 'search', method: 'tools/call', tool: `by-${kind}`, status: 'success', ...place, ...maker };
      }),
    );
    const found = await Promise.all(
      [...Object.keys(makers), 'operator'].map(async (kind) => {
        const asked = new URLSearchParams({ start_time: iso(startMs), end_time: iso(endMs), tool_calls: 'all', actor_kind: kind });
        const { events } = (await (await audited.request('GET', `/v1/logs/audit?${asked.toString()}`, { front: 'admin' })).json()) as Page;
        return events.map(({ actor, object }) => [actor.kind, object.id]);
      }),
    );
    expect(found).toEqual([...Object.keys(makers).map((kind) => [[kind, `search/by-${kind}`]]), []]);
  });

  test('says of a call which policy decided, and that its proof is elsewhere', async () => {
    const [event] = ((await (await audited.request('GET', '/v1/logs/audit?action=tool.called&limit=1', { front: 'admin' })).json()) as Page).events;
    expect(event).toMatchObject({ sequence: null, hash: null, actor: { kind: 'key', id: 'key_a' }, detail: { policy: 'no-drop', fault: 'policy_denied' } });
  });

  test('says so where the ledger cannot be read; an export of calls is then refused', async () => {
    const without = audited.variant({ ledger: () => null, clock: { nowMs: () => atMs, monotonicMs: () => atMs } });
    const page = (await (await without.request('GET', '/v1/logs/audit?action=*&limit=3', { front: 'admin' })).json()) as Page;
    expect([page.tool_calls, page.events.length]).toEqual(['unavailable', 3]);
    // A ledger that is open and does not answer is no reason to have no events either.
    const failing = audited.variant({
      ledger: () => ({ ...ledger.reader, listCalls: () => Promise.reject(new Fault('unavailable', { reason: 'it is busy' })) }),
      clock: { nowMs: () => atMs, monotonicMs: () => atMs },
    });
    const busy = (await (await failing.request('GET', '/v1/logs/audit?action=*&limit=3', { front: 'admin' })).json()) as Page;
    expect([busy.tool_calls, busy.events.map(textOf)]).toEqual(['unavailable', page.events.map(textOf)]);
    // Calls of what was passed meanwhile do not come later, at a wrong place.
    const back = await audited.request('GET', `/v1/logs/audit?action=*&limit=50&cursor=${busy.cursor ?? ''}`, { front: 'admin' });
    const rest = ((await back.json()) as Page).events.map(textOf);
    const passed = wanted.indexOf('policy.created rule-4 success');
    expect(rest.slice(0, 3)).toEqual(
      wanted
        .slice(0, passed)
        .filter((text) => text.startsWith('policy') || isRefused(text))
        .toReversed()
        .slice(0, 3),
    );
    expect((await without.request('GET', '/v1/audit/export?format=csv&tool_calls=all', { front: 'admin' })).status).toBe(503);
    expect((await without.request('GET', '/v1/audit/export?format=csv', { front: 'admin' })).status).toBe(200);
  });

  test('is exported with its calls where they are asked for', async () => {
    const query = new URLSearchParams({
      format: 'jsonl',
      tool_calls: 'all',
      start_time: iso(begin + 2 * day),
      end_time: iso(begin + 3 * day),
      object: 'search/drop',
    });
    const text = await (await audited.request('GET', `/v1/audit/export?${query.toString()}`, { front: 'admin' })).text();
    const lines = text
      .trim()
      .split('\n')
      .map((line) => textOf(JSON.parse(line) as Page['events'][number]));
    expect(lines).toEqual(newestFirst((one) => one.startsWith('tool.called')));
  });
});

test('a cell keeps a number a number, and makes a text of what a spreadsheet would calculate', () => {
  expect(csvLine([-1, 1.5, null, '', '-1', '+1', '=A1', '@x', '\t=1', ' =1', 'a\nb', '%x', '|x', 'a=b', true])).toBe(
    `-1,1.5,,,'-1,'+1,'=A1,'@x,'\t=1,' =1,"a\nb",'%x,'|x,a=b,true`,
  );
});
