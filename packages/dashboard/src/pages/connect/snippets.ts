/** How clients are told of a server behind this gateway, each in its own words. */

export interface Connection {
  readonly gatewayUrl: string;
  /** As the gateway serves it: `/mcp/search`. */
  readonly path: string;
  readonly name: string;
  /** Null: the server is open to everybody who reaches it. */
  readonly key: string | null;
}

export interface Client {
  readonly id: string;
  readonly title: string;
  /** Where it goes. */
  readonly place: string;
  readonly text: (connection: Connection) => string;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);
const bearer = (key: string): string => `Bearer ${key}`;
const headersOf = (key: string | null): object => (key === null ? {} : { headers: { Authorization: bearer(key) } });
const urlOf = ({ gatewayUrl, path }: Connection): string => `${gatewayUrl}${path}`;

export const clients: readonly Client[] = [
  {
    id: 'claude-code',
    title: 'Claude Code',
    place: 'In a shell:',
    text: (to) => `claude mcp add --transport http ${to.name} ${urlOf(to)}${to.key === null ? '' : ` --header "Authorization: ${bearer(to.key)}"`}`,
  },
  {
    id: 'codex',
    title: 'Codex',
    place: 'In ~/.codex/config.toml:',
    text: (to) =>
      `[mcp_servers.${to.name}]\nurl = ${JSON.stringify(urlOf(to))}${to.key === null ? '' : `\nhttp_headers = { Authorization = ${JSON.stringify(bearer(to.key))} }`}`,
  },
  {
    id: 'cursor',
    title: 'Cursor',
    place: 'In .cursor/mcp.json:',
    text: (to) => json({ mcpServers: { [to.name]: { url: urlOf(to), ...headersOf(to.key) } } }),
  },
  {
    id: 'vscode',
    title: 'VS Code',
    place: 'In .vscode/mcp.json:',
    text: (to) => json({ servers: { [to.name]: { type: 'http', url: urlOf(to), ...headersOf(to.key) } } }),
  },
  {
    id: 'inspector',
    title: 'Inspector',
    place: 'In a shell; it lists the tools:',
    text: (to) =>
      `npx @modelcontextprotocol/inspector --cli ${urlOf(to)} --transport http${to.key === null ? '' : ` --header "Authorization: ${bearer(to.key)}"`} --method tools/list`,
  },
  {
    id: 'sdk',
    title: 'SDK',
    place: 'With @gatewayops/sdk:',
    text: (to) =>
      `import { GatewayOps } from '@gatewayops/sdk';\n\nconst client = new GatewayOps({ gatewayUrl: ${JSON.stringify(to.gatewayUrl)}${
        to.key === null ? '' : `, apiKey: ${JSON.stringify(to.key)}`
      } });\nfor await (const tool of client.mcp.listTools(${JSON.stringify(to.name)})) console.log(tool.name);`,
  },
  {
    id: 'curl',
    title: 'curl',
    place: 'In a shell; it lists the tools:',
    text: (to) =>
      `curl -sS ${to.gatewayUrl}/v1/mcp/${to.name}/tools/list${to.key === null ? '' : ` -H "Authorization: ${bearer(to.key)}"`} -H "Content-Type: application/json" -d '{}'`,
  },
];
