import { Personal } from '../../chain/personal.ts';
import { Fault } from '../../kernel/fault.ts';
import type { SwitchData } from '../../kernel/switch.ts';
import type { RegistryWrites, SwitchRecord } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { ownServers } from '../servers/own-servers.ts';
import { endSessionsOfUser } from '../sessions/end-session.ts';
import { unknownObject } from '../unknown-object.ts';

/**
 * The kill switch: from when this returns no worker of this node lets a call through to the server or tool, or of the caller, and within a second no node
 * does. It wins over every policy, also over those of the file. Faults: `unknown_object`, `invalid_params`, `unavailable`.
 */
export async function switchOff(context: ControlContext, data: SwitchData): Promise<SwitchRecord> {
  const { organizationId, registry, clock, actor } = context;
  const { kind, name, reason, untilMs } = data;
  await requireKnown(context, data);
  const changedAtMs = clock.nowMs();
  if (untilMs !== null && untilMs <= changedAtMs) throw new Fault('invalid_params', { reason: 'until lies in the past' });
  const record: SwitchRecord = { ...data, changedAtMs, changedBy: actor.id };
  await registry.transaction(async (writes) => {
    await writes.access.begin(organizationId);
    await writes.access.putSwitch(organizationId, record);
    await auditSwitch(context, writes, data, 'switched_off', { reason, ...(untilMs === null ? {} : { until: new Date(untilMs).toISOString() }) });
  });
  context.log.warn('access.switched_off', { kind, name, actor: actor.id });
  await context.access.refresh();
  // They do not come back with the switch.
  if (kind === 'user') await endSessionsOfUser(context, name);
  return record;
}

/** Faults: `unknown_object` where nothing of it is off. */
export async function switchOn(context: ControlContext, kind: SwitchData['kind'], name: string): Promise<void> {
  const { organizationId, registry } = context;
  await registry.transaction(async (writes) => {
    await writes.access.begin(organizationId);
    if (!(await writes.access.deleteSwitch(organizationId, kind, name))) throw unknownObject('switch', `${kind}/${name}`);
    await auditSwitch(context, writes, { kind, name }, 'switched_on', {});
  });
  context.log.warn('access.switched_on', { kind, name, actor: context.actor.id });
  await context.access.refresh();
}

/** A user stands there under the pseudonym, as in every other entry about them, and is readable until they are erased. */
async function auditSwitch(
  context: ControlContext,
  { audit, directory, people }: RegistryWrites,
  { kind, name }: Pick<SwitchData, 'kind' | 'name'>,
  done: 'switched_off' | 'switched_on',
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  // One whom the directory does not know is no more than a name that keys carry: nobody is there to be erased.
  const isPerson = kind === 'user' && (await directory.hold(context.organizationId, { kind, id: name }));
  if (!isPerson) return void (await audit.insert(auditEvent(context, `${kind}.${done}`, name, detail)));
  const { pseudonym } = await people.take(context.organizationId, name);
  await audit.insert(auditEvent(context, `user.${done}`, pseudonym, { user: new Personal(name, { id: name }), ...detail }));
}

/** A slip of the finger in an emergency would leave the wrong thing on. Agents, users and teams may be unknown: they are names that keys carry. */
async function requireKnown(context: ControlContext, { kind, name }: SwitchData): Promise<void> {
  const { registry, organizationId } = context;
  if (name.includes('*') && kind !== 'tool') throw new Fault('invalid_params', { reason: 'a switch is for one thing; a pattern is for a policy' });
  if (kind === 'key' && (await registry.keys.find(organizationId, name)) === null) throw unknownObject('key', name);
  if (kind !== 'server' && kind !== 'tool') return;
  const slash = name.indexOf('/');
  if (kind === 'tool' && (slash <= 0 || slash === name.length - 1)) throw new Fault('invalid_params', { reason: 'a tool is named SERVER/TOOL' });
  const server = kind === 'server' ? name : name.slice(0, slash);
  if (!ownServers(context).some((one) => one.name === server)) throw unknownObject('server', server);
}
