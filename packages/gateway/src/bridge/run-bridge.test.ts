import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../kernel/clock.ts';
import {
  fixture,
  groupRuns,
  hostile,
  initializeBody,
  modern,
  post,
  ready,
  send,
  session,
  stopBridges,
  testBridge,
  textOf,
  toolCall,
  until,
  type TestBridge,
} from '../../../../test/support/bridge/bridge-client.ts';

afterEach(stopBridges);

const of = (tested: TestBridge, event: string) => tested.log.filter((entry) => entry.event === event);

async function pidOf(url: string, headers: Record<string, string>): Promise<number> {
  return Number(textOf((await send(url, toolCall('"pid"', 'pid'), headers)).messages[0]));
}

describe('a process that cannot be started', () => {
  test('P1: exits at once five times: back-off, quarantine, one alert, calls refused at once, and a try after a pause ends it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewayops-quarantine-'));
    const works = join(folder, 'works');
    try {
      // `$1` exists once the server is repaired.
      const command: [string, ...string[]] = ['/bin/sh', '-c', 'test -e "$1" || exit 3; shift; exec "$@"', 'sh', works, ...hostile()];
      const tested = await testBridge({ command, limits: { backoffMs: 20, quarantineMs: 1_000 } });
      await until(() => of(tested, 'bridge.quarantined').length > 0);
      expect(of(tested, 'bridge.child_failed').map((entry) => entry.fields['retry_after_ms'])).toEqual([20, 40, 80, 160]);

      const startedAt = performance.now();
      const refused = await send(tested.url, initializeBody('1'));
      // At once: it waits neither for a start nor for the pause. The 50 ms are the bench's to prove.
      expect(performance.now() - startedAt).toBeLessThan(500);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(JSON.parse(refused.text)).toMatchObject({ id: 1, error: { code: -31503, data: { error: 'upstream_unavailable' } } });
      expect(refused.text).toContain('exit code 3');
      const health = await fetch(`${tested.bridge.address}/readyz`);
      expect(await health.clone().json()).toMatchObject({ ready: false, status: 'quarantined' });
      expect([health.status, (await fetch(`${tested.bridge.address}/healthz`)).status]).toEqual([503, 200]);
      expect(tested.bridge.status()).toMatchObject({ quarantine: { active: true } });

      await until(() => of(tested, 'bridge.quarantine_goes_on').length > 0);
      expect(of(tested, 'bridge.quarantined')).toHaveLength(1);
      writeFileSync(works, '');
      await ready(tested);
      expect((await send(tested.url, initializeBody('1'))).status).toBe(200);
      expect(of(tested, 'bridge.quarantine_ended')).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('P1: a timer that fires too early is no failure: what is counted was started, and the reason that is told is what happened', async () => {
    // Whoever looks at this clock after a pause is told that a little of it is left, and a moment later that it is over.
    let lookedAtMs = 0;
    const monotonicMs = (): number => {
      const nowMs = systemClock.monotonicMs();
      const hasPaused = nowMs - lookedAtMs > 5;
      lookedAtMs = nowMs;
      return hasPaused ? nowMs - 2 : nowMs;
    };
    const command: [string, ...string[]] = ['/bin/sh', '-c', 'exit 3'];
    const tested = await testBridge({ command, limits: { backoffMs: 20, quarantineMs: 200 } }, { ...systemClock, monotonicMs });
    await until(() => of(tested, 'bridge.quarantine_goes_on').length > 0);
    const failures = tested.log.filter(({ event }) => ['bridge.child_failed', 'bridge.quarantined', 'bridge.quarantine_goes_on'].includes(event));
    expect(failures.map(({ fields }) => [fields['failures'], fields['reason']])).toEqual(
      [1, 2, 3, 4, 5, 6].map((count) => [count, 'it ended with exit code 3']),
    );
    // Each try asks for one era and then for the other.
    expect(of(tested, 'bridge.child_started')).toHaveLength(12);
    expect(tested.bridge.ready()).toEqual({ ready: false, status: 'quarantined', reason: 'it ended with exit code 3' });
    expect((await send(tested.url, initializeBody('1'))).text).toContain('in quarantine: it ended with exit code 3');
  });

  test('a program that is not there: the bridge listens, and says what is missing', async () => {
    const { bridge, url } = await testBridge({ command: ['no-such-program-anywhere'] });
    const reason = await until(() => bridge.ready().reason?.includes('was not found') === true && bridge.ready().reason);
    expect(reason).toContain('no-such-program-anywhere');
    expect((await send(url, initializeBody('1'))).status).toBe(503);
  });

  test('a folder that is not there is a failed start, not a crash', async () => {
    const { bridge } = await testBridge({ command: hostile(), cwd: '/no/such/folder' });
    await until(() => bridge.ready().reason?.includes('cannot be started'));
  });

  test('P6: a command is an argv: what a shell would make of it is one argument, as it was written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewayops-argv-'));
    try {
      const words = ['; touch made-by-a-shell', '$(touch made-by-a-shell)', '`touch made-by-a-shell`', '| cat', '$HOME *', '', 'a "b" c', "it's", 'é\n'];
      const command: [string, ...string[]] = [process.execPath, fixture('say-process.mjs'), ...words];
      const { url } = await testBridge({ command, cwd: folder });
      expect(JSON.parse(textOf((await send(url, toolCall('1', 'said'), await session(url))).messages[0]))).toMatchObject({ argv: words });
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('P6: the program is looked up once: another of its name that comes before it later is not run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewayops-pinned-'));
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    for (const place of [first, second]) mkdirSync(place);
    const put = (place: string, name: string): void =>
      writeFileSync(join(place, 'tool'), `#!/bin/sh\nexec ${process.execPath} ${fixture('say-process.mjs')} ${name}\n`, { mode: 0o755 });
    try {
      put(second, 'trusted');
      const { url } = await testBridge({ command: ['tool'], searchPath: `${first}:${second}` });
      const said = async (): Promise<unknown> => JSON.parse(textOf((await send(url, toolCall('1', 'said'), await session(url))).messages[0]));
      expect(await said()).toMatchObject({ argv: ['trusted'] });
      put(first, 'intruder');
      expect(await said()).toMatchObject({ argv: ['trusted'] });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('P9: a process runs in its own folder, with a private HOME that is empty at first and gone with the bridge, and inherits no file', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gatewayops-cwd-')));
    const inherited = openSync(join(folder, 'ours'), 'w');
    try {
      const { url, bridge } = await testBridge({ command: [process.execPath, fixture('say-process.mjs')], cwd: folder });
      const said = JSON.parse(textOf((await send(url, toolCall('1', 'said'), await session(url))).messages[0])) as Record<string, unknown>;
      const home = String(said['home']);
      expect(said).toMatchObject({ cwd: folder, homeEntries: [], files: expect.not.arrayContaining([join(folder, 'ours')]) });
      expect([home === process.env['HOME'], statSync(home).mode & 0o777]).toEqual([false, 0o700]);
      await bridge.stop({ terminateMs: 50, killMs: 200 });
      expect(existsSync(home)).toBe(false);
    } finally {
      closeSync(inherited);
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('P5: a refused variable is a fault at the start', async () => {
    await expect(testBridge({ command: hostile(), env: { LD_PRELOAD: '/tmp/x.so' } })).rejects.toMatchObject({ code: 'unsafe_start' });
  });
});

describe('what a process writes', () => {
  test('P3: 4 streams of stderr as fast as they go: always drained, logged within 64 KiB a second, dropped bytes counted, calls answered', async () => {
    const tested = await testBridge({ command: hostile('flood') });
    const startedAt = performance.now();
    const headers = await session(tested.url);
    for (let call = 1; call <= 20; call++) expect((await send(tested.url, toolCall(String(call), 'pid'), headers)).status).toBe(200);
    await until(() => Number(tested.bridge.status()['stderr_bytes']) > 20 * 1024 * 1024);
    const seconds = (performance.now() - startedAt) / 1000;
    const status = tested.bridge.status() as { stderr_bytes: number; stderr_dropped_bytes: number; starts: number };
    const logged = tested.stderr().reduce((bytes, line) => bytes + line.length, 0);
    expect(logged).toBeLessThanOrEqual(64 * 1024 * (Math.ceil(seconds) + 1) * status.starts);
    expect(status.stderr_dropped_bytes).toBeGreaterThan(status.stderr_bytes - 64 * 1024 * (Math.ceil(seconds) + 1) * status.starts);
    await until(() => of(tested, 'bridge.child_text_dropped').length > 0);
  });

  test.each(['long-line', 'nul'])('P4: %s: the process is killed, its call gets 502, other sessions are not harmed', async (tool) => {
    const { url, bridge } = await testBridge({ command: hostile() });
    const [bad, good] = [await session(url), await session(url)];
    const pid = await pidOf(url, bad);
    const before = process.memoryUsage().rss;
    const [answer, other] = await Promise.all([send(url, toolCall('1', tool), bad), send(url, toolCall('1', 'echo', { value: 'fine', delayMs: 200 }), good)]);
    expect([answer.status, textOf(other.messages[0])]).toEqual([502, 'fine']);
    expect((await send(url, toolCall('2', 'pid'), bad)).status).toBe(404);
    await until(() => !groupRuns(pid));
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
    expect(bridge.ready().ready).toBe(true);
  });

  test('P4: a line on stdout that is no message is skipped and counted; the answer after it arrives', async () => {
    const tested = await testBridge({ command: hostile() });
    const headers = await session(tested.url);
    expect(textOf((await send(tested.url, toolCall('1', 'noise'), headers)).messages[0])).toBe('after the noise');
    expect(tested.bridge.status()['skipped_lines']).toBe(1);
    expect(of(tested, 'bridge.child_line_skipped').map((entry) => entry.fields['text'])).toEqual(['Listening on port 3000']);
  });

  test('promise 10: a configured value that the process prints does not get into the log', async () => {
    const tested = await testBridge({ command: hostile(), env: { TOKEN: 'canary-6f1d2c' } });
    const headers = await session(tested.url);
    await send(tested.url, toolCall('1', 'secret'), headers);
    await until(() => tested.stderr().length > 0 && of(tested, 'bridge.child_line_skipped').length > 0);
    expect(tested.stderr()).toContain('my token is [env]');
    expect(JSON.stringify(tested.log)).not.toContain('canary-6f1d2c');
    expect(JSON.stringify(tested.bridge.status())).not.toContain('canary-6f1d2c');
  });
});

describe('what a process gets', () => {
  test('P5: its environment is the list: none of 20 canaries of ours is in it', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `GATEWAYOPS_CANARY_${index}`);
    for (const name of names) process.env[name] = 'canary-value';
    try {
      const { url } = await testBridge({ command: hostile(), env: { LISTED: 'yes' } });
      const headers = await session(url);
      const seen = JSON.parse(textOf((await send(url, toolCall('1', 'environment'), headers)).messages[0])) as Record<string, string>;
      expect(Object.keys(seen).sort()).toEqual(['HOME', 'LANG', 'LISTED', 'PATH']);
      if (process.platform === 'linux') {
        const raw = readFileSync(`/proc/${await pidOf(url, headers)}/environ`, 'utf8');
        expect(raw.split('\0').filter(Boolean)).toHaveLength(4);
        expect(raw).not.toContain('canary');
      }
    } finally {
      for (const name of names) delete process.env[name];
    }
  });

  test('P10: two bridges of one command share no process, nor do two sessions', async () => {
    const bridges = [await testBridge({ command: hostile() }), await testBridge({ command: hostile() })];
    const pids = await Promise.all(bridges.flatMap(({ url }) => [1, 2].map(async () => pidOf(url, await session(url)))));
    expect(new Set(pids).size).toBe(4);
  });
});

describe('the end of a process', () => {
  test('P8: one that ignores the end of its input and SIGTERM is killed with its group', async () => {
    const { url, bridge } = await testBridge({ command: hostile('stubborn'), limits: { terminateMs: 100, killMs: 400 } });
    const headers = await session(url);
    const pid = await pidOf(url, headers);
    await send(url, toolCall('1', 'grandchild'), headers);
    expect(groupRuns(pid)).toBe(true);
    await fetch(url, { method: 'DELETE', headers });
    await until(() => !groupRuns(pid), 5_000);
    expect(bridge.status()).toMatchObject({ sessions: { open: 0 } });
  });

  test('P8: what a process leaves behind in its group is ended too', async () => {
    const { url } = await testBridge({ command: hostile(), limits: { terminateMs: 100, killMs: 400 } });
    const headers = await session(url);
    const pid = await pidOf(url, headers);
    expect(Number(textOf((await send(url, toolCall('1', 'grandchild'), headers)).messages[0]))).toBeGreaterThan(0);
    expect((await send(url, toolCall('2', 'die'), headers)).status).toBe(502);
    await until(() => !groupRuns(pid), 5_000);
  });

  test('an answer written just before the end arrives', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const answer = await send(url, toolCall('1', 'answer-and-die'), headers);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([200, { id: 1, result: { content: [] } }]);
  });

  test.each([
    ['close-input', 200],
    ['close-output', 502],
  ])('P11: a process that closes its pipe (%s) is dead once: no retry, calls get 502, then 404', async (tool, first) => {
    const tested = await testBridge({ command: hostile() });
    const headers = await session(tested.url);
    const pid = await pidOf(tested.url, headers);
    expect((await send(tested.url, toolCall('1', tool), headers)).status).toBe(first);
    const answers: number[] = [];
    await until(async () => {
      answers.push((await send(tested.url, toolCall('2', 'pid'), headers)).status);
      return answers.at(-1) === 404;
    });
    expect(answers.every((status) => [200, 502, 404].includes(status))).toBe(true);
    await until(() => !groupRuns(pid));
    const ends = of(tested, 'bridge.child_ended').filter((entry) => entry.fields['child_pid'] === pid);
    expect(ends).toHaveLength(1);
    const spent = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(process.cpuUsage(spent).user / 1000).toBeLessThan(100);
  });
});

describe('a process that hangs', () => {
  const giveUp = async (url: string, headers: Record<string, string>, id: number): Promise<void> => {
    const abort = new AbortController();
    const call = post(url, toolCall(String(id), 'hang'), headers, abort.signal).catch(() => null);
    setTimeout(() => abort.abort(), 50);
    await call;
  };

  test('P12: after three calls given up without an answer and no sign of life it is recycled', async () => {
    const tested = await testBridge({ command: hostile('deaf-to-ping'), limits: { probeTimeoutMs: 200, terminateMs: 50, killMs: 200 } });
    const headers = await session(tested.url);
    for (let id = 1; id <= 3; id++) await giveUp(tested.url, headers, id);
    await until(async () => (await send(tested.url, '{"jsonrpc":"2.0","method":"notifications/x"}', headers)).status === 404);
    expect(of(tested, 'bridge.child_ended').some((entry) => entry.fields['reason'] === 'it does not answer')).toBe(true);
  });

  test('P12: one that shows a sign of life keeps its state, however many slow calls are given up', async () => {
    const tested = await testBridge({ command: hostile(), limits: { probeTimeoutMs: 500 } });
    const headers = await session(tested.url);
    const pid = await pidOf(tested.url, headers);
    for (let id = 1; id <= 5; id++) await giveUp(tested.url, headers, id);
    expect(await pidOf(tested.url, headers)).toBe(pid);
  });

  test('P12: a shared modern process is recycled, and the next call is served by another', async () => {
    const tested = await testBridge({ command: modern(), limits: { probeTimeoutMs: 300, terminateMs: 50, killMs: 200 } });
    await ready(tested);
    const meta = '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
    const call = (tool: string): string => toolCall('1', tool, tool === 'echo' ? { value: 'back' } : {}, meta);
    const children = () => tested.bridge.status()['children'] as { role: string; pid: number }[];
    const pid = (await until(() => children().find((child) => child.role === 'modern'))).pid;
    expect((await send(tested.url, call('echo'))).status).toBe(200);
    process.kill(pid, 'SIGSTOP');
    for (let turn = 1; turn <= 3; turn++) {
      const abort = new AbortController();
      setTimeout(() => abort.abort(), 50);
      await post(tested.url, call('echo'), {}, abort.signal).catch(() => null);
    }
    await until(() => children().some((child) => child.role === 'modern' && child.pid !== pid));
    expect(textOf((await send(tested.url, call('echo'))).messages[0])).toBe('back');
  });
});

describe('streams', () => {
  test('16 MiB of progress reach a reader that is slow at first, whole and in order', async () => {
    const { url } = await testBridge({ command: hostile() });
    const headers = await session(url);
    const response = await post(url, toolCall('1', 'progress', { steps: 256, padding: 'x'.repeat(64 * 1024) }, '{"progressToken":1}'), headers);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const text = await response.text();
    expect(text.length).toBeGreaterThan(16 * 1024 * 1024);
    expect([...text.matchAll(/"progress":(\d+)/g)].map((match) => Number(match[1]))).toEqual(Array.from({ length: 256 }, (_, index) => index + 1));
    expect(text).toContain('"done"');
  });

  test('a reader that stays slow is cut off, and the session goes on', async () => {
    const { url } = await testBridge({ command: hostile(), limits: { slowReaderMs: 200 } });
    const headers = await session(url);
    const slow = await post(url, toolCall('1', 'progress', { steps: 400, padding: 'x'.repeat(64 * 1024) }, '{"progressToken":1}'), headers);
    const answer = await until(async () => send(url, toolCall('2', 'pid'), headers));
    expect(answer.status).toBe(200);
    await expect(slow.text()).rejects.toThrow('terminated');
  });
});

test('the fixture that fifty bridges of P2 use answers initialize', async () => {
  const { url } = await testBridge({ command: ['/bin/sh', fixture('stubborn.sh')], limits: { probeTimeoutMs: 200, terminateMs: 50, killMs: 100 } });
  expect((await send(url, initializeBody('41'))).text).toContain('"id":41,"result"');
});

test('docs/reference/bridge.md names every member of /status', async () => {
  const { bridge, url } = await testBridge({ command: hostile() });
  await session(url);
  const contract = readFileSync(new URL('../../../../docs/reference/bridge.md', import.meta.url), 'utf8');
  const status = (await (await fetch(`${bridge.address}/status`)).json()) as Record<string, unknown> & { children: Record<string, unknown>[] };
  const members = [...Object.keys(status), ...status.children.flatMap((child) => Object.keys(child))];
  expect(members.filter((name) => !contract.includes(`\`${name}\``))).toEqual([]);
});
