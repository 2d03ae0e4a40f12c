import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { isAlive, killTree, processTree } from '../support/processes.ts';
import { type GatewayOptions, removeGatewayFolders, startGateway, temporaryFolder } from '../support/start-gateway.ts';

afterAll(removeGatewayFolders);

test('a first start that is killed at any moment leaves a folder that starts, and a way to a key', { timeout: 120_000 }, async () => {
  const options: GatewayOptions = {
    stateFolder: join(temporaryFolder(), 'state'),
    config: { workers: 1, servers: [{ name: 'search', url: 'http://127.0.0.1:9/mcp' }] },
  };
  // While folders, engines, migrations, the first key are made; the times are of a machine at rest, and each run meets others.
  for (const afterMs of [300, 700, 1_100, 1_500, 1_900]) {
    let pid = 0;
    const starting = startGateway({ ...options, onSpawn: (spawned) => (pid = spawned) }).catch(() => null);
    await pause(afterMs + Math.random() * 400);
    const members = processTree(pid);
    killTree(pid);
    await starting;
    await until(() => !members.some(isAlive), { what: 'the end of all processes' });
  }
  const gateway = await startGateway(options);
  // Killed between the making of the first key and its showing, nobody knows its secret: the operator makes another.
  const made = await gateway.cli('keys', 'create', '--name', 'mine', '--action', '*', '-o', 'json');
  expect([made.code, made.stderr]).toEqual([0, expect.not.stringContaining('error')]);
  const { secret } = JSON.parse(made.stdout) as { secret: string };
  for (const key of gateway.apiKey === null ? [secret] : [secret, gateway.apiKey])
    expect((await post(`${gateway.url}/v1/auth/keys`, undefined, { key })).status).toBe(200);
  expect(await gateway.stop()).toBe(0);
});
