import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { findSecrets } from './canary-scan.ts';
import { until } from './poll.ts';
import { openRaw, requestBytes, sendRaw } from './raw-client.ts';
import { type RecordingUpstream, startRecordingUpstream } from './recording-upstream.ts';
import { bigStream, bytes, cut, drip, event, garbage, gzip, resetBeforeHeaders, stream } from './replies.ts';

const call = '{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call"}';

function post(body = call, ...headers: string[]): Buffer {
  return requestBytes('POST /mcp HTTP/1.1', ['Host: upstream', `Content-Length: ${Buffer.byteLength(body)}`, ...headers], body);
}

describe('recording upstream and raw client', () => {
  let upstream: RecordingUpstream | null = null;
  afterEach(() => upstream?.stop());

  test('keep the bytes of a request just as they were sent', async () => {
    upstream = await startRecordingUpstream();
    const sent = requestBytes('POST /mcp?a=1 HTTP/1.1', ['hOsT:  x', 'X-Odd: \xe9', 'X-Odd: 2', `content-length: ${call.length}`], call);
    const reply = await sendRaw(upstream.port, sent);
    expect(reply.status).toBe(200);
    expect(reply.body.toString()).toContain('"id":9007199254740993,"result"');
    const request = await upstream.received(1);
    expect(request.raw.equals(sent)).toBe(true);
    expect(request.header('x-odd')).toEqual(['\xe9', '2']);
    expect([request.method, request.path, request.body.toString()]).toEqual(['POST', '/mcp?a=1', call]);
    expect(upstream.allBytes().equals(sent)).toBe(true);
  });

  test('answer pipelined requests in order, decode chunked ones, and take the next reply from the queue first', async () => {
    upstream = await startRecordingUpstream();
    upstream.next(bytes('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n'));
    const connection = await openRaw(upstream.port);
    connection.write(requestBytes('POST / HTTP/1.1', ['Transfer-Encoding: chunked'], '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'));
    connection.write(post());
    expect((await connection.reply(2)).status).toBe(200);
    expect(connection.replies().map(({ status }) => status)).toEqual([100, 204, 200]);
    expect(upstream.requests[0]?.body.toString()).toBe('abcde');
    expect(upstream.connections).toBe(1);
    connection.reset();
    const { openConnections } = upstream;
    expect(openConnections).toBeLessThanOrEqual(1);
    await until(() => upstream?.openConnections === 0);
  });

  test('break replies as scripted', async () => {
    upstream = await startRecordingUpstream(resetBeforeHeaders);
    await expect(sendRaw(upstream.port, post())).rejects.toThrow('reset');
    upstream.reply = garbage;
    await expect(sendRaw(upstream.port, post())).rejects.toThrow('not a reply');
    for (const end of ['end', 'reset'] as const) {
      upstream.reply = cut(100, 40, end);
      const connection = await openRaw(upstream.port);
      connection.write(post());
      expect(await connection.closed()).toBe(end === 'end' ? 'ended' : 'reset');
      if (end === 'end') expect([connection.replies()[0]?.complete, connection.replies()[0]?.body.length]).toEqual([false, 40]);
    }
    upstream.reply = cut(100, 40, 'stall');
    const stalled = await openRaw(upstream.port);
    stalled.write(post());
    await until(() => stalled.replies()[0]?.body.length === 40);
    expect(stalled.isClosed).toBe(false);
    stalled.destroy();
    await until(() => upstream?.requests.at(-1)?.abandoned);
  });

  test('drip, zip and stream', async () => {
    upstream = await startRecordingUpstream(drip('{"slow":1}', 3, 2));
    expect((await sendRaw(upstream.port, post())).body.toString()).toBe('{"slow":1}');
    upstream.reply = gzip({ a: 1 });
    expect((await sendRaw(upstream.port, post())).header('Content-Encoding')).toBe('gzip');
    upstream.reply = stream([event({ n: 1 }, { id: '7' }), { waitMs: 5 }, event('two\nlines')]);
    expect((await sendRaw(upstream.port, post())).body.toString()).toBe('id: 7\ndata: {"n":1}\n\ndata: two\ndata: lines\n\n');
    upstream.reply = bigStream(3 * 1024 * 1024);
    const big = await sendRaw(upstream.port, post());
    expect(big.body.length).toBeGreaterThan(3 * 1024 * 1024);
    expect(big.body.toString().trimEnd().split('\n').at(-1)).toContain('"id":9007199254740993');
  });
});

describe('canary scan', () => {
  const secret = 'canary/ü+"7f3a9c-secret';

  test('finds a secret in each form, in files across a read boundary, and never says it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gwo-canary-'));
    try {
      const late = Buffer.alloc(9 * 1024 * 1024, '.');
      late.write(secret, 4 * 1024 * 1024 - 5);
      writeFileSync(join(folder, 'late.bin'), late);
      writeFileSync(join(folder, 'clean.txt'), 'nothing here');
      const forms = {
        hex: Buffer.from(secret).toString('hex'),
        url: encodeURIComponent(secret),
        json: JSON.stringify({ a: secret }),
        base64: Buffer.from(`Bearer ${secret} and more`).toString('base64'),
        base64url: Buffer.from(`x${secret}`).toString('base64url'),
      };
      const places = [{ path: folder }, ...Object.entries(forms).map(([name, content]) => ({ name, content }))];
      const findings = findSecrets(places, { token: secret });
      expect(new Set(findings.map(({ place }) => place))).toEqual(new Set([join(folder, 'late.bin'), ...Object.keys(forms)]));
      expect(JSON.stringify(findings)).not.toContain('7f3a9c');
      expect(findSecrets([{ path: join(folder, 'clean.txt') }], { token: secret })).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
