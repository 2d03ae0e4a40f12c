import type { ServerConfig } from '../../config/config.ts';
import type { ControlContext, ServerState } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import type { TargetReport } from '../../snapshot/upstream-data.ts';
import { addressOf, stateOfServer, targetViews, type TargetView } from './target-view.ts';

/** A server as an administrator sees it. */
export interface ServerView extends ServerState {
  readonly name: string;
  readonly transport: ServerConfig['transport'];
  /** Public path, e.g. `/mcp/filesystem`. */
  readonly path: string;
  readonly auth: 'apiKey' | 'none';
  /** The address without user, query and fragment, or the program without its arguments: either may hold a secret. */
  readonly target: string;
  readonly timeoutMs: number;
  readonly targets: readonly TargetView[];
}

/** The servers that the actor may reach, in the order of the configuration. */
export async function listServers(context: ControlContext): Promise<readonly ServerView[]> {
  const reports = await context.upstreams.reports();
  const reach = context.actor.grants.servers;
  return context.config.servers.filter(({ name }) => reach === null || reach.includes(name)).map((server) => viewOf(context, server, reports));
}

/** One of them. Faults: `unknown_object`, the same for a server that does not exist and one out of reach. */
export async function getServer(context: ControlContext, name: string): Promise<ServerView> {
  const found = (await listServers(context)).find((server) => server.name === name);
  if (!found) throw unknownObject('server', name);
  return found;
}

function viewOf({ config, serverState, upstreams }: ControlContext, server: ServerConfig, reports: readonly TargetReport[]): ServerView {
  const route = config.routes.find((entry) => entry.server === server.name);
  const targets = targetViews(server, reports, upstreams);
  return {
    name: server.name,
    transport: server.transport,
    path: route?.path ?? `/mcp/${server.name}`,
    auth: route?.auth.type ?? 'apiKey',
    target: addressOf(server),
    timeoutMs: route?.timeoutMs ?? server.timeoutMs,
    targets,
    ...stateOfServer(serverState(server.name), targets),
  };
}
