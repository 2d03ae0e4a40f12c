import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { isAlive, processTree } from '../support/processes.ts';
import { gatewayCommand, gatewayEnvironment, removeGatewayFolders, temporaryFolder } from '../support/start-gateway.ts';

afterAll(removeGatewayFolders);

/** Starts the gateway and presses Ctrl-C, which reaches its whole process group, once it says `moment`. */
async function interruptAt(moment: string, folder: string): Promise<{ code: number | null; stderr: string }> {
  const args = ['start', '--config', join(folder, 'gateway.yaml'), '--state', join(folder, 'state'), '--listen', '127.0.0.1:0'];
  const child = spawn(nodePath, [gatewayCommand, ...args], { env: gatewayEnvironment(), cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const pid = child.pid ?? 0;
  let stderr = '';
  let members: number[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (members.length > 0 || !stderr.includes(moment)) return;
    members = processTree(pid);
    process.kill(-pid, 'SIGINT');
  });
  // All that has the stream must have ended for it to close: the children too.
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  await until(() => !members.some(isAlive), { what: 'the end of all processes' });
  return { code, stderr };
}

test('Ctrl-C at any step of a start ends it with 130, without a stack trace, and leaves no process', { timeout: 240_000 }, async () => {
  const folder = temporaryFolder();
  const server = { name: 'search', url: 'http://127.0.0.1:9/mcp' };
  writeFileSync(join(folder, 'gateway.yaml'), JSON.stringify({ version: 1, workers: 2, servers: [server] }));
  for (const moment of ['Starting with', 'opening the state folder', 'opening the registry', 'opening the door', 'opening the registry', 'opening the door']) {
    const { code, stderr } = await interruptAt(moment, folder);
    // Where this process was late with its signal the start was over by then: that is an end in order.
    const expected = stderr.includes('SIGINT: letting calls in flight end') ? 0 : 130;
    expect([moment, code]).toEqual([moment, expected]);
    expect(stderr).not.toMatch(/^\s+at |crashed/m);
  }
});
