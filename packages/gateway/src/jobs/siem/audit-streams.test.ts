import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeClientCertificate, makeServerCertificate, type Certificate } from '../../../../../test/support/certificates.ts';
import { startControl, type TestControl } from '../../../../../test/support/control.ts';
import { startLedger, type TestCall, type TestLedger } from '../../../../../test/support/ledger.ts';
import { until } from '../../../../../test/support/poll.ts';
import { describeWith } from '../../../../../test/support/requires.ts';
import { startRsyslog, type Rsyslog } from '../../../../../test/support/rsyslog.ts';
import { auditEvent } from '../../control/audit/audit-event.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { createAuditStreams, type AuditStreams } from './audit-streams.ts';
import type { StreamData, SyslogData, WebhookData } from './stream-data.ts';

let control: TestControl;
const open: AuditStreams[] = [];

beforeAll(async () => {
  control = await startControl();
}, 120_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((streams) => streams.stop()));
});
afterAll(() => control.end());

let counter = 0;

async function record(action: string, detail: Record<string, unknown> = {}, result: 'success' | 'denied' | 'failed' = 'success'): Promise<string> {
  const objectId = `thing_${++counter}`;
  await control.dependencies.registry.transaction(({ audit }) => audit.insert(auditEvent(control.context(), action, objectId, detail, result)));
  return objectId;
}

function start(node = 'node_test', ledger: TestLedger | null = null): AuditStreams {
  const { registry } = control.dependencies;
  const { organizationId } = control.context();
  const streams = createAuditStreams({
    registry,
    ledger: () => ledger?.reader ?? null,
    organizationId,
    node,
    version: '1.2.3',
    clock: systemClock,
    log: silentLog,
  });
  open.push(streams);
  return streams;
}

const base = { format: 'json', events: ['thing.*'], except: [], calls: false, from: 'now', batchMax: 500, timeoutMs: 5_000 } as const;
const webhook = (name: string, url: string, more: Partial<StreamData> = {}, to: Partial<WebhookData> = {}): StreamData => ({
  ...base,
  name,
  ...more,
  to: { kind: 'webhook', url, tls: null, headers: {}, keys: [], ...to },
});
const syslog = (name: string, port: number, more: Partial<StreamData> = {}, to: Partial<SyslogData> = {}): StreamData => ({
  ...base,
  name,
  ...more,
  to: { kind: 'syslog', host: '127.0.0.1', port, tls: null, facility: 13, messageBytesMax: 8192, ...to },
});

const patient = { timeoutMs: 60_000, everyMs: 50 };
const state = (streams: AuditStreams): string | undefined => streams.list()[0]?.state;

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real receiver of webhooks; `answer` says what it does with each. */
async function startReceiver(answer: (request: Received, count: number) => { status: number; headers?: Record<string, string> }, port = 0) {
  const received: Received[] = [];
  const server: Server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { headers: request.headers, body: Buffer.concat(chunks).toString() };
      const { status, headers } = answer(one, received.push(one));
      response.writeHead(status, headers).end('noted');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    port: address.port,
    received,
    taken: () => received.flatMap(({ body }) => (JSON.parse(body) as { data: { object: { id: string } }[] }).data.map(({ object }) => object.id)),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe('a webhook', () => {
  test('gets each event once, in order, signed so that the library of Standard Webhooks takes it', async () => {
    const secrets = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const receiver = await startReceiver(() => ({ status: 204 }));
    const streams = start();
    await streams.configure([webhook('signed', receiver.url, {}, { keys: secrets, headers: { 'x-tenant': 'a' } })]);
    await until(() => state(streams) === 'ok', patient);
    const ids = [await record('thing.made', { text: 'ü"\n' }), await record('other.made'), await record('thing.ended')];
    await until(() => receiver.taken().length >= 2, patient);
    expect(receiver.taken()).toEqual([ids[0], ids[2]]);
    for (const { headers, body } of receiver.received)
      for (const secret of secrets)
        expect(new Webhook(`whsec_${secret.toString('base64')}`).verify(body, headers as Record<string, string>)).toMatchObject({
          type: 'audit.events',
          stream: 'signed',
        });
    const [first] = receiver.received;
    expect(first?.headers).toMatchObject({ 'x-tenant': 'a', 'content-type': 'application/json' });
    expect(() => new Webhook(`whsec_${Buffer.alloc(32, 3).toString('base64')}`).verify(first?.body ?? '', first?.headers as Record<string, string>)).toThrow(
      /signature/,
    );
    await receiver.stop();
  });

  test('that is down loses nothing, and what it was sent twice has the same id; the stream says what is wrong', async () => {
    const down = await startReceiver(() => ({ status: 503 }));
    const streams = start();
    await streams.configure([webhook('down', down.url)]);
    await until(() => state(streams) === 'ok', patient);
    const ids = [await record('thing.made')];
    await until(() => down.received.length >= 2, patient);
    expect(streams.list()[0]).toMatchObject({ state: 'failing', reason: 'it answered 503', behind: expect.any(Number) });
    expect(await streams.probes()[0]?.check()).toMatchObject({ state: 'degraded', reason: expect.stringContaining('it answered 503') });
    expect(new Set(down.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await down.stop();
    await until(() => streams.list()[0]?.reason === 'nothing listens there', patient);
    for (let index = 0; index < 20; index++) ids.push(await record('thing.made'));
    const up = await startReceiver(() => ({ status: 200 }), down.port);
    await until(() => up.taken().length >= ids.length, patient);
    expect(up.taken()).toEqual(ids);
    await until(() => state(streams) === 'ok', patient);
    await up.stop();
  }, 120_000);

  test('is not followed to where it redirects, and gets fewer at once where it says that it was too much', async () => {
    const other = await startReceiver(() => ({ status: 200 }));
    const receiver = await startReceiver(({ body }, count) => {
      if (count === 1) return { status: 307, headers: { location: other.url } };
      return { status: (JSON.parse(body) as { data: unknown[] }).data.length > 2 ? 413 : 200 };
    });
    const streams = start();
    const ids: string[] = [];
    await streams.configure([webhook('picky', receiver.url)]);
    await until(() => state(streams) === 'ok', patient);
    for (let index = 0; index < 8; index++) ids.push(await record('thing.made'));
    const good = (): string[] =>
      receiver.received.slice(1).flatMap(({ body }) => {
        const { data } = JSON.parse(body) as { data: { object: { id: string } }[] };
        return data.length > 2 ? [] : data.map(({ object }) => object.id);
      });
    await until(() => good().length >= ids.length, patient);
    expect([...new Set(good())]).toEqual(ids);
    expect(other.received).toEqual([]);
    await Promise.all([receiver.stop(), other.stop()]);
  }, 120_000);

  test('is never at an address of the metadata service of a cloud', async () => {
    const streams = start();
    await streams.configure([webhook('metadata', 'http://169.254.169.254/latest/', { from: 'beginning' })]);
    await record('thing.made');
    await until(() => state(streams) === 'failing', patient);
    expect(streams.list()[0]?.reason).toContain('169.254.169.254 is refused');
  });
});

test('of two nodes one sends; where it ends the other goes on behind what was delivered, and a restart repeats nothing', async () => {
  const receiver = await startReceiver(() => ({ status: 200 }));
  const one = start('node_one');
  await one.configure([webhook('shared', receiver.url)]);
  await until(() => state(one) === 'ok', patient);
  const two = start('node_two');
  await two.configure([webhook('shared', receiver.url)]);
  await until(() => state(two) === 'standby', patient);
  const ids = [await record('thing.made')];
  await until(() => receiver.taken().length === 1, patient);
  await until(() => one.list()[0]?.delivered === 1, patient);
  await one.stop();
  ids.push(await record('thing.made'));
  const again = start('node_one');
  await again.configure([webhook('shared', receiver.url)]);
  await until(() => receiver.taken().length >= 2, patient);
  expect(receiver.taken()).toEqual(ids);
  await receiver.stop();
}, 120_000);

test('each call of a tool is an event with its trace, of every node, once, from when the stream began', async () => {
  const ledger = await startLedger();
  try {
    const { organizationId } = control.context();
    let sequence = 0;
    /** As a node writes a batch: rows, then the entry that speaks of them. */
    const batch = async (chain: string, calls: readonly TestCall[]): Promise<void> => {
      const first = sequence + 1;
      await ledger.insert(
        calls.map((call) => ({
          org_id: organizationId,
          started_at: BigInt(Date.now()) * 1000n,
          method: 'tools/call',
          server: 'search',
          tool: 'find',
          status: 'success',
          stop: 'reply',
          key_id: 'key_1',
          span_id: String(++sequence),
          trace_id: 'ab',
          ...call,
        })),
      );
      await ledger.store.command(`ALTER TABLE calls UPDATE chain = '${chain}', chain_seq = toUInt64(toString(span_id)) WHERE chain = ''`, {});
      await until(
        async () =>
          (await ledger.store.query("SELECT count() AS found FROM calls WHERE chain = ''", {}, z.object({ found: z.coerce.number() })))[0]?.found === 0,
        patient,
      );
      await ledger.store.command(
        `INSERT INTO call_chain (org_id, chain, entry, day, first_seq, row_count) SELECT '${organizationId}', '${chain}', ${first}, today(), ${first}, ${calls.length}`,
        {},
      );
    };
    await batch('one', [{ tool: 'before' }]);
    const receiver = await startReceiver(() => ({ status: 200 }));
    const streams = start('node_test', ledger);
    await streams.configure([webhook('calls', receiver.url, { calls: true, events: ['tool.called'], batchMax: 3 })]);
    await until(() => streams.list()[0]?.behind === 0, patient);
    await batch('one', [{}, { method: 'tools/list', tool: '' }, {}, { status: 'blocked', fault_code: 'forbidden', tool: 'drop' }, {}, {}, {}, {}]);
    await batch('two', [{ user_id: 'usr_ana' }]);
    await until(() => receiver.taken().length >= 8, patient);
    await until(() => streams.list()[0]?.behind === 0, patient);
    const events = receiver.received.flatMap(
      ({ body }) => (JSON.parse(body) as { data: { id: string; result: string; object: { id: string }; detail: Record<string, unknown> }[] }).data,
    );
    // Each node's calls come in their order; those of another node come between them as they may.
    const ids = events.map(({ id }) => Number(id.slice(3)));
    expect([ids.filter((id) => id !== 10), ids.length]).toEqual([[2, 4, 5, 6, 7, 8, 9], 8]);
    const ofCall = (id: number): unknown => events[ids.indexOf(id)];
    expect(ofCall(2)).toMatchObject({
      action: 'tool.called',
      actor: { kind: 'key', id: 'key_1' },
      object: { kind: 'tool', id: 'search/find' },
      result: 'success',
      detail: { trace_id: `tr_${'ab'.padStart(32, '0')}` },
    });
    expect(ofCall(5)).toMatchObject({ object: { id: 'search/drop' }, result: 'denied', detail: { fault: 'forbidden' } });
    expect(ofCall(10)).toMatchObject({ detail: { user_id: 'usr_ana' } });
    await receiver.stop();
  } finally {
    await Promise.all(open.splice(0).map((streams) => streams.stop()));
    await ledger.end();
  }
}, 240_000);

test('two streams have each their own pace: one whose target hangs does not hold up the other', async () => {
  const sockets = new Set<Socket>();
  const hanging: TcpServer = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  const receiver = await startReceiver(() => ({ status: 200 }));
  const streams = start();
  await streams.configure([syslog('hanging', (hanging.address() as AddressInfo).port, { timeoutMs: 500 }), webhook('quick', receiver.url)]);
  await until(() => streams.list().every((one) => one.state === 'ok'), patient);
  await record('thing.made');
  await until(() => receiver.taken().length === 1, patient);
  await until(() => streams.list()[0]?.state === 'failing', patient);
  expect(streams.list()[0]?.reason).toContain('did not read everything');
  for (const socket of sockets) socket.destroy();
  hanging.close();
  await receiver.stop();
});

test('syslog: what a receiver had in its hands when it died is sent again', async () => {
  const got: string[] = [];
  let dies = true;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // Reads, and dies before it has read to the end.
    if (dies) socket.once('data', () => socket.resetAndDestroy());
    else socket.on('data', (chunk: Buffer) => got.push(chunk.toString())).on('end', () => socket.end());
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const streams = start();
  await streams.configure([syslog('dying', (server.address() as AddressInfo).port)]);
  await until(() => state(streams) === 'ok', patient);
  const id = await record('thing.made');
  await until(() => state(streams) === 'failing', patient);
  dies = false;
  await until(() => got.join('').includes(`"${id}"`), patient);
  await until(() => state(streams) === 'ok', patient);
  server.close();
}, 60_000);

describeWith('rsyslogd', 'rsyslog', (program) => {
  let authority: Certificate;
  let server: Certificate;
  let client: Certificate;
  const running: Rsyslog[] = [];

  beforeAll(async () => {
    authority = await makeAuthority();
    server = await makeServerCertificate(authority);
    client = await makeClientCertificate(authority);
  });
  afterAll(async () => {
    await Promise.all(running.map((one) => one.stop()));
  });

  test('reads every part of each message over TCP, also one that is longer than it may be; it is stopped and started, and nothing is lost', async () => {
    let receiver = await startRsyslog(program);
    running.push(receiver);
    const streams = start();
    await streams.configure([syslog('rsyslog', receiver.port, {}, { facility: 16, messageBytesMax: 4096 })]);
    await until(() => state(streams) === 'ok', patient);
    const ids = [
      await record('thing.made', { text: 'zwölf "Boxkämpfer" = \\ | ]\n' }),
      await record('thing.refused', { text: 'x'.repeat(4000), more: 'y'.repeat(2000) }, 'denied'),
    ];
    await until(() => receiver.messages().length >= 2, patient);
    const [first, second] = receiver.messages();
    expect(first).toMatchObject({
      facility: '16',
      severity: 'info',
      app: 'gatewayops',
      procid: 'node_test',
      msgid: 'thing.made',
      time: expect.stringContaining('2026-06-01T00:00:00'),
    });
    expect(first?.data).toMatch(/^\[origin software="GatewayOps" swVersion="1.2.3"\]\[meta sequenceId="\d+"\]$/);
    expect(JSON.parse(first?.message ?? '')).toMatchObject({
      object: { id: ids[0] },
      detail: { text: 'zwölf "Boxkämpfer" = \\ | ]\n' },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(second).toMatchObject({ severity: 'warning' });
    expect(JSON.parse(second?.message ?? '')).toMatchObject({ object: { id: ids[1] }, detail: { left_out_bytes: expect.any(Number) } });
    const before = receiver.messages();
    const { port } = receiver;
    await receiver.stop();
    for (let index = 0; index < 50; index++) ids.push(await record('thing.made'));
    await until(() => state(streams) === 'failing', patient);
    receiver = await startRsyslog(program, { port });
    running.push(receiver);
    await until(() => receiver.messages().length >= 50, patient);
    const seen = [...before, ...receiver.messages()].map(({ message }) => (JSON.parse(message) as { object: { id: string } }).object.id);
    expect([...new Set(seen)]).toEqual(ids);
  }, 120_000);

  test('over TLS shows and asks for a certificate; a receiver of another authority, and a client without a certificate, get nothing', async () => {
    const receiver = await startRsyslog(program, { tls: { authority, server } });
    running.push(receiver);
    const streams = start();
    const tls = { ca: authority.cert, cert: client.cert, key: client.key, serverName: 'localhost' };
    await streams.configure([syslog('tls', receiver.port, { format: 'cef' }, { tls })]);
    await until(() => state(streams) === 'ok', patient);
    const id = await record('thing.made');
    await until(() => receiver.messages().length === 1, patient);
    expect(receiver.messages()[0]?.message).toMatch(new RegExp(`^CEF:0\\|GatewayOps\\|Gateway\\|1\\.2\\.3\\|thing\\.made\\|.*cs1=thing:${id} `));
    await until(() => streams.list()[0]?.delivered === 1, patient);
    const stranger = await makeAuthority('another authority');
    await streams.configure([syslog('tls', receiver.port, { format: 'cef' }, { tls: { ...tls, ca: stranger.cert } })]);
    await record('thing.made');
    await until(() => state(streams) === 'failing', patient);
    expect(streams.list()[0]?.reason).toContain('authority that is not trusted');
    await streams.configure([syslog('tls', receiver.port, { format: 'cef' }, { tls: { ...tls, cert: null, key: null } })]);
    await until(() => state(streams) === 'failing', patient);
    expect(receiver.messages()).toHaveLength(1);
    await streams.configure([syslog('tls', receiver.port, { format: 'cef' }, { tls })]);
    await until(() => receiver.messages().length === 2, patient);
  }, 120_000);
});
