import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { getServer } from './list-servers.ts';
import type { TargetView } from './target-view.ts';

/**
 * Gives a target of a running server another weight, or drains it: it then takes no new calls, those under way end, and its sessions are
 * over. Holds for this node until it restarts; the configuration says what holds from then on. Faults: `unknown_object`, `unavailable`.
 */
export async function changeTarget(
  context: ControlContext,
  serverName: string,
  name: string,
  change: { readonly weight?: number | null; readonly draining?: boolean },
): Promise<TargetView> {
  const find = async (): Promise<TargetView> => {
    const target = (await getServer(context, serverName)).targets.find((entry) => entry.name === name);
    if (!target) throw unknownObject('server', `${serverName}/${name}`);
    return target;
  };
  await find();
  await context.registry.transaction(({ audit }) => audit.insert(auditEvent(context, 'target.changed', `${serverName}/${name}`, { ...change })));
  await context.upstreams.change(serverName, name, change);
  context.log.info('target.changed', { server: serverName, target: name, ...change, actor: context.actor.id });
  return find();
}
