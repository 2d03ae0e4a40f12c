import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBackup } from '../../packages/gateway/src/backup/open-backup.ts';
import { findSecrets, type Place } from '../support/canary-scan.ts';
import { pidsOf } from '../support/gateway-processes.ts';
import { ledgerRows } from '../support/ledger-rows.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { modernRequest, post, toolCall, type Answer } from '../support/post.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { json, result, stream, type Reply } from '../support/replies.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';

/** K1 to K7 with a whole gateway: secrets go through it in every way, and then all it left is searched. */
let upstream: RecordingUpstream;
let gateway: RunningGateway;
let key = '';
const folder = mkdtempSync(join(tmpdir(), 'gwo-masking-'));

const digits = (count: number): string => Array.from({ length: count }, () => String(randomInt(10))).join('');

/** A Visa number with its check digit. */
function newCard(): string {
  const bare = `4${digits(14)}`;
  const sum = Array.from(bare).reduce(
    (total, digit, index) => total + (index % 2 === 0 ? (Number(digit) > 4 ? Number(digit) * 2 - 9 : Number(digit) * 2) : Number(digit)),
    0,
  );
  return bare + String((10 - (sum % 10)) % 10);
}

const newToken = (): string => `ghp_${randomBytes(18).toString('hex')}`;
const secrets: Record<string, string> = {};
/** A new secret of this kind, remembered under its label. */
function secret(label: string, kind: 'card' | 'token' | 'ssn' | 'password' = 'token'): string {
  const made =
    kind === 'card'
      ? newCard()
      : kind === 'token'
        ? newToken()
        : kind === 'ssn'
          ? `${randomInt(100, 600)}-${randomInt(10, 99)}-${randomInt(1000, 9999)}`
          : `pw-${randomBytes(9).toString('hex')}`;
  secrets[label] = made;
  return made;
}

const inStream = secret('split over the events of a stream');
const inBlocks = secret('split over content blocks');
const inError = secret('in an error of the server');
const inProse = secret('in the prose of a refusal');
const ofServer = secret('of the server, in structured content', 'password');

/** Answers by the name of the tool; what it is sent comes back in the result. */
const server: Reply = (request, socket) => {
  const { id, params } = JSON.parse(request.body.toString('utf8')) as { id: number; params: { name?: string; uri?: string; arguments?: unknown } };
  const respond = (members: object): Reply => json({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...members } });
  switch (params.name) {
    case 'streams': {
      const parts = inStream.match(/.{1,7}/g) ?? [];
      const events = parts.map((part) => `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${part}"}}\n\n`);
      return stream([...events, `data: {"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","content":[{"type":"text","text":"streamed"}]}}\n\n`])(
        request,
        socket,
      );
    }
    case 'blocks':
      return respond({
        content: [inBlocks.slice(0, 15), inBlocks.slice(15)].map((text) => ({ type: 'text', text })),
        structuredContent: { password: ofServer, seen: `it is ${ofServer}` },
      })(request, socket);
    case 'fails':
      return json({ jsonrpc: '2.0', id, error: { code: -32_000, message: `no access with ${inError}` } })(request, socket);
    case 'refuses':
      return json(`go away, ${inProse}`, { status: 500, headers: { 'content-type': 'text/plain' } })(request, socket);
    case 'large':
      return result('x'.repeat(200_000))(request, socket);
    default:
      return respond({ content: [{ type: 'text', text: JSON.stringify(params.arguments ?? params.uri ?? {}) }] })(request, socket);
  }
};

const answers: Answer[] = [];
async function call(
  tool: string,
  args: Record<string, unknown> = {},
  more: { server?: string; headers?: Record<string, string>; trace?: string } = {},
): Promise<Answer> {
  const { body, headers } = toolCall(tool, args);
  const answer = await post(`${gateway.mcp}/${more.server ?? 'recorded'}`, body, {
    key,
    headers: { ...headers, ...more.headers, ...(more.trace === undefined ? {} : { 'x-trace-id': more.trace }) },
  });
  answers.push(answer);
  return answer;
}

interface Span {
  readonly id: string;
  readonly tool: string | null;
  readonly request: { readonly size_bytes: number; readonly body: BodyState | null };
  readonly response: { readonly body: BodyState | null };
}
interface BodyState {
  readonly state: string;
  readonly reason: string | null;
  readonly kept_bytes: number;
  readonly truncated: boolean;
  readonly masked: number;
}

/** The only span of the trace of that name, once its bodies are where they end. */
function spanOf(trace: string): Promise<Span> {
  return until(
    async () => {
      const answer = await post(`${gateway.url}/v1/traces/${trace}`, undefined, { key });
      const [span] = answer.status === 200 ? (JSON.parse(answer.text) as { trace: { spans: Span[] } }).trace.spans : [];
      return span !== undefined && span.response.body?.state !== 'pending' && span.request.body?.state !== 'pending' ? span : null;
    },
    { timeoutMs: 60_000, everyMs: 100, what: `the bodies of ${trace}` },
  );
}

beforeAll(async () => {
  upstream = await startRecordingUpstream(modernServer(server));
  gateway = await startGateway({
    config: {
      workers: 2,
      log: { level: 'debug' },
      servers: [
        { name: 'recorded', url: upstream.url },
        { name: 'quiet', url: upstream.url },
        { name: 'open', url: upstream.url },
      ],
      routes: [{ server: 'open', auth: { type: 'none' } }],
      record: {
        overrides: [
          { server: 'quiet', bodies: 'off' },
          { server: 'quiet', tool: 'loud', bodies: 'masked' },
        ],
        masking: { paths: ['arguments.patient'], patterns: [{ name: 'ticket', pattern: 'TICKET-[0-9]{12}' }] },
      },
    },
  });
  key = gateway.apiKey ?? '';
}, 120_000);

afterAll(async () => {
  await gateway?.kill9();
  await upstream?.stop();
  removeGatewayFolders();
  rmSync(folder, { recursive: true, force: true });
});

describe('bodies', () => {
  test('of a call stand at addresses of their own, masked, in parts too, with what was masked in them', async () => {
    const card = secret('a card', 'card');
    await call('echo', { card, note: 'plain' }, { trace: 'bodies-1' });
    const span = await spanOf('bodies-1');
    expect(span.request.body).toMatchObject({ state: 'kept', reason: null, truncated: false, masked: 1 });
    const at = `${gateway.url}/v1/traces/bodies-1/spans/${span.id}`;
    const request = await post(`${at}/request`, undefined, { key });
    expect(request.status).toBe(200);
    expect(request.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'accept-ranges': 'bytes',
      'x-redactions': '1',
      'x-body-truncated': 'false',
      'x-body-size': String(span.request.size_bytes),
    });
    const kept = JSON.parse(request.text) as { params: { arguments: unknown } };
    expect(kept.params.arguments).toEqual({ card: `[masked:card ****${card.slice(-4)}]`, note: 'plain' });
    const response = await post(`${at}/response`, undefined, { key });
    expect(response.text).toContain(`{\\"card\\":\\"[masked:card ****${card.slice(-4)}]\\"`);
    const part = await post(`${at}/response`, undefined, { key, headers: { range: 'bytes=2-8' } });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, response.text.slice(2, 9), `bytes 2-8/${response.text.length}`]);
    expect((await post(`${at}/response`, undefined, { key, headers: { range: `bytes=${response.text.length}-` } })).status).toBe(416);
    const redactions = JSON.parse((await post(`${at}/request/redactions`, undefined, { key })).text) as { headers: string[]; masked: unknown[] };
    expect(redactions.masked).toEqual([{ rule: 'card', kind: 'card', path: '/params/arguments/card', offset: 0, count: 1 }]);
    expect(redactions.headers).toContain('mcp-method: tools/call');
    expect(redactions.headers.join()).not.toMatch(/authorization|bearer/i);
  });

  test('are read with a permission of their own, and what is not there looks like what is not theirs', async () => {
    const span = await spanOf('bodies-1');
    const made = await post(`${gateway.url}/v1/auth/keys`, { name: 'reader', scopes: { actions: ['traces.read'] } }, { key });
    const reader = (JSON.parse(made.text) as { key: { secret: string } }).key.secret;
    const at = `${gateway.url}/v1/traces/bodies-1/spans`;
    expect((await post(`${at}/${span.id}/request`, undefined, { key: reader })).status).toBe(403);
    expect((await post(`${at}/${span.id}/request`)).status).toBe(401);
    for (const path of [`${at}/sp_0000000000000000/request`, `${gateway.url}/v1/traces/other/spans/${span.id}/request`]) {
      const answer = await post(path, undefined, { key });
      expect([answer.status, (JSON.parse(answer.text) as { error: string }).error]).toEqual([404, 'unknown_object']);
    }
  });

  test('are kept where the configuration says so, and not of callers without a key', async () => {
    await call('echo', { quiet: 'quiet-canary' }, { server: 'quiet', trace: 'bodies-quiet' });
    await call('loud', {}, { server: 'quiet', trace: 'bodies-loud' });
    const { body, headers } = toolCall('echo', { open: true });
    await post(`${gateway.mcp}/open`, body, { headers: { ...headers, 'x-trace-id': 'bodies-open' } });
    expect((await spanOf('bodies-quiet')).request.body).toBeNull();
    expect((await spanOf('bodies-loud')).request.body?.state).toBe('kept');
    expect((await spanOf('bodies-open')).request.body).toBeNull();
  });

  test('that are longer than what is kept are cut, and it is said', async () => {
    await call('large', {}, { trace: 'bodies-large' });
    const span = await spanOf('bodies-large');
    expect(span.response.body).toMatchObject({ state: 'kept', truncated: true, kept_bytes: 65_536 });
  });

  test('are shown by `gateway traces get --bodies`', async () => {
    const { stdout, code } = await gateway.cli('traces', 'get', 'bodies-1', '--bodies');
    expect(code).toBe(0);
    expect(stdout).toMatch(/request: \{"jsonrpc".*\[masked:card/);
    expect(stdout).toMatch(/response: \{"jsonrpc"/);
  });
});

describe('what would be masked', () => {
  const ask = async (
    body: unknown,
    holder: string | null = key,
  ): Promise<{ status: number; json: { error?: string; test?: { text: string; masked: { rule: string; path: string }[] } } }> => {
    const answer = await post(`${gateway.url}/v1/masking/test`, body, { key: holder });
    return { status: answer.status, json: JSON.parse(answer.text) as never };
  };

  test('is told by the rules that serve, by command as by request, and is what a call would keep', async () => {
    const card = secret('a card that is tried', 'card');
    const tried = JSON.stringify({ params: { arguments: { card, patient: 'Ada Lovelace', ticket: 'see TICKET-123456789012', mail: 'ada@example.com' } } });
    const file = join(folder, 'tried.json');
    writeFileSync(file, tried);
    const shown = await gateway.cli('masking', 'test', file, '-o', 'json');
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    const { test: told } = JSON.parse(shown.stdout) as { test: { text: string; masked: { rule: string; path: string }[] } };
    expect(JSON.parse(told.text)).toEqual({
      params: { arguments: { card: `[masked:card ****${card.slice(-4)}]`, patient: '[masked:path]', ticket: 'see [masked:ticket]', mail: 'ada@example.com' } },
    });
    expect(told.masked.map(({ rule, path }) => [rule, path])).toEqual(
      expect.arrayContaining([
        ['card', '/params/arguments/card'],
        ['path', '/params/arguments/patient'],
        ['ticket', '/params/arguments/ticket'],
      ]),
    );
    expect((await ask({ text: tried })).json.test).toEqual(told);
    expect((await ask({ text: tried, form: 'text' })).json.test?.text).not.toContain(card);
    const text = await gateway.cli('masking', 'test', file);
    expect(text.stdout).toMatch(/MASKED +COUNT +PLACE/);
    expect(text.stderr).toContain('3 findings; nothing was stored.');
    expect(text.stdout).not.toContain(card);
  });

  test('is told by other rules where they are named, beside what is always masked', async () => {
    const card = secret('a card by other rules', 'card');
    const file = join(folder, 'other.txt');
    writeFileSync(file, `card ${card}, ada@example.com, TICKET-123456789012, EMP-7`);
    const { stdout } = await gateway.cli('masking', 'test', file, '--email', '--pattern', 'employee=EMP-[0-9]+', '-o', 'json');
    expect((JSON.parse(stdout) as { test: { text: string } }).test.text).toBe(
      `card [masked:card ****${card.slice(-4)}], [masked:email], TICKET-123456789012, [masked:employee]`,
    );
  });

  test('is not told to who may not ask, nor by rules that cannot serve', async () => {
    const made = await post(`${gateway.url}/v1/auth/keys`, { name: 'tester', scopes: { actions: ['bodies.read'] } }, { key });
    expect(await ask({ text: 'x' }, (JSON.parse(made.text) as { key: { secret: string } }).key.secret)).toMatchObject({
      status: 403,
      json: { error: 'forbidden' },
    });
    expect((await ask({ text: 'x' }, null)).status).toBe(401);
    for (const body of [
      { text: 'x', rules: { patterns: [{ name: 'a', pattern: '(?=x)' }] } },
      { text: 'x', rules: { paths: ['a..b'] } },
      { text: 'x', form: 'xml' },
      { text: 'x'.repeat(600_000) },
      { text: 'x', rule: {} },
      {},
    ])
      expect(await ask(body)).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    const { code, stderr } = await gateway.cli('masking', 'test', '--pattern', 'no-equals-sign', 'x');
    expect([code, stderr]).toEqual([2, expect.stringContaining('NAME=PATTERN')]);
    expect((await gateway.cli('masking', 'test', join(folder, 'nowhere'))).code).toBe(2);
  });
});

describe('K7: no byte of what the gateway leaves holds a secret that went through it', () => {
  test('K7: requests, replies, headers, errors, streams, façade, batches, sessions; journal, bodies, stores, logs, answers, exports, backups', async () => {
    const args = {
      plain: secret('in an argument'),
      number: Number(secret('as a number', 'card')),
      nested: JSON.stringify({ inner: JSON.stringify({ password: secret('in JSON in JSON', 'password') }) }),
      base64: Buffer.from(`see ${secret('in base64')}`).toString('base64'),
      hex: Buffer.from(secret('in hex')).toString('hex'),
      url: encodeURIComponent(`a b ${secret('URL-encoded')}`),
      wide: Array.from(secret('full-width'), (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)).join(''),
      split: Array.from(secret('zero-width split')).join('\u200b'),
      ssn: secret('an SSN', 'ssn'),
      list: [secret('split over items').slice(0, 20), secrets['split over items']?.slice(20)],
      [secret('as a name')]: 1,
      patient: `Ann-${secret('at a path', 'password')}`,
      note: `TICKET-${(secrets['by a pattern'] = digits(12))}`,
      sentence: `password=${secret('assigned', 'password')}`,
      gatewayKey: key,
    };
    await call('echo', args, { trace: 'canary-1' });
    for (const tool of ['streams', 'blocks', 'fails', 'refuses']) await call(tool, {}, { trace: `canary-${tool}` });
    await call(
      'echo',
      {},
      {
        headers: {
          'mcp-param-account': secret('in a header that is recorded', 'card'),
          'x-other': secret('in a header that is not'),
          cookie: `a=${secret('in a cookie')}`,
        },
      },
    );
    const uri = `https://user:${secret('in the password of a URI', 'password')}@files.example/doc?access_token=${secret('in the query of a URI')}`;
    const read = modernRequest('resources/read', { uri }, 1, uri);
    await post(`${gateway.mcp}/recorded`, read.body, { key, headers: read.headers });
    await post(
      `${gateway.url}/v1/mcp/recorded/tools/call`,
      { tool: 'echo', arguments: { token: secret('through the façade', 'password') } },
      { key, headers: { 'x-trace-id': 'canary-facade' } },
    );
    await post(`${gateway.url}/v1/mcp/recorded/tools/call`, { tool: 'fails' }, { key });
    const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { in: secret(`in a batch, ${id}`) } } }));
    await post(`${gateway.mcp}/recorded`, batch, { key, headers: { 'mcp-protocol-version': '2025-03-26', 'x-trace-id': 'canary-batch' } });
    const legacy = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    };
    const session = String((await post(`${gateway.mcp}/recorded`, legacy, { key })).headers['mcp-session-id'] ?? '');
    await post(
      `${gateway.mcp}/recorded`,
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: { in: secret('in a session') } } },
      { key, headers: { ...(session === '' ? {} : { 'mcp-session-id': session }), 'mcp-protocol-version': '2025-11-25' } },
    );
    const aggregate = toolCall('recorded_echo', { in: secret('through all servers at once') });
    await post(gateway.mcp, aggregate.body, { key, headers: aggregate.headers });

    // Real secrets went through, and the server had them.
    const heard = findSecrets([{ name: 'the server', content: upstream.allBytes() }], {
      plain: secrets['in an argument'] ?? '',
      batch: secrets['in a batch, 2'] ?? '',
      session: secrets['in a session'] ?? '',
    });
    expect(new Set(heard.map(({ secret: label }) => label))).toEqual(new Set(['plain', 'batch', 'session']));

    for (const trace of ['canary-1', 'canary-streams', 'canary-blocks', 'canary-fails', 'canary-facade'])
      expect((await spanOf(trace)).response.body).toMatchObject({ state: 'kept' });
    await until(
      async () =>
        (await ledgerRows(gateway.stateFolder, "SELECT 1 FROM payloads WHERE tool = 'echo' AND kind = 'response' AND text LIKE '%masked:github-pat%'"))
          .length >= 4,
      { timeoutMs: 30_000, what: 'the bodies of all calls' },
    );

    const dumped = await gateway.cli('traces', 'get', 'canary-1', '--bodies', '-o', 'json');
    const exported = join(folder, 'exported');
    mkdirSync(exported);
    for (const [name, ...command] of [
      ['calls.csv', 'logs', 'export'],
      ['calls.jsonl', 'logs', 'export', '--format', 'jsonl'],
      ['audit.proof', 'audit', 'export', '--calls', 'rows'],
      ['audit.ocsf', 'audit', 'export', '--format', 'ocsf'],
      ['gateway.yaml', 'export'],
    ] as const)
      expect([name, await gateway.cli(...command, join(exported, name))]).toMatchObject([name, { code: 0 }]);
    // A backup is packed: its parts are searched as they were before.
    const packed = join(folder, 'all.zip');
    expect(await gateway.cli('backup', packed, '--ledger', 'all')).toMatchObject({ code: 0 });
    const backup = await openBackup(packed);
    for (const part of backup.manifest.parts) writeFileSync(join(exported, part.name.replaceAll('/', '-')), await backup.read(part));
    backup.close();
    const places = async (): Promise<Place[]> => [
      { path: gateway.stateFolder },
      { name: 'stderr', content: gateway.stderr() },
      { name: 'payloads', content: JSON.stringify(await ledgerRows(gateway.stateFolder, 'SELECT * FROM payloads')) },
      { name: 'calls', content: JSON.stringify(await ledgerRows(gateway.stateFolder, 'SELECT * FROM calls')) },
      { name: 'traces get', content: dumped.stdout },
      { path: exported },
    ];
    const rows = (await places()).find((place) => 'name' in place && place.name === 'payloads');
    expect(rows !== undefined && 'content' in rows ? rows.content : '').toContain('[masked:gatewayops-key');
    expect(findSecrets(await places(), { ...secrets, key })).toEqual([]);
    expect(findSecrets([{ name: 'the search itself', content: `x ${secrets['in base64'] ?? ''}` }], secrets)).toHaveLength(1);
  }, 180_000);

  test('K7: a body that cannot be looked at is not kept, and the call is what it would have been', async () => {
    const text = `x ${secret('beside bytes that are no text')}`;
    upstream.next(
      json(
        Buffer.concat([
          Buffer.from(`{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"${text} `),
          Buffer.from([0xff]),
          Buffer.from('"}]}}'),
        ]),
      ),
    );
    await call('echo', {}, { trace: 'canary-bytes' });
    const span = await spanOf('canary-bytes');
    expect(span.response.body).toMatchObject({ state: 'not_kept', reason: 'not_text' });
    expect(await ledgerRows(gateway.stateFolder, `SELECT 1 FROM payloads WHERE text LIKE '%${secrets['beside bytes that are no text'] ?? ''}%'`)).toEqual([]);
  });
});

describe('the masking process', () => {
  test('K4: killed under load, it comes back; no call fails, and what is lost is counted', async () => {
    const before = pidsOf(gateway, 'masking');
    const statuses: number[] = [];
    let killed = false;
    await Promise.all(
      Array.from({ length: 8 }, async (_, lane) => {
        for (let index = 0; index < 40; index++) {
          statuses.push((await call('echo', { lane, index })).status);
          if (!killed && statuses.length > 60) {
            killed = true;
            for (const pid of before) process.kill(pid, 'SIGKILL');
          }
        }
      }),
    );
    expect(statuses.every((status) => status === 200)).toBe(true);
    await until(() => pidsOf(gateway, 'masking').some((pid) => !before.includes(pid)), { timeoutMs: 30_000, what: 'a new masking process' });
    // A worker's last ones are known to be missing when a later one of it comes: each worker sends some.
    await Promise.all(Array.from({ length: 16 }, async () => call('echo', {})));
    await call('echo', {}, { trace: 'after-the-kill' });
    expect((await spanOf('after-the-kill')).request.body?.state).toBe('kept');
    // Numbers of calls say what is missing: what came is what was sent less what was said to be lost.
    // Calls and bodies come into the ledger by ways of their own, the one sooner than the other.
    const row = await until(
      async () => {
        const [come] = await ledgerRows<{ kept: string; missing: string }>(
          gateway.stateFolder,
          'SELECT sum(rows) AS kept, sum(last - rows) AS missing FROM (SELECT source, uniqExact(sequence) AS rows, max(sequence) AS last FROM payloads GROUP BY source)',
        );
        const [sent] = await ledgerRows<{ n: string }>(gateway.stateFolder, "SELECT count() AS n FROM calls WHERE bodies = 'sent'");
        return Number(come?.kept) + Number(come?.missing) === Number(sent?.n) && come;
      },
      { timeoutMs: 60_000, what: 'what was sent, as kept or as missing' },
    );
    const figures = (await post(`${gateway.url}/metrics`, undefined, { key })).text;
    const counted = (reason: string): number => Number(new RegExp(`^gatewayops_bodies_dropped_total\\{reason="${reason}"\\} (\\d+)`, 'm').exec(figures)?.[1]);
    expect([counted('queue_full'), counted('too_large'), counted('no_room')]).toEqual([0, 0, 0]);
    const lost = [...gateway.stderr().matchAll(/"bodies\.lost".*?"calls":(\d+)|"calls":(\d+).*?"bodies\.lost"/g)].reduce(
      (sum, match) => sum + Number(match[1] ?? match[2]),
      0,
    );
    expect([lost, counted('lost')]).toEqual([Number(row.missing), Number(row.missing)]);
  }, 120_000);

  test('a changed configuration holds for the next call', async () => {
    const config = JSON.parse(readFileSync(gateway.configFile, 'utf8')) as { record: { masking: { patterns: unknown[] } } };
    config.record.masking.patterns.push({ name: 'colour', pattern: 'ultramarine' });
    writeFileSync(gateway.configFile, JSON.stringify(config));
    expect((await gateway.cli('reload')).code).toBe(0);
    await call('echo', { paint: 'ultramarine' }, { trace: 'after-reload' });
    const span = await spanOf('after-reload');
    const request = await post(`${gateway.url}/v1/traces/after-reload/spans/${span.id}/request`, undefined, { key });
    expect(request.text).toContain('"paint":"[masked:colour]"');
  });

  test('nothing is lost when the gateway stops', async () => {
    await call('echo', { last: 'words' }, { trace: 'last-words' });
    expect(await gateway.stop()).toBe(0);
    expect(findSecrets([{ path: gateway.stateFolder }, { name: 'stderr', content: gateway.stderr() }], { ...secrets, key })).toEqual([]);
    gateway = await startGateway({ config: { servers: [{ name: 'recorded', url: upstream.url }] }, stateFolder: gateway.stateFolder });
    expect((await spanOf('last-words')).request.body?.state).toBe('kept');
  }, 120_000);
});

// Last: what is erased is missing from the numbers of calls.
test('of a person everything is one file; once they are erased nothing names them, their bodies are gone, and the audit is whole', async () => {
  const [user, note] = ['usr_ana_4711', 'the note of Ana'];
  const made = await gateway.cli('keys', 'create', '--name', 'laptop', '--user', user, '--team', 'red', '-o', 'json');
  const hers = (JSON.parse(made.stdout) as { secret: string }).secret;
  const { body, headers } = toolCall('echo', { note });
  const sent = { key: hers, headers: { ...headers, 'x-trace-id': 'of-ana' } };
  expect((await post(`${gateway.mcp}/recorded`, body, sent)).status).toBe(200);
  const span = await spanOf('of-ana');
  const at = `${gateway.url}/v1/traces/of-ana/spans/${span.id}/request`;
  expect((await post(at, undefined, { key })).text).toContain(note);

  const file = join(folder, 'ana.jsonl');
  expect(await gateway.cli('privacy', 'export', user, file)).toMatchObject({ code: 0 });
  const held = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(new Set(held.map((line) => (JSON.parse(line) as { type: string }).type))).toEqual(new Set(['person', 'key', 'audit_event', 'call', 'body']));
  expect([held.join().includes(note), held.join().includes(hers)]).toEqual([true, false]);

  expect(await gateway.cli('privacy', 'erase', user, '--yes')).toMatchObject({ code: 0 });
  expect((await post(`${gateway.mcp}/recorded`, body, sent)).status).toBe(401);
  expect((await post(at, undefined, { key })).status).toBe(404);
  const row = `SELECT toUInt32(countIf(user_id = '${user}')) AS hers, toUInt32(countIf(startsWith(user_id, 'psn_'))) AS nobodys FROM calls`;
  expect(await ledgerRows(gateway.stateFolder, row)).toEqual([{ hers: 0, nobodys: 1 }]);
  expect(await ledgerRows(gateway.stateFolder, `SELECT 1 FROM payloads WHERE position(text, '${note}') > 0`)).toEqual([]);
  const said = await Promise.all([gateway.cli('audit', 'list', '-o', 'json', '--internal'), gateway.cli('traces', 'get', 'of-ana', '-o', 'json')]);
  expect(said.map(({ code, stdout }) => [code, stdout.includes(user)])).toEqual([
    [0, false],
    [0, false],
  ]);
  expect(await gateway.cli('privacy', 'export', user)).toMatchObject({ code: 3 });
  const verified = await gateway.cli('audit', 'verify');
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('erased')]);
}, 180_000);
