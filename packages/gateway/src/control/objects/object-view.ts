import type { FixedObject } from '../../config/config-loader.ts';
import { objectKey, objectKinds, objectRows, type ConfigObject, type ObjectKind, type ObjectName } from '../../kernel/config-object.ts';
import { Fault } from '../../kernel/fault.ts';
import type { ConfigObjectRecord } from '../../store/registry/registry-store.ts';
import type { ControlContext } from '../context.ts';
import { unknownObject } from '../unknown-object.ts';

/** A thing of the configuration as an administrator sees it. */
export interface ObjectView extends ObjectName {
  /** Null: it may hold what only those may see who may change it. */
  readonly spec: ConfigObject['spec'] | null;
  /** `default`: nobody has said anything. */
  readonly source: 'file' | 'environment' | 'registry' | 'default';
  /** Where it is changed, where a file says it. */
  readonly file: string | null;
  readonly line: number | null;
  readonly isServed: boolean;
  /** Why it does not serve. */
  readonly reason: string | null;
  /** Of one of the registry. */
  readonly record: Omit<ConfigObjectRecord, keyof ConfigObject> | null;
}

/** Kinds whose entries name addresses and arguments, in which people leave secrets. */
const guarded: ReadonlySet<ObjectKind> = new Set(['server', 'export_target']);

/** Of one kind or of all, those of the file before those of the registry with the same name, by kind and name. Faults: `unavailable`. */
export async function listObjects(context: ControlContext, kind: ObjectKind | null): Promise<readonly ObjectView[]> {
  const { registry, organizationId, objects, config } = context;
  const records = await registry.configObjects.list(organizationId);
  const fixed = objects.fixed();
  const kept: readonly ConfigObject[] = [
    { kind: 'retention', name: 'traces', spec: { keep: `${config.retention.tracesDays}d` } },
    { kind: 'retention', name: 'metrics', spec: { keep: `${config.retention.metricsDays}d` } },
    { kind: 'retention', name: 'audit', spec: { keep: `${config.audit.retentionDays}d` } },
  ];
  const said = new Set([...fixed, ...records].map(objectKey));
  const views = [
    ...kept
      .filter((object) => !said.has(objectKey(object)))
      .map((object): ObjectView => ({ ...object, source: 'default', file: null, line: null, isServed: true, reason: null, record: null })),
    ...fixed.map((object) => fixedView(context, object)),
    ...records.map((record) => registryView(context, record, fixed)),
  ].filter((view) => (kind === null || view.kind === kind) && mayReach(context, view));
  const orderOf = ({ kind: of, name, source }: ObjectView): string => `${objectKinds.indexOf(of)} ${name} ${source === 'registry' ? 1 : 0}`;
  return views.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

/** The one that serves, where there are two of the name. Faults: `unknown_object`, the same for one out of reach, `unavailable`. */
export async function getObject(context: ControlContext, wanted: ObjectName): Promise<ObjectView> {
  const found = (await listObjects(context, wanted.kind)).filter(({ name }) => name === wanted.name);
  const view = found.find(({ isServed }) => isServed) ?? found[0];
  if (view === undefined) throw unknownObject(wanted.kind, wanted.name);
  return view;
}

/** As it would be, or is, after a change. */
export function registryView(context: ControlContext, record: ConfigObjectRecord, fixed: readonly FixedObject[]): ObjectView {
  const { kind, name, spec, ...rest } = record;
  const shadow = fixed.find((object) => objectKey(object) === objectKey(record));
  const reason =
    shadow === undefined ? (context.objects.resting().get(objectKey(record)) ?? null) : `${placeText(context, shadow)} has the name, and what it says holds`;
  return {
    kind,
    name,
    spec: seen(context, kind) ? spec : null,
    source: 'registry',
    file: null,
    line: null,
    isServed: reason === null,
    reason,
    record: rest,
  };
}

function fixedView(context: ControlContext, { line, ...object }: FixedObject): ObjectView {
  return {
    ...object,
    spec: seen(context, object.kind) ? object.spec : null,
    source: line === null ? 'environment' : 'file',
    file: line === null ? null : context.config.file,
    line,
    isServed: true,
    reason: null,
    record: null,
  };
}

function seen({ actor }: ControlContext, kind: ObjectKind): boolean {
  return !guarded.has(kind) || actor.can('config.write');
}

function placeText({ config }: ControlContext, { line }: FixedObject): string {
  return line === null ? 'the environment' : `${config.file ?? ''}:${line}`;
}

function mayReach({ actor }: ControlContext, { kind, name }: ObjectName): boolean {
  const { servers } = actor.grants;
  if (servers === null) return true;
  const server = objectRows[kind].serverOf(name);
  return server !== null && servers.includes(server);
}

/** Faults: `forbidden` where the actor is limited to servers, and this is not of one of them. */
export function requireReach(context: ControlContext, object: ObjectName): void {
  if (!mayReach(context, object)) throw new Fault('forbidden', { reason: 'it is limited to some servers itself' });
}

/** Faults: `managed_by_file`, with the file and the line. */
export function requireNotFixed(context: ControlContext, object: ObjectName): void {
  const fixed = context.objects.fixed().find((one) => objectKey(one) === objectKey(object));
  if (fixed === undefined) return;
  const { title, setting } = objectRows[object.kind];
  throw new Fault(
    'managed_by_file',
    { what: `${title} "${object.name.slice(0, 100)}"`, file: placeText(context, fixed), setting: fixed.line === null ? 'MCP_SERVER_{NAME}_URL' : setting },
    { extra: fixed.line === null ? {} : { file: context.config.file, line: fixed.line } },
  );
}
