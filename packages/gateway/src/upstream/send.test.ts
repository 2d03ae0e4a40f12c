import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import { bounds } from '../kernel/bounds.ts';
import { systemClock } from '../kernel/clock.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../../../../test/support/recording-upstream.ts';
import * as replies from '../../../../test/support/replies.ts';
import type { ServerData } from '../snapshot/snapshot.ts';
import type { Pool } from 'undici';
import { createLookup } from './lookup.ts';
import { reachOf } from './reach.ts';
import { openPool } from './target.ts';
import { send, type ReplyControl, type ReplyHeaders, type UpstreamRequest } from './send.ts';

/** What a sink was told, in order. */
interface Told {
  readonly steps: string[];
  readonly body: Buffer[];
  control: ReplyControl;
  readonly over: boolean;
}

let upstream: RecordingUpstream;
let pools: Map<string, Pool>;
beforeEach(async () => {
  upstream = await startRecordingUpstream();
  pools = new Map();
});
afterEach(async () => {
  await Promise.all([...pools.values()].map((pool) => pool.destroy()));
  await upstream.stop();
});

function server(more: Partial<ServerData> = {}): ServerData {
  return {
    name: 's1',
    path: '/mcp/s1',
    auth: 'apiKey',
    transport: 'http',
    origin: `http://127.0.0.1:${upstream.port}`,
    upstreamPath: '/mcp',
    socketPath: null,
    timeoutMs: 1000,
    connectionsMax: 10,
    credential: null,
    price: { perCallNano: '0', perTokenInputNano: '0', perTokenOutputNano: '0', by: 'default' },
    toolPrices: {},
    ...more,
  };
}

/** One pool for each place, as a target has one. */
function poolOf(to: ServerData): Pool {
  const key = `${to.socketPath ?? ''} ${to.origin} ${to.connectionsMax}`;
  const reach = reachOf(to);
  const pool = pools.get(key) ?? openPool(to, reach, reach.targets[0], createLookup(systemClock));
  pools.set(key, pool);
  return pool;
}

function ask(to: ServerData, more: Partial<UpstreamRequest> = {}, onData: (told: Told) => boolean = () => true, pool = poolOf(to)): Told {
  let over = false;
  const told = {
    steps: [] as string[],
    body: [] as Buffer[],
    get over() {
      return over;
    },
  } as Told;
  told.control = send(
    pool,
    { server: 's1', method: 'POST', path: '/mcp', headers: ['accept', '*/*'], body: Buffer.from('{"id":1}'), firstByteMs: 400, idleMs: 400, ...more },
    {
      head: (status: number, _headers: ReplyHeaders) => void told.steps.push(`head ${status}`),
      data: (chunk) => {
        told.body.push(chunk);
        return onData(told);
      },
      end: () => {
        told.steps.push('end');
        over = true;
      },
      failed: (fault) => {
        told.steps.push(`failed ${fault.code}`);
        over = true;
      },
    },
  );
  return told;
}

async function outcome(reply: replies.Reply, more: Partial<ServerData> = {}): Promise<string[]> {
  upstream.next(reply);
  const told = ask(server(more));
  await until(() => told.over);
  return told.steps;
}

describe('a reply', () => {
  test('arrives whole, and only the headers that were handed in are sent, beside what HTTP needs', async () => {
    const told = ask(server(), { headers: ['accept', '*/*', 'X-Odd', 'a'] });
    await until(() => told.over);
    expect(told.steps).toEqual(['head 200', 'end']);
    expect(JSON.parse(Buffer.concat(told.body).toString())).toMatchObject({ id: 1 });
    expect(upstream.requests[0]?.headers.map(([name]) => name.toLowerCase()).sort()).toEqual(['accept', 'connection', 'content-length', 'host', 'x-odd']);
  });

  test('is held back while the sink takes nothing', async () => {
    upstream.next(replies.bigStream(8 * 1024 * 1024));
    const told = ask(server(), {}, () => false);
    await until(() => told.body.length > 0);
    const taken = Buffer.concat(told.body).length;
    expect(taken).toBeLessThan(1024 * 1024);
    const pump = setInterval(() => told.control.resume(), 1);
    await until(() => told.over).finally(() => clearInterval(pump));
    expect(Buffer.concat(told.body).length).toBeGreaterThan(8 * 1024 * 1024);
    expect(told.steps).toEqual(['head 200', 'end']);
  });
});

describe('what goes wrong is one fault, told once, and nothing is sent twice', () => {
  const cases: Record<string, [replies.Reply, string[]]> = {
    'U1: a reset before the headers': [replies.resetBeforeHeaders, ['failed upstream_reset']],
    'U1: a close before the headers': [replies.closeBeforeHeaders, ['failed upstream_reset']],
    'U1: a reset in the body': [replies.cut(1000, 10, 'reset'), ['head 200', 'failed upstream_reset']],
    'U1: an end before Content-Length': [replies.cut(1000, 10, 'end'), ['head 200', 'failed upstream_reset']],
    'U1: a stream without its last chunk': [replies.stream(['data: 1\n\n'], 'cut'), ['head 200', 'failed upstream_reset']],
    'U2: silence before the headers': [replies.silence, ['failed mcp_timeout']],
    'U2: silence in the body': [replies.cut(1000, 10, 'stall'), ['head 200', 'failed mcp_timeout']],
    'U7: a redirect': [replies.redirect('http://127.0.0.1:1/'), ['failed upstream_redirect']],
    'U7: 304': [replies.empty(304), ['failed upstream_redirect']],
    'a refusal of the credential': [replies.empty(401, { 'www-authenticate': 'Bearer' }), ['failed upstream_refused']],
    'an encoding that was not asked for': [replies.gzip({ a: 1 }), ['failed upstream_invalid']],
    'no HTTP': [replies.garbage, ['failed upstream_invalid']],
    'headers without end': [replies.bytes(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 'end'), ['failed upstream_invalid']],
    'two lengths': [replies.bytes('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'end'), ['failed upstream_invalid']],
    'a switch of protocols': [replies.bytes('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'), ['failed upstream_reset']],
  };
  test.each(Object.entries(cases))('%s', async (_, [reply, steps]) => {
    expect(await outcome(reply)).toEqual(steps);
    expect(upstream.hits).toBe(1);
    // The pool goes on with the next.
    expect(await outcome(replies.defaultReply)).toEqual(['head 200', 'end']);
  });

  test('interim replies are passed over', async () => {
    const head = 'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    expect(await outcome(replies.bytes(head))).toEqual(['head 200', 'end']);
  });

  test('nobody listens', async () => {
    const told = ask(server({ origin: 'http://127.0.0.1:1' }));
    await until(() => told.over);
    expect(told.steps).toEqual(['failed upstream_unreachable']);
    const gone = ask(server({ origin: 'http://localhost', socketPath: '/nonexistent/socket' }));
    await until(() => gone.over);
    expect(gone.steps).toEqual(['failed upstream_unreachable']);
  });

  test('U6: a name that does not exist, within 5 s', async () => {
    const told = ask(server({ origin: 'http://no-such-host.invalid' }));
    await until(() => told.over, { timeoutMs: 5_000 });
    expect(told.steps).toEqual(['failed upstream_unreachable']);
  });

  test.each([
    [
      'SERVFAIL',
      (done: (error: NodeJS.ErrnoException) => void) => done(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN', syscall: 'getaddrinfo' })),
    ],
    ['no answer', () => undefined],
  ])('U6: a resolver that gives %s costs no more than the time for a connection', async (_, answer) => {
    const reach = { ...reachOf(server()), connectTimeoutMs: 300 };
    const pool = openPool({ connectionsMax: 1 }, reach, { ...reach.targets[0], origin: 'http://mcp.example' }, (_name, _options, done) =>
      answer((error) => done(error, '', 0)),
    );
    pools.set('mcp.example', pool);
    const told = ask(server(), { firstByteMs: 30_000 }, () => true, pool);
    await until(() => told.over, { timeoutMs: 10_000 });
    expect(told.steps).toEqual(['failed upstream_unreachable']);
  });

  test('U5: TLS that is none', async () => {
    const plain = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const told = ask(server({ origin: `https://127.0.0.1:${(plain.address() as AddressInfo).port}` }), { firstByteMs: 5_000 });
    await until(() => told.over);
    expect(told.steps).toEqual(['failed upstream_tls']);
    await new Promise((resolve) => plain.close(resolve));
  });

  test('a kept connection that the server closes under a call: the call fails and is not made again', async () => {
    expect(await outcome(replies.defaultReply)).toEqual(['head 200', 'end']);
    upstream.next(replies.resetBeforeHeaders);
    const told = ask(server());
    await until(() => told.over);
    expect(told.steps).toEqual(['failed upstream_reset']);
    expect([upstream.hits, upstream.connections]).toEqual([2, 1]);
  });
});

describe('an address that nothing is sent to', () => {
  /** What DNS says, one answer after the other; the last for ever. */
  function resolving(answers: readonly (readonly string[])[], allowedNetworks: readonly string[] = []) {
    const asked: string[] = [];
    const pool = openPool(
      { connectionsMax: 1 },
      { ...reachOf(server()), allowedNetworks, keepAliveMs: 1 },
      { ...reachOf(server()).targets[0], origin: `http://mcp.example:${upstream.port}` },
      (name, options, done) => {
        const found = (answers[Math.min(asked.push(name), answers.length) - 1] ?? []).map((address) => ({ address, family: 4 }));
        if (options.all === true) done(null, found);
        else done(null, found[0]?.address ?? '', 4);
      },
    );
    pools.set(`resolving ${pools.size}`, pool);
    return { asked, pool };
  }

  async function outcomeOf(pool: Pool): Promise<string[]> {
    const told = ask(server(), {}, () => true, pool);
    await until(() => told.over);
    return told.steps;
  }

  test('E1: is not connected to, whether DNS names it or the address is one', async () => {
    expect(await outcomeOf(resolving([['169.254.169.254']]).pool)).toEqual(['failed upstream_address']);
    expect(await outcomeOf(resolving([['127.0.0.1', '169.254.169.254']]).pool)).toEqual(['failed upstream_address']);
    expect(await outcome(replies.defaultReply, { origin: `http://0.0.0.0:${upstream.port}` })).toEqual(['failed upstream_address']);
    expect(upstream.connections).toBe(0);
  });

  test('E3: is looked at with each connection, so that a name that moves there is refused then', async () => {
    const { pool, asked } = resolving([['127.0.0.1'], ['0.0.0.0']]);
    upstream.reply = replies.bytes('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}', 'end');
    expect(await outcomeOf(pool)).toEqual(['head 200', 'end']);
    expect(await outcomeOf(pool)).toEqual(['failed upstream_address']);
    expect([asked.length, upstream.connections]).toEqual([2, 1]);
  });

  test('is connected to where the server names it', async () => {
    expect(await outcomeOf(resolving([['0.0.0.0']], ['0.0.0.0']).pool)).toEqual(['head 200', 'end']);
  });
});

describe('giving up', () => {
  test('closes the connection at once', async () => {
    upstream.next(replies.silence);
    const told = ask(server());
    const request = await upstream.received(1);
    told.control.abort();
    await until(() => request.abandoned, { timeoutMs: 1_000 });
    expect(told.steps).toEqual(['failed upstream_reset']);
  });

  test('a request that waits for a connection is not sent any more', async () => {
    upstream.next(replies.after(200, replies.defaultReply));
    const busy = ask(server({ connectionsMax: 1 }));
    const one = server({ connectionsMax: 1 });
    const waiting = ask(one);
    waiting.control.abort();
    expect(waiting.steps).toEqual(['failed upstream_reset']);
    await until(() => busy.over);
    const next = ask(one);
    await until(() => next.over);
    expect(next.steps).toEqual(['head 200', 'end']);
    expect(upstream.hits).toBe(2);
  });

  test('waiting for a connection has an end, after which nothing is sent', async () => {
    upstream.reply = replies.after(1_500, replies.defaultReply);
    const one = server({ connectionsMax: 1 });
    const busy = ask(one, { firstByteMs: 5_000 });
    const waiting = ask(one, { firstByteMs: 200 });
    await until(() => waiting.over, { timeoutMs: 1_000 });
    expect(waiting.steps).toEqual(['failed upstream_unavailable']);
    await until(() => busy.over);
    expect([busy.steps.at(-1), upstream.hits]).toEqual(['end', 1]);
  });
});

describe('a crowd', () => {
  test('U10: no more calls wait for a connection than may; the others are told at once', async () => {
    upstream.reply = replies.silence;
    const one = server({ connectionsMax: 1 });
    const told = Array.from({ length: bounds.upstreamQueueMax + 50 }, () => ask(one));
    const refused = told.filter((each) => each.over);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every((each) => each.steps[0] === 'failed upstream_unavailable')).toBe(true);
    expect(told.length - refused.length).toBeLessThanOrEqual(bounds.upstreamQueueMax + 2);
    for (const each of told) each.control.abort();
  });
});
