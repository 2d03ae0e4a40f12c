import { objectKey, objectRows, type ObjectName } from '../../kernel/config-object.ts';
import { Fault } from '../../kernel/fault.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { requireNotFixed, requireReach } from './object-view.ts';
import { blamed, checkWith } from './require-serves.ts';

export interface DeleteObjectInput {
  readonly object: ObjectName;
  /** The version that the caller has seen. */
  readonly expected: number;
  readonly dryRun: boolean;
}

const shownMax = 5;

/**
 * Takes something away that was made while the gateway ran; what others need stays. Faults: `managed_by_file`, `unknown_object`,
 * `precondition_failed`, `still_in_use`, `restart_needed`, `forbidden`, `unavailable`.
 */
export async function deleteObject(context: ControlContext, { object, expected, dryRun }: DeleteObjectInput): Promise<void> {
  const { organizationId, registry } = context;
  const { kind, name } = object;
  requireReach(context, object);
  await registry.transaction(async ({ configObjects, audit }) => {
    if (!dryRun) await configObjects.begin(organizationId);
    const all = await configObjects.list(organizationId);
    const before = all.find((one) => objectKey(one) === objectKey(object));
    if (before === undefined) {
      requireNotFixed(context, object);
      throw unknownObject(kind, name);
    }
    const { version } = before;
    if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
    const others = all.filter((one) => one !== before);
    const by = blamed(checkWith(context, others, []).faults, object);
    if (by.length > 0)
      throw new Fault(
        'still_in_use',
        {
          kind: objectRows[kind].title,
          name,
          by: `${by.slice(0, shownMax).join(', ')}${by.length > shownMax ? ` and ${by.length - shownMax} more` : ''}`,
          mend: 'Delete those first, or write them so that they do without it.',
        },
        { extra: { used_by: by.slice(0, shownMax), used_by_count: by.length } },
      );
    if (dryRun) return;
    await configObjects.delete(organizationId, object);
    await audit.insert(auditEvent(context, `${kind}.deleted`, name, { version }));
  });
  if (dryRun) return;
  context.log.info('config.object_deleted', { kind, name, actor: context.actor.id });
  await context.objects.refresh();
}
