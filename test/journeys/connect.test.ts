import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { modernServer } from '../support/modern-server.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../support/recording-upstream.ts';
import { startReference } from '../support/reference.ts';
import {
  gatewayCommand,
  gatewayEnvironment,
  removeGatewayFolders,
  type RunningGateway,
  runGateway,
  startGateway,
  temporaryFolder,
} from '../support/start-gateway.ts';

/** `gateway connect`, as clients that know only programs start it: official clients of both eras, and a shell. */
let reference: Awaited<ReturnType<typeof startReference>>;
let recording: RecordingUpstream;
let gateway: RunningGateway;

beforeAll(async () => {
  [reference, recording] = await Promise.all([startReference(), startRecordingUpstream(modernServer())]);
  gateway = await startGateway({
    config: {
      workers: 2,
      servers: [
        { name: 'reference', url: reference.url },
        { name: 'recording', url: recording.url },
      ],
    },
  });
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await Promise.all([reference?.stop(), recording?.stop()]);
  removeGatewayFolders();
});

const environment = (more: Record<string, string> = {}): Record<string, string> =>
  gatewayEnvironment({ GATEWAYOPS_API_KEY: gateway.apiKey ?? '', GATEWAYOPS_URL: gateway.url, ...more }) as Record<string, string>;

const program = (server: string, ...more: string[]): { command: string; args: string[]; env: Record<string, string>; stderr: 'pipe' } => ({
  command: nodePath,
  args: [gatewayCommand, 'connect', server, ...more],
  env: environment(),
  stderr: 'pipe',
});

const text = 'This is a simple text response for testing.';

describe('gateway connect', () => {
  test('is a stdio server for a modern client: lists, calls, progress and mirrored parameters pass', async () => {
    const client = new ModernClient({ name: 'stdio-agent', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new ModernStdio(program('reference')));
    try {
      const { tools } = await client.listTools();
      expect(tools.length).toBeGreaterThan(10);
      expect((await client.callTool({ name: 'test_simple_text', arguments: {} })).content).toEqual([{ type: 'text', text }]);
      let steps = 0;
      await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, { onprogress: () => void steps++ });
      expect(steps).toBeGreaterThan(0);
    } finally {
      await client.close();
    }
  });

  test('is a stdio server for a legacy client: session, notifications, and what the server asks the client', async () => {
    const client = new LegacyClient({ name: 'stdio-agent', version: '1' }, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }));
    await client.connect(new LegacyStdio(program('reference')));
    try {
      expect((await client.callTool({ name: 'test_simple_text', arguments: {} })).content).toEqual([{ type: 'text', text }]);
      expect(JSON.stringify(await client.callTool({ name: 'test_sampling', arguments: { prompt: 'p' } }))).toContain('sampled');
    } finally {
      await client.close();
    }
  });

  test('answers what a shell has piped into it before it ends, by nothing but MCP on stdout, and exits 0', async () => {
    const call = { jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'echo', arguments: {}, _meta: envelope } };
    const run = await piped([gatewayCommand, 'connect', 'recording'], `${JSON.stringify(call)}\nnot json\n`, environment());
    expect([run.code, run.stderr]).toEqual([0, '']);
    const messages = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id?: string; result?: object; error?: { code: number } });
    expect(messages.find(({ id }) => id === 'a')?.result).toBeDefined();
    expect(messages.find(({ id }) => id === undefined)?.error?.code).toBe(-32_700);
    expect(messages).toHaveLength(2);
  });

  test('without a name is the endpoint of all servers', async () => {
    const client = new ModernClient({ name: 'stdio-agent', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    const { args, ...rest } = program('unused');
    await client.connect(new ModernStdio({ ...rest, args: args.slice(0, 2) }));
    try {
      const tool = (await client.listTools()).tools.find(({ name }) => name.includes('test_simple_text'));
      expect((await client.callTool({ name: tool?.name ?? '', arguments: {} })).content).toEqual([{ type: 'text', text }]);
    } finally {
      await client.close();
    }
  });

  test('says a refused key and a gateway that is away as errors of the request, with the fix, and never says the key', async () => {
    const call = `${JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/list', params: { _meta: envelope } })}\n`;
    const secret = 'gwo_dev_wrongwrongwrongwrongwrongwrong0001';
    const refused = await piped([gatewayCommand, 'connect', 'recording'], call, environment({ GATEWAYOPS_API_KEY: secret }));
    expect(JSON.parse(refused.stdout)).toMatchObject({ id: 7, error: { data: { code: 'unauthorized', fix: expect.stringContaining('gateway keys create') } } });
    expect(refused.code).toBe(0);
    expect(refused.stderr).toContain('Invalid or missing API key');
    expect(refused.stdout + refused.stderr).not.toContain(secret);
  });

  test('takes the key from a place, and refuses one that is written on the command line without repeating it', async () => {
    const file = join(temporaryFolder(), 'key');
    writeFileSync(file, `${gateway.apiKey}\n`);
    chmodSync(file, 0o600);
    const call = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: envelope } })}\n`;
    const { GATEWAYOPS_API_KEY: _, ...env } = environment();
    const found = await piped([gatewayCommand, 'connect', 'recording', '--key', `file:${file}`], call, env);
    expect(JSON.parse(found.stdout)).toMatchObject({ id: 1, result: { tools: [{ name: 'echo' }] } });
    const refused = await runGateway(['connect', 'recording', '--key', gateway.apiKey ?? ''], { env: environment() });
    expect(refused.code).toBe(2);
    expect(refused.stderr).not.toContain(gateway.apiKey);
  });

  test('a gateway that was killed and started again is reached again, with a new session of its program, without the client knowing', async () => {
    const everything = join(repositoryFolder, 'node_modules', '@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
    const config = { servers: [{ name: 'everything', transport: 'stdio', command: [nodePath, everything] }] };
    const first = await startGateway({ config });
    const client = new LegacyClient({ name: 'stdio-agent', version: '1' });
    await client.connect(
      new LegacyStdio({ ...program('everything'), env: environment({ GATEWAYOPS_URL: first.url, GATEWAYOPS_API_KEY: first.apiKey ?? '' }) }),
    );
    const echo = async (message: string): Promise<unknown> => (await client.callTool({ name: 'echo', arguments: { message } })).content;
    expect(await echo('before')).toEqual([{ type: 'text', text: 'Echo: before' }]);
    await first.kill9();
    // The last of its processes to die may still take a connection.
    await until(
      () =>
        fetch(`${first.url}/healthz`).then(
          () => false,
          () => true,
        ),
      { what: 'the end of the killed gateway' },
    );
    // Asked while nobody is there: it waits until somebody is, for a bounded time.
    const asked = echo('meanwhile').catch((error: unknown) => error);
    const second = await startGateway({ config, stateFolder: first.stateFolder, args: ['--listen', `127.0.0.1:${first.port}`] });
    try {
      const answer = await asked;
      // A machine so slow that the time was over first says so.
      if (!(answer instanceof Error && answer.message.includes('No running gateway'))) expect(answer).toEqual([{ type: 'text', text: 'Echo: meanwhile' }]);
      expect(await echo('after')).toEqual([{ type: 'text', text: 'Echo: after' }]);
    } finally {
      await client.close();
      await second.stop();
    }
  }, 90_000);

  test('a session that the gateway has lost is begun anew without the client knowing', async () => {
    const upstream = await startReference('legacy');
    const other = await startGateway({ config: { servers: [{ name: 'legacy', url: upstream.url }] } });
    const client = new LegacyClient({ name: 'stdio-agent', version: '1' });
    await client.connect(new LegacyStdio({ ...program('legacy'), env: environment({ GATEWAYOPS_URL: other.url, GATEWAYOPS_API_KEY: other.apiKey ?? '' }) }));
    try {
      await client.listTools();
      const port = Number(new URL(upstream.url).port);
      await upstream.stop();
      const { startReferenceServer } = await import('../conformance/reference-server.ts');
      const again = await startReferenceServer(port, 'legacy');
      try {
        const answer = await until(() => client.callTool({ name: 'test_simple_text', arguments: {} }).catch(() => null), { what: 'a call in the new session' });
        expect(answer.content).toEqual([{ type: 'text', text }]);
      } finally {
        await again.stop();
      }
    } finally {
      await client.close();
      await other.stop();
    }
  }, 60_000);
});

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'shell', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

async function piped(args: string[], input: string, env: Record<string, string>): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(nodePath, args, { env, stdio: 'pipe', timeout: 30_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
