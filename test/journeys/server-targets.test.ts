/** Servers of several targets in the whole program: what an administrator sees and does, and that every worker goes by it. */
import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuthority, makeClientCertificate, makeServerCertificate, type Certificate } from '../support/certificates.ts';
import { pidsOf } from '../support/gateway-processes.ts';
import { modernServer } from '../support/modern-server.ts';
import { until } from '../support/poll.ts';
import { jsonOf, post, toolCall } from '../support/post.ts';
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts';
import { empty } from '../support/replies.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';

interface TargetShown {
  readonly name: string;
  readonly state: string;
  readonly weight: number;
  readonly calls: number;
}
interface ServerShown {
  readonly state: string;
  readonly reason: string | null;
  readonly targets: readonly TargetShown[];
}

let blue: RecordingUpstream;
let green: RecordingUpstream;
let secured: Server;
let gateway: RunningGateway;
let config: Readonly<Record<string, unknown>>;
let folder: string;
let authority: Certificate;
const seenClients: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatewayops-targets-'));
  authority = await makeAuthority();
  const [certificate, client] = await Promise.all([makeServerCertificate(authority), makeClientCertificate(authority, 'first')]);
  writeFileSync(join(folder, 'ca.pem'), authority.cert);
  writeClient(client);
  [blue, green] = await Promise.all([startRecordingUpstream(modernServer()), startRecordingUpstream(modernServer())]);
  secured = createServer({ ...certificate, ca: authority.cert, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject as { CN?: string };
    seenClients.push(subject.CN ?? '');
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const { id, method } = JSON.parse(text) as { id: unknown; method: string };
      const facts = { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ttlMs: 60_000, cacheScope: 'public' };
      const result = { resultType: 'complete', ...(method === 'server/discover' ? facts : { content: [] }) };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
  });
  await new Promise<void>((resolve) => secured.listen(0, '127.0.0.1', resolve));
  config = {
    workers: 2,
    servers: [
      {
        name: 'search',
        targets: [
          { name: 'blue', url: blue.url },
          { name: 'green', url: green.url, weight: 2 },
        ],
        balance: 'weighted',
        health_check: { ask: 'ping', interval: '500ms', failures_min: 2, successes_min: 1 },
      },
      {
        name: 'deploy',
        targets: [
          { name: 'blue', url: blue.url },
          { name: 'green', url: green.url },
        ],
        active: 'blue',
      },
      {
        name: 'secured',
        url: `https://127.0.0.1:${(secured.address() as AddressInfo).port}/mcp`,
        tls: { ca: join(folder, 'ca.pem'), cert: join(folder, 'client.pem'), key: { file: join(folder, 'client.key') } },
      },
    ],
  };
  gateway = await startGateway({ config });
});

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([blue?.stop(), green?.stop()]);
  secured?.closeAllConnections();
  secured?.close();
  rmSync(folder, { recursive: true, force: true });
  removeGatewayFolders();
});

function writeClient({ cert, key }: Certificate): void {
  // As a program does that renews certificates: both whole, one after the other.
  for (const [name, text] of [
    ['client.pem', cert],
    ['client.key', key],
  ] as const) {
    writeFileSync(join(folder, `${name}.new`), text, { mode: 0o600 });
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
}

async function ask<Answer>(path: string): Promise<Answer> {
  const answer = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${gateway.apiKey}` } });
  return (await answer.json()) as Answer;
}

const callEcho = async (server: string): Promise<number> => {
  const { body, headers } = toolCall('echo');
  return (await post(`${gateway.mcp}/${server}`, body, { key: gateway.apiKey, headers })).status;
};
const shown = async (): Promise<ServerShown> => (await ask<{ server: ServerShown }>('/v1/servers/search')).server;
const calls = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) expect(await callEcho('search')).toBe(200);
};
const asked = (upstream: RecordingUpstream): number => upstream.requests.filter(({ body }) => body.includes('tools/call')).length;

test('calls are shared by weight, and the targets are seen with their figures', async () => {
  await calls(12);
  expect(asked(blue) + asked(green)).toBe(12);
  expect(asked(green)).toBeGreaterThan(asked(blue));
  await until(async () => (await shown()).state === 'ready', { what: 'both targets to be checked' });
  const { targets } = await shown();
  expect(targets.map(({ name, state, weight }) => [name, state, weight])).toEqual([
    ['blue', 'ready', 1],
    ['green', 'ready', 2],
  ]);
  expect(targets.reduce((sum, target) => sum + target.calls, 0)).toBeGreaterThanOrEqual(12);
  const { stdout } = await gateway.cli('servers', 'get', 'search');
  expect(stdout).toMatch(/blue +✓ ready +1 +\d+ +0/);
});

test('a target that drains takes no call of any worker; the change is audited, and undone', async () => {
  const path = `${gateway.url}/v1/servers/search/targets/green`;
  expect((await post(path, { draining: true }, { key: gateway.apiKey })).status).toBe(200);
  const before = asked(green);
  await calls(12);
  expect(asked(green)).toBe(before);
  const after = await shown();
  expect([after.state, after.targets.map(({ state }) => state)]).toEqual(['degraded', ['ready', 'draining']]);
  expect(jsonOf(await post(path, { draining: false, weight: 5 }, { key: gateway.apiKey }))).toMatchObject({ target: { weight: 5, state: 'ready' } });
  await calls(12);
  expect(asked(green)).toBeGreaterThan(before);
  expect((await post(`${gateway.url}/v1/servers/search/targets/none`, { draining: true }, { key: gateway.apiKey })).status).toBe(404);
  expect((await post(path, {}, { key: gateway.apiKey })).status).toBe(400);
});

test('a target that its checks find down is passed over, and shown so until it is well again', async () => {
  const reply = blue.reply;
  blue.reply = empty(503);
  await until(async () => (await shown()).targets[0]?.state === 'down', { what: 'blue to be down' });
  expect(await shown()).toMatchObject({ state: 'degraded', reason: 'blue is down: it answered HTTP 503' });
  expect(await ask('/v1/health')).toMatchObject({ status: 'degraded', servers: { search: { state: 'degraded' } } });
  const before = asked(blue);
  await calls(12);
  expect(asked(blue)).toBe(before);
  blue.reply = reply;
  await until(async () => (await shown()).state === 'ready', { what: 'blue to be well again' });
});

test('a server with a private authority and a client certificate; new files are used without a restart', async () => {
  expect(await callEcho('secured')).toBe(200);
  expect(new Set(seenClients)).toEqual(new Set(['first']));
  writeClient(await makeClientCertificate(authority, 'second'));
  await until(
    async () => {
      await callEcho('secured');
      return seenClients.at(-1) === 'second';
    },
    { what: 'the new certificate' },
  );
  const { stdout } = await gateway.cli('servers', 'test', 'secured');
  expect(stdout).toContain('✓ handshake');
});

test('one command switches blue to green on every worker; another begins a canary; workers and the whole gateway may die and it holds', async () => {
  const share = async (): Promise<[blue: number, green: number]> => {
    const before = [asked(blue), asked(green)] as const;
    for (let count = 0; count < 8; count++) expect(await callEcho('deploy')).toBe(200);
    return [asked(blue) - before[0], asked(green) - before[1]];
  };
  // Each worker asks a server once what it speaks.
  await share();
  expect(await share()).toEqual([8, 0]);
  const planned = await gateway.cli('servers', 'switch', 'deploy', 'green', '--dry-run');
  expect([planned.code, planned.stdout]).toEqual([0, expect.stringMatching(/It would be:[\s\S]*green +\S+ \w+ +active/) as unknown]);
  expect(await share()).toEqual([8, 0]);
  expect((await gateway.cli('servers', 'switch', 'deploy', 'green')).code).toBe(0);
  expect(await share()).toEqual([0, 8]);

  const canary = await gateway.cli('servers', 'set', 'deploy', '--active', 'green', '--canary', 'blue', '--header', 'x-canary=yes', '-o', 'json');
  expect(JSON.parse(canary.stdout)).toMatchObject({ active: 'green', canary: { target: 'blue', share: 0, header: { name: 'x-canary', value: 'yes' } } });
  const { body, headers } = toolCall('echo');
  const before = asked(blue);
  await post(`${gateway.mcp}/deploy`, body, { key: gateway.apiKey, headers: { ...headers, 'x-canary': 'yes' } });
  expect(asked(blue)).toBe(before + 1);

  for (const worker of pidsOf(gateway, 'worker')) process.kill(worker, 'SIGKILL');
  await until(async () => (await callEcho('deploy').catch(() => 0)) === 200, { what: 'another worker', timeoutMs: 60_000 });
  await share();
  expect(await share()).toEqual([0, 8]);
  const { apiKey, stateFolder } = gateway;
  expect(await gateway.stop()).toBe(0);
  gateway = { ...(await startGateway({ config, stateFolder })), apiKey };
  await share();
  expect(await share()).toEqual([0, 8]);
  expect((await gateway.cli('servers', 'get', 'deploy')).stdout).toMatch(/asked for beside gateway\.yaml at \S+ by operator/);
  const audited = jsonOf(await post(`${gateway.url}/v1/logs/audit?action=server.switched`, undefined, { method: 'GET', key: apiKey }));
  expect(audited).toMatchObject({ events: [{ object: { id: 'deploy' } }, { object: { id: 'deploy' } }] });

  // The active target drains: those that stand by take its calls, and that shows.
  expect((await gateway.cli('servers', 'set', 'deploy', '--reset')).stdout).toMatch(/blue +\S+ \w+ +active/);
  expect((await gateway.cli('servers', 'drain', 'deploy', 'blue')).code).toBe(0);
  await share();
  expect(await share()).toEqual([0, 8]);
  expect(await ask('/v1/servers/deploy')).toMatchObject({ server: { state: 'degraded', reason: 'blue is draining' } });
  expect((await gateway.cli('servers', 'drain', 'deploy', 'blue', '--undo')).code).toBe(0);
  expect(await share()).toEqual([8, 0]);
  expect((await gateway.cli('servers', 'switch', 'deploy', 'red')).stderr).toContain('there is no target "red"');
}, 300_000);
