/** A recorded call in the forms that make it again, or tell of it. */

/** Of `tools/call`: the tool and the arguments that its body asks for, however the client came in. Undefined where the body says neither. */
export function askedOf(body: string): { readonly tool: string; readonly arguments: unknown } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  // JSON-RPC has them below `params`, the REST way at its top.
  const { params } = value;
  const [tool, args] = isObject(params) ? [params['name'], params['arguments']] : [value['tool'], value['arguments']];
  return typeof tool === 'string' ? { tool, arguments: args ?? {} } : undefined;
}

/** For a POSIX shell; the key is read from GATEWAYOPS_API_KEY, so that it stands in no history. */
export function curlOf(gatewayUrl: string, server: string, asked: { readonly tool: string; readonly arguments: unknown }): string {
  return [
    `curl ${quoted(`${gatewayUrl}/v1/mcp/${encodeURIComponent(server)}/tools/call`)}`,
    '-H "Authorization: Bearer $GATEWAYOPS_API_KEY"',
    "-H 'Content-Type: application/json'",
    `-d ${quoted(JSON.stringify(asked))}`,
  ].join(' \\\n  ');
}

type Asked = Parameters<typeof curlOf>[2];

/** The message of MCP, as a client sends it to the server's address. */
export function rpcOf({ tool, arguments: args }: Asked): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } }, null, 2);
}

/** For `@gatewayops/sdk`, which reads the key from GATEWAYOPS_API_KEY. */
export function sdkOf(gatewayUrl: string, server: string, { tool, arguments: args }: Asked): string {
  return [
    "import { GatewayOps } from '@gatewayops/sdk';",
    '',
    `const client = new GatewayOps({ gatewayUrl: ${JSON.stringify(gatewayUrl)} });`,
    `const { result } = await client.mcp.call(${JSON.stringify({ server, tool, arguments: args }, null, 2)});`,
    '',
  ].join('\n');
}

/** For a ticket: what was called, what came of it, and where to read more. */
export function markdownOf(link: string, server: string, outcome: string, { tool, arguments: args }: Asked): string {
  const json = JSON.stringify(args, null, 2);
  const fence = '`'.repeat(Math.max(3, ...[...json.matchAll(/`+/g)].map(([ticks]) => ticks.length + 1)));
  return `[${server} · ${tool}](${link}): **${outcome}**\n\n${fence}json\n${json}\n${fence}\n`;
}

/** Between single quotes a shell reads nothing but a single quote. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
