/**
 * The client of the official suite's client scenarios: `client.ts URL`, started by the suite with the scenario in its environment
 * (MCP_CONFORMANCE_SCENARIO, _PROTOCOL_VERSION, _CONTEXT). It does what a client of the official SDK does: lists everything that the
 * server offers, calls what it was told to call, reads the first resource and gets the first prompt. `--gateway FILE MCP`
 * puts the gateway between it and the server, so that what the suite judges is what the gateway sends: one that serves FILE and is reached at MCP.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport, type Tool } from '@modelcontextprotocol/client';
import { until } from '../support/poll.ts';

interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

const given = process.argv.slice(2);
const url = given.at(-1) ?? '';
const version = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as { readonly toolCalls?: readonly ToolCall[] };

const [flag, configFile = '', mcp = ''] = given;
await runClient(flag === '--gateway' ? await throughGateway(url) : url);

/** Names the server in the configuration, and waits until the gateway goes by it: before, nobody comes in without a key. */
async function throughGateway(server: string): Promise<string> {
  const name = `suite-${new URL(server).port}`;
  const config = JSON.parse(readFileSync(configFile, 'utf8')) as { servers: unknown[]; routes: unknown[] };
  config.servers.push({ name, url: server });
  config.routes.push({ server: name, auth: { type: 'none' } });
  writeFileSync(`${configFile}.new`, JSON.stringify(config));
  renameSync(`${configFile}.new`, configFile);
  const address = `${mcp}/${name}`;
  await until(async () => (await fetch(address, { method: 'POST' })).status !== 401, {
    timeoutMs: 30_000,
    what: 'the gateway to serve the server of the suite',
  });
  return address;
}

/** Numbers to add; for the tool that takes a schema the one of the other tool, as it came; else nothing. */
function argumentsFor(name: string, tools: readonly Tool[]): Record<string, unknown> {
  if (name === 'add_numbers') return { a: 5, b: 3 };
  const takesSchema = tools.find((tool) => tool.name === name)?.inputSchema.properties?.['schema'] !== undefined;
  return takesSchema ? { schema: tools.find((tool) => tool.name !== name)?.inputSchema } : {};
}

async function runClient(server: string): Promise<void> {
  const client = new Client(
    { name: 'conformance-client', version: '1.0.0' },
    { capabilities: { elicitation: { form: { applyDefaults: true }, url: {} } }, versionNegotiation: { mode: version >= '2026' ? 'auto' : 'legacy' } },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }));
  await client.connect(new StreamableHTTPClientTransport(new URL(server)));
  try {
    const { tools } = await client.listTools();
    const calls = context.toolCalls ?? tools.map(({ name }) => ({ name, arguments: argumentsFor(name, tools) }));
    // What some scenarios offer cannot be called, or answers what the SDK does not take: the suite judges what was sent.
    for (const call of calls) await client.callTool(call).catch((error: unknown) => console.error(`${call.name}: ${String(error)}`));
    const offers = client.getServerCapabilities();
    if (offers?.resources) {
      const [first] = (await client.listResources()).resources;
      if (first) await client.readResource({ uri: first.uri });
    }
    if (offers?.prompts) {
      const [first] = (await client.listPrompts()).prompts;
      if (first) await client.getPrompt({ name: first.name });
    }
  } finally {
    await client.close();
  }
}
