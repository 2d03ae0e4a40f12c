import { isDeepStrictEqual } from 'node:util';
import { Fault } from '../../kernel/fault.ts';
import type { Routing, ServerOrder } from '../../snapshot/server-order.ts';
import type { CanaryData } from '../../snapshot/upstream-data.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { getServer, viewServer, type ServerView } from './list-servers.ts';
import { putOrder } from './put-order.ts';

/** What is left out stays as it is now; null is the configured one again. */
export interface ServerChange {
  readonly active?: string | null;
  /** Members that are left out stay; where there is no canary yet, `target` is needed. */
  readonly canary?: Partial<CanaryData> | null;
}

/**
 * Switches the active target of a server, and says which calls its canary takes. Holds on every node until it is taken back, or until the
 * configuration says another active target or canary. `dryRun`: only shows what would be. Faults: `unknown_object`, `invalid_params`, `unavailable`.
 */
export async function changeServer(context: ControlContext, name: string, change: ServerChange, { dryRun }: { dryRun: boolean }): Promise<ServerView> {
  await getServer(context, name);
  if (dryRun) return viewServer(context, name, orderAfter(context, name, change, context.upstreams.asked(name)));
  await context.registry.transaction(async ({ serverOrders, audit }) => {
    const after = orderAfter(context, name, change, await serverOrders.findForUpdate(context.organizationId, name));
    await putOrder(context, serverOrders, after);
    const { active, canary } = context.upstreams.routing(name, after);
    await audit.insert(auditEvent(context, 'server.switched', name, { active, canary: canary && { ...canary } }));
  });
  await context.upstreams.refresh();
  context.log.info('server.switched', { server: name, actor: context.actor.id });
  return getServer(context, name);
}

function orderAfter(context: ControlContext, server: string, change: ServerChange, before: ServerOrder | null): ServerOrder {
  const configured = context.upstreams.routing(server, null);
  const now = context.upstreams.routing(server, before);
  const active = change.active === undefined ? now.active : (change.active ?? configured.active);
  const asked = change.canary === undefined ? now.canary : change.canary === null ? configured.canary : merged(now.canary, change.canary);
  const names = context.config.servers.find(({ name }) => name === server)?.upstream?.targets.map(({ name }) => name) ?? [];
  requireTarget(names, active);
  requireTarget(names, asked?.target ?? null);
  // What takes all calls already is tried out no longer; to say both at once is a mistake.
  if (asked !== null && asked.target === active && change.canary)
    throw new Fault('invalid_params', { reason: `${active} is the active target: it takes all calls` });
  const routing: Routing = { active, canary: asked?.target === active ? null : asked };
  return {
    server,
    routing: isDeepStrictEqual(routing, configured) ? null : { ...routing, configured },
    targets: before?.targets ?? {},
    changedAtMs: context.clock.nowMs(),
    changedBy: context.actor.id,
  };
}

function merged(now: CanaryData | null, change: Partial<CanaryData>): CanaryData {
  const target = change.target ?? now?.target;
  if (target === undefined) throw new Fault('invalid_params', { reason: 'there is no canary yet: `canary.target` must name one of the targets' });
  return {
    target,
    sharePercent: change.sharePercent ?? now?.sharePercent ?? 0,
    header: change.header === undefined ? (now?.header ?? null) : change.header,
    principals: change.principals ?? now?.principals ?? [],
  };
}

function requireTarget(names: readonly string[], name: string | null): void {
  if (name === null || names.includes(name)) return;
  const reason = names.length < 2 ? 'this server has one target only' : `there is no target "${name}": it has ${names.join(', ')}`;
  throw new Fault('invalid_params', { reason });
}
