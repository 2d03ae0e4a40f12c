import { isDeepStrictEqual } from 'node:util';
import { bounds } from '../../kernel/bounds.ts';
import { objectKey, objectRows, type ConfigObject } from '../../kernel/config-object.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ConfigObjectRecord, RegistryWrites } from '../../store/registry/registry-store.ts';
import { auditEvent } from '../audit/audit-event.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';
import { registryView, requireNotFixed, requireReach, type ObjectView } from './object-view.ts';
import { requireServes } from './require-serves.ts';

export interface PutObjectInput {
  readonly object: ConfigObject;
  /** The version that the caller has seen; null: there is to be none yet. */
  readonly expected: number | null;
  readonly dryRun: boolean;
}

export interface ObjectPut {
  readonly outcome: 'created' | 'changed' | 'unchanged' | 'planned';
  readonly view: ObjectView;
  readonly version: number;
}

/**
 * Makes something of the configuration, or another of it: the whole of it must be able to serve with it. When this returns, every worker of this
 * node goes by it, and every other node within a second. Faults: `managed_by_file`, `invalid_params`, `already_exists`, `unknown_object`,
 * `precondition_failed`, `config_conflict`, `restart_needed`, `forbidden`, `unavailable`.
 */
export async function putObject(context: ControlContext, { object, expected, dryRun }: PutObjectInput): Promise<ObjectPut> {
  const { organizationId, registry } = context;
  requireName(object);
  requireReach(context, object);
  requireNotFixed(context, object);
  const { outcome, record } = await registry.transaction(async (writes) => {
    if (!dryRun) await writes.configObjects.begin(organizationId);
    const all = await writes.configObjects.list(organizationId);
    const before = all.find((one) => objectKey(one) === objectKey(object)) ?? null;
    requireExpected(object, before, expected);
    if (before !== null && isDeepStrictEqual(before.spec, object.spec)) return { outcome: 'unchanged' as const, record: before };
    if (before === null && all.length >= bounds.configObjectsMax)
      throw new Fault('invalid_params', { reason: `there are ${bounds.configObjectsMax} things of the configuration already` });
    const next = recordAfter(context, object, before);
    requireServes(context, [...all.filter((one) => one !== before), next], [object]);
    if (dryRun) return { outcome: 'planned' as const, record: next };
    await writeObject(context, writes, next, before);
    return { outcome: before === null ? ('created' as const) : ('changed' as const), record: next };
  });
  if (outcome === 'created' || outcome === 'changed') {
    context.log.info('config.object_changed', { kind: object.kind, name: object.name, version: record.version, actor: context.actor.id });
    await context.objects.refresh();
  }
  return { outcome, view: registryView(context, record, context.objects.fixed()), version: record.version };
}

/** As it is kept after a change. */
export function recordAfter({ clock, actor }: ControlContext, object: ConfigObject, before: ConfigObjectRecord | null): ConfigObjectRecord {
  const now = { changedAtMs: clock.nowMs(), changedBy: actor.id };
  const made = before === null ? { createdAtMs: now.changedAtMs, createdBy: now.changedBy } : { createdAtMs: before.createdAtMs, createdBy: before.createdBy };
  return { kind: object.kind, name: object.name, spec: object.spec, version: (before?.version ?? 0) + 1, ...made, ...now };
}

/** Writes it with its event. What is said of it stays out of the audit: addresses and arguments may hold what is not for everyone. */
export async function writeObject(
  context: ControlContext,
  { configObjects, audit }: Pick<RegistryWrites, 'configObjects' | 'audit'>,
  next: ConfigObjectRecord,
  before: ConfigObjectRecord | null,
): Promise<void> {
  await configObjects.put(context.organizationId, next);
  const settings = [...new Set([...Object.keys(before?.spec ?? {}), ...Object.keys(next.spec)])].filter(
    (member) => before === null || !isDeepStrictEqual(before.spec[member], next.spec[member]),
  );
  await audit.insert(auditEvent(context, `${next.kind}.${before === null ? 'created' : 'changed'}`, next.name, { settings, version: next.version }));
}

/** Faults: `invalid_params`. */
export function requireName({ kind, name }: ConfigObject): void {
  const { pattern, about } = objectRows[kind].name;
  if (!pattern.test(name)) throw new Fault('invalid_params', { reason: `"${name.slice(0, 60)}" is no name of a ${objectRows[kind].title}. ${about}` });
}

function requireExpected({ kind, name }: ConfigObject, before: ConfigObjectRecord | null, expected: number | null): void {
  if (expected === null) {
    if (before !== null) throw new Fault('already_exists', { kind: objectRows[kind].title, name }, { extra: { version: before.version } });
    return;
  }
  if (before === null) throw unknownObject(kind, name);
  const { version } = before;
  if (version !== expected) throw new Fault('precondition_failed', { version }, { extra: { version } });
}
