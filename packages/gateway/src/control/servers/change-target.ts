import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { getServer } from './list-servers.ts';
import { putOrder } from './put-order.ts';
import type { TargetView } from './target-view.ts';

/**
 * Gives a target of a server another weight, or drains it: it then takes no new calls, those under way end, and its sessions go on
 * elsewhere. Holds on every node until it is taken back, or until the configuration names another weight. Faults: `unknown_object`, `unavailable`.
 */
export async function changeTarget(
  context: ControlContext,
  serverName: string,
  name: string,
  /** A weight of null is the configured one again. */
  change: { readonly weight?: number | null; readonly draining?: boolean },
): Promise<TargetView> {
  const find = async (): Promise<TargetView> => {
    const target = (await getServer(context, serverName)).targets.find((entry) => entry.name === name);
    if (!target) throw unknownObject('server', `${serverName}/${name}`);
    return target;
  };
  await find();
  const configured = context.config.servers.find((server) => server.name === serverName)?.upstream?.targets.find((target) => target.name === name)?.weight ?? 1;
  await context.registry.transaction(async ({ serverOrders, audit }) => {
    const before = await serverOrders.findForUpdate(context.organizationId, serverName);
    const { weight = null, draining = false } = before?.targets[name] ?? {};
    const { [name]: _asked, ...others } = before?.targets ?? {};
    const after = {
      weight: change.weight === undefined ? weight : change.weight === null ? null : { asked: change.weight, configured },
      draining: change.draining ?? draining,
    };
    const targets = after.weight === null && !after.draining ? others : { ...others, [name]: after };
    await putOrder(context, serverOrders, { server: serverName, routing: before?.routing ?? null, targets });
    await audit.insert(auditEvent(context, 'target.changed', `${serverName}/${name}`, { ...change }));
  });
  await context.upstreams.refresh();
  context.log.info('target.changed', { server: serverName, target: name, ...change, actor: context.actor.id });
  return find();
}
