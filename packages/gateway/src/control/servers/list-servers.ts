import type { ServerConfig } from '../../config/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { defaultOrganizationId } from '../../kernel/id.ts';
import { authText } from '../../kernel/route-auth.ts';
import type { ControlContext, ServerState } from '../context.ts';
import { listObjects, type ObjectView } from '../objects/object-view.ts';
import { unknownObject } from '../unknown-object.ts';
import type { ServerOrder } from '../../snapshot/server-order.ts';
import type { ServerReports } from '../../node/worker-report.ts';
import type { CanaryData } from '../../snapshot/upstream-data.ts';
import { ownServers } from './own-servers.ts';
import { addressOf, listsOf, stateOfServer, targetViews, type TargetView } from './target-view.ts';

/** A server as an administrator sees it. */
export interface ServerView extends ServerState {
  readonly name: string;
  readonly transport: ServerConfig['transport'];
  /** Public path, e.g. `/mcp/filesystem`. */
  readonly path: string;
  /** `apiKey`, or several as `apiKey, jwt`. */
  readonly auth: string;
  /** The address without user, query and fragment, or the program without its arguments: either may hold a secret. */
  readonly target: string;
  readonly timeoutMs: number;
  readonly targets: readonly TargetView[];
  /** By the configuration, or by what an administrator has asked for beside it. */
  readonly active: string | null;
  readonly canary: CanaryData | null;
  /** When and by whom something was last asked for that holds beside the configuration; null: nothing is. */
  readonly order: { readonly changedAtMs: number; readonly changedBy: string } | null;
  /** As it listed them when a worker of this node last read its list; null: none has, or there are none. */
  readonly toolsListed: number | null;
  /** Where it is said, and what; null where the registry does not answer, and for other organizations than the gateway's own. */
  readonly managed: ObjectView | null;
}

/** The servers that the actor may reach, in the order of the configuration. */
export async function listServers(context: ControlContext): Promise<readonly ServerView[]> {
  const reports = await context.upstreams.reports();
  const reach = context.actor.grants.servers;
  const said = await saidOf(context);
  return ownServers(context)
    .filter(({ name }) => reach === null || reach.includes(name))
    .map((server) => viewOf(context, server, reports, context.upstreams.asked(server.name), said));
}

/** One of them, by an order that may not hold yet. Faults: `unknown_object`. */
export async function viewServer(context: ControlContext, name: string, order: ServerOrder | null): Promise<ServerView> {
  const server = ownServers(context).find((entry) => entry.name === name);
  if (!server) throw unknownObject('server', name);
  return viewOf(context, server, await context.upstreams.reports(), order, await saidOf(context));
}

/** One of them. Faults: `unknown_object`, the same for a server that does not exist and one out of reach. */
export async function getServer(context: ControlContext, name: string): Promise<ServerView> {
  const found = (await listServers(context)).find((server) => server.name === name);
  if (!found) throw unknownObject('server', name);
  return found;
}

/** Servers are seen also while the registry is away. */
async function saidOf(context: ControlContext): Promise<readonly ObjectView[]> {
  // Where the gateway's file lies is for who runs it.
  if (context.organizationId !== defaultOrganizationId) return [];
  try {
    return await listObjects(context, 'server');
  } catch (error) {
    if (error instanceof Fault && error.code === 'unavailable') return [];
    throw error;
  }
}

function viewOf(
  { config, serverState, upstreams }: ControlContext,
  server: ServerConfig,
  reports: ServerReports,
  order: ServerOrder | null,
  said: readonly ObjectView[],
): ServerView {
  const route = config.routes.find((entry) => entry.server === server.name);
  const routing = upstreams.routing(server.name, order);
  const targets = targetViews(server, reports.targets, upstreams, routing);
  const lists = listsOf(server, reports.lists);
  // A list that nobody has read yet is told as one without entries.
  const tools = lists.filter(({ list, entries }) => list === 'tools' && entries > 0).map(({ entries }) => entries);
  return {
    name: server.name,
    transport: server.transport,
    path: route?.path ?? `/mcp/${server.name}`,
    auth: authText(route?.auth.type ?? 'apiKey'),
    target: addressOf(server),
    timeoutMs: route?.timeoutMs ?? server.timeoutMs,
    targets,
    ...routing,
    order:
      order !== null && (order.routing !== null || Object.keys(order.targets).length > 0)
        ? { changedAtMs: order.changedAtMs, changedBy: order.changedBy }
        : null,
    toolsListed: tools.length === 0 ? null : Math.max(...tools),
    managed: said.find(({ name, isServed }) => name === server.name && isServed) ?? null,
    ...stateOfServer(serverState(server.name), targets, lists),
  };
}
