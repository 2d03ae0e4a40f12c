import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/poll.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process with a log. `body` has `log`, and `say(text)` for its stdout. */
function logger(options: { level?: string; format?: string }, body: string): ChildProcess {
  const source = `
    const { createLog } = await import(${JSON.stringify(new URL('./create-log.ts', import.meta.url).href)});
    const log = createLog(${JSON.stringify({ level: 'info', format: 'json', ...options })}, { worker: 7 });
    const say = (text) => process.stdout.write(text + '\\n');
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  child.channel?.unref();
  children.push(child);
  return child;
}

function text(stream: NodeJS.ReadableStream | null): () => string {
  let all = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
  return () => all;
}

async function logged(options: { level?: string; format?: string }, body: string): Promise<string> {
  const child = logger(options, body);
  const lines = text(child.stderr);
  await new Promise((resolve) => child.once('close', resolve));
  return lines();
}

describe('a line', () => {
  test('is one JSON object: level, time, where it comes from, event, fields', async () => {
    const lines = await logged({}, `log.child({ part: 'rail' }).warn('call.slow', { ms: 12, text: 'a\\nb' }); log.info('quiet');`);
    const [first, second, rest] = lines.split('\n');
    expect(JSON.parse(first ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
      worker: 7,
      part: 'rail',
      ms: 12,
      text: 'a\nb',
      event: 'call.slow',
    });
    expect([JSON.parse(second ?? ''), rest]).toMatchObject([{ level: 'info', event: 'quiet' }, '']);
  });

  test('below the level is not written', async () => {
    const lines = await logged({ level: 'error' }, `log.debug('a'); log.info('b'); log.warn('c'); log.error('d');`);
    expect(lines.trimEnd().split('\n')).toHaveLength(1);
  });

  test.each([
    ['info', false],
    ['debug', true],
  ])('with an error tells its kind, message and cause; at level %s its stack: %s', async (level, stack) => {
    const line = await logged({ level }, `log.error('broke', { error: new TypeError('outer', { cause: new Error('inner') }) });`);
    const { error } = JSON.parse(line) as { error: string };
    expect(error).toContain('TypeError: outer');
    expect(error.includes('\n    at ')).toBe(stack);
    if (!stack) expect(error).toBe('TypeError: outer (inner)');
  });

  test('for people has the time of day, the event and the fields', async () => {
    const line = await logged({ format: 'text' }, `log.warn('call.slow', { ms: 12, server: 'files' });`);
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}call\.slow {2}worker=7 ms=12 server=files\n$/);
  });

  test('written right before the end of the process is there', async () => {
    expect(await logged({}, `log.error('last'); process.exit(70);`)).toContain('"event":"last"');
  });
});

describe.each(['json', 'text'])('a log in %s whose reader', (format) => {
  test('has gone ends nothing', async () => {
    const child = logger({ format }, `for (let n = 0; n < 200; n++) { log.info('line', { n }); await pause(5); } say('alive');`);
    const said = text(child.stdout);
    child.stderr?.destroy();
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect([code, said()]).toEqual([0, 'alive\n']);
  });
});

test.skipIf(!existsSync('/dev/full'))('a log on a full disk ends nothing, and counts what it lost when there is room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwo-log-'));
  const file = join(folder, 'log');
  try {
    symlinkSync('/dev/full', file);
    // The descriptor stays, what it leads to changes: as when somebody makes room on the disk.
    const child = logger(
      {},
      `const { closeSync, openSync } = await import('node:fs');
       const reopen = () => { closeSync(2); if (openSync(${JSON.stringify(file)}, 'a') !== 2) say('another descriptor'); };
       reopen();
       for (let n = 0; n < 50; n++) log.info('lost', { n });
       process.once('message', () => { reopen(); log.info('kept'); process.disconnect(); });
       say('alive');`,
    );
    const said = text(child.stdout);
    await until(() => said() === 'alive\n');
    rmSync(file);
    child.send('there is room');
    const code = await new Promise((resolve) => child.once('close', resolve));
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect([code, lines.map((line) => JSON.parse(line) as object)]).toMatchObject([0, [{ event: 'kept' }, { event: 'log.dropped', lines: 50 }]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
