/** The audit of the real program: what is recorded, the check of it here and elsewhere, and after every process was killed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { removeGatewayFolders, runGateway, startGateway, temporaryFolder, type RunningGateway } from '../support/start-gateway.ts';
import { until } from '../support/poll.ts';

let gateway: RunningGateway;
const config = { servers: [{ name: 'search', url: 'http://127.0.0.1:9/mcp' }], workers: 1 };
const folder = temporaryFolder();

beforeAll(async () => {
  gateway = await startGateway({ config });
});
afterAll(async () => {
  await gateway.stop();
  removeGatewayFolders();
});

interface Listed {
  readonly events: readonly {
    action: string;
    actor: { kind: string; id: string };
    object: { id: string };
    result: string;
    ip: string | null;
    detail: unknown;
  }[];
}

async function listed(...args: string[]): Promise<Listed['events']> {
  const { stdout } = await gateway.cli('audit', 'list', '-o', 'json', ...args);
  return (JSON.parse(stdout) as Listed).events;
}

test('keys, refused keys and a refused configuration are in the audit, and it is whole', async () => {
  const created = JSON.parse((await gateway.cli('keys', 'create', '--name', 'agent', '-o', 'json')).stdout) as { id: string; secret: string };
  await gateway.cli('keys', 'revoke', created.id);
  await fetch(`${gateway.mcp}/search`, { method: 'POST', headers: { authorization: `Bearer ${created.secret}` } });
  writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...config, nonsense: true }));
  await gateway.cli('reload');
  writeFileSync(gateway.configFile, JSON.stringify({ version: 1, ...config }, null, 2));
  expect((await listed('--action', 'key.*', '--object', created.id)).map(({ action, actor }) => [action, actor.kind])).toEqual([
    ['key.revoked', 'operator'],
    ['key.created', 'operator'],
  ]);
  await until(async () => (await listed('--action', 'sign_in.failed'))[0], { timeoutMs: 30_000, what: 'the refused key to be recorded' });
  expect((await listed('--action', 'sign_in.failed'))[0]).toMatchObject({
    result: 'denied',
    ip: '127.0.0.1',
    detail: { callers: [{ reason: 'revoked', kind: 'key' }] },
  });
  expect(JSON.stringify(await listed('--internal'))).not.toContain(created.secret);
  expect((await listed('--internal', '--action', 'config.refused', '--result', 'failed')).length).toBe(1);
  const { code, stdout } = await gateway.cli('audit', 'verify');
  expect([code, stdout]).toEqual([0, expect.stringContaining('✓ The audit is whole')]);
});

test('an export is checked on another machine with the public key alone; a changed byte, a missing line and a cut end are found', async () => {
  const keys = join(folder, 'keys.json');
  const proof = join(folder, 'audit.proof');
  writeFileSync(keys, (await gateway.cli('audit', 'keys', '-o', 'json')).stdout);
  expect(await gateway.cli('audit', 'keys', '--rotate')).toMatchObject({ code: 0 });
  expect(await gateway.cli('audit', 'export', proof)).toMatchObject({ code: 0 });
  // The key before the rotation vouches for the one after it.
  const whole = await runGateway(['audit', 'verify', proof, '--key', keys]);
  expect([whole.code, whole.stderr]).toEqual([0, '']);
  const lines = readFileSync(proof, 'utf8').trimEnd().split('\n');
  const check = async (changed: readonly string[]): Promise<string> => {
    const path = join(folder, 'changed.proof');
    writeFileSync(path, `${changed.join('\n')}\n`);
    const { code, stdout } = await runGateway(['audit', 'verify', path, '--key', keys, '-o', 'json']);
    expect(code).toBe(6);
    return stdout;
  };
  const first = lines.findIndex((line) => line.includes('"key.created"'));
  expect(await check(lines.map((line, index) => (index === first ? line.replace('first key', 'worst key') : line)))).toContain('"edited"');
  expect(await check(lines.filter((_, index) => index !== first))).toContain('removed');
  expect(await check(lines.slice(0, -1))).toContain('unreadable');
  expect(await runGateway(['audit', 'verify', proof])).toMatchObject({ code: 2 });
  const strange = await runGateway(['audit', 'verify', proof, '--key', '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=']);
  expect([strange.code, strange.stdout]).toEqual([6, expect.stringContaining('not trusted')]);
});

test('D12: after every process was killed the audit is whole, and goes on', async () => {
  const { stateFolder } = gateway;
  await gateway.kill9();
  gateway = await startGateway({ config, stateFolder });
  await gateway.cli('keys', 'create', '--name', 'after');
  // Until the ledger is open there is nothing to read.
  const verified = await until(
    async () => {
      const result = await gateway.cli('audit', 'verify');
      return result.code === 5 ? null : result;
    },
    { timeoutMs: 60_000, what: 'the ledger to be open' },
  );
  expect(verified).toMatchObject({ code: 0 });
});
