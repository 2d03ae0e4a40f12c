import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OpenAPIHono } from '@hono/zod-openapi';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../../../../test/support/poll.ts';
import type { ApiApp, ApiEnvironment } from './route.ts';
import { serveControl } from './serve-control.ts';
import { streamed } from './streamed.ts';

let folder: string;
let socketPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gwo-'));
  socketPath = join(folder, 'control.sock');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Answers when `answer` is called, and counts who asks. */
function waitingApp(): { app: ApiApp; asked: () => number; answer: () => void } {
  const answered = Promise.withResolvers<void>();
  let asked = 0;
  const app: ApiApp = new OpenAPIHono<ApiEnvironment>();
  app.get('/wait', async (c) => {
    asked++;
    await answered.promise;
    return c.text(c.env.front);
  });
  return { app, asked: () => asked, answer: () => answered.resolve() };
}

function get(agent: Agent | false = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: '/wait', agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    asking.on('error', reject);
    asking.end();
  });
}

test('a socket for its owner alone, also where a killed process left one; it says which one it is', async () => {
  writeFileSync(socketPath, '');
  const { app, answer } = waitingApp();
  answer();
  const server = await serveControl(app, socketPath, 'public');
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  expect(await get()).toBe('public');
  await server.close();
});

test('a request under way when it closes gets its answer, and its connection is not waited for', async () => {
  const { app, asked, answer } = waitingApp();
  const server = await serveControl(app, socketPath, 'admin');
  const keepAlive = new Agent({ keepAlive: true });
  const reply = get(keepAlive);
  await until(() => asked() === 1);
  const startedAt = performance.now();
  const closed = server.close();
  answer();
  expect(await reply).toBe('admin');
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  keepAlive.destroy();
  await expect(get()).rejects.toThrow(/ENOENT|ECONNREFUSED|ECONNRESET|EPIPE/);
});

test('one that never ends does not hold up the close', async () => {
  const { app, asked } = waitingApp();
  const server = await serveControl(app, socketPath, 'admin');
  const reply = get();
  reply.catch(() => undefined);
  await until(() => asked() === 1);
  await server.close();
  await expect(reply).rejects.toThrow('socket hang up');
});

test('a streamed answer that fails is cut under its reader, and the reason is in the log and nowhere else', async () => {
  const logged: unknown[] = [];
  const app: ApiApp = new OpenAPIHono<ApiEnvironment>();
  app.use(async (c, next) => {
    const log = { error: (event: string, fields: object) => void logged.push({ event, ...fields }) };
    c.set('dependencies', { log } as unknown as ApiEnvironment['Variables']['dependencies']);
    c.set('requestId', 'req_1');
    await next();
  });
  const broken = new Error('the ledger is gone');
  app.get('/lines', (c) => streamed(c, lines(broken), 'application/x-ndjson'));
  const server = await serveControl(app, socketPath, 'public');
  const printed: unknown[] = [];
  const consoles = (['error', 'info', 'log', 'warn'] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation((...told) => void printed.push(told)),
  );
  const { status, text, error } = await new Promise<{ status: number; text: string; error: string }>((resolve, reject) => {
    request({ socketPath, path: '/lines', agent: false }, (response) => {
      let text = '';
      const end = (error: string): void => resolve({ status: response.statusCode ?? 0, text, error });
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', (cut: NodeJS.ErrnoException) => end(cut.code ?? ''));
      response.on('end', () => end('none'));
    })
      .on('error', reject)
      .end();
  });
  await server.close();
  for (const each of consoles) each.mockRestore();
  expect({ status, error, said: text.length >= 64 * 1024, leaked: text.includes('gone') }).toEqual({
    status: 200,
    error: 'ECONNRESET',
    said: true,
    leaked: false,
  });
  expect(logged).toEqual([{ event: 'api.stream_cut', request_id: 'req_1', error: broken }]);
  expect(printed).toEqual([]);
});

/** More than is sent together, then a failure. */
async function* lines(error: Error): AsyncGenerator<string> {
  yield* Array.from({ length: 2 }, () => 'x'.repeat(64 * 1024));
  throw error;
}
