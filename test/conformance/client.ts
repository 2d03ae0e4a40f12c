/**
 * The client of the official suite's client scenarios: `client.ts URL`, started by the suite with the scenario in its environment
 * (MCP_CONFORMANCE_SCENARIO, _PROTOCOL_VERSION, _CONTEXT). It does what a client of the official SDK does: lists everything that the
 * server offers, calls what it was told to call, reads the first resource and gets the first prompt. `--gateway` puts the
 * gateway between it and the server, so that what the suite judges is what the gateway sends.
 */
import { Client, StreamableHTTPClientTransport, type Tool } from '@modelcontextprotocol/client';
import { removeGatewayFolders, startGateway } from '../support/start-gateway.ts';

interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

const [url = '', through] = process.argv.slice(2).sort((a, b) => Number(a.startsWith('--')) - Number(b.startsWith('--')));
const version = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as { readonly toolCalls?: readonly ToolCall[] };

if (through === '--gateway') await beforeServer(url);
else await runClient(url);

async function beforeServer(server: string): Promise<void> {
  const gateway = await startGateway({
    config: { servers: [{ name: 'suite', url: server }], routes: [{ server: 'suite', auth: { type: 'none' } }], log: { level: 'error' } },
  });
  try {
    await runClient(`${gateway.mcp}/suite`);
  } finally {
    await gateway.kill9();
    removeGatewayFolders();
  }
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
