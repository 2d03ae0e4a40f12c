import { join } from 'node:path';
import type { Config, ServerConfig } from '../config/config.ts';
import type { RunningGateway } from '../node/supervisor.ts';
import { commandName } from './command-name.ts';
import { defaultStateFolder } from './gateway-client.ts';
import type { Paint } from './output.ts';
import { shellWord } from './shell-word.ts';

export interface FirstScreen {
  readonly ready: RunningGateway['ready'];
  readonly config: Config;
  readonly stateFolder: string;
  readonly cwd: string;
  readonly paint: Paint;
}

/** What a started gateway says: where it is, how to get in, three commands that work as they stand. */
export function firstScreen(screen: FirstScreen): string {
  const { ready, config, paint } = screen;
  const gateway = commandName();
  const state = stateOption(screen);
  const dim = (text: string): string => paint.dim(text);
  const lines = ['', paint.bold('GatewayOps is ready.'), ''];
  if (ready.admin_link === null) lines.push(`  Dashboard  ${ready.url}   ${dim(`a new administrator link: ${gateway} admin link${state}`)}`);
  else lines.push(`  Dashboard  ${ready.admin_link}   ${dim('opens once, within an hour')}`);
  if (config.routes.length === 0) lines.push(`  MCP        ${ready.mcp}/{server}   ${dim('no server is configured yet')}`);
  const places = config.routes
    .slice(0, 10)
    .map(({ path, auth }) => `${ready.url}${path}${auth.type === 'none' ? dim('   open to everyone who reaches this address') : ''}`);
  if (config.aggregate.enabled && config.routes.length > 1) places.unshift(`${ready.mcp}   ${dim('all servers as one')}`);
  for (const [index, place] of places.entries()) lines.push(`  ${index === 0 ? 'MCP' : '   '}        ${place}`);
  if (config.routes.length > 10) lines.push(dim(`             … ${config.routes.length - 10} more: ${gateway} servers list${state}`));
  if (ready.api_key === null) lines.push(`  API key    ${dim(`a new one: ${gateway} keys create --name my-agent${state}`)}`);
  else lines.push(`  API key    ${paint.bold(ready.api_key)}   ${dim('shown once; only its hash is kept')}`);
  lines.push('', 'Try:', ...tryCommands(screen).map((line) => `  ${line}`), '');
  return lines.join('\n');
}

/** A call with the new key where there is one; else commands that need none. */
export function tryCommands(screen: FirstScreen): readonly string[] {
  const gateway = commandName();
  const state = stateOption(screen);
  const call = screen.ready.api_key === null ? null : callCommand(screen, screen.ready.api_key);
  const all = [
    ...(call === null ? [] : [call]),
    `${gateway} traces list${state}`,
    ...(screen.config.servers[0] === undefined ? [] : [`${gateway} servers test ${screen.config.servers[0].name}${state}`]),
    `${gateway} keys list${state}`,
    `${gateway} doctor${screen.config.file === null ? '' : ` --config ${shellWord(screen.config.file)}`}${state}`,
  ];
  return all.slice(0, 3);
}

function callCommand({ ready, config }: FirstScreen, key: string): string {
  const curl = (path: string, body: unknown): string =>
    `curl -sS ${ready.url}/v1/mcp/${path} -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d ${shellWord(JSON.stringify(body))}`;
  const everything = config.servers.find((server) => runs(server, 'server-everything'));
  if (everything !== undefined) return curl(`${everything.name}/tools/call`, { tool: 'echo', arguments: { message: 'hello' } });
  const filesystem = config.servers.find((server) => runs(server, 'server-filesystem'));
  if (filesystem !== undefined) return curl(`${filesystem.name}/tools/call`, { tool: 'list_allowed_directories', arguments: {} });
  // Which tools another server has is not known here; that it lists them is.
  const [first] = config.servers;
  return first === undefined ? `curl -sS ${ready.url}/v1/health -H 'Authorization: Bearer ${key}'` : curl(`${first.name}/tools/list`, {});
}

function runs(server: ServerConfig, sample: string): boolean {
  return server.transport === 'stdio' && server.command.some((word) => word.includes(`@modelcontextprotocol/${sample}`) || word.endsWith(`mcp-${sample}`));
}

/** Nothing where a command finds the folder by itself. */
function stateOption({ stateFolder, cwd }: FirstScreen): string {
  return stateFolder === join(cwd, defaultStateFolder) ? '' : ` --state ${shellWord(stateFolder)}`;
}
