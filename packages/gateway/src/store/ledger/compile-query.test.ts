import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startLedger, type TestCall, type TestLedger } from '../../../../../test/support/ledger.ts';
import { queries, timesUs } from '../../../../../test/support/queries.ts';
import { textColumns, type WordColumn } from '../../query/fields.ts';
import { matchesQuery, type QueriedCall } from '../../query/match-query.ts';
import { parseQuery } from '../../query/parse-query.ts';
import { printQuery } from '../../query/print-query.ts';
import type { Query } from '../../query/query.ts';
import { compileQuery } from './compile-query.ts';

let ledger: TestLedger;
let calls: readonly QueriedCall[];

/** Texts that SQL, patterns, parameters or letters beyond ASCII could get wrong, and parts of them. */
const texts = ['', 'a', 'A', 'ab', 'aB%', 'a_b', 'a\\b', "it's", 'Ü ü', 'q"r', '*', 'a*b', 'tr_', 'tab\tline', '{q0:String}', '日本', 'İi', '-1', '[x]'];
const words = fc.constantFrom(...texts);

const wordColumns: readonly WordColumn[] = [
  ...(['server', 'tool', 'method', 'user_id', 'team_id', 'project_id', 'key_id', 'key_prefix', 'client_name', 'agent', 'environment'] as const),
  ...(['era', 'protocol_version', 'surface', 'policy', 'target', 'node', 'peer', 'request_id', 'session_id'] as const),
];

const traceHexFor = (id: string): string => /^tr_([0-9a-f]{32})$/.exec(id)?.[1] ?? createHash('sha256').update(id).digest('hex').slice(0, 32);

const generatedCall: fc.Arbitrary<QueriedCall> = fc
  .record({
    words: fc.array(words, { minLength: wordColumns.length, maxLength: wordColumns.length }),
    client: words,
    trace: fc.integer({ min: 0, max: 3 }),
    status: fc.constantFrom('success', 'error', 'timeout', 'blocked', 'waiting', 'cancelled', 'unknown'),
    stop: fc.constantFrom('auth', 'access', 'limit', 'guard', 'server', 'reply'),
    cache: fc.constantFrom('', 'hit', 'miss', 'shared'),
    fault: fc.constantFrom('', 'mcp_timeout', 'forbidden'),
    http: fc.constantFrom(0, 200, 404, 500, 502),
    rpc: fc.constantFrom(0, -32602, 500),
    rules: fc.array(
      words.filter((text) => text !== ''),
      { maxLength: 2 },
    ),
    startedAt: timesUs,
    amounts: fc.record({
      duration_us: fc.oneof(fc.bigInt(0n, 4n), fc.constantFrom(1_000n, 1_500_000n, 2_000_000n, 1n << 52n)),
      cost: fc.oneof(fc.bigInt(0n, 4n), fc.constantFrom(500_000_000n, 999_999_999_999_999_999n)),
      retries: fc.bigInt(0n, 3n),
      request_bytes: fc.bigInt(0n, 5n),
      reply_bytes: fc.oneof(fc.bigInt(0n, 5n), fc.constant(1n << 50n)),
    }),
  })
  .map(({ words: given, client, trace, status, stop, cache, fault, http, rpc, rules, startedAt, amounts }) => ({
    ...(Object.fromEntries(wordColumns.map((column, index) => [column, given[index] ?? ''])) as Record<WordColumn, string>),
    status,
    stop,
    cache,
    client_trace_id: client,
    // As the rail maps it: a caller's own id decides its trace.
    trace_id: client === '' ? trace.toString(16).repeat(32) : traceHexFor(client),
    fault_code: fault,
    transforms: rules.join('\n'),
    http_status: http,
    rpc_error_code: rpc,
    measures: { started_at: startedAt, ...amounts },
  }));

beforeAll(async () => {
  ledger = await startLedger();
  calls = fc.sample(generatedCall, { numRuns: 400, seed: 7 });
  // Of every third call a part of the cost is that of tokens that were counted after it; of some of them all, of some nothing.
  const parts = [0n, 1n, 2n, 3n, 4n];
  const rows = calls.map(({ measures, ...columns }, index) => {
    const costNano = index % 3 === 0 ? (measures.cost * (parts[index % parts.length] ?? 0n)) / 4n : 0n;
    const call: TestCall = { ...columns, ...measures, cost: measures.cost - costNano, org_id: 'org', span_id: index.toString(16).padStart(16, '0') };
    return { call, input: 1, output: 1, costNano, isCounted: index % 3 === 0 };
  });
  await ledger.insert(rows.map(({ call }) => call));
  await ledger.insertCountedTokens(
    rows.flatMap(({ call, isCounted, ...tokens }) => {
      const { org_id = '', trace_id = '', span_id = '', started_at = 0, cost = 0 } = call;
      return isCounted ? [{ call: { org_id, trace_id, span_id, started_at, cost }, ...tokens }] : [];
    }),
  );
});
afterAll(() => ledger.end());

const everywhere = { where: '1', bodies: false };

const row = z.object({ span: z.string() });
async function foundBySql(query: Query): Promise<number[]> {
  const { condition, parameters } = compileQuery(query, traceHexFor, everywhere);
  const rows = await ledger.store.query(`SELECT toString(span_id) AS span FROM calls WHERE ${condition ?? '1'} ORDER BY span`, parameters, row);
  return rows.map(({ span }) => Number.parseInt(span, 16));
}
const foundInMemory = (query: Query): number[] => calls.flatMap((call, index) => (matchesQuery(query, call) ? [index] : []));

describe('a query', () => {
  test('finds the same calls in the ledger as in memory', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(queries(words, 3), async (query) => {
        const expected = foundInMemory(query);
        if (expected.length > 0 && expected.length < calls.length) found += 1;
        expect([printQuery(query), await foundBySql(query)]).toEqual([printQuery(query), expected]);
      }),
      { numRuns: 120 },
    );
    // Queries that all find nothing, or everything, would prove nothing.
    expect(found).toBeGreaterThan(30);
  }, 180_000);

  test.each([
    'server:a',
    'tool:a*',
    'tool:*\\**',
    'text:"Ü ü"',
    'İ',
    'trace:tr_0*',
    'trace:tr_00000000000000000000000000000000',
    'tr_0000',
    'trace:ab',
    'cost:>=0.5',
    'cost:<0.000000003',
    'cost:0.000000002',
    '-has:cost',
    'code:(404 OR -32602 OR mcp_*)',
    '-has:transform',
    'transform:a_b',
    '-has:policy',
    'policy:a*',
    'time:<2026-11-01T00:00:00.000002Z',
  ])('%s finds some calls and not others, the same in both', async (text) => {
    const query = parseQuery(text);
    const expected = foundInMemory(query);
    expect(await foundBySql(query)).toEqual(expected);
    if (text !== 'İ') expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThan(calls.length);
  });

  test('looks for text in every column that it says', async () => {
    for (const column of textColumns) {
      await ledger.insert([{ org_id: 'org_text', span_id: '0', trace_id: '0', started_at: 1_800_000_000_000_000n, [column]: `before NeeDle ${column} after` }]);
      const { condition, parameters } = compileQuery(parseQuery(`"needle ${column}"`), traceHexFor, everywhere);
      expect(await ledger.store.query(`SELECT toString(org_id) AS span FROM calls WHERE ${condition}`, parameters, row)).toEqual([{ span: 'org_text' }]);
    }
  });
});

describe('text in bodies', () => {
  const at = BigInt(Math.floor(Date.now() / 3_600_000) * 3_600_000 - 86_400_000) * 1000n;
  const call = (number: number, org = 'org_bodies'): TestCall => ({ org_id: org, trace_id: String(number), span_id: String(number), started_at: at });
  const ofOrganization = 'org_id = {org:String} AND started_at >= fromUnixTimestamp64Micro({from:Int64})';
  const sent: readonly (readonly [request: string, response: string])[] = [
    ['{"q":"Acme Road 5"}', '{"text":"nothing was found"}'],
    ['{"q":"say \\"hello\\" there"}', '{"text":"he said C:\\\\temp"}'],
    ['{"q":"Stra\\u00dfe 7"}', '{"text":"Straße 7 is acme"}'],
    ['{"q":"100% of_it"}', '{"text":"{\\"inner\\":\\"deep value\\"}"}'],
  ];

  beforeAll(async () => {
    await ledger.insert(sent.map((_, index) => call(index)));
    for (const [index, [request, response]] of sent.entries()) {
      await ledger.insertBodies([
        { call: call(index), kind: 'request', text: request },
        { call: call(index), kind: 'response', text: response },
      ]);
    }
    // Of somebody else, at the same place.
    await ledger.insertBodies([{ call: call(1, 'org_stranger'), kind: 'request', text: 'Acme Road 5' }]);
  });

  const sqlOf = (text: string): { sql: string; parameters: Record<string, string> } => {
    const { condition, parameters } = compileQuery(parseQuery(text), traceHexFor, { where: ofOrganization, bodies: true });
    return {
      sql: `SELECT toString(span_id) AS span FROM calls WHERE org_id = {org:String} AND started_at >= fromUnixTimestamp64Micro({from:Int64}) AND ${condition} ORDER BY span`,
      parameters: { ...parameters, org: 'org_bodies', from: String(at) },
    };
  };

  test.each([
    ['acme', [0, 2]],
    ['"acme road"', [0]],
    ['request_text:acme', [0]],
    ['response_text:acme', [2]],
    ['-request_text:acme', [1, 2, 3]],
    ['-acme', [1, 3]],
    ['acme -response_text:"straße 7"', [0]],
    // As JSON writes quotes, backslashes and, in some libraries, other letters.
    ['request_text:"say \\"hello\\""', [1]],
    ['"C:\\\\temp"', [1]],
    ['request_text:Straße', [2]],
    ['"100% of_it"', [3]],
    ['"100%_of"', []],
    ['"\\"inner\\":\\"deep"', [3]],
    ['request_text:say*there', [1]],
    ['response_text:(found OR temp)', [0, 1]],
    // Too short to be looked for in bodies: only the record is.
    ['ac', []],
  ])('%s finds what was sent and answered', async (text, expected) => {
    const { sql, parameters } = sqlOf(text);
    const rows = await ledger.store.query(sql, parameters, row);
    expect(rows.map(({ span }) => Number.parseInt(span, 16))).toEqual(expected);
  });

  test('is found by its index: parts without it are not read', async () => {
    const { sql, parameters } = sqlOf('"acme road"');
    const inner = /SELECT trace_id, span_id FROM payloads WHERE .*?\)\)(?=\))/s.exec(sql)?.[0].replace(/\)$/, '') ?? '';
    expect(inner).toContain('lower(text) LIKE');
    const plan = await ledger.store.query(`EXPLAIN indexes = 1 ${inner}`, parameters, z.object({ explain: z.string() }));
    const lines = plan.map(({ explain }) => explain.trim());
    const index = lines.indexOf('Name: text_index');
    expect(index).toBeGreaterThan(0);
    const granules = lines.slice(index).find((line) => line.startsWith('Granules:'));
    // Of four parts with a granule each, the one with the text; merged or not, not all are read.
    expect(granules).toMatch(/^Granules: 1\/\d$/);
  });

  test('is not looked for where nobody says that it may be', async () => {
    const { condition } = compileQuery(parseQuery('acme -request_text:acme'), traceHexFor, everywhere);
    expect(condition).not.toContain('payloads');
    expect(condition).toContain('NOT (0)');
  });
});
