import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'gatewayops-bridge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An MCP server that says which variables it sees. */
const server = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line);
    if (id === undefined) return;
    const result = method === 'initialize' ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' }, instructions: Object.keys(process.env).sort().join(' ') } : null;
    console.log(JSON.stringify(result ? { jsonrpc: '2.0', id, result } : { jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
  });
`;

test('a bridge serves a program over HTTP, passes on what it was told to and nothing else, and ends in order', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'server.cjs'), server);
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, '..', 'main.ts'),
      'bridge',
      '--listen',
      '127.0.0.1:0',
      '--name',
      's',
      '--env',
      'A=1=2',
      '--pass-env',
      'B_TOKEN',
      '--',
      'node',
      'server.cjs',
    ],
    { cwd: folder, env: { PATH: process.env['PATH'] ?? '', B_TOKEN: 'canary-6620', OTHER_SECRET: 'canary-6621' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  try {
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
    const { address } = JSON.parse(line) as { address: string };

    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
    };
    const post = (): Promise<Response> =>
      fetch(`${address}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify(body),
      });
    const endMs = performance.now() + 30_000;
    let response = await post();
    while (!response.ok && performance.now() < endMs) {
      await response.body?.cancel();
      await pause(100);
      response = await post();
    }
    const names = /"instructions":"([^"]*)"/.exec(await response.text())?.[1]?.split(' ');
    expect(names).toEqual(expect.arrayContaining(['A', 'B_TOKEN', 'HOME', 'LANG', 'PATH']));
    expect(names).not.toContain('OTHER_SECRET');

    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(log).not.toMatch(/canary-662/);
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL');
  }
});
