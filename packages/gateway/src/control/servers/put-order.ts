import type { ServerOrder } from '../../snapshot/server-order.ts';
import type { ServerOrderWrites } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';

/** Inside the transaction of a change; an order that asks for nothing is none. */
export async function putOrder(
  { organizationId, clock, actor }: Pick<ControlContext, 'organizationId' | 'clock' | 'actor'>,
  writes: ServerOrderWrites,
  order: Pick<ServerOrder, 'server' | 'routing' | 'targets'>,
): Promise<void> {
  if (order.routing === null && Object.keys(order.targets).length === 0) await writes.delete(organizationId, order.server);
  else await writes.put(organizationId, { ...order, changedAtMs: clock.nowMs(), changedBy: actor.id });
}
