/**
 * Programs of others on both sides of the gateway: what a client gets through it is what it gets of the server itself. They are
 * installed by `test/peers/install.sh`, which `.ci/run` calls; without them these tests are skipped by name.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath, repositoryFolder } from '../support/node-path.ts';
import { openLink } from '../support/person.ts';
import { until } from '../support/poll.ts';
import { killTree } from '../support/processes.ts';
import { signInProgram } from '../support/sign-in-program.ts';
import { removeGatewayFolders, startGateway, type RunningGateway } from '../support/start-gateway.ts';
import { freePort } from '../support/temporary-server.ts';

const folder = import.meta.dirname;
const python = join(folder, '.venv', 'bin', 'python');
const run = promisify(execFile);

const missing =
  existsSync(join(folder, 'node_modules', '.bin', 'mcp-remote')) && existsSync(python)
    ? null
    : 'needs clients and servers of others, which are not installed; install them with: bash test/peers/install.sh';

const started: ChildProcess[] = [];
const ports = new Map<string, number>();
let gateway: RunningGateway;
let key = '';

/** The command of a program that npm installed here. */
function program(name: string, ...args: string[]): [string, ...string[]] {
  return [nodePath, join(folder, 'node_modules', '.bin', name), ...args];
}

const everything = program('mcp-server-everything', 'stdio');
const filesystem: [string, ...string[]] = [nodePath, join(repositoryFolder, 'node_modules', '.bin', 'mcp-server-filesystem'), folder];

/** Programs of others that are a server on stdio and carry their client to the server at `url` over streamable HTTP. */
const carriers: Readonly<Record<string, (url: string, key?: string) => [string, ...string[]]>> = {
  'mcp-remote': (url, bearer) =>
    program('mcp-remote', url, '--allow-http', '--transport', 'http-only', ...(bearer === undefined ? [] : ['--header', `Authorization:Bearer ${bearer}`])),
  supergateway: (url, bearer) =>
    program('supergateway', '--streamableHttp', url, '--logLevel', 'none', ...(bearer === undefined ? [] : ['--oauth2Bearer', bearer])),
  'mcp-proxy': (url) => [nodePath, join(folder, 'mcp-proxy-client.mjs'), url],
};

/** Starts a server over HTTP and waits until it answers. */
async function startServer(name: string, command: (port: number) => string[]): Promise<void> {
  const port = await freePort();
  const [file = '', ...args] = command(port);
  const child = spawn(file, args, { stdio: 'ignore', detached: true });
  started.push(child);
  ports.set(name, port);
  // What speaks only WebSocket answers this too, with a refusal.
  await until(async () => (await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST' })).status > 0, { timeoutMs: 40_000, what: `${name} to listen` });
}

const quoted = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(' ');

async function startAll(): Promise<void> {
  await Promise.all([
    startServer('supergateway', (port) =>
      program('supergateway', '--stdio', quoted(everything), '--outputTransport', 'streamableHttp', '--stateful', '--port', String(port), '--logLevel', 'none'),
    ),
    startServer('mcp-proxy', (port) => program('mcp-proxy', '--host', '127.0.0.1', '--port', String(port), '--', ...everything)),
    startServer('websocket', (port) =>
      program('supergateway', '--stdio', quoted(everything), '--outputTransport', 'ws', '--port', String(port), '--logLevel', 'none'),
    ),
    startServer('supergateway-sse', (port) =>
      program('supergateway', '--stdio', quoted(everything), '--outputTransport', 'sse', '--port', String(port), '--logLevel', 'none'),
    ),
    startServer('python-mcp', (port) => [python, join(folder, 'server.py'), 'mcp', String(port)]),
    startServer('python-fastmcp', (port) => [python, join(folder, 'server.py'), 'fastmcp', String(port)]),
  ]);
  gateway = await startGateway({
    config: {
      listen: { sse: true },
      identity: {
        authorization_server: { dynamic_registration: true },
        providers: [{ name: 'tester', preset: 'custom', issuer: 'https://idp.example.com', client_id: 'gateway', domains: ['example.com'] }],
      },
      routes: [{ server: 'memory', auth: { type: ['apiKey', 'oauth'] } }],
      servers: [
        { name: 'everything', transport: 'stdio', command: everything },
        { name: 'memory', transport: 'stdio', command: program('mcp-server-memory') },
        { name: 'thinking', transport: 'stdio', command: program('mcp-server-sequential-thinking') },
        { name: 'filesystem', transport: 'stdio', command: filesystem },
        ...Object.entries(carriers).map(([name, command]) => ({
          name: `by-${name}`,
          transport: 'stdio',
          command: command(`http://127.0.0.1:${ports.get('supergateway')}/mcp`),
        })),
        { name: 'sse', transport: 'sse', url: `http://127.0.0.1:${ports.get('mcp-proxy')}/sse` },
        { name: 'websocket', transport: 'websocket', url: `ws://127.0.0.1:${ports.get('websocket')}/message` },
        { name: 'supergateway-sse', transport: 'sse', url: `http://127.0.0.1:${ports.get('supergateway-sse')}/sse` },
        ...['supergateway', 'mcp-proxy', 'python-mcp', 'python-fastmcp'].map((name) => ({ name, url: `http://127.0.0.1:${ports.get(name)}/mcp` })),
      ],
    },
  });
  key = gateway.apiKey ?? '';
}

interface Seen {
  readonly tools: readonly string[];
  readonly echo: unknown;
}

/** What a client sees of the `everything` server, its tools under `prefix`, behind a program that is itself a server on stdio. */
async function seenOverStdio(command: readonly string[], prefix = ''): Promise<Seen> {
  const [file = '', ...args] = command;
  const client = new Client({ name: 'peers', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: file,
      args,
      stderr: 'ignore',
      env: { PATH: process.env['PATH'] ?? '', HOME: gateway.stateFolder, GATEWAYOPS_API_KEY: key, GATEWAY_KEY: key },
    }),
    { timeout: 40_000 },
  );
  try {
    const { tools } = await client.listTools();
    const { content } = await client.callTool({ name: `${prefix}echo`, arguments: { message: 'größer 🦆' } });
    const own = tools.map(({ name }) => name).filter((name) => name.startsWith(prefix));
    return { tools: own.map((name) => name.slice(prefix.length)).sort(), echo: content };
  } finally {
    await client.close();
  }
}

let everythingItself: Promise<Seen> | null = null;

/** What a client sees of the `everything` server that it starts itself; asked once. */
function withoutGateway(): Promise<Seen> {
  return (everythingItself ??= seenOverStdio(everything));
}

/** All that an official client gets of the `everything` server, of the first or the second generation: over HTTP, or of a program that it starts. */
async function seenByOfficial(generation: '1.x' | '2.x', server: string | readonly string[]): Promise<unknown> {
  const requestInit = { headers: { Authorization: `Bearer ${key}` } };
  const [command = '', ...args] = typeof server === 'string' ? [] : server;
  const stdio = { command, args, stderr: 'ignore' as const };
  let client: Client | FirstClient;
  if (generation === '1.x') {
    client = new FirstClient({ name: 'peers', version: '1' });
    const transport = typeof server === 'string' ? new FirstTransport(new URL(server), { requestInit }) : new FirstStdio(stdio);
    await client.connect(transport);
  } else {
    client = new Client({ name: 'peers', version: '1' });
    await client.connect(typeof server === 'string' ? new StreamableHTTPClientTransport(new URL(server), { requestInit }) : new StdioClientTransport(stdio));
  }
  try {
    const byName = (list: readonly { readonly name: string }[]): unknown => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const { resources } = await client.listResources();
    const echo = await client.callTool({ name: 'echo', arguments: { message: 'größer 🦆' } });
    const sum = await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 40 } });
    return {
      tools: byName((await client.listTools()).tools),
      prompts: byName((await client.listPrompts()).prompts),
      prompt: (await client.getPrompt({ name: 'simple-prompt' })).messages,
      resources: byName(resources),
      templates: byName((await client.listResourceTemplates()).resourceTemplates),
      resource: (await client.readResource({ uri: resources[0]?.uri ?? '' })).contents,
      echo: echo.content,
      sum: sum.content,
    };
  } finally {
    await client.close();
  }
}

/** What MCP Inspector's command line prints of a server: at an address, or one that it starts itself. */
async function inspect(server: string | readonly string[], ...args: string[]): Promise<unknown> {
  const target =
    typeof server === 'string'
      ? ['--server-url', server, '--transport', 'http', '--header', `Authorization: Bearer ${key}`]
      : ['--transport', 'stdio', ...server];
  const [file, ...rest] = program('mcp-inspector', '--cli', ...target, ...args);
  const { stdout } = await run(file, rest, { timeout: 60_000, env: { PATH: process.env['PATH'] ?? '', HOME: gateway.stateFolder } });
  return JSON.parse(stdout);
}

/** What a client of Python prints of each server, in one of the modes of its SDK: one process, for to import the SDK takes seconds. */
async function python3(kind: string, ...asked: readonly (readonly [mode: string, url: string])[]): Promise<unknown[]> {
  const { stdout } = await run(python, [join(folder, 'client.py'), kind, ...asked.flat()], {
    timeout: 80_000,
    env: { PATH: process.env['PATH'] ?? '', GATEWAY_KEY: key },
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

if (missing !== null && process.env['GATEWAYOPS_REQUIRE_SERVERS'] === '1') test('programs of others', () => expect.fail(missing));
else {
  describe.skipIf(missing !== null)(missing === null ? 'programs of others' : `programs of others (${missing})`, { timeout: 90_000 }, () => {
    beforeAll(startAll, 120_000);
    afterAll(async () => {
      await gateway?.stop();
      for (const { pid } of started) if (pid !== undefined) killTree(pid);
      removeGatewayFolders();
    });

    test.each(['everything', 'supergateway', 'mcp-proxy'])('MCP Inspector lists and calls the tools of %s as it does without the gateway', async (server) => {
      const port = ports.get(server);
      const itself = port === undefined ? everything : `http://127.0.0.1:${port}/mcp`;
      const call = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hello there'];
      const through = `${gateway.mcp}/${server}`;
      const called = await inspect(through, ...call);
      expect(called).toMatchObject({ content: [{ type: 'text', text: 'Echo: hello there' }] });
      expect(called).toEqual(await inspect(itself, ...call));
      expect(await inspect(through, '--method', 'tools/list')).toEqual(await inspect(itself, '--method', 'tools/list'));
    });

    test.each(
      (['1.x', '2.x'] as const).flatMap((generation) =>
        ['everything', 'supergateway', 'mcp-proxy', ...Object.keys(carriers).map((name) => `by-${name}`)].map((server) => [generation, server] as const),
      ),
    )('the official client %s gets of %s what it gets without the gateway', async (generation, server) => {
      const itself = `http://127.0.0.1:${ports.get(server) ?? ports.get('supergateway')}/mcp`;
      const direct = await seenByOfficial(generation, server === 'everything' ? everything : itself);
      expect(direct).toMatchObject({ sum: [{ text: 'The sum of 2 and 40 is 42.' }] });
      expect(await seenByOfficial(generation, `${gateway.mcp}/${server}`)).toEqual(direct);
    });

    test.each(Object.keys(carriers).flatMap((carrier) => ['everything', 'supergateway', 'mcp-proxy'].map((server) => [carrier, server] as const)))(
      '%s carries a stdio client to %s',
      async (carrier, server) => {
        expect(await seenOverStdio(carriers[carrier]?.(`${gateway.mcp}/${server}`, key) ?? [])).toEqual(await withoutGateway());
      },
    );

    test('mcp-remote and supergateway carry stdio clients over HTTP+SSE, and Python has it of its own', async () => {
      const url = `${gateway.mcp}/everything/sse`;
      const direct = await withoutGateway();
      expect(await seenOverStdio(program('mcp-remote', url, '--transport', 'sse-only', '--header', `Authorization:Bearer ${key}`))).toEqual(direct);
      expect(await seenOverStdio(program('supergateway', '--sse', url, '--oauth2Bearer', key, '--logLevel', 'none'))).toEqual(direct);
      const itself = await python3('mcp', ['legacy', `http://127.0.0.1:${ports.get('python-mcp')}/mcp`]);
      expect(await python3('mcp-sse', ['legacy', `${gateway.mcp}/python-mcp/sse`])).toEqual(itself);
    });

    test.each(['everything', 'supergateway', 'mcp-proxy', 'sse', 'supergateway-sse', 'websocket'])(
      'gateway connect carries a stdio client to %s, by itself and among all',
      async (server) => {
        const connect = [nodePath, join(repositoryFolder, 'packages', 'gateway', 'bin', 'gateway.js'), 'connect'];
        const direct = await withoutGateway();
        expect(await seenOverStdio([...connect, server, '--url', gateway.url])).toEqual(direct);
        expect(await seenOverStdio([...connect, '--url', gateway.url], `${server}__`)).toEqual(direct);
      },
    );

    test.each([
      ['memory', 'read_graph', [], { entities: [], relations: [] }],
      ['thinking', 'sequentialthinking', ['thought=why', 'nextThoughtNeeded=false', 'thoughtNumber=1', 'totalThoughts=1'], { thoughtNumber: 1 }],
      ['filesystem', 'read_text_file', [`path=${join(folder, 'requirements.txt')}`], { content: expect.stringContaining('fastmcp==') }],
    ])('the %s server of npm answers a call', async (server, tool, args, expected) => {
      const given = args.length === 0 ? [] : ['--tool-arg', ...args];
      const called = await inspect(`${gateway.mcp}/${server}`, '--method', 'tools/call', '--tool-name', tool, ...given);
      expect(called).toMatchObject({ structuredContent: expected });
    });

    test('mcp-remote, MCP Inspector and the client of Python sign in by themselves where they know only the address', { timeout: 170_000 }, async () => {
      const person = await openLink(gateway.adminLink ?? '');
      const url = `${gateway.mcp}/memory`;
      const home = mkdtempSync(join(tmpdir(), 'gwo-peers-'));
      try {
        const remote = await signInProgram(person, program('mcp-remote-client', url, '--transport', 'http-only', '--auth-timeout', '60'), { home });
        expect([remote.code, `${remote.stdout}${remote.stderr}`]).toEqual([0, expect.stringContaining('"read_graph"')]);
        const port = await freePort();
        const callback = `http://127.0.0.1:${port}/oauth/callback`;
        const inspector = program('mcp-inspector', '--cli', '--server-url', url, '--transport', 'http', '--callback-url', callback, '--method', 'tools/list');
        inspector.push('--connect-timeout', '60000');
        const inspected = await signInProgram(person, inspector, { home, env: { MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'memory' } });
        expect([inspected.code, inspected.stdout]).toEqual([0, expect.stringContaining('"read_graph"')]);
        const listed = await signInProgram(person, [python, join(folder, 'sign-in.py'), url], { home });
        expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining("'read_graph'")]);
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    });

    test('scim2-tester finds nothing that SCIM asks for and the gateway does not do', { timeout: 320_000 }, async () => {
      const enabled = await gateway.cli('scim', 'enable', 'tester', '-o', 'json');
      expect([enabled.code, enabled.stderr]).toEqual([0, expect.any(String)]);
      const { token, base_url: url } = JSON.parse(enabled.stdout) as { token: string; base_url: string };
      const { stdout } = await run(python, [join(folder, 'scim.py'), url], { timeout: 300_000, env: { PATH: process.env['PATH'] ?? '', SCIM_TOKEN: token } });
      const checks = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { status: string; title: string; reason: string });
      // A search over users and groups at once is not served, and it is seen that it is not.
      const isSkipped = ({ status, title }: (typeof checks)[number]): boolean => status === 'SKIPPED' && title === 'search_with_attributes';
      expect(checks.filter((one) => one.status !== 'SUCCESS' && !isSkipped(one))).toEqual([]);
      expect(checks.length).toBeGreaterThan(50);
    });

    const kinds = ['mcp', 'fastmcp'];
    test.each(kinds.flatMap((client) => kinds.map((server) => [client, server] as const)))(
      "Python's %s client gets of the %s server what it gets without the gateway: by negotiation, of the legacy era, of 2026-07-28",
      async (client, server) => {
        const modes = ['auto', 'legacy', '2026-07-28'];
        const [itself, through] = [`http://127.0.0.1:${ports.get(`python-${server}`)}/mcp`, `${gateway.mcp}/python-${server}`];
        const got = await python3(client, ...modes.map((mode) => [mode, itself] as const), ...modes.map((mode) => [mode, through] as const));
        const direct = got.slice(0, modes.length);
        for (const one of direct) expect(one).toMatchObject({ tools: ['count', 'echo', 'fail'], progress: [1, 2, 3], failed: true });
        expect(got.slice(modes.length)).toEqual(direct);
      },
    );
  });
}
