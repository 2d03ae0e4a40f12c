import type { ServerConfig } from '../../config/config.ts';
import type { ControlContext, ServerState } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';

/** A server as an administrator sees it. */
export interface ServerView extends ServerState {
  readonly name: string;
  readonly transport: 'http' | 'stdio';
  /** Public path, e.g. `/mcp/filesystem`. */
  readonly path: string;
  readonly auth: 'apiKey' | 'none';
  /** The address without user, query and fragment, or the program without its arguments: either may hold a secret. */
  readonly target: string;
  readonly timeoutMs: number;
}

/** The servers that the actor may reach, in the order of the configuration. */
export function listServers(context: ControlContext): readonly ServerView[] {
  const reach = context.actor.grants.servers;
  return context.config.servers.filter(({ name }) => reach === null || reach.includes(name)).map((server) => viewOf(context, server));
}

/** One of them. Faults: `unknown_object`, the same for a server that does not exist and one out of reach. */
export function getServer(context: ControlContext, name: string): ServerView {
  const found = listServers(context).find((server) => server.name === name);
  if (!found) throw unknownObject('server', name);
  return found;
}

function viewOf({ config, serverState }: ControlContext, server: ServerConfig): ServerView {
  const route = config.routes.find((entry) => entry.server === server.name);
  return {
    name: server.name,
    transport: server.transport,
    path: route?.path ?? `/mcp/${server.name}`,
    auth: route?.auth.type ?? 'apiKey',
    target: server.transport === 'stdio' ? server.command[0] : publicPart(server.url),
    timeoutMs: route?.timeoutMs ?? server.timeoutMs,
    ...serverState(server.name),
  };
}

function publicPart(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}
