/**
 * Programs of others that speak WebSocket and HTTP+SSE, on both sides of the gateway. Installed and skipped as those of
 * `peers.test.ts`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '../support/node-path.ts';
import { until } from '../support/poll.ts';
import { post } from '../support/post.ts';
import { killTree } from '../support/processes.ts';
import { removeGatewayFolders, type RunningGateway, startGateway } from '../support/start-gateway.ts';
import { freePort } from '../support/temporary-server.ts';

const folder = import.meta.dirname;
const python = join(folder, '.venv', 'bin', 'python');
const missing =
  existsSync(join(folder, 'node_modules', '.bin', 'mcp-remote')) && existsSync(python)
    ? null
    : 'needs clients and servers of others, which are not installed; install them with: bash test/peers/install.sh';

const started: ChildProcess[] = [];
let gateway: RunningGateway;

function program(name: string, ...args: string[]): [string, ...string[]] {
  return [nodePath, join(folder, 'node_modules', '.bin', name), ...args];
}

const everything = program('mcp-server-everything', 'stdio');
const quoted = everything.map((word) => JSON.stringify(word)).join(' ');

async function startServer(command: (port: string) => readonly string[]): Promise<string> {
  const port = String(await freePort());
  const [file = '', ...args] = command(port);
  started.push(spawn(file, args, { stdio: 'ignore', detached: true }));
  return port;
}

async function startAll(): Promise<void> {
  const [socket, stream, proxy] = await Promise.all([
    startServer((port) =>
      program('supergateway', '--stdio', quoted, '--outputTransport', 'ws', '--port', port, '--messagePath', '/message', '--logLevel', 'none'),
    ),
    startServer((port) => program('supergateway', '--stdio', quoted, '--outputTransport', 'sse', '--port', port, '--logLevel', 'none')),
    startServer((port) => program('mcp-proxy', '--host', '127.0.0.1', '--port', port, '--', ...everything)),
  ]);
  gateway = await startGateway({
    config: {
      listen: { websocket: true, sse: true },
      servers: [
        { name: 'supergateway-ws', transport: 'websocket', url: `ws://127.0.0.1:${socket}/message` },
        { name: 'supergateway-sse', transport: 'sse', url: `http://127.0.0.1:${stream}/sse` },
        { name: 'mcp-proxy', transport: 'sse', url: `http://127.0.0.1:${proxy}/sse` },
      ],
    },
  });
  await until(async () => (await post(`${gateway.url}/readyz`)).text.includes('"servers":{"ready":3,'), { what: 'the servers', timeoutMs: 60_000 });
}

async function echoOver(transport: Transport): Promise<unknown> {
  const client = new Client({ name: 'peers', version: '1' });
  await client.connect(transport, { timeout: 40_000 });
  try {
    return (await client.callTool({ name: 'echo', arguments: { message: 'größer 🦆' } })).content;
  } finally {
    await client.close();
  }
}

function ofProgram([command = '', ...args]: readonly string[]): Transport {
  return new StdioClientTransport({ command, args, stderr: 'ignore', env: { PATH: process.env['PATH'] ?? '', HOME: gateway.stateFolder } });
}

const echoed = [{ type: 'text', text: 'Echo: größer 🦆' }];

const pythonClient = `
import asyncio, os, sys
from mcp import ClientSession
from mcp.client.sse import sse_client
async def main():
    async with sse_client(sys.argv[1], headers={"Authorization": "Bearer " + os.environ["GATEWAY_KEY"]}) as (r, w):
        async with ClientSession(r, w) as session:
            await session.initialize()
            print((await session.call_tool("echo", {"message": "from Python"})).content[0].text)
asyncio.run(main())
`;

if (missing !== null && process.env['GATEWAYOPS_REQUIRE_SERVERS'] === '1') test('transports of others', () => expect.fail(missing));
else {
  describe.skipIf(missing !== null)(missing === null ? 'transports of others' : `transports of others (${missing})`, { timeout: 90_000 }, () => {
    beforeAll(startAll, 120_000);
    afterAll(async () => {
      await gateway?.stop();
      for (const { pid } of started) if (pid !== undefined) killTree(pid);
      removeGatewayFolders();
    });

    test.each(['supergateway-ws', 'supergateway-sse', 'mcp-proxy'])('%s is reached over streamable HTTP', async (server) => {
      const transport = new StreamableHTTPClientTransport(new URL(`${gateway.mcp}/${server}`), {
        requestInit: { headers: { authorization: `Bearer ${gateway.apiKey}` } },
      });
      expect(await echoOver(transport)).toEqual(echoed);
    });

    test('supergateway and mcp-remote reach a server over HTTP+SSE', async () => {
      const url = `${gateway.mcp}/mcp-proxy/sse`;
      expect(await echoOver(ofProgram(program('supergateway', '--sse', url, '--oauth2Bearer', gateway.apiKey ?? '', '--logLevel', 'none')))).toEqual(echoed);
      expect(await echoOver(ofProgram(program('mcp-remote', url, '--transport', 'sse-only', '--header', `Authorization:Bearer ${gateway.apiKey}`)))).toEqual(
        echoed,
      );
    });

    test('the Python client reaches a server over HTTP+SSE', async () => {
      const env = { PATH: process.env['PATH'] ?? '', GATEWAY_KEY: gateway.apiKey ?? '' };
      const { stdout } = await promisify(execFile)(python, ['-c', pythonClient, `${gateway.mcp}/supergateway-sse/sse`], { timeout: 60_000, env });
      expect(stdout.trim()).toBe('Echo: from Python');
    });
  });
}
