/**
 * A small company at a gateway, for journeys through the dashboard: people and agents with keys of their own, servers that are fast, slow, failing, out of reach, in
 * want of a credential and switched off, and what they did. Every call is made, decided and recorded by the gateway. Only the days before today are made otherwise: the
 * recorded calls again, under other ids at other times, put straight into the ledger, for nobody can wait for a week. `test/load/month-of-calls.ts` makes millions, of
 * no gateway at all.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { ledgerCommand, ledgerCount, ledgerRows } from './ledger-rows.ts';
import { until } from './poll.ts';
import { modernRequest, post, type Answer } from './post.ts';
import { startRecordingUpstream, type RecordedRequest, type RecordingUpstream } from './recording-upstream.ts';
import { after, empty, idText, json, resetBeforeHeaders, result, type Reply } from './replies.ts';
import type { RunningGateway } from './start-gateway.ts';

export interface JourneyTraffic {
  /** Of the gateway that it is for; what a test needs beside it may be added. */
  readonly config: Readonly<Record<string, unknown>> & { readonly servers: readonly { readonly name: string; readonly url: string }[] };
  /** Makes people, keys and calls; resolves when all of them are in the ledger, with what was asked and answered. */
  run(gateway: RunningGateway): Promise<JourneyRun>;
  stop(): Promise<void>;
}

/** Ids of traces. */
export interface JourneyRun {
  readonly keys: Readonly<Record<Caller, Key>>;
  readonly traces: {
    /** An agent's run, some calls of which another server made in its course. */
    readonly whole: string;
    /** One of its calls failed. */
    readonly failed: string;
    /** Its call was refused by a rule. */
    readonly refused: string;
    /** The same work of one person, done twice: five calls, of which the last was a report, and four. All went well. */
    readonly withReport: string;
    readonly withoutReport: string;
  };
}

export interface Key {
  readonly id: string;
  readonly secret: string;
  readonly prefix: string;
}

type Caller = 'ana' | 'ben' | 'ci' | 'planner' | 'runaway';

interface Call {
  readonly server: string;
  readonly tool: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

const clients: Readonly<Record<Caller, string>> = { ana: 'Claude Code', ben: 'Cursor', ci: 'ci-pipeline', planner: 'planner-sdk', runaway: 'nightly-batch' };
const daysBefore = 6;
/** Of the one key that calls more often than it may. */
const runawayLimit = 3;

const tool = (name: string, title: string, annotations: object, properties: object, required: readonly string[] = []): object => ({
  name,
  title,
  description: `${title}.`,
  annotations,
  inputSchema: { type: 'object', properties, required },
});
const text = { type: 'string' };
const reads = { readOnlyHint: true, openWorldHint: false };

const tools = {
  search: [
    tool('query', 'Search the documents', reads, { q: { ...text, description: 'What to look for' }, limit: { type: 'integer', minimum: 1, maximum: 50 } }, [
      'q',
    ]),
    tool('fetch_page', 'Fetch a page of the web', { readOnlyHint: true, openWorldHint: true }, { url: text }, ['url']),
  ],
  github: [
    tool('list_pulls', 'List pull requests', reads, { repo: text }, ['repo']),
    tool('create_issue', 'Create an issue', { destructiveHint: false, idempotentHint: false }, { repo: text, title: text, body: text }, ['repo', 'title']),
    tool('delete_repo', 'Delete a repository', { destructiveHint: true }, { repo: text }, ['repo']),
  ],
  warehouse: [
    tool('run_report', 'Run a report', reads, { report: { type: 'string', enum: ['revenue', 'churn'] } }, ['report']),
    tool('pay_invoice', 'Pay an invoice', { destructiveHint: true, idempotentHint: true }, { invoice: text, amount: { type: 'number' } }, ['invoice']),
  ],
  planner: [tool('plan', 'Plan and do a task', { openWorldHint: true }, { goal: text }, ['goal'])],
} as const;

const pricing = {
  overrides: [
    { server: 'search', per_call: 0.002, per_token_input: 0.000_003, per_token_output: 0.000_015 },
    { server: 'warehouse', per_call: 0.01, per_second: 0.004 },
    { server: 'github', per_call: 0.0005 },
  ],
};

/** `prices`: where they are; those of the file are changed nowhere else. */
export async function startJourneyTraffic({ prices = 'file' }: { readonly prices?: 'file' | 'none' } = {}): Promise<JourneyTraffic> {
  const upstreams: RecordingUpstream[] = [];
  const start = async (reply: Reply): Promise<RecordingUpstream> => {
    const upstream = await startRecordingUpstream(reply);
    upstreams.push(upstream);
    return upstream;
  };
  let nested: Reply = empty(503);
  let pulls = 0;
  const github: Reply = (request, socket) => {
    const { name } = toolOf(request);
    if (name !== 'create_issue') return result('[]')(request, socket);
    pulls += 1;
    const bad = [json({ message: 'Bad gateway' }, { status: 502 }), resetBeforeHeaders, result('Validation failed: title is too long', { isError: true })];
    return (pulls % 2 === 0 ? result('#412') : (bad[(pulls >> 1) % bad.length] ?? empty(500)))(request, socket);
  };
  const hits = { hits: [{ title: 'Revenue of the third quarter', score: 0.92 }], total: 1 };
  const [search, hub, warehouse, mail, crm, planner] = await Promise.all([
    start(listing(tools.search, result('Revenue of the third quarter\nof all teams', { structuredContent: hits, _meta: usage(840, 96) }))),
    start(listing(tools.github, github)),
    start(listing(tools.warehouse, after(180, result('42 rows', { _meta: usage(1_200, 2_400) })))),
    start(empty(401, { 'www-authenticate': 'Bearer realm="mail"' })),
    start(listing([], result('ok'))),
    start(listing(tools.planner, (request, socket) => nested(request, socket))),
  ]);

  const config = {
    workers: 1,
    log: { level: 'warn' },
    record: { bodies: 'masked', masking: { email: true } },
    servers: [
      { name: 'search', url: search.url },
      { name: 'github', url: hub.url, retries: { tries_max: 1 }, breaker: { calls_min: 1_000 } },
      { name: 'warehouse', url: warehouse.url },
      { name: 'mail', url: mail.url },
      { name: 'crm', url: crm.url },
      { name: 'planner', url: planner.url },
      // Where nobody listens. Ports such as 9 fetch refuses by itself.
      { name: 'legacy-erp', url: 'http://127.0.0.1:2/mcp' },
    ],
    transforms: [{ server: 'warehouse', tool: 'run_report', request: [{ restrict: { path: 'report', enum: ['revenue', 'churn'] } }] }],
    ...(prices === 'none' ? {} : { pricing }),
  };

  return {
    config,
    async run(gateway) {
      const begunMs = Date.now();
      const keys = await makePeople(gateway);
      // The key is known only now: the file is read again while the gateway runs, as people do it.
      const limits = [{ scope: 'api_key', key_prefix: keys.runaway.prefix, limit: runawayLimit, window: '1h' }];
      const file = JSON.parse(readFileSync(gateway.configFile, 'utf8')) as object;
      writeFileSync(gateway.configFile, JSON.stringify({ ...file, rate_limits: limits }, null, 2));
      const { refusal } = await api(gateway, 'POST', '/v1/config/reload', {});
      if (refusal !== null) throw new Error(`the configuration is refused: ${JSON.stringify(refusal)}`);
      const caller = (who: Caller): Caller => who;
      let calls = 0;
      const callAs = (who: Caller, { server, tool: name, args = {} }: Call, trace: string, parent = newSpan()): Promise<Answer> => {
        calls += 1;
        return send(gateway, keys[who].secret, modernRequest('tools/call', { name, arguments: args }, calls, name), server, clients[who], trace, parent);
      };
      nested = async (request, socket) => {
        const [, trace = '', span = ''] = (request.header('traceparent')[0] ?? '').split('-');
        const ask = (q: string): Promise<Answer> => callAs('planner', { server: 'search', tool: 'query', args: { q } }, trace, span);
        await Promise.all([
          ask('open invoices'),
          ask('owners of invoices'),
          callAs('planner', { server: 'warehouse', tool: 'run_report', args: { report: 'churn' } }, trace, span),
        ]);
        await callAs('planner', { server: 'github', tool: 'create_issue', args: { repo: 'acme/finance', title: 'Invoices are late' } }, trace, span);
        return result('Done in four steps')(request, socket);
      };

      const whole = newTrace();
      await send(gateway, keys.planner.secret, modernRequest('tools/list'), 'planner', clients.planner, whole, newSpan());
      calls += 1;
      await callAs('planner', { server: 'planner', tool: 'plan', args: { goal: 'Chase the late invoices' } }, whole);
      const failed = newTrace();
      await callAs(
        'ana',
        { server: 'search', tool: 'query', args: { q: 'who owns erp', password: 'hunter2', contact: 'ana@example.com', teams: [{ name: 'finance' }] } },
        failed,
      );
      await callAs('ana', { server: 'legacy-erp', tool: 'post_entry', args: { account: '4711' } }, failed);
      const refused = newTrace();
      await callAs('ci', { server: 'github', tool: 'delete_repo', args: { repo: 'acme/old' } }, refused);
      const weeks = Array.from({ length: 6 }, newTrace);
      for (const [run, trace] of weeks.entries()) {
        const who = caller(run % 2 === 0 ? 'ana' : 'ben');
        await Promise.all(
          ['revenue', 'churn', 'headcount'].map((q) => callAs(who, { server: 'search', tool: 'query', args: { q: `${q} in week ${40 + run}` } }, trace)),
        );
        await callAs(who, { server: 'github', tool: 'create_issue', args: { repo: 'acme/site', title: `Flaky test ${run}` } }, trace);
        if (run % 3 === 0) await callAs(who, { server: 'warehouse', tool: 'run_report', args: { report: run === 3 ? 'salaries' : 'revenue' } }, trace);
      }
      await callAs('ci', { server: 'warehouse', tool: 'pay_invoice', args: { invoice: 'INV-88', amount: 1_200 } }, newTrace());
      await callAs('ben', { server: 'mail', tool: 'send', args: { to: 'team@example.com', subject: 'Weekly' } }, newTrace());
      for (let turn = 0; turn < runawayLimit + 2; turn += 1)
        await callAs('runaway', { server: 'search', tool: 'fetch_page', args: { url: `https://example.com/${turn}` } }, newTrace());
      await api(gateway, 'PUT', '/v1/switches/server/crm', { reason: 'INC-377: moves to another house' });
      await callAs('ben', { server: 'crm', tool: 'find', args: { name: 'Acme' } }, newTrace());

      const counted = `SELECT count() FROM calls WHERE ${since(begunMs)}`;
      await until(async () => (await ledgerCount(gateway.stateFolder, counted)) >= calls, { what: 'the calls in the ledger', timeoutMs: 60_000, everyMs: 100 });
      const waiting = "SELECT 1 FROM calls WHERE bodies = 'sent' AND span_id NOT IN (SELECT span_id FROM payloads) LIMIT 1";
      await until(async () => (await ledgerRows(gateway.stateFolder, waiting)).length === 0, {
        what: 'the bodies of the calls',
        timeoutMs: 60_000,
        everyMs: 100,
      });
      await repeatOverDays(gateway.stateFolder, begunMs);
      const [withReport = '', , withoutReport = ''] = weeks;
      const traces = { whole, failed, refused, withReport, withoutReport };
      return { keys, traces: Object.fromEntries(Object.entries(traces).map(([name, hex]) => [name, `tr_${hex}`])) as Record<keyof typeof traces, string> };
    },
    async stop() {
      await Promise.all(upstreams.map((upstream) => upstream.stop()));
    },
  };
}

/** Lists its tools; the calls are for `onCall`. */
function listing(list: readonly object[], onCall: Reply): Reply {
  const answers: Readonly<Record<string, object>> = {
    'server/discover': {
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      serverInfo: { name: 'acme', version: '3' },
      ttlMs: 0,
      cacheScope: 'private',
    },
    'tools/list': { tools: list, ttlMs: 0, cacheScope: 'private' },
  };
  return (request, socket) => {
    const { method = '' } = JSON.parse(request.body.toString('utf8')) as { method?: string };
    const answer = answers[method];
    if (answer === undefined) return onCall(request, socket);
    return json(`{"jsonrpc":"2.0","id":${idText(request.body)},"result":${JSON.stringify({ resultType: 'complete', ...answer })}}`)(request, socket);
  };
}

const usage = (input: number, output: number): object => ({ usage: { input_tokens: input, output_tokens: output } });

function toolOf(request: RecordedRequest): { readonly name: string } {
  const { params } = JSON.parse(request.body.toString('utf8')) as { params?: { name?: string } };
  return { name: params?.name ?? '' };
}

/** Two teams, three people, agents, a service account, rules, and a key for each who calls. */
async function makePeople(gateway: RunningGateway): Promise<Record<Caller, Key>> {
  const make = (path: string, body: object): Promise<Readonly<Record<string, unknown>>> => api(gateway, 'POST', path, body);
  await make('/v1/departments', { id: 'eng', name: 'Engineering' });
  await make('/v1/teams', { id: 'payments', name: 'Payments', department_id: 'eng' });
  await make('/v1/teams', { id: 'growth', name: 'Growth', department_id: 'eng' });
  const rule = (name: string, body: object): Promise<unknown> => api(gateway, 'PUT', `/v1/policies/${name}`, body, '"0"');
  await Promise.all([
    make('/v1/users', { id: 'usr_ana', name: 'Ana Ardent', email: 'ana@example.com', team_ids: ['payments'] }),
    make('/v1/users', { id: 'usr_ben', name: 'Ben Okafor', email: 'ben@example.com', team_ids: ['growth'] }),
    make('/v1/users', { id: 'usr_cara', name: 'Cara Lindqvist-Montgomery of Northumberland', email: 'cara.lindqvist-montgomery@subsidiary.example.com' }),
    make('/v1/service-accounts', { id: 'ci', name: 'Continuous integration', team_id: 'growth' }),
    make('/v1/agents', {
      id: 'planner',
      name: 'Invoice planner',
      purpose: 'Chases late invoices.',
      environment: 'prod',
      owner: 'team:payments',
      team_id: 'payments',
    }),
    make('/v1/roles', { id: 'cost-reader', name: 'Cost reader', description: 'To see what calls cost.', permissions: ['costs.*'] }),
    rule('no-deletes', { effect: 'deny', to: ['everyone'], tools: ['delete_*'], reason: 'Deletes go by the form.' }),
    rule('payments-are-approved', { effect: 'hold', to: ['everyone'], tools: ['pay_*'], reason: 'Somebody looks at payments first.' }),
  ]);
  const key = async (name: string, metadata: object): Promise<Key> => (await make('/v1/auth/keys', { name, metadata }))['key'] as Key;
  const [ana, ben, ci, planner, runaway] = await Promise.all([
    key('laptop of Ana', { user_id: 'usr_ana', team_id: 'payments' }),
    key('laptop of Ben', { user_id: 'usr_ben', team_id: 'growth' }),
    key('pipeline', { service_account_id: 'ci', agent: 'release-bot' }),
    key('planner', { team_id: 'payments', agent: 'planner' }),
    key('nightly batch', { team_id: 'growth', agent: 'nightly' }),
  ]);
  return { ana, ben, ci, planner, runaway };
}

async function api(gateway: RunningGateway, method: string, path: string, body: unknown, match?: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await post(`${gateway.url}${path}`, body, { method, key: gateway.apiKey, headers: match === undefined ? {} : { 'if-match': match } });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>;
}

/** As the program of that name calls, in a trace of its own making. What comes of it is the gateway's to say: refusals and failures are wanted too. */
function send(
  gateway: RunningGateway,
  key: string,
  { body, headers }: ReturnType<typeof modernRequest>,
  server: string,
  client: string,
  trace: string,
  parent: string,
): Promise<Answer> {
  const version = '1.4.0';
  const asked = structuredClone(body) as { params: { _meta: Record<string, unknown> } };
  asked.params._meta['io.modelcontextprotocol/clientInfo'] = { name: client, version };
  const agent = `${client.replaceAll(' ', '-')}/${version}`;
  return post(`${gateway.mcp}/${server}`, asked, { key, headers: { ...headers, 'user-agent': agent, traceparent: `00-${trace}-${parent}-01` } });
}

const newTrace = (): string => randomBytes(16).toString('hex');
const newSpan = (): string => randomBytes(8).toString('hex');

const since = (ms: number): string => `started_at >= fromUnixTimestamp64Milli(toInt64(${ms}))`;

/** What was recorded, again: some of the traces on each of the days before and in the hours before now, not always the same ones and not at the same time. */
function repeatOverDays(stateFolder: string, sinceMs: number): Promise<void> {
  return ledgerCommand(
    stateFolder,
    // Each turn six hours earlier, its traces spread over these hours. Of the two days of a week on which nobody works there is little.
    `INSERT INTO calls SELECT * EXCEPT (turn) REPLACE (
       lower(hex(MD5(concat(trace_id, toString(turn))))) AS trace_id,
       substring(lower(hex(MD5(concat(span_id, toString(turn))))), 1, 16) AS span_id,
       if(parent_span_id = '', '', substring(lower(hex(MD5(concat(parent_span_id, toString(turn))))), 1, 16)) AS parent_span_id,
       concat('req_', lower(hex(sipHash64(span_id, turn)))) AS request_id,
       started_at - toIntervalSecond((turn - 1) * 21600 + 300 + sipHash64(trace_id, turn) % 20000) AS started_at,
       '' AS chain, 0 AS chain_seq, '' AS bodies)
     FROM (SELECT *, arrayJoin(range(1, ${daysBefore * 4 + 1})) AS turn FROM calls WHERE ${since(sinceMs)})
     WHERE sipHash64(trace_id, turn, 1) % 10 < if(intDiv(turn, 4) % 7 >= 4, 2, 5 + turn % 4)`,
  );
}
